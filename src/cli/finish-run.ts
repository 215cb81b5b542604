/** The end of a run of `limbeck distill`: the student with its model card, the results, the report, and at last the word "complete". */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunData } from '../config/build-data.ts';
import type { BuiltStudent } from '../config/build-student.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { RunConfig } from '../config/complete-config.ts';
import { type Domain, dataPath } from '../config/domains.ts';
import type { HeldOutRows } from '../report/held-out.ts';
import { parseMetricsLines } from '../report/metrics-lines.ts';
import type { RunRecord } from '../report/run-record.ts';
import type { StudentSample } from '../students/loaded-student.ts';
import type { ModelCardFacts } from '../students/model-card.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import type { DistillResult } from '../training/distill-options.ts';
import { RUN_FILES } from './demo-parts.ts';
import type { DistillDirectory } from './distill-directory.ts';
import type { RunContext } from './distill-run.ts';
import { drawReport } from './draw-report.ts';
import { heldOutRows, writeHeldOut } from './held-out.ts';
import { METHOD } from './run-reporter.ts';
import { count } from './teacher-progress.ts';

interface FinishedParts<Sample> {
  readonly domain: Pick<Domain<Sample>, 'unit'>;
  readonly config: RunConfig;
  readonly data: RunData<Sample>;
  readonly teacher: BuiltTeacher<Sample> | undefined;
  readonly student: BuiltStudent<Sample>;
  readonly record: RunRecord;
  readonly result: DistillResult<unknown>;
}

/** @throws LimbeckError FILE_UNWRITABLE */
export async function finishRun<Sample extends StudentSample>(
  parts: FinishedParts<Sample>,
  { directory, progress }: RunContext,
): Promise<RunRecord> {
  const { config, data, student: built, result } = parts;
  const { student, architecture } = built;
  // After early stopping the student is that of the best validation.
  const measured = (result.stoppedEarly ? result.best : undefined) ?? result.validation.at(-1);
  const metrics = { ...measured?.metrics };
  const { classNames } = data.training;
  const named = classNames !== undefined && classNames.length === student.classes;
  await student.save(directory.file('student'), { card: cardOf(parts, metrics), ...(named && { classNames }) });
  const { size: sizeBytes } = await stat(join(directory.file('student'), ...MODEL_FILE.split('/')));
  const record: RunRecord = {
    ...parts.record,
    status: 'complete',
    finishedAt: new Date().toISOString(),
    ...(parts.record.student && { student: { ...parts.record.student, sizeBytes } }),
    validation: result.validation.map((point) => ({ ...point, metrics: { ...point.metrics } })),
    ...(result.best && { best: { ...result.best, metrics: { ...result.best.metrics } } }),
    results: [
      {
        method: METHOD,
        label: `student (${architecture})`,
        seed: config.training.seed,
        metrics,
        trainingSeconds: result.seconds,
        sizeBytes,
        samplesPerSecond: null,
        parameters: student.parameterCount,
      },
    ],
  };
  const curves = parseMetricsLines(await readFile(directory.file('metrics'), 'utf8'), directory.file('metrics'));
  const heldOut = await heldOutOf(parts, directory);
  if (heldOut) {
    const file = (name: string): string => join(directory.path, ...name.split('/'));
    await writeHeldOut({ texts: file(RUN_FILES.heldOutTexts), rows: file(RUN_FILES.heldOutRows) }, heldOut);
  }
  progress.update('report', 'drawing the map', { done: 0, seconds: 0 });
  await drawReport(directory.file('report'), { record, curves, heldOut });
  await directory.writeRecord(record);
  progress.finish('student', directory.file('student'));
  return record;
}

function heldOutOf<Sample extends StudentSample>(
  { config, data: { validation }, teacher }: FinishedParts<Sample>,
  directory: DistillDirectory,
): Promise<HeldOutRows | undefined> {
  if (!validation || !teacher) return Promise.resolve(undefined);
  return heldOutRows({ data: validation, teacher, cache: config.cache, student: directory.file('student') });
}

function cardOf<Sample>(
  { config, data, domain, teacher, record, result }: FinishedParts<Sample>,
  metrics: Readonly<Record<string, number>>,
): ModelCardFacts {
  const { strategy, training } = config;
  const { kind, ...strategyOptions } = strategy;
  return {
    name: config.name,
    ...(teacher && {
      teacher: {
        name: teacher.name,
        fingerprint: teacher.teacher.fingerprint,
        dimension: teacher.teacher.dimension,
        parameters: teacher.parameters,
      },
    }),
    data: {
      name: dataPath(config),
      size: data.training.size,
      fingerprint: data.training.fingerprint,
      skipped: data.skipped.length,
    },
    recipe: {
      strategy: kind,
      strategyOptions,
      optimizer: training.optimizer,
      epochs: training.epochs,
      steps: result.steps,
      batchSize: training.batchSize,
      seed: training.seed,
      limbeck: record.limbeck,
    },
    ...(data.validation &&
      Object.keys(metrics).length > 0 && {
        evaluation: {
          on: `${count(Math.min(data.validation.size, training.validation.samples))} held-out ${domain.unit}`,
          student: metrics,
        },
      }),
  };
}
