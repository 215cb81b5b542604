/**
 * How good a model is on given data: how well its rows stand in for the teacher's, how often it names the class, how its neighbours
 * agree with the labels, and how long it takes. One protocol for every model; who reads files is somebody else.
 */
import { LimbeckError } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { accuracy } from './accuracy.ts';
import { agreement } from './agreement.ts';
import { expectedCalibrationError, negativeLogLikelihood } from './calibration.ts';
import { fullMeasures, measuredSamples } from './full-measures.ts';
import type { Metrics } from './metrics.ts';
import { pairSimilarity } from './pair-similarity.ts';
import { type EmbeddedSamples, type SampleScores, sampleScores } from './sample-scores.ts';
import { summary } from './summary.ts';

// Node and browsers have it; the types of either would let in all of that platform.
declare const performance: { now(): number };

/** What of an `AbortSignal` is looked at. */
export interface StopSignal {
  readonly aborted: boolean;
}

/** What is evaluated: a loaded student, an embedder. */
export interface EvaluatedModel<Sample> {
  embed(samples: readonly Sample[]): Promise<Matrix>;
  /** Number of classes, for models that classify. */
  readonly classes?: number | undefined;
  /** [samples, classes], for models that classify. */
  logits?(samples: readonly Sample[]): Promise<Matrix>;
}

/** What it is evaluated on: a `Dataset`. */
export interface EvaluationData<Sample> {
  readonly size: number;
  read(numbers: ArrayLike<number>): Promise<readonly Sample[]>;
  readonly labels?: Int32Array | undefined;
}

export interface EvaluationOptions<Sample> {
  readonly model: EvaluatedModel<Sample>;
  readonly data: EvaluationData<Sample>;
  /** Row i is the teacher's of sample i. */
  readonly teacher?: RowSource | undefined;
  /** More rows of the teacher, among which the own row has to be found: an index that is searched. */
  readonly index?: RowSource | undefined;
  /** Samples embedded at once. Default 256. */
  readonly batchSize?: number;
  /** Samples that latency is measured on, one at a time. Default 200, fewer when there are fewer. */
  readonly latencySamples?: number;
  /** Scored pairs of samples: `pairSpearman` and `pairPearson` are measured on them. */
  readonly pairs?:
    | { readonly left: readonly Sample[]; readonly right: readonly Sample[]; readonly scores: ArrayLike<number> }
    | undefined;
  /** Also measures that take longer: see {@link EvaluationResult.metrics}. Default false. */
  readonly full?: boolean;
  /** An `AbortSignal`. */
  readonly signal?: StopSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Called once with what the metrics are made of. */
  readonly onEmbedded?: ((embedded: EmbeddedSamples) => void) | undefined;
}

export interface EvaluationResult {
  readonly samples: number;
  /**
   * `recallAt1`, `recallAt10`, `meanReciprocalRank` and `meanCosine` with a teacher; `accuracy` with labels where the model classifies,
   * `top5Accuracy` of more than five classes, `calibrationError` and `negativeLogLikelihood`; `knnAccuracy` with labels, of at least two
   * samples, every sample by all others. `pairSpearman` and `pairPearson` with pairs. With `full` also what {@link fullMeasures} gives.
   */
  readonly metrics: Metrics;
  /** What metrics are means of, sample by sample, where they are such. */
  readonly scores: SampleScores;
  /** With `full`: how many samples its measures were made on; fewer than `samples` where those were too many, and some were drawn. */
  readonly fullSamples?: number;
  /** Milliseconds from one sample to its row: half and 99 % of the samples take no longer. */
  readonly latency: { readonly samples: number; readonly p50: number; readonly p99: number };
  /** In batches; reading the samples is not counted. */
  readonly samplesPerSecond: number;
}

/** Runs before the clock counts: the first ones allocate. */
const WARM_UP = 5;

/**
 * Embeds all samples once, in batches, and the first ones again one by one. Rows of model and teacher are in memory, and comparing
 * them takes time with the square of their number.
 *
 * @throws LimbeckError EMPTY_BATCH without samples; SHAPE_MISMATCH for a teacher with another number of rows, or rows of another width;
 *   INVALID_ARGUMENT for a label that is no class of the model; ABORTED
 *
 * @example
 * const { metrics } = await evaluateModel({ model: await Student.load('student/'), data, teacher: teacherRows });
 * metrics.recallAt1; // 0.967
 */
export async function evaluateModel<Sample>(options: EvaluationOptions<Sample>): Promise<EvaluationResult> {
  const { model, data, teacher, index, latencySamples = 200 } = options;
  if (data.size === 0) throw new LimbeckError('EMPTY_BATCH', 'evaluate: expected at least one sample, got none.');
  if (teacher && teacher.rows !== data.size) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `evaluate: expected a row of the teacher for each of the ${data.size} samples, got ${teacher.rows}.`,
    );
  }
  if (index && !teacher) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'evaluate: expected rows of the teacher to go with the index, got none.',
    );
  }
  checkLabels(data.labels, model.classes);
  const { rows, logits, seconds } = await embedAll(options);
  options.onEmbedded?.({ rows, logits });
  for (const [name, source] of Object.entries({ teacher, index })) checkWidth(rows, name, source);
  const { labels } = data;
  // Every comparison of all with all is made once: the metrics are means of what it gives sample by sample.
  const scores = sampleScores({ rows, logits, labels, teacher: index ? undefined : teacher });
  const means = Object.fromEntries(Object.entries(scores).map(([name, values]) => [name, summary(values).mean]));
  return {
    samples: data.size,
    scores,
    metrics: {
      ...(labels && logits && classification(logits, labels)),
      ...means,
      ...(teacher && index && agreementWith(rows, teacher, index)),
      ...(options.pairs && (await similarityOf(options, options.pairs))),
      ...(options.full && (await fullMeasures({ rows, labels: data.labels, teacher }))),
    },
    ...(options.full && { fullSamples: measuredSamples(data.size) }),
    latency: await latency(options, Math.min(latencySamples, data.size)),
    samplesPerSecond: data.size / seconds,
  };
}

