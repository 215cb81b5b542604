/** How well cosine similarities of pairs follow what people (or a teacher) say of them: the usual measure of sentence embeddings. */

import { everyNumber } from '../matrix/every-number.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { assertAtLeast, assertOneEach } from './checks.ts';
import { pearson, spearman } from './correlation.ts';
import { pairedSimilarities } from './similarity-tiles.ts';

/**
 * Spearman's and Pearson's correlation of cosine similarities with given scores.
 *
 * @param pairs `left`, `right`: n × d, row i of both is a pair; `scores`: n numbers, higher for pairs that are more alike, in any unit
 * @throws LimbeckError SHAPE_MISMATCH when rows, scores or widths differ in number; EMPTY_BATCH for fewer than two pairs; NON_FINITE
 * @source Cer et al., "SemEval-2017 Task 1: Semantic Textual Similarity", 2017; Reimers et al., "Task-Oriented Intrinsic Evaluation of
 *   Semantic Textual Similarity", 2016 (why Spearman's)
 *
 * @example
 * const left = Matrix.from([[1, 0], [1, 0], [1, 0]]);
 * const right = Matrix.from([[1, 0.1], [1, 1], [0, 1]]);
 * pairSimilarity({ left, right, scores: [5, 3, 0] }).spearman; // 1
 */
export function pairSimilarity({
  left,
  right,
  scores,
}: {
  readonly left: Matrix;
  readonly right: Matrix;
  readonly scores: ArrayLike<number>;
}): { readonly spearman: number; readonly pearson: number } {
  assertOneEach('pairSimilarity', left.rows, 'row on the other side', right.rows);
  assertOneEach('pairSimilarity', left.rows, 'score', scores.length);
  assertAtLeast('pairSimilarity', 2, left.rows);
  const similarities = pairedSimilarities(left, right, everyNumber(left.rows));
  return { spearman: spearman(similarities, scores), pearson: pearson(similarities, scores) };
}
