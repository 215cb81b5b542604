/** One run of a comparison: a student is built, trained, saved, loaded again as users load it, and measured on what it never saw. */
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunData } from '../config/build-data.ts';
import { buildStrategy, readsOutputs } from '../config/build-strategy.ts';
import type { AskedTeacher } from '../config/build-student.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { BuiltTokenizer } from '../config/build-tokenizer.ts';
import { strategiesOf } from '../config/complete-config.ts';
import type { Domain } from '../config/domains.ts';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import { type EvaluationResult, evaluateModel } from '../evaluation/evaluate-model.ts';
import { fullMeasures } from '../evaluation/full-measures.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { ComparisonResult } from '../report/comparison-record.ts';
import { meansOfStretches } from '../report/loss-curves.ts';
import { isStep, parseMetricsLines } from '../report/metrics-lines.ts';
import { readText } from '../runtime/read-files.ts';
import type { StudentSample } from '../students/loaded-student.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import { distill } from '../training/distill.ts';
import type { DistillEvent, StepEvent } from '../training/distill-options.ts';
import { Student } from '../training/student.ts';
import type { ComparisonDirectory } from './compare-directory.ts';
import type { PreparedRun } from './compare-identity.ts';
import { keepRows } from './compare-samples.ts';
import { ownVersion } from './environment.ts';
import { MetricsFile } from './metrics-file.ts';
import { StepLines } from './step-lines.ts';
import { answersFor, truncationWarning } from './student-inputs.ts';

/** What all runs of a comparison share. */
export interface SharedParts<Sample, Data extends RunData<Sample>> {
  readonly domain: Domain<Sample, Data>;
  readonly data: Data;
  readonly measured: Dataset<Sample>;
  readonly teacher: BuiltTeacher<Sample> | undefined;
  readonly shape: AskedTeacher<Sample>;
  /** Of the training data; undefined where the teacher is asked at every batch. */
  readonly rows: { readonly embeddings: RowSource; readonly outputs?: RowSource } | undefined;
  /** Of the measured data. */
  readonly measuredRows: RowSource | undefined;
  readonly tokenizers: Map<string, BuiltTokenizer>;
  readonly directory: ComparisonDirectory;
  readonly keepsStudents: boolean;
  /** Whether also what takes longer is measured. */
  readonly full: boolean;
  /** Whose rows of the kept samples are kept. */
  readonly keptSeed: number;
  /** Whether the labels of the measured samples are no classes of the students, so that outputs cannot be held against them. */
  readonly otherClasses: boolean;
  readonly signal: AbortSignal;
}

export interface RunWatcher {
  onStep(event: StepEvent): void;
  onMeasured(done: number, total: number): void;
  onWarning(message: string): void;
}

/**
 * Trains and measures; the scores are written, the result is the caller's to write.
 *
 * @returns a result without figures for a training that diverged
 * @throws LimbeckError ABORTED with a checkpoint kept; errors of data, teacher, training and files
 */
export async function runOne<Sample extends StudentSample, Data extends RunData<Sample>>(
  prepared: PreparedRun,
  shared: SharedParts<Sample, Data>,
  watcher: RunWatcher,
): Promise<ComparisonResult> {
  const { method, student: name, seed, digest, identity, run, studentConfig } = prepared;
  const { domain, data, shape, tokenizers, directory, keepsStudents } = shared;
  const startedAt = new Date().toISOString();
  const built = await domain.student(studentConfig, data, shape, tokenizers);
  const { student, architecture } = built;
  const warning = truncationWarning(built, data.training.size);
  if (warning !== undefined) watcher.onWarning(warning);
  const known = {
    ...{ method, student: name, seed, digest, identity, limbeck: ownVersion(), startedAt, architecture },
    ...{ parameters: student.parameterCount, dimension: [...student.layers.values()][0] },
  };
  const unfinished = directory.unfinished(prepared);
  const trained = run.trained
    ? await train(prepared, student, unfinished, shared, watcher)
    : { steps: 0, samplesSeen: 0, loss: null, trainingSeconds: null };
  if ('error' in trained) {
    await rm(unfinished, { recursive: true, force: true });
    return { ...known, ...trained, ...NO_FIGURES };
  }
  const place = keepsStudents ? join(directory.ofRun(prepared), 'student') : join(unfinished, 'student');
  const { classNames } = data.training;
  const named = classNames !== undefined && classNames.length === student.classes;
  await student.save(place, named ? { classNames } : {});
  const { size: sizeBytes } = await stat(join(place, ...MODEL_FILE.split('/')));
  // A classifier that the method has no use for is as it was initialised, and says nothing of the method.
  const classifies = !shared.otherClasses && (!run.trained || readsOutputs(run.config));
  const { result, rows, seconds } = await measure(place, classifies, shared, watcher);
  await directory.writeScores(prepared, result.scores);
  if (seed === shared.keptSeed) await keepRows(directory.path, prepared, rows);
  const { metrics, samplesPerSecond, latency } = result;
  return {
    ...{ ...known, sizeBytes, ...trained, metrics, samplesPerSecond },
    ...{ evaluationSeconds: seconds, latency: { p50: latency.p50, p99: latency.p99 } },
  };
}

