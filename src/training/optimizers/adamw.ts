/** AdamW as part of the graph (Loshchilov & Hutter, ICLR 2019, with the bias correction of Kingma & Ba, ICLR 2015). */
import * as z from 'zod';
import { add, div, mul, sqrt, sub } from '../../graph/index.ts';
import { commonOptions, momentumOption, type Optimizer } from './optimizer.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const adamWOptionsSchema = z.object({
  method: z.literal('adamw').default('adamw').describe("'adamw'"),
  ...commonOptions({ learningRate: 1e-3, weightDecay: 0.01 }),
  beta1: momentumOption(0.9),
  beta2: momentumOption(0.999),
  epsilon: z.number().positive().finite().default(1e-8).describe('a finite number > 0'),
});

export type AdamWOptions = z.output<typeof adamWOptionsSchema>;

/** θ ← θ − η·λ·θ − η·m̂ / (√v̂ + ε), m and v running means of the gradient and its square, corrected for their start at 0. */
export function adamW({ beta1, beta2, epsilon }: Pick<AdamWOptions, 'beta1' | 'beta2' | 'epsilon'>): Optimizer {
  return {
    slots: ['firstMoment', 'secondMoment'],
    fading: { firstMoment: beta1, secondMoment: beta2 },
    scalars: (step) => ({ correction1: 1 - beta1 ** step, correction2: 1 - beta2 ** step }),
    update({ parameter, gradient, slots, learningRate, scalars, weightDecay }) {
      const firstMoment = add(mul(slots.firstMoment, beta1), mul(gradient, 1 - beta1));
      const secondMoment = add(mul(slots.secondMoment, beta2), mul(mul(gradient, gradient), 1 - beta2));
      const deviation = add(sqrt(div(secondMoment, scalars.correction2)), epsilon);
      const direction = div(div(firstMoment, scalars.correction1), deviation);
      const decayed = weightDecay === 0 ? parameter : sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
      return { parameter: sub(decayed, mul(direction, learningRate)), slots: { firstMoment, secondMoment } };
    },
  };
}
