/** Whether a sample has the same neighbours in two spaces: what matters of a copied space to a search in it. */
import type { RowSource } from '../matrix/row-source.ts';
import { assertOneEach, assertWhole } from './checks.ts';
import { type Neighbours, otherNeighbours } from './nearest-neighbours.ts';

/**
 * The mean share of a row's `k` nearest other rows that are the same in both spaces, by cosine similarity. The spaces may differ in
 * width. Of equally similar rows the first count as nearer.
 *
 * @param a n × d
 * @param b n × e, of the same samples
 * @param options `k`: default 10, all others when there are fewer; `numbers`: the rows that are looked at, by default all
 * @returns a number in [0, 1]; (k / n) is what chance gives
 * @throws LimbeckError SHAPE_MISMATCH for another number of rows; EMPTY_BATCH for fewer than two; NON_FINITE; INVALID_ARGUMENT
 *
 * @example
 * neighbourOverlap(Matrix.from([[1, 0], [2, 1], [0, 1]]), Matrix.from([[1], [1], [-1]]), { k: 1 }); // 2 / 3
 */
export function neighbourOverlap(
  a: RowSource,
  b: RowSource,
  { k = 10, numbers }: { readonly k?: number; readonly numbers?: ArrayLike<number> } = {},
): number {
  assertWhole('neighbourOverlap', 'k', k);
  assertOneEach('neighbourOverlap', a.rows, 'row in the other space', b.rows);
  return sharedNeighbours(otherNeighbours(a, k, numbers), otherNeighbours(b, k, numbers));
}

/** The mean share of neighbours that two lists of the same rows have in common. */
export function sharedNeighbours({ k, indices: ours }: Neighbours, { indices: theirs }: Neighbours): number {
  let shared = 0;
  for (let first = 0; first < ours.length; first += k) {
    const known = new Set(theirs.subarray(first, first + k));
    for (const row of ours.subarray(first, first + k)) if (known.has(row)) shared++;
  }
  return shared / ours.length;
}
