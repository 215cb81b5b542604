/** A handful of results, one a seed, as mean and spread. Not a test of significance: see report/verdict.ts. */
import { LimbeckError } from '../errors.ts';

export interface Summary {
  readonly count: number;
  readonly mean: number;
  /** With the divisor n − 1; null for a single value, which has no spread. */
  readonly standardDeviation: number | null;
  readonly min: number;
  readonly max: number;
}

/**
 * Mean, sample standard deviation, smallest and largest value. Deviations are taken from the mean (two passes), so that
 * close values far from zero do not cancel.
 *
 * @throws LimbeckError EMPTY_BATCH without values, NON_FINITE naming the place
 *
 * @example
 * summary([1, 2, 3]); // { count: 3, mean: 2, standardDeviation: 1, min: 1, max: 3 }
 */
export function summary(values: ArrayLike<number>): Summary {
  const list = Array.from(values);
  const count = list.length;
  if (count === 0) throw new LimbeckError('EMPTY_BATCH', 'summary: expected at least one value, got none.');
  const bad = list.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new LimbeckError('NON_FINITE', `summary: expected finite numbers, got ${list[bad]} at place ${bad}.`);
  }
  const mean = list.reduce((sum, value) => sum + value, 0) / count;
  const squares = list.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    count,
    mean,
    standardDeviation: count > 1 ? Math.sqrt(squares / (count - 1)) : null,
    min: list.reduce((a, b) => Math.min(a, b)),
    max: list.reduce((a, b) => Math.max(a, b)),
  };
}
