/**
 * Centred kernel alignment with the linear kernel: how much of one space's spread is the other's too, whatever their widths, and
 * whatever rotation and one common scale lie between them.
 */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { assertAtLeast, assertOneEach } from './checks.ts';

/** Rows that pass through the products at a time. */
const BLOCK = 256;

/**
 * ‖Yᵀ X‖²_F / (‖Xᵀ X‖_F ‖Yᵀ Y‖_F) of the columns' deviations from their means; 0 where all rows of a space are equal. Memory is that of
 * the width squared, not of the rows squared.
 *
 * It is biased towards 1 where there are not many more rows than columns.
 *
 * @param a n × d
 * @param b n × e, of the same samples
 * @returns a number in [0, 1]
 * @throws LimbeckError SHAPE_MISMATCH for another number of rows; EMPTY_BATCH for fewer than two; NON_FINITE
 * @source Kornblith et al., "Similarity of Neural Network Representations Revisited", 2019, section 3
 *
 * @example
 * linearCka(Matrix.from([[1, 0], [0, 1], [2, 2]]), Matrix.from([[0, 3], [-3, 0], [-6, 6]])); // 1: turned and scaled
 */
export function linearCka(a: Matrix, b: Matrix): number {
  assertOneEach('linearCka', a.rows, 'row in the other space', b.rows);
  assertAtLeast('linearCka', 2, a.rows);
  const [x, y] = [centred(a, 'first matrix'), centred(b, 'second matrix')];
  if (!x || !y) return 0;
  return Math.min(1, squaredNorm(y, x) / Math.sqrt(squaredNorm(x, x)) / Math.sqrt(squaredNorm(y, y)));
}

interface Columns {
  readonly width: number;
  readonly rows: number;
  /** Row-major. */
  readonly data: Float64Array;
}

/** Deviations from the means of the columns, the largest being ±1; undefined for rows that are all equal. */
function centred(matrix: Matrix, name: string): Columns | undefined {
  const { rows, columns: width, data } = matrix.assertFinite(name);
  const means = new Float64Array(width);
  for (let k = 0; k < data.length; k++) means[k % width] += data[k] / rows;
  const deviations = Float64Array.from(data, (value, k) => value - means[k % width]);
  const equal = data.every((value, k) => value === data[k % width]);
  if (equal) return undefined;
  const largest = deviations.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return { width, rows, data: deviations.map((value) => value / largest) };
}

/** ‖Yᵀ X‖²_F, summed over a block of rows at a time, so that what is added stays in the cache. */
function squaredNorm(y: Columns, x: Columns): number {
  if (y.width * x.width === 0)
    throw new LimbeckError('SHAPE_MISMATCH', 'linearCka: expected rows with numbers, got none.');
  const product = new Float64Array(y.width * x.width);
  for (let first = 0; first < x.rows; first += BLOCK) {
    const end = Math.min(first + BLOCK, x.rows);
    for (let j = 0; j < y.width; j++) {
      const sums = product.subarray(j * x.width, (j + 1) * x.width);
      for (let i = first; i < end; i++) {
        const factor = y.data[i * y.width + j];
        const begin = i * x.width;
        for (let k = 0; k < x.width; k++) sums[k] += factor * x.data[begin + k];
      }
    }
  }
  return product.reduce((sum, value) => sum + value * value, 0);
}
