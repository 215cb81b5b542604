/** Wide residual networks for small images. */
import * as z from 'zod';
import { add, mean, relu, type SymbolicTensor } from '../../graph/index.ts';
import { batchNorm, conv, convNorm } from '../network/layers.ts';
import type { Network } from '../network/network.ts';
import { count, imageOptions, parseImageOptions } from './image-options.ts';
import { ImageStudent } from './image-student.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const wideResnetOptionsSchema = z.object({
  depth: z
    .int()
    .min(10)
    .max(10_000)
    .refine((depth) => depth % 6 === 4)
    .describe('6n + 4 layers for a whole number n ≥ 1: 10, 16, 22, 28, 40, …'),
  widen: count().describe('a whole number ≥ 1: the factor on the 16, 32 and 64 channels of the three stages'),
  ...imageOptions,
});

export type WideResnetOptions = z.input<typeof wideResnetOptionsSchema>;

/**
 * A stem of 16 channels, three stages of (depth − 4) / 6 blocks with 16, 32 and 64 channels times `widen`, normalisation and relu in
 * front of every convolution, global average (Zagoruyko & Komodakis, BMVC 2016, table 1). WRN-16-2 with 100 classes has 703,284
 * parameters, WRN-40-2 has 2,255,156. Without dropout.
 *
 * Folding reaches the convolutions that a normalisation follows directly: the first of each block.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const student = wideResnet({ depth: 16, widen: 2, channels: 3, size: 32, classes: 100, seed: 0 });
 */
export function wideResnet(options: WideResnetOptions): ImageStudent {
  const parsed = parseImageOptions(wideResnetOptionsSchema, options, 'wideResnet');
  const { depth, widen } = parsed;
  return new ImageStudent(`wide-resnet-${depth}-${widen}`, parsed, (network, images) => {
    let x = conv(network, 'conv1', images, { channels: 16, kernel: 3 });
    for (const [stage, channels] of [16, 32, 64].entries()) {
      for (let block = 0; block < (depth - 4) / 6; block++) {
        const stride = stage > 0 && block === 0 ? 2 : 1;
        x = activatedBlock(network, `block${stage + 1}.layer.${block}`, x, channels * widen, stride);
      }
    }
    return mean(relu(batchNorm(network, 'bn1', x)), [2, 3]);
  });
}

/** x + f(a) with a = relu(norm(x)); where the number of channels changes, the shortcut is a projection of a. */
function activatedBlock(
  network: Network,
  name: string,
  x: SymbolicTensor,
  channels: number,
  stride: number,
): SymbolicTensor {
  const active = relu(batchNorm(network, `${name}.bn1`, x));
  const first = { conv: `${name}.conv1`, norm: `${name}.bn2` };
  const inner = relu(convNorm(network, first, active, { channels, kernel: 3, stride }));
  const outer = conv(network, `${name}.conv2`, inner, { channels, kernel: 3 });
  const same = x.shape[1] === channels && stride === 1;
  return add(outer, same ? x : conv(network, `${name}.convShortcut`, active, { channels, kernel: 1, stride }));
}
