/**
 * Principal components of rows (Pearson 1901): the few directions in which they differ most. In float64, by the eigenvectors of the
 * covariance; for widths up to some thousand.
 */
import { EigenvalueDecomposition, Matrix as Square } from 'ml-matrix';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from './matrix.ts';

export interface PrincipalComponents {
  /** The mean row, [columns]. */
  readonly mean: Float64Array;
  /** [count, columns]: orthonormal rows, that of the largest variance first; of each, the entry of largest magnitude is positive. */
  readonly components: Matrix;
  /** The variance along each component, [count]. */
  readonly variances: Float64Array;
}

/**
 * @param rows [n, columns], finite, n ≥ 1
 * @param count how many components, 1 … columns
 * @param weights [n], ≥ 0 and not all 0: how much each row counts; by default all the same
 * @throws LimbeckError INVALID_ARGUMENT for a count or weights that are none, SHAPE_MISMATCH for another number of weights
 *
 * @example
 * const { components } = principalComponents(Matrix.from([[1, 1], [2, 2], [3, 3]]), 1);
 * components.toArray(); // [[0.7071…, 0.7071…]]
 */
export function principalComponents(rows: Matrix, count: number, weights?: ArrayLike<number>): PrincipalComponents {
  const { rows: n, columns } = rows;
  if (n === 0) throw new LimbeckError('INVALID_ARGUMENT', 'Principal components: expected at least one row, got none.');
  if (!Number.isInteger(count) || count < 1 || count > columns) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Principal components: expected 1 … ${columns} of them, as rows are ${columns} wide, got ${show(count)}.`,
    );
  }
  const shares = sharesOf(n, weights);
  const mean = new Float64Array(columns);
  for (let i = 0; i < n; i++) {
    const row = rows.row(i);
    for (let j = 0; j < columns; j++) mean[j] += shares[i] * row[j];
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(covariance(rows, mean, shares), {
    assumeSymmetric: true,
  });
  // Ascending, as the library gives them.
  const order = Array.from({ length: count }, (_, c) => columns - 1 - c);
  const components = Matrix.zeros(count, columns, 'float64');
  for (const [c, e] of order.entries()) components.row(c).set(signed(eigenvectorMatrix.getColumn(e)));
  return { mean, components, variances: Float64Array.from(order, (e) => Math.max(0, realEigenvalues[e])) };
}

/** Weights that sum to 1. */
function sharesOf(n: number, weights: ArrayLike<number> | undefined): Float64Array {
  if (weights === undefined) return new Float64Array(n).fill(1 / n);
  if (weights.length !== n) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Principal components: expected a weight for each of ${n} rows, got ${weights.length}.`,
    );
  }
  let total = 0;
  for (let i = 0; i < n; i++) {
    if (!(weights[i] >= 0 && weights[i] < Number.POSITIVE_INFINITY)) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Principal components: expected weights ≥ 0, got ${show(weights[i])} for row ${i}.`,
      );
    }
    total += weights[i];
  }
  if (total === 0) {
    throw new LimbeckError('INVALID_ARGUMENT', 'Principal components: expected a weight above 0, got none.');
  }
  return Float64Array.from(weights, (weight) => weight / total);
}

function covariance(rows: Matrix, mean: Float64Array, shares: Float64Array): Square {
  const { columns } = rows;
  const sums = new Float64Array(columns * columns);
  const centred = new Float64Array(columns);
  for (let i = 0; i < rows.rows; i++) {
    if (shares[i] === 0) continue;
    const row = rows.row(i);
    for (let j = 0; j < columns; j++) centred[j] = row[j] - mean[j];
    for (let j = 0; j < columns; j++) {
      const scaled = shares[i] * centred[j];
      for (let k = j; k < columns; k++) sums[j * columns + k] += scaled * centred[k];
    }
  }
  const result = Square.zeros(columns, columns);
  for (let j = 0; j < columns; j++) {
    for (let k = j; k < columns; k++) {
      result.set(j, k, sums[j * columns + k]);
      result.set(k, j, sums[j * columns + k]);
    }
  }
  return result;
}

/** An eigenvector is known up to its sign: this one does not depend on the solver. */
function signed(vector: readonly number[]): number[] {
  const largest = vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return largest < 0 ? vector.map((value) => -value) : [...vector];
}
