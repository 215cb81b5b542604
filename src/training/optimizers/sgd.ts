/** Stochastic gradient descent as part of the graph, with momentum (Polyak, 1964) and Nesterov's look-ahead, as torch.optim.SGD has them. */
import * as z from 'zod';
import { add, mul, sub } from '../../graph/index.ts';
import { commonOptions, momentumOption, type Optimizer } from './optimizer.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const sgdOptionsSchema = z.object({
  method: z.literal('sgd').default('sgd').describe("'sgd'"),
  ...commonOptions({ learningRate: 0.05, weightDecay: 5e-4 }),
  momentum: momentumOption(0.9),
  nesterov: z.boolean().default(false).describe('true or false'),
});

export type SgdOptions = z.output<typeof sgdOptionsSchema>;

/**
 * b ← μ·b + (g + λ·θ), θ ← θ − η·b; with Nesterov θ ← θ − η·(g + λ·θ + μ·b). The decay is part of the gradient, as is usual for SGD,
 * and not decoupled from it.
 */
export function sgd({ momentum, nesterov }: Pick<SgdOptions, 'momentum' | 'nesterov'>): Optimizer {
  return {
    slots: momentum === 0 ? [] : ['momentum'],
    fading: momentum === 0 ? {} : { momentum },
    scalars: () => ({}),
    update({ parameter, gradient, slots, learningRate, weightDecay }) {
      const decayed = weightDecay === 0 ? gradient : add(gradient, mul(parameter, weightDecay));
      if (momentum === 0) return { parameter: sub(parameter, mul(decayed, learningRate)), slots: {} };
      const buffer = add(mul(slots.momentum, momentum), decayed);
      const direction = nesterov ? add(decayed, mul(buffer, momentum)) : buffer;
      return { parameter: sub(parameter, mul(direction, learningRate)), slots: { momentum: buffer } };
    },
  };
}
