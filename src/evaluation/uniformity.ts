/** The two properties of a good contrastive space: alike samples lie close (alignment), and all together fill the sphere (uniformity). */
import type { Matrix } from '../matrix/matrix.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { assertAboveZero, assertAtLeast, assertOneEach, assertWhole } from './checks.ts';
import { pairsOf } from './similarity-correlation.ts';
import { rowProduct } from './similarity-tiles.ts';

/**
 * ln of the mean of exp(−t ‖x − y‖²) over pairs of different rows, scaled to length one. Lower is more uniform; 0 is all in one point,
 * and about −2t + 2t² / d is rows that are spread over the sphere of d dimensions evenly. All pairs, or where those are more than
 * `pairs` as many drawn ones.
 *
 * @param rows n × d, n ≥ 2
 * @param options `t`: default 2; `pairs`: default 1 000 000; `seed`: default 0, decides which pairs are drawn
 * @throws LimbeckError EMPTY_BATCH for fewer than two rows; NON_FINITE; INVALID_ARGUMENT
 * @source Wang and Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere", 2020
 *
 * @example
 * uniformity(Matrix.from([[1, 0], [-1, 0]])); // −8
 */
export function uniformity(
  rows: Matrix,
  { t = 2, pairs = 1_000_000, seed = 0 }: { readonly t?: number; readonly pairs?: number; readonly seed?: number } = {},
): number {
  assertAboveZero('uniformity', 't', t);
  assertWhole('uniformity', 'pairs', pairs);
  assertAtLeast('uniformity', 2, rows.rows);
  const { data, columns } = unitRows(rows, 'rows');
  const squares = Float64Array.from({ length: rows.rows }, (_, i) => rowProduct(data, i, data, i, columns));
  const { count, visit } = pairsOf(rows.rows, pairs, seed);
  let sum = 0;
  visit((i, j) => {
    const distance = squares[i] + squares[j] - 2 * rowProduct(data, i, data, j, columns);
    sum += Math.exp(-t * Math.max(0, distance));
  });
  return Math.log(sum / count);
}

/**
 * The mean of ‖x − y‖^α over pairs of rows that should lie close, scaled to length one. Lower is better; 0 is all pairs in one point.
 *
 * @param a n × d
 * @param b n × d; row i is the partner of row i
 * @param options `alpha`: default 2
 * @throws LimbeckError SHAPE_MISMATCH unless the shapes are equal; EMPTY_BATCH without rows; NON_FINITE
 * @source as {@link uniformity}
 *
 * @example
 * alignment(Matrix.from([[1, 0], [2, 0]]), Matrix.from([[3, 0], [0, 1]])); // (0 + 2) / 2
 */
export function alignment(a: Matrix, b: Matrix, { alpha = 2 }: { readonly alpha?: number } = {}): number {
  assertAboveZero('alignment', 'alpha', alpha);
  assertOneEach('alignment', a.rows, 'partner', b.rows);
  assertOneEach('alignment: columns', a.columns, 'column of the partners', b.columns);
  assertAtLeast('alignment', 1, a.rows);
  const [x, y] = [unitRows(a, 'first matrix').data, unitRows(b, 'second matrix').data];
  let sum = 0;
  for (let start = 0; start < x.length; start += a.columns) {
    let square = 0;
    for (let k = start; k < start + a.columns; k++) square += (x[k] - y[k]) ** 2;
    sum += square ** (alpha / 2);
  }
  return sum / a.rows;
}

/**
 * {@link alignment} with α = 2 over all pairs of different rows of one class, in time that grows with the rows and not with the pairs.
 *
 * @param rows n × d
 * @param labels n class numbers
 * @returns undefined where no class has two rows
 * @throws LimbeckError SHAPE_MISMATCH unless there is a label for each row; NON_FINITE
 *
 * @example
 * classAlignment(Matrix.from([[1, 0], [0, 2], [5, 5]]), [4, 4, 7]); // 2
 */
export function classAlignment(rows: Matrix, labels: ArrayLike<number>): number | undefined {
  assertOneEach('classAlignment', rows.rows, 'label', labels.length);
  const { data, columns } = unitRows(rows, 'rows');
  const classes = new Map<number, { count: number; squares: number; readonly sum: Float64Array }>();
  for (let i = 0; i < rows.rows; i++) {
    const one = classes.get(labels[i]) ?? { count: 0, squares: 0, sum: new Float64Array(columns) };
    classes.set(labels[i], one);
    one.count++;
    one.squares += rowProduct(data, i, data, i, columns);
    for (let k = 0; k < columns; k++) one.sum[k] += data[i * columns + k];
  }
  let distances = 0;
  let pairs = 0;
  for (const { count, squares, sum } of classes.values()) {
    // Σ_{i<j} ‖x_i − x_j‖² = n Σ ‖x_i‖² − ‖Σ x_i‖²
    distances += Math.max(0, count * squares - sum.reduce((total, value) => total + value * value, 0));
    pairs += (count * (count - 1)) / 2;
  }
  return pairs === 0 ? undefined : distances / pairs;
}
