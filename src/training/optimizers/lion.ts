/** Lion as part of the graph: the sign of an interpolated momentum (Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023). */
import * as z from 'zod';
import { add, mul, sign, sub } from '../../graph/index.ts';
import { commonOptions, momentumOption, type Optimizer } from './optimizer.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const lionOptionsSchema = z.object({
  method: z.literal('lion').default('lion').describe("'lion'"),
  ...commonOptions({ learningRate: 1e-4, weightDecay: 0.1 }),
  beta1: momentumOption(0.9),
  beta2: momentumOption(0.99),
});

export type LionOptions = z.output<typeof lionOptionsSchema>;

/** θ ← θ − η·(sign(β₁·m + (1 − β₁)·g) + λ·θ), then m ← β₂·m + (1 − β₂)·g. */
export function lion({ beta1, beta2 }: Pick<LionOptions, 'beta1' | 'beta2'>): Optimizer {
  return {
    slots: ['momentum'],
    fading: {}, // a momentum counts by its sign, however small it is
    scalars: () => ({}),
    update({ parameter, gradient, slots, learningRate, weightDecay }) {
      const direction = sign(add(mul(slots.momentum, beta1), mul(gradient, 1 - beta1)));
      const total = weightDecay === 0 ? direction : add(direction, mul(parameter, weightDecay));
      const momentum = add(mul(slots.momentum, beta2), mul(gradient, 1 - beta2));
      return { parameter: sub(parameter, mul(total, learningRate)), slots: { momentum } };
    },
  };
}
