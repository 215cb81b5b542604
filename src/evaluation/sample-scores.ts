/**
 * Metrics sample by sample: the numbers whose means the metrics are, so that two models can be compared on the same samples, in pairs.
 * Only of metrics that are such means.
 */
import { everyNumber } from '../matrix/every-number.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { electedShare } from './nearest-neighbour-accuracy.ts';
import { otherNeighbours } from './nearest-neighbours.ts';
import { ownRanks } from './retrieval.ts';
import { pairedSimilarities } from './similarity-tiles.ts';

/** Whose vote counts. */
const NEIGHBOURS = 10;

/** What a model says of all samples, in their order. */
export interface EmbeddedSamples {
  readonly rows: Matrix;
  /** With labels, of models that classify. */
  readonly logits: Matrix | undefined;
}

export interface ScoredSamples extends EmbeddedSamples {
  readonly labels?: Int32Array | undefined;
  /** Row i is the teacher's of sample i; left out where it is of another width than the rows. */
  readonly teacher?: RowSource | undefined;
}

/** Metrics that are means over samples. */
export const SAMPLE_METRICS = [
  ...['accuracy', 'knnAccuracy'],
  ...['recallAt1', 'recallAt10', 'meanReciprocalRank', 'meanCosine'],
] as const;

/** By name of the metric, one number a sample. */
export type SampleScores = Readonly<Record<string, FloatArray>>;

/**
 * @returns `accuracy` with labels and logits; `knnAccuracy` with labels, of at least two samples; `recallAt1`, `recallAt10`, `meanReciprocalRank` and `meanCosine` with a teacher
 * @throws LimbeckError NON_FINITE, EMPTY_BATCH
 *
 * @example
 * sampleScores({ rows, logits: Matrix.from([[0.1, 0.9], [2, 1]]), labels: Int32Array.of(1, 1) }).accuracy; // Float64Array [1, 0]
 */
export function sampleScores({ rows, logits, labels, teacher }: ScoredSamples): SampleScores {
  return {
    ...(labels && logits && { accuracy: rightOnes(logits, labels) }),
    ...(teacher && teacher.columns === rows.columns && againstTeacher(rows, teacher)),
    ...(labels && rows.rows > 1 && { knnAccuracy: wellElected(rows, labels) }),
  };
}

/** 1 where the largest logit, of equal ones the first, is that of the label. */
function rightOnes(logits: Matrix, labels: Int32Array): Float64Array {
  return Float64Array.from(labels, (label, i) => {
    const row = logits.assertFinite('logits').row(i);
    let largest = 0;
    for (let c = 1; c < row.length; c++) if (row[c] > row[largest]) largest = c;
    return largest === label ? 1 : 0;
  });
}

/** 1 where the nearest other samples elect the label. */
function wellElected(rows: Matrix, labels: Int32Array): Float64Array {
  const { k, indices, scores } = otherNeighbours(rows, NEIGHBOURS);
  return Float64Array.from(labels, (_, i) => {
    const [from, to] = [i * k, (i + 1) * k];
    return electedShare({ k, indices: indices.subarray(from, to), scores: scores.subarray(from, to) }, labels, [i]);
  });
}

function againstTeacher(rows: Matrix, teacher: RowSource): SampleScores {
  const own = everyNumber(rows.rows);
  const ranks = ownRanks(rows, teacher, own);
  return {
    recallAt1: Float64Array.from(ranks, (rank) => (rank <= 1 ? 1 : 0)),
    recallAt10: Float64Array.from(ranks, (rank) => (rank <= 10 ? 1 : 0)),
    meanReciprocalRank: Float64Array.from(ranks, (rank) => 1 / rank),
    meanCosine: pairedSimilarities(rows, teacher, own),
  };
}
