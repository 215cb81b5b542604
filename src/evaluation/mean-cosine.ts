/** How close two embeddings of the same texts lie on average: the plainest measure of a copied space. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { rowProduct } from './similarity-tiles.ts';

/**
 * Mean over i of the cosine similarity of row i of `a` and row i of `b`. A zero row counts as 0.
 *
 * @param a n × d, rows of any length
 * @param b n × d
 * @returns a number in [−1, 1]
 * @throws LimbeckError SHAPE_MISMATCH unless the shapes are equal, EMPTY_BATCH without rows, NON_FINITE
 *
 * @example
 * meanCosine(Matrix.from([[1, 0], [0, 1]]), Matrix.from([[5, 0], [0, -1]])); // 0
 */
export function meanCosine(a: Matrix, b: Matrix): number {
  if (a.rows !== b.rows || a.columns !== b.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `meanCosine: expected two matrices of one shape, got ${a.rows} × ${a.columns} and ${b.rows} × ${b.columns}.`,
    );
  }
  if (a.rows === 0) throw new LimbeckError('EMPTY_BATCH', 'meanCosine: expected at least one row, got none.');
  const left = unitRows(a, 'first matrix').data;
  const right = unitRows(b, 'second matrix').data;
  let sum = 0;
  for (let i = 0; i < a.rows; i++) sum += rowProduct(left, i, right, i, a.columns);
  return sum / a.rows;
}
