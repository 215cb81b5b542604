/**
 * k-nearest-neighbour classification: how much class structure an embedding space has, without training a classifier.
 */
import { LimbeckError } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { type Neighbours, nearestNeighbours, otherNeighbours } from './nearest-neighbours.ts';

export interface NearestNeighbourTask {
  /** n × d: the rows to classify. */
  readonly queries: Matrix;
  /** n class numbers: the truth. */
  readonly queryLabels: ArrayLike<number>;
  /** m × d: the rows whose classes are known. */
  readonly index: Matrix;
  /** m class numbers. */
  readonly indexLabels: ArrayLike<number>;
  /** Neighbours that vote; all index rows when there are fewer. Default 10. */
  readonly k?: number;
}

/**
 * The share of queries whose class is the majority class among their `k` nearest index rows by cosine similarity. Classes
 * with equally many votes are told apart by the sum of their votes' similarities, and equal sums by the lower number.
 *
 * A row that stands in both sets finds itself: keep the two disjoint.
 *
 * @returns a share in [0, 1]
 * @throws LimbeckError SHAPE_MISMATCH when labels and rows differ in number, or the widths differ; EMPTY_BATCH;
 *   NON_FINITE; INVALID_ARGUMENT for a k that is not a count
 * @source Cover and Hart, "Nearest neighbor pattern classification", 1967
 *
 * @example
 * const index = Matrix.from([[1, 0], [0, 1]]);
 * nearestNeighbourAccuracy({ queries: Matrix.from([[3, 1]]), queryLabels: [0], index, indexLabels: [0, 1], k: 1 }); // 1
 */
export function nearestNeighbourAccuracy(task: NearestNeighbourTask): number {
  const { queries, queryLabels, index, indexLabels, k: wanted = 10 } = task;
  assertLabelled('queries', queries, queryLabels);
  assertLabelled('index', index, indexLabels);
  const { k, indices, scores } = nearestNeighbours(queries, index, wanted);
  let correct = 0;
  for (let i = 0; i < queries.rows; i++) {
    if (elected(i * k, k, indices, scores, indexLabels) === queryLabels[i]) correct++;
  }
  return correct / queries.rows;
}

/**
 * {@link nearestNeighbourAccuracy} of every row by all other rows.
 *
 * @param rows n × d, n ≥ 2
 * @param labels n class numbers
 * @param numbers the rows that are classified; by default all
 * @returns a share in [0, 1]
 * @throws LimbeckError as {@link nearestNeighbourAccuracy}; EMPTY_BATCH for fewer than two rows
 *
 * @example
 * leaveOneOutAccuracy(Matrix.from([[1, 0], [2, 0], [0, 1]]), [0, 0, 1], 1); // 2 / 3
 */
export function leaveOneOutAccuracy(
  rows: Matrix,
  labels: ArrayLike<number>,
  wanted = 10,
  numbers: ArrayLike<number> = everyNumber(rows.rows),
): number {
  assertLabelled('labelled', rows, labels);
  return electedShare(otherNeighbours(rows, wanted, numbers), labels, numbers);
}

/** The share of the rows of these numbers whose class their neighbours elect. */
export function electedShare(
  { k, indices, scores }: Neighbours,
  labels: ArrayLike<number>,
  numbers: ArrayLike<number>,
): number {
  let correct = 0;
  for (let i = 0; i < numbers.length; i++) {
    if (elected(i * k, k, indices, scores, labels) === labels[numbers[i]]) correct++;
  }
  return correct / numbers.length;
}

/** The class that wins the vote of `k` neighbours, from place `first` of `indices`. */
function elected(
  first: number,
  k: number,
  indices: ArrayLike<number>,
  scores: ArrayLike<number>,
  labels: ArrayLike<number>,
): number {
  const votes = new Map<number, { count: number; similarity: number }>();
  for (let n = first; n < first + k; n++) {
    const label = labels[indices[n]];
    const vote = votes.get(label) ?? { count: 0, similarity: 0 };
    votes.set(label, { count: vote.count + 1, similarity: vote.similarity + scores[n] });
  }
  return winner(votes);
}

function winner(votes: Map<number, { count: number; similarity: number }>): number {
  const [[label]] = [...votes].sort(
    ([labelA, a], [labelB, b]) => b.count - a.count || b.similarity - a.similarity || labelA - labelB,
  );
  return label;
}

function assertLabelled(name: string, rows: Matrix, labels: ArrayLike<number>): void {
  if (labels.length !== rows.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Nearest neighbours: expected one label for each of the ${rows.rows} ${name} rows, got ${labels.length} labels.`,
    );
  }
}
