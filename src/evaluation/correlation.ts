/** How far two lists of numbers rise and fall together: in a straight line (Pearson) or in their order (Spearman). */
import { LimbeckError, show } from '../errors.ts';
import { assertAtLeast } from './checks.ts';

/**
 * Pearson's correlation. Where one of the lists is constant it is not defined; then this is 0, because a constant says nothing of the
 * other list.
 *
 * @param a at least two finite numbers
 * @param b as many
 * @returns a number in [−1, 1]
 * @throws LimbeckError SHAPE_MISMATCH for unequal lengths; EMPTY_BATCH for fewer than two; NON_FINITE naming the place
 *
 * @example
 * pearson([1, 2, 3], [2, 4, 7]); // 0.993
 */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  check('pearson', a, b);
  return correlation(a, b);
}

/**
 * Spearman's rank correlation: Pearson's of the ranks, equal values sharing the mean of their ranks. 0 where one of the lists is constant.
 *
 * @param a at least two finite numbers
 * @param b as many
 * @returns a number in [−1, 1]
 * @throws LimbeckError as {@link pearson}
 * @source Spearman, "The proof and measurement of association between two things", 1904
 *
 * @example
 * spearman([1, 2, 3], [2, 4, 70]); // 1
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  check('spearman', a, b);
  return correlation(averageRanks(a), averageRanks(b));
}

/**
 * Ranks from 1, the smallest value first; equal values share the mean of their ranks.
 *
 * @example
 * averageRanks([30, 10, 10]); // Float64Array [3, 1.5, 1.5]
 */
export function averageRanks(values: ArrayLike<number>): Float64Array {
  const order = Uint32Array.from({ length: values.length }, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let first = 0, next = 0; first < order.length; first = next) {
    while (next < order.length && values[order[next]] === values[order[first]]) next++;
    for (let place = first; place < next; place++) ranks[order[place]] = (first + 1 + next) / 2;
  }
  return ranks;
}

function correlation(a: ArrayLike<number>, b: ArrayLike<number>): number {
  // Scaled by the largest deviation, so that no square over- or underflows.
  const [x, y] = [deviations(a), deviations(b)];
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += x[i] * y[i];
    xx += x[i] * x[i];
    yy += y[i] * y[i];
  }
  return xx === 0 || yy === 0 ? 0 : Math.max(-1, Math.min(1, xy / Math.sqrt(xx * yy)));
}

/** From the mean, the largest being ±1; zeros for values that are all equal. */
function deviations(values: ArrayLike<number>): Float64Array {
  const result = new Float64Array(values.length);
  let constant = true;
  let mean = 0;
  for (let i = 0; i < values.length; i++) {
    constant &&= values[i] === values[0];
    mean += values[i] / values.length;
  }
  if (constant) return result;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    result[i] = values[i] - mean;
    largest = Math.max(largest, Math.abs(result[i]));
  }
  return result.map((value) => value / largest);
}

function check(measure: string, a: ArrayLike<number>, b: ArrayLike<number>): void {
  if (a.length !== b.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${measure}: expected two lists of one length, got ${a.length} and ${b.length} numbers.`,
    );
  }
  assertAtLeast(measure, 2, a.length);
  for (const [name, values] of [['first', a] as const, ['second', b] as const]) {
    for (let i = 0; i < values.length; i++) {
      if (Number.isFinite(values[i])) continue;
      throw new LimbeckError(
        'NON_FINITE',
        `${measure}: expected finite numbers, got ${show(values[i])} at place ${i} of the ${name} list.`,
      );
    }
  }
}
