/** A comparison from its configuration to the files of its directory; begun, or gone on with. */
import { rm } from 'node:fs/promises';
import type { RunData } from '../config/build-data.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import { type Domain, dataPath, IMAGES, TEXTS } from '../config/domains.ts';
import type { Comparison } from '../config/read-compare.ts';
import type { Dataset } from '../data/dataset.ts';
import { refuseOverlap } from '../data/overlap.ts';
import { LimbeckError } from '../errors.ts';
import { accuracy } from '../evaluation/accuracy.ts';
import { expectedCalibrationError } from '../evaluation/calibration.ts';
import { fullMeasures } from '../evaluation/full-measures.ts';
import type { Metrics } from '../evaluation/metrics.ts';
import { formatScore } from '../evaluation/metrics.ts';
import { leaveOneOutAccuracy } from '../evaluation/nearest-neighbour-accuracy.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { ComparisonRecord, ComparisonResult } from '../report/comparison-record.ts';
import { formatSeconds } from '../report/format.ts';
import type { StudentSample } from '../students/loaded-student.ts';
import type { CachedTeacherRows } from '../teachers/teacher-cache.ts';
import { checkLabels, checkWidths } from './compare-checks.ts';
import type { ComparisonDirectory } from './compare-directory.ts';
import { identify, type PreparedRun } from './compare-identity.ts';
import { runOne, type SharedParts } from './compare-one.ts';
import { newComparisonRecord } from './compare-record.ts';
import { keepSamples } from './compare-samples.ts';
import type { Progress } from './progress.ts';
import { count } from './teacher-progress.ts';
import { askTokens, teacherRows } from './teacher-rows.ts';
import { writeSkipped } from './write-skipped.ts';

export interface CompareContext {
  readonly directory: ComparisonDirectory;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** The command line, for the record. */
  readonly command: string;
  /** Runs whose configuration has changed are done again, instead of refused. */
  readonly again: boolean;
}

/**
 * @throws LimbeckError ABORTED when it was interrupted, with everything that was done kept; DATA_OVERLAP for test samples in the training
 *   data; CHECKPOINT_MISMATCH for results of another configuration; errors of data, teacher, training and files
 */
export function runComparison(comparison: Comparison, context: CompareContext): Promise<ComparisonRecord> {
  const [{ config }] = comparison.runs;
  return config.data.texts === undefined ? run(IMAGES, comparison, context) : run(TEXTS, comparison, context);
}

async function run<Sample extends StudentSample, Data extends RunData<Sample>>(
  domain: Domain<Sample, Data>,
  comparison: Comparison,
  context: CompareContext,
): Promise<ComparisonRecord> {
  const { directory, again, command } = context;
  const { data, measured } = await readData(domain, comparison, context);
  const { full, test, measureOn } = comparison.parsed;
  const otherClasses = test.classes === 'other' && measureOn === 'test';
  const [{ config }] = comparison.runs;
  const teacher = await domain.teacher(config);
  let record: ComparisonRecord | undefined;
  try {
    const shape = teacher
      ? { ...teacher, ...shapeOf(teacher), embed: askTokens(teacher.teacher, config, context) }
      : {};
    const runs = identify(comparison.runs, {
      ...{ data, measured: measured.fingerprint, shape, full, otherClasses },
      teacher: teacher && (teacher.teacher.fingerprintFor?.(data.training) ?? teacher.teacher.fingerprint),
    });
    checkWidths(runs, teacher);
    if (!otherClasses) checkLabels(runs, { data, measured, shape, measureOn });
    const todo = await directory.todo(runs, { again });
    const { earlier } = directory;
    record = newComparisonRecord({ comparison, kind: domain.kind, data, measured, teacher, runs, command, earlier });
    await directory.writeRecord(record);
    await writeSkipped(directory.file('skipped'), data.skipped);
    if (todo.length === 0) context.progress.finish('complete', `${directory.path} holds all ${runs.length} runs`);
    else {
      const parts = { domain, comparison, data, measured, teacher, shape, otherClasses };
      record = await runAll(todo, record, parts, context);
    }
    record = { ...record, status: 'complete', finishedAt: new Date().toISOString() };
    await directory.writeRecord(record);
    await rm(directory.file('unfinished'), { recursive: true, force: true });
    return record;
  } catch (error) {
    const interrupted = error instanceof LimbeckError && error.code === 'ABORTED';
    const failure = { error: error instanceof Error ? error.message : String(error) };
    // The error that ended the comparison is the one to hear about, also where the disk is full.
    const ended = record && {
      ...record,
      status: interrupted ? ('interrupted' as const) : ('failed' as const),
      ...(!interrupted && failure),
    };
    if (ended) await directory.writeRecord(ended).catch(() => undefined);
    throw error;
  } finally {
    await teacher?.teacher.release?.();
  }
}

const shapeOf = <Sample>({ teacher: { dimension, classes } }: BuiltTeacher<Sample>) => ({ dimension, classes });

