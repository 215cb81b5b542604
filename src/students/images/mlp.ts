/** Perceptrons of several layers. */
import * as z from 'zod';
import { flatten, gelu, relu, tanh } from '../../graph/index.ts';
import { heNormal, xavierUniform, zeros } from '../network/initialization.ts';
import { linear } from '../network/layers.ts';
import { count, imageOptions, parseImageOptions } from './image-options.ts';
import { ImageStudent } from './image-student.ts';

const ACTIVATIONS = { relu, gelu, tanh } as const;

/** Every option with its default and bounds; a description completes "expected …". */
export const mlpOptionsSchema = z.object({
  widths: z.array(count()).min(1).describe('an array of whole numbers ≥ 1, the widths of the hidden layers'),
  activation: z.enum(['relu', 'gelu', 'tanh']).default('relu').describe("'relu', 'gelu' or 'tanh'"),
  ...imageOptions,
});

export type MlpOptions = z.input<typeof mlpOptionsSchema>;

/**
 * Pixels in a row through hidden layers, the last of which is the embedding. For vectors of n numbers, say other embeddings, take
 * n channels of size 1.
 *
 * Weights start from He's initialisation in front of relu and gelu, from Xavier's in front of tanh; biases at 0.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const student = mlp({ widths: [256, 64], channels: 1, size: 28, classes: 10, seed: 0 });
 */
export function mlp(options: MlpOptions): ImageStudent {
  const parsed = parseImageOptions(mlpOptionsSchema, options, 'mlp');
  const { widths, activation } = parsed;
  return new ImageStudent(`mlp-${widths.join('-')}`, parsed, (network, images) => {
    let x = flatten(images, 1);
    for (const [i, width] of widths.entries()) {
      const from = x.shape[1] as number;
      const initialize = activation === 'tanh' ? xavierUniform(from, width) : heNormal(from);
      x = ACTIVATIONS[activation](linear(network, `hidden.${i}`, x, width, { initialize, initializeBias: zeros }));
    }
    return x;
  });
}
