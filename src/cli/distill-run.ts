/** One run of `limbeck distill`, from the configuration to the files of its directory; begun, or gone on with. */
import type { RunData } from '../config/build-data.ts';
import { buildStrategy } from '../config/build-strategy.ts';
import type { BuiltStudent } from '../config/build-student.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { RunConfig } from '../config/complete-config.ts';
import { type Domain, dataPath, IMAGES, TEXTS } from '../config/domains.ts';
import { LimbeckError } from '../errors.ts';
import type { RunRecord } from '../report/run-record.ts';
import type { StudentSample } from '../students/loaded-student.ts';
import type { CachedTeacherRows } from '../teachers/teacher-cache.ts';
import { distill } from '../training/distill.ts';
import type { DistillDirectory } from './distill-directory.ts';
import { newRecord, withModels } from './distill-record.ts';
import { finishRun } from './finish-run.ts';
import { MetricsFile } from './metrics-file.ts';
import type { Progress } from './progress.ts';
import { RunReporter } from './run-reporter.ts';
import { answersFor, truncationWarning } from './student-inputs.ts';
import { count } from './teacher-progress.ts';
import { askTokens, teacherRows } from './teacher-rows.ts';
import { writeSkipped } from './write-skipped.ts';

export interface RunContext {
  readonly directory: DistillDirectory;
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** The command line, for the record. */
  readonly command: string;
}

/** What is held until the run ends, the latest released first. */
type Held = (() => unknown)[];

/**
 * @throws LimbeckError ABORTED when it was interrupted, with a checkpoint kept; DATA_MISMATCH; errors of data, teacher, training and files.
 *   run.json then says what happened
 */
export function runDistill(config: RunConfig, context: RunContext): Promise<RunRecord> {
  return config.data.texts === undefined ? run(IMAGES, config, context) : run(TEXTS, config, context);
}

async function run<Sample extends StudentSample, Data extends RunData<Sample>>(
  domain: Domain<Sample, Data>,
  config: RunConfig,
  context: RunContext,
): Promise<RunRecord> {
  const { directory } = context;
  const data = await readData(domain, config, context);
  let record = newRecord(config, domain.kind, data, context);
  await writeSkipped(directory.file('skipped'), data.skipped);
  await directory.writeRecord(record);
  const held: Held = [];
  try {
    const teacher = await domain.teacher(config);
    if (teacher) held.push(() => teacher.teacher.release?.());
    // Of augmented data there are no rows to keep.
    const rows =
      teacher && !data.training.augmented
        ? await teacherRows({ teacher: teacher.teacher, data: data.training, what: 'training' }, config, context)
        : undefined;
    if (rows) held.push(() => rows.embeddings.release());
    const known = teacher && { ...teacher, ...shapeOf(teacher), embed: askTokens(teacher.teacher, config, context) };
    const student = await domain.student(config, data, known ?? {});
    record = withModels(record, { teacher, rows, student });
    await directory.writeRecord(record);
    const parts = { domain, config, data, teacher, rows, student };
    const result = await train(parts, context, held);
    record = await finishRun({ ...parts, record, result }, context);
    return record;
  } catch (error) {
    const interrupted = error instanceof LimbeckError && error.code === 'ABORTED';
    const failure = { error: error instanceof Error ? error.message : String(error) };
    // The error that ended the run is the one to hear about, also where the disk is full.
    await directory
      .writeRecord({ ...record, status: interrupted ? 'interrupted' : 'failed', ...(!interrupted && failure) })
      .catch(() => undefined);
    throw error;
  } finally {
    for (const release of held.reverse()) await release();
  }
}

const shapeOf = <Sample>({ teacher: { dimension, classes } }: BuiltTeacher<Sample>) => ({ dimension, classes });

async function readData<Sample, Data extends RunData<Sample>>(
  { data: read, unit }: Domain<Sample, Data>,
  config: RunConfig,
  { directory, progress, signal }: RunContext,
): Promise<Data> {
  const path = dataPath(config);
  const began = performance.now();
  progress.update('data', `reading ${path}`, { done: 0, seconds: 0 });
  const data = await read(config, {
    signal,
    onProgress: (done, total) =>
      progress.update('data', `${count(done)}/${count(total)} ${unit}`, {
        done: done / Math.max(1, total),
        seconds: (performance.now() - began) / 1000,
      }),
  });
  directory.checkData(data.training.fingerprint, path);
  const { training, validation, skipped } = data;
  progress.finish(
    'data',
    `${path}: ${count(training.size)} ${unit} to train on, ${validation ? count(validation.size) : 'none'} to measure on` +
      (skipped.length > 0 ? `, ${count(skipped.length)} left out (${directory.file('skipped')} lists them)` : ''),
  );
  return data;
}

async function train<Sample, Data extends RunData<Sample>>(
  parts: {
    readonly domain: Domain<Sample, Data>;
    readonly config: RunConfig;
    readonly data: Data;
    readonly teacher: BuiltTeacher<Sample> | undefined;
    readonly rows: CachedTeacherRows | undefined;
    readonly student: BuiltStudent<Sample>;
  },
  { directory, progress, signal }: RunContext,
  held: Held,
) {
  const { domain, config, data, teacher, rows, student: built } = parts;
  const { student } = built;
  const { training } = data;
  const warning = truncationWarning(built, training.size);
  if (warning !== undefined) progress.warn(warning);
  const useLabels = config.training.useLabels ?? (student.classes !== undefined && training.labels !== undefined);
  const strategy = buildStrategy(config, { data: training, rows: rows?.embeddings, useLabels });
  held.push(() => strategy.release());
  const metrics = new MetricsFile(directory.file('metrics'));
  held.push(() => metrics.close());
  const { validation, earlyStopping, checkpoint, optimizer, device, useLabels: _, ...numbers } = config.training;
  const reporter = new RunReporter({
    ...{ progress, metrics, seed: numbers.seed, epochs: numbers.epochs },
    ...{ samples: training.size, unit: domain.unit },
  });
  const answers = rows && answersFor(student, rows);
  const result = await distill<typeof student, Sample>({
    ...numbers,
    ...{ student, data: training, strategy, useLabels, optimizer, device, signal, cache: config.cache },
    ...(teacher && { teacher: answers ?? teacher.teacher }),
    ...(data.validation && {
      validation: { ...validation, data: data.validation, ...(teacher && { teacher: teacher.teacher }) },
    }),
    ...(earlyStopping && { earlyStopping }),
    checkpoint: { ...checkpoint, directory: directory.file('checkpoints') },
    onEvent: reporter.onEvent,
  }).finally(() => metrics.flush());
  if (!metrics.started) metrics.start(result.steps);
  await metrics.flush();
  progress.finish(
    'train',
    `${count(result.steps)} steps in ${result.seconds.toFixed(1)}s, mean loss of the last epoch ${result.loss.toFixed(3)}` +
      (result.stoppedEarly ? '; stopped early' : ''),
  );
  return result;
}