/** The test part is taken away first; then it is made sure that nothing of it is left in what is trained on, or chosen by. */
async function readData<Sample, Data extends RunData<Sample>>(
  { data: read, unit }: Domain<Sample, Data>,
  { runs: [{ config, written }], test, parsed }: Comparison,
  { directory, progress, signal }: CompareContext,
): Promise<{ readonly data: Data; readonly measured: Dataset<Sample> }> {
  const path = dataPath(written);
  const began = performance.now();
  progress.update('data', `reading ${path}`, { done: 0, seconds: 0 });
  const data = await read(config, {
    ...{ signal, test },
    onProgress: (done, total) =>
      progress.update('data', `${count(done)}/${count(total)} ${unit}`, {
        done: done / Math.max(1, total),
        seconds: (performance.now() - began) / 1000,
      }),
  });
  const { training, plain = training, validation, test: tested, skipped } = data;
  const testData = tested as Dataset<Sample>;
  await refuseOverlap(plain, testData, ['the training data', 'the test data']);
  if (validation) {
    await refuseOverlap(plain, validation, ['the training data', 'the validation data']);
    await refuseOverlap(validation, testData, ['the validation data', 'the test data']);
  }
  const measured = parsed.measureOn === 'test' ? testData : validation;
  if (!measured) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected samples to measure on, got none. Raise data.validation.`,
    );
  }
  progress.finish(
    'data',
    `${path}: ${count(training.size)} ${unit} to train on, ${count(testData.size)} to test on` +
      `${validation ? `, ${count(validation.size)} to validate on` : ''}, none in two parts` +
      (skipped.length > 0 ? `; ${count(skipped.length)} left out (${directory.file('skipped')} lists them)` : ''),
  );
  return { data, measured };
}

async function runAll<Sample extends StudentSample, Data extends RunData<Sample>>(
  todo: readonly PreparedRun[],
  begun: ComparisonRecord,
  parts: Pick<SharedParts<Sample, Data>, 'domain' | 'data' | 'measured' | 'teacher' | 'shape' | 'otherClasses'> & {
    readonly comparison: Comparison;
  },
  context: CompareContext,
): Promise<ComparisonRecord> {
  const { directory, progress, signal } = context;
  const { data, measured, teacher, comparison, otherClasses } = parts;
  const { full } = comparison.parsed;
  const keepsStudents = comparison.parsed.output.students;
  const { config } = comparison.runs[0];
  const ask = (asked: Dataset<Sample>, what: string) =>
    teacher && teacherRows({ teacher: teacher.teacher, data: asked, what }, config, context);
  const rows = data.training.augmented ? undefined : await ask(data.training, 'training');
  const ofMeasured = await ask(measured, comparison.parsed.measureOn);
  try {
    const metrics =
      begun.teacher?.metrics ?? (ofMeasured && (await teacherMetrics(ofMeasured, measured, { full, otherClasses })));
    const record = { ...begun, ...(begun.teacher && metrics && { teacher: { ...begun.teacher, metrics } }) };
    await directory.writeRecord(record);
    const shared: SharedParts<Sample, Data> = {
      ...{ ...parts, rows, measuredRows: ofMeasured?.embeddings, tokenizers: new Map() },
      ...{ directory, keepsStudents, full, signal, keptSeed: comparison.seeds[0] },
    };
    await keepSamples(directory.path, record, { measured, teacher: ofMeasured?.embeddings });
    const before = begun.runs.length - todo.length;
    if (before > 0) progress.finish('resume', `${before} of ${begun.runs.length} runs are done`);
    for (const [i, one] of todo.entries()) {
      const place = `${before + i + 1}/${begun.runs.length} ${one.method}, ${one.student}, seed ${one.seed}`;
      const result = await runOne(one, shared, watcher(place, progress));
      await directory.append(result);
      await rm(directory.unfinished(one), { recursive: true, force: true });
      progress.finish('run', `${place}: ${outcome(result)}`);
    }
    return record;
  } finally {
    rows?.embeddings.release();
    ofMeasured?.embeddings.release();
  }
}

function watcher(place: string, progress: Progress) {
  let began: number | undefined;
  return {
    onStep: ({ step, steps, loss, seconds }: { step: number; steps: number; loss: number; seconds: number }) =>
      progress.update('train', `${place} · step ${count(step)}/${count(steps)} · loss ${loss.toFixed(3)}`, {
        done: step / steps,
        seconds,
      }),
    onMeasured: (done: number, total: number) => {
      began ??= performance.now();
      const seconds = (performance.now() - began) / 1000;
      progress.update('measure', `${place} · ${count(done)}/${count(total)}`, { done: done / total, seconds });
    },
    onWarning: (message: string) => progress.warn(`${place}: ${message}`),
  };
}

function outcome({ error, metrics, trainingSeconds }: ComparisonResult): string {
  if (error !== undefined) return error;
  const shown = Object.entries(metrics).slice(0, 3);
  const scores = shown.map(([name, value]) => `${name} ${formatScore(value)}`).join(', ');
  return `${scores}${trainingSeconds === null ? '' : ` in ${formatSeconds(trainingSeconds)}`}`;
}

/** What the teacher's own rows score, where labels say. */
async function teacherMetrics(
  { embeddings, outputs }: CachedTeacherRows,
  { labels, size }: Dataset<unknown>,
  { full, otherClasses }: Pick<SharedParts<unknown, never>, 'full' | 'otherClasses'>,
): Promise<Metrics> {
  const rows = embeddings.gather(everyNumber(size));
  const more = full ? await fullMeasures({ rows, labels }) : {};
  if (!labels) return more;
  const logits = otherClasses ? undefined : outputs?.gather(everyNumber(size));
  return {
    ...(logits && {
      accuracy: accuracy(logits, labels),
      calibrationError: expectedCalibrationError(logits, labels),
    }),
    ...(size > 1 && { knnAccuracy: leaveOneOutAccuracy(rows, labels) }),
    ...more,
  };
}
