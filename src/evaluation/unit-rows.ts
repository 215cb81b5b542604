/**
 * Rows scaled to length one, safely: the one place in this room where cosine similarity is made out of dot products.
 *
 * Not the engine's normalisation: nothing here is differentiated, and a zero row has a meaning (similarity 0 to all).
 */
import { Matrix } from '../matrix/matrix.ts';

/**
 * A copy of `matrix` with every row scaled to Euclidean length 1, in the same precision. A zero row stays zero, so its
 * cosine with any row is 0. Each row is divided by its largest entry first, so that no square over- or underflows.
 *
 * @param name how the matrix is called in the message
 * @throws LimbeckError NON_FINITE naming the row and the column
 */
export function unitRows(matrix: Matrix, name: string): Matrix {
  const { rows, columns, data } = matrix.assertFinite(name);
  const result = Matrix.zeros(rows, columns, matrix.dtype);
  for (let start = 0; start < data.length; start += columns) {
    let largest = 0;
    for (let k = start; k < start + columns; k++) largest = Math.max(largest, Math.abs(data[k]));
    if (largest === 0) continue;
    let squares = 0;
    for (let k = start; k < start + columns; k++) squares += (data[k] / largest) ** 2;
    const norm = Math.sqrt(squares);
    for (let k = start; k < start + columns; k++) result.data[k] = data[k] / largest / norm;
  }
  return result;
}
