/** Every case of test/goldens/contrastive.json: PyTorch's losses and gradients, in float64 and in float32. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { contrastiveCase, type Golden, newStrategy, outputCase } from './golden-contrastive.ts';
import { expectNear, worstError } from './support.ts';

const golden = JSON.parse(
  readFileSync(new URL('../goldens/contrastive.json', import.meta.url), 'utf8'),
) as unknown as Golden;

/** Largest allowed errors: of the loss relative to max(1, |loss|), of the gradient relative to max(1, its largest entry). */
const BOUNDS = {
  float64: { loss: 1e-12, gradient: 1e-10 },
  float32: { loss: 2e-6, gradient: 2e-5 },
} as const;

describe.each(['float64', 'float32'] as const)('PyTorch’s numbers in %s', (dtype) => {
  const bound = BOUNDS[dtype];
  const strategy = newStrategy();
  const name = (c: Golden['contrastive'][number]) =>
    `${c.embeddings} ${c.mode}${c.symmetric ? ' symmetric' : ''}, τ ${c.temperature}, positives ${c.positives}, bank ${c.bank}`;

  it(`all 168 contrastive cases: loss < ${bound.loss}, gradient < ${bound.gradient}`, async () => {
    expect(golden.contrastive).toHaveLength(168);
    for (const c of golden.contrastive) {
      const { loss, gradient } = await contrastiveCase(golden, c, dtype, strategy);
      expect(gradient.dtype).toBe(dtype);
      expect(Math.abs(loss - c.loss) / Math.max(1, c.loss), `loss of ${name(c)}`).toBeLessThan(bound.loss);
      expect(worstError(gradient.data, c.gradient.flat()), `gradient of ${name(c)}`).toBeLessThan(bound.gradient);
    }
    await strategy.release();
  });

  it(`all 42 output cases: loss < ${bound.loss}, gradient < ${bound.gradient}`, async () => {
    expect(golden.output).toHaveLength(42);
    for (const c of golden.output) {
      const { loss, gradient } = await outputCase(golden, c, dtype, strategy);
      expectNear(loss, c.loss, bound.loss);
      expect(worstError(gradient.data, c.gradient.flat()), JSON.stringify(c)).toBeLessThan(bound.gradient);
    }
    await strategy.release();
  });
});
