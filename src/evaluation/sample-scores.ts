/**
 * Metrics sample by sample: the numbers whose means the metrics are, so that two models can be compared on the same samples, in pairs.
 * Only of metrics that are such means.
 */
import { everyNumber } from '../matrix/every-number.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import type { EmbeddedSamples } from './evaluate-model.ts';
import { forEachSimilarityTile } from './similarity-tiles.ts';

export interface ScoredSamples extends EmbeddedSamples {
  readonly labels?: Int32Array | undefined;
  /** Row i is the teacher's of sample i; left out where it is of another width than the rows. */
  readonly teacher?: RowSource | undefined;
}

/** By name of the metric, one number a sample. */
export type SampleScores = Readonly<Record<string, Float32Array>>;

/**
 * @returns `accuracy` with labels and logits; `recallAt1`, `recallAt10`, `meanReciprocalRank` and `meanCosine` with a teacher
 * @throws LimbeckError NON_FINITE, EMPTY_BATCH
 *
 * @example
 * sampleScores({ rows, logits: Matrix.from([[0.1, 0.9], [2, 1]]), labels: Int32Array.of(1, 1) }).accuracy; // Float32Array [1, 0]
 */
export function sampleScores({ rows, logits, labels, teacher }: ScoredSamples): SampleScores {
  return {
    ...(labels && logits && { accuracy: rightOnes(logits, labels) }),
    ...(teacher && teacher.columns === rows.columns && againstTeacher(rows, teacher.gather(everyNumber(teacher.rows)))),
  };
}

/** 1 where the largest logit, of equal ones the first, is that of the label. */
function rightOnes(logits: Matrix, labels: Int32Array): Float32Array {
  return Float32Array.from(labels, (label, i) => {
    const row = logits.assertFinite('logits').row(i);
    let largest = 0;
    for (let c = 1; c < row.length; c++) if (row[c] > row[largest]) largest = c;
    return largest === label ? 1 : 0;
  });
}

function againstTeacher(rows: Matrix, teacher: Matrix): SampleScores {
  const [own, theirs] = [unitRows(rows, 'rows'), unitRows(teacher, 'teacher')];
  const cosines = Float64Array.from({ length: own.rows }, (_, i) => {
    const [a, b] = [own.row(i), theirs.row(i)];
    let sum = 0;
    for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
    return sum;
  });
  // As retrieval() ranks: one more than those nearer, and half of those as near.
  const ranks = new Float64Array(own.rows);
  forEachSimilarityTile(own, theirs, (query, _first, count, scores) => {
    let before = 0;
    for (let j = 0; j < count; j++) before += scores[j] > cosines[query] ? 1 : scores[j] === cosines[query] ? 0.5 : 0;
    ranks[query] += before;
  });
  const rank = ranks.map((before) => before + 0.5);
  return {
    recallAt1: Float32Array.from(rank, (one) => (one <= 1 ? 1 : 0)),
    recallAt10: Float32Array.from(rank, (one) => (one <= 10 ? 1 : 0)),
    meanReciprocalRank: Float32Array.from(rank, (one) => 1 / one),
    meanCosine: Float32Array.from(cosines),
  };
}