const NO_FIGURES = { sizeBytes: null, metrics: {}, evaluationSeconds: null, samplesPerSecond: null, latency: null };

type Trained = Pick<ComparisonResult, 'steps' | 'samplesSeen' | 'loss' | 'trainingSeconds' | 'curve' | 'error'>;

async function train<Sample extends StudentSample, Data extends RunData<Sample>>(
  { run: { config }, method, seed }: PreparedRun,
  student: Awaited<ReturnType<Domain<Sample, Data>['student']>>['student'],
  unfinished: string,
  { data, teacher, rows, signal }: SharedParts<Sample, Data>,
  watcher: RunWatcher,
): Promise<Trained> {
  const { training } = data;
  const { validation: _, earlyStopping: __, checkpoint, useLabels = false, ...numbers } = config.training;
  const strategy = buildStrategy(config, { data: training, rows: rows?.embeddings, useLabels });
  const answers = rows && answersFor(student, rows);
  // Labels alone need no teacher, and do not wait for one.
  const asks = teacher && !strategiesOf(config).every((one) => one.strategy.kind === 'supervised');
  const metrics = new MetricsFile(join(unfinished, 'metrics.jsonl'));
  const lines = new StepLines(metrics, { method, seed });
  let last: StepEvent | undefined;
  const onEvent = (event: DistillEvent): void => {
    if (event.type === 'warning') watcher.onWarning(event.message);
    if (event.type === 'resume') metrics.start(event.step);
    if (event.type !== 'step') return;
    last = event;
    lines.add(event);
    watcher.onStep(event);
  };
  try {
    const result = await distill<typeof student, Sample>({
      ...numbers,
      ...{ student, data: training, strategy, useLabels, signal, onEvent, cache: config.cache },
      ...(asks && { teacher: answers ?? teacher.teacher }),
      checkpoint: { every: checkpoint.every, directory: join(unfinished, 'checkpoints') },
    });
    const { steps, loss, seconds: trainingSeconds } = result;
    const samplesSeen = training.size * numbers.epochs;
    return { steps, samplesSeen, loss, trainingSeconds, ...(await curveOf(metrics)) };
  } catch (error) {
    // A method that diverges has been compared: it has no figures.
    if (!(error instanceof LimbeckError && error.code === 'DIVERGED')) throw error;
    const { step = 0, seconds = null } = last ?? {};
    const course = await curveOf(metrics);
    return { steps: step, samplesSeen: 0, loss: null, trainingSeconds: seconds, ...course, error: error.message };
  } finally {
    await metrics.close();
    await strategy.release();
  }
}

/** A curve is drawn small. */
const POINTS = 120;

/** What the lines of a training say of its course, for the result; of none nothing. */
async function curveOf(metrics: MetricsFile): Promise<Pick<ComparisonResult, 'curve'>> {
  if (!metrics.started) return {};
  await metrics.flush();
  const lines = parseMetricsLines(await readText(metrics.path, 'the metrics of the run'), metrics.path).filter(isStep);
  const { points } = meansOfStretches(
    lines,
    ({ step }) => step,
    ({ loss }) => loss,
    POINTS,
  );
  return { curve: points.map(([step, loss]) => [step, Number(loss.toPrecision(5))]) };
}

interface Measured {
  readonly result: EvaluationResult;
  /** Of all measured samples. */
  readonly rows: Matrix;
  readonly seconds: number;
}

/** The student as it was saved. */
async function measure<Sample extends StudentSample, Data extends RunData<Sample>>(
  place: string,
  classifies: boolean,
  { measured, measuredRows, full, signal }: SharedParts<Sample, Data>,
  { onMeasured }: RunWatcher,
): Promise<Measured> {
  const began = performance.now();
  const model = await Student.load(place);
  try {
    const { labels } = measured;
    const teacher = measuredRows && measuredRows.columns === model.dimension ? measuredRows : undefined;
    let rows = Matrix.zeros(0, 0);
    const result = await evaluateModel<Sample>({
      model: {
        embed: (samples) => model.embed(samples),
        ...(classifies && { classes: model.classes, logits: (samples) => model.logits(samples) }),
      },
      data: measured,
      teacher,
      signal,
      onProgress: onMeasured,
      onEmbedded: (embedded) => {
        ({ rows } = embedded);
      },
    });
    // Spaces agree or not whatever their widths.
    const more = full ? await fullMeasures({ rows, labels, teacher: measuredRows }) : {};
    const metrics = { ...result.metrics, ...more };
    return { result: { ...result, metrics }, rows, seconds: (performance.now() - began) / 1000 };
  } finally {
    await model.release();
  }
}
