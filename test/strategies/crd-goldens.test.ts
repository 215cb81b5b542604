/** Every case of test/goldens/crd.json: PyTorch's losses, Z/M and gradients of the CRD objective, in float64 and in float32. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { crdCases, type Golden } from './golden-crd.ts';
import { expectNear, worstError } from './support.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/crd.json', import.meta.url), 'utf8')) as unknown as Golden;

/** Largest allowed errors: of loss and Z/M relative to max(1, value), of gradients relative to max(1, their largest entry). */
const BOUNDS = {
  float64: { loss: 1e-12, gradient: 1e-10 },
  float32: { loss: 4e-6, gradient: 4e-5 },
} as const;

describe.each(['float64', 'float32'] as const)('PyTorch’s numbers in %s', (dtype) => {
  const bound = BOUNDS[dtype];

  it(`all 96 cases: loss and Z/M < ${bound.loss}, gradients < ${bound.gradient}`, async () => {
    expect(golden.cases).toHaveLength(96);
    for await (const { c, loss, gradients, meanScores } of crdCases(golden, dtype)) {
      const name = JSON.stringify({ ...c, gradients: undefined });
      expect(Math.abs(loss - c.loss) / Math.max(1, c.loss), `loss of ${name}`).toBeLessThan(bound.loss);
      expect(Object.keys(gradients).sort()).toEqual(Object.keys(c.gradients).sort());
      for (const [key, expected] of Object.entries(c.gradients)) {
        expect(worstError(gradients[key], expected.flat()), `${key} of ${name}`).toBeLessThan(bound.gradient);
      }
      for (const side of ['student', 'teacher'] as const) {
        expectNear(Number(meanScores[side]) / c.meanScores[side], 1, bound.loss);
      }
    }
  });
});
