/** Principal components against NumPy (test/goldens/components.py), and what they refuse. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { principalComponents } from '../../src/matrix/principal-components.ts';
import { caught } from '../caught.ts';

interface Case {
  name: string;
  rows: number[][];
  count: number;
  weights: number[] | null;
  mean: number[];
  components: number[][];
  variances: number[];
}
const { cases } = JSON.parse(readFileSync(new URL('../goldens/components.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};

const difference = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i])));

describe('principalComponents', () => {
  it.each(cases)('agrees with NumPy: $name', ({ rows, count, weights, mean, components, variances }) => {
    const found = principalComponents(Matrix.from(rows, 'float64'), count, weights ?? undefined);
    expect(difference(found.mean, mean)).toBeLessThan(1e-12);
    expect(difference(found.variances, variances)).toBeLessThan(1e-12);
    expect(found.components.rows).toBe(count);
    expect(difference(found.components.data, components.flat())).toBeLessThan(1e-9);
  });

  it('takes a row that counts for nothing as not there', () => {
    const rows = Matrix.from(cases[0].rows, 'float64');
    const weights = Array.from({ length: rows.rows }, (_, i) => (i < 3 ? 0 : 1));
    const rest = rows.gather(Array.from({ length: rows.rows - 3 }, (_, i) => i + 3));
    expect(
      difference(principalComponents(rows, 2, weights).variances, principalComponents(rest, 2).variances),
    ).toBeLessThan(1e-12);
  });

  it('of one row are directions without variance', () => {
    const { variances, mean } = principalComponents(Matrix.from([[1, 2]]), 2);
    expect([...variances, ...mean]).toEqual([0, 0, 1, 2]);
  });

  it.each([
    [() => principalComponents(Matrix.zeros(0, 2), 1), 'INVALID_ARGUMENT', 'at least one row'],
    [() => principalComponents(Matrix.zeros(2, 2), 3), 'INVALID_ARGUMENT', '1 … 2 of them'],
    [() => principalComponents(Matrix.zeros(2, 2), 0.5), 'INVALID_ARGUMENT', 'got 0.5'],
    [() => principalComponents(Matrix.zeros(2, 2), 1, [1]), 'SHAPE_MISMATCH', 'each of 2 rows, got 1'],
    [() => principalComponents(Matrix.zeros(2, 2), 1, [1, -1]), 'INVALID_ARGUMENT', 'got -1 for row 1'],
    [() => principalComponents(Matrix.zeros(2, 2), 1, [1, Number.NaN]), 'INVALID_ARGUMENT', 'got NaN for row 1'],
    [() => principalComponents(Matrix.zeros(2, 2), 1, [0, 0]), 'INVALID_ARGUMENT', 'above 0'],
  ])('refuses what it cannot do: %#', (attempt, code, message) => {
    const error = caught(attempt);
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(message);
  });
});
