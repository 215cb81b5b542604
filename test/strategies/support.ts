/** Random batches and the comparisons that several tests of strategies share. */
import { expect } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import type { Random } from '../../src/matrix/random.ts';

/** Standard normal entries, float64. */
export function randomMatrix(random: Random, rows: number, columns: number): Matrix {
  return new Matrix(
    rows,
    columns,
    Float64Array.from({ length: rows * columns }, () => random.normal()),
  );
}

/** `count` classes out of 0 … classes − 1. */
export function randomLabels(random: Random, count: number, classes: number): Int32Array {
  return Int32Array.from({ length: count }, () => random.integer(classes));
}

/** |actual − expected| ≤ tolerance · max(1, |expected|). */
export function expectNear(actual: number, expected: number, tolerance: number): void {
  expect(Math.abs(actual - expected) / Math.max(1, Math.abs(expected)), `${actual} against ${expected}`).toBeLessThan(
    tolerance,
  );
}

/** The largest difference of two arrays, relative to the largest entry of the second (at least `floor`). */
export function worstError(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 1): number {
  expect(actual.length).toBe(expected.length);
  let scale = floor;
  let worst = 0;
  for (let k = 0; k < expected.length; k++) {
    scale = Math.max(scale, Math.abs(expected[k]));
    // Written so that NaN counts as infinitely wrong.
    const error = Math.abs(actual[k] - expected[k]);
    worst = error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }
  return worst / scale;
}

const STEP = 6e-6;

/** Central differences of a loss by every entry of a float64 matrix. */
export async function differenceQuotients(at: Matrix, loss: (moved: Matrix) => Promise<number>): Promise<Float64Array> {
  const result = new Float64Array(at.data.length);
  for (let k = 0; k < result.length; k++) {
    const moved = async (offset: number): Promise<number> => {
      const data = Float64Array.from(at.data);
      data[k] += offset;
      return loss(new Matrix(at.rows, at.columns, data));
    };
    result[k] = ((await moved(STEP)) - (await moved(-STEP))) / (2 * STEP);
  }
  return result;
}
