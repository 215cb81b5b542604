/**
 * Operators against PyTorch (test/goldens/operators.json): values and gradients, in float64 to 1e-11 of the largest entry, and
 * in float32, which is what training runs, to 1e-5.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { BUILDS, compute, type Golden } from './golden-operators.ts';

const { cases } = JSON.parse(readFileSync(new URL('../goldens/operators.json', import.meta.url), 'utf8')) as {
  cases: Golden[];
};

describe('operators against PyTorch, error < 1e-11 (float64) and < 1e-5 (float32) of the largest entry', () => {
  it('every golden has a build, and every build a golden', () => {
    expect(cases.map(({ name }) => name)).toEqual(Object.keys(BUILDS));
  });

  for (const golden of cases) {
    it(golden.name, async () => {
      for (const [dtype, tolerance] of [['float64', 1e-11] as const, ['float32', 1e-5] as const]) {
        const results = await compute(golden, BUILDS[golden.name], dtype);
        expect(results.y.dims).toEqual(golden.y.shape);
        const expected = { y: golden.y.values, ...Object.fromEntries(golden.gradients.map((g, i) => [`g${i}`, g])) };
        for (const [name, values] of Object.entries(expected)) {
          const actual = results[name].data;
          expect(actual.length).toBe(values.length);
          const scale = Math.max(1, ...values.map(Math.abs));
          const worst = Math.max(...values.map((value, i) => Math.abs(Number(actual[i]) - value)));
          expect(worst / scale, `${name} in ${dtype}`).toBeLessThan(tolerance);
        }
      }
    });
  }
});