async function similarityOf<Sample>(
  { model, batchSize = 256, signal }: EvaluationOptions<Sample>,
  { left, right, scores }: NonNullable<EvaluationOptions<Sample>['pairs']>,
): Promise<Metrics> {
  const embed = async (samples: readonly Sample[]): Promise<Matrix> => {
    const rows: FloatArray[] = [];
    for (let start = 0; start < samples.length; start += batchSize) {
      stopIfAsked(signal);
      const batch = await model.embed(samples.slice(start, start + batchSize));
      for (let i = 0; i < batch.rows; i++) rows.push(batch.row(i));
    }
    return Matrix.from(rows);
  };
  const { spearman, pearson } = pairSimilarity({ left: await embed(left), right: await embed(right), scores });
  return { pairSpearman: spearman, pairPearson: pearson };
}

function checkLabels(labels: Int32Array | undefined, classes: number | undefined): void {
  const wrong = classes === undefined ? -1 : (labels?.findIndex((label) => label < 0 || label >= classes) ?? -1);
  if (wrong < 0) return;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `evaluate: expected labels in 0 … ${(classes as number) - 1}, the classes of the model, got ${labels?.[wrong]} for sample ${wrong}.`,
  );
}

interface Embedded extends EmbeddedSamples {
  /** Spent in `embed`. */
  readonly seconds: number;
}

async function embedAll<Sample>(options: EvaluationOptions<Sample>): Promise<Embedded> {
  const { model, data, batchSize = 256, signal, onProgress } = options;
  let rows: Matrix | undefined;
  let logits: Matrix | undefined;
  let milliseconds = 0;
  for (let start = 0; start < data.size; start += batchSize) {
    stopIfAsked(signal);
    const count = Math.min(batchSize, data.size - start);
    const samples = await data.read(Int32Array.from({ length: count }, (_, i) => start + i));
    // The first run of a session prepares it.
    if (start === 0) await model.embed(samples);
    const began = performance.now();
    const batch = await model.embed(samples);
    milliseconds += performance.now() - began;
    rows ??= Matrix.zeros(data.size, batch.columns);
    rows.data.set(batch.data, start * batch.columns);
    if (data.labels && model.classes !== undefined && model.logits) {
      const scores = await model.logits(samples);
      logits ??= Matrix.zeros(data.size, scores.columns);
      logits.data.set(scores.data, start * scores.columns);
    }
    onProgress?.(start + count, data.size);
  }
  return { rows: rows as Matrix, logits, seconds: milliseconds / 1000 };
}

function checkWidth({ columns }: Matrix, name: string, source: RowSource | undefined): void {
  if (!source || source.columns === columns) return;
  throw new LimbeckError(
    'SHAPE_MISMATCH',
    `evaluate: expected rows of one space, got ${columns} numbers from the model and ${source.columns} from the ${name}. ` +
      'A student that was trained into another width cannot be compared by its rows.',
  );
}

function agreementWith(rows: Matrix, teacher: RowSource, index: RowSource): Metrics {
  const own = teacher.gather(everyNumber(teacher.rows));
  return agreement(rows, own, stack(own, index.gather(everyNumber(index.rows))));
}

function classification(logits: Matrix, labels: Int32Array): Metrics {
  const five = logits.columns > 5 && { top5Accuracy: accuracy(logits, labels, { k: 5 }) };
  return {
    accuracy: accuracy(logits, labels),
    ...five,
    calibrationError: expectedCalibrationError(logits, labels),
    negativeLogLikelihood: negativeLogLikelihood(logits, labels),
  };
}

async function latency<Sample>(
  options: EvaluationOptions<Sample>,
  count: number,
): Promise<EvaluationResult['latency']> {
  const { model, data, signal } = options;
  const samples = await data.read(everyNumber(count));
  for (const sample of samples.slice(0, WARM_UP)) await model.embed([sample]);
  const times: number[] = [];
  for (const sample of samples) {
    stopIfAsked(signal);
    const began = performance.now();
    await model.embed([sample]);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  // The smallest time that so many of the samples do not exceed.
  const percentile = (share: number) => times[Math.max(0, Math.ceil(share * times.length) - 1)] ?? 0;
  return { samples: times.length, p50: percentile(0.5), p99: percentile(0.99) };
}

function stopIfAsked(signal: StopSignal | undefined): void {
  if (signal?.aborted) throw new LimbeckError('ABORTED', 'evaluate: interrupted on request.');
}

function stack(a: Matrix, b: Matrix): Matrix {
  const result = Matrix.zeros(a.rows + b.rows, a.columns);
  result.data.set(a.data);
  result.data.set(b.data, a.data.length);
  return result;
}
