/**
 * Rows scaled to length one, as numbers: for banks and for evaluation, where nothing is differentiated. The engine's own
 * normalisation is `graph/operators/unit-rows.ts`, which losses reach through `losses/cosine.ts`.
 */
import { Matrix } from './matrix.ts';

/** Rows with a smaller Euclidean norm count as zero rows to losses and banks (mathematics.md, section 1). */
export const ZERO_NORM = 1e-12;

/**
 * A copy of `matrix` with every row of Euclidean length 1, in the same precision, computed in float64. A zero row stays
 * zero, so its cosine with any row is 0. Each row is divided by its largest entry first, so that no square over- or underflows.
 *
 * @param name how the matrix is called in the message
 * @param shortest rows with a norm below this become zero rows; by default only those that are
 * @throws LimbeckError NON_FINITE naming the matrix, the row and the column
 */
export function unitRows(matrix: Matrix, name: string, shortest = 0): Matrix {
  const { columns, data } = matrix.assertFinite(name);
  const result = Matrix.zeros(matrix.rows, columns, matrix.dtype);
  for (let start = 0; start < data.length; start += columns) {
    let largest = 0;
    for (let k = start; k < start + columns; k++) largest = Math.max(largest, Math.abs(data[k]));
    if (largest === 0) continue;
    let squares = 0;
    for (let k = start; k < start + columns; k++) squares += (data[k] / largest) ** 2;
    const root = Math.sqrt(squares);
    if (largest * root < shortest) continue;
    for (let k = start; k < start + columns; k++) result.data[k] = data[k] / largest / root;
  }
  return result;
}
