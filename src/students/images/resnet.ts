/** Residual networks for small images: the CIFAR family. */
import * as z from 'zod';
import { add, mean, relu, type SymbolicTensor } from '../../graph/index.ts';
import { convNorm } from '../network/layers.ts';
import type { Network } from '../network/network.ts';
import { imageOptions, parseImageOptions } from './image-options.ts';
import { ImageStudent } from './image-student.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const resnetOptionsSchema = z.object({
  depth: z
    .int()
    .min(8)
    .max(10_000)
    .refine((depth) => depth % 6 === 2)
    .describe('6n + 2 layers for a whole number n ≥ 1: 8, 14, 20, 32, …'),
  width: z
    .number()
    .min(1 / 16)
    .max(1000)
    .default(1)
    .describe('a number ≥ 1/16: the factor on the 16, 32 and 64 channels of the three stages'),
  stemStride: z
    .int()
    .min(1)
    .max(4)
    .default(1)
    .describe('a whole number from 1 to 4: the stride of the stem; 2 quarters the work of everything behind it'),
  ...imageOptions,
});

export type ResnetOptions = z.input<typeof resnetOptionsSchema>;

/**
 * A stem of 3 × 3, three stages of (depth − 2) / 6 blocks with 16, 32 and 64 channels times `width`, each block two convolutions
 * of 3 × 3 beside a shortcut (1 × 1 where the size changes), global average: He et al., CVPR 2016, §4.2, option B.
 *
 * Names like "8x4" and "32x4" of the distillation literature are depth and width; as there, the stem of a widened network has
 * 8 · width channels. ResNet-20 with 10 classes has 272,474 parameters, ResNet-8x4 with 100 has 1,233,540.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const student = resnet({ depth: 8, channels: 1, size: 28, classes: 10, seed: 0 });
 * await distill({ student, … });
 *
 * Source: widths of stem and stages: RepDistiller (Tian et al., ICLR 2020), models/resnet.py.
 */
export function resnet(options: ResnetOptions): ImageStudent {
  const parsed = parseImageOptions(resnetOptionsSchema, options, 'resnet');
  const { depth, width, stemStride: stride } = parsed;
  const scaled = (channels: number, factor: number): number => Math.round(channels * factor);
  const stem = scaled(16, Math.min(width, Math.max(1, width / 2)));
  const name = `resnet-${depth}${width === 1 ? '' : `x${width}`}`;
  return new ImageStudent(name, parsed, (network, images) => {
    let x = relu(convNorm(network, { conv: 'conv1', norm: 'bn1' }, images, { channels: stem, kernel: 3, stride }));
    for (const [stage, channels] of [16, 32, 64].entries()) {
      for (let block = 0; block < (depth - 2) / 6; block++) {
        const step = stage > 0 && block === 0 ? 2 : 1;
        x = basicBlock(network, `layer${stage + 1}.${block}`, x, scaled(channels, width), step);
      }
    }
    return mean(x, [2, 3]);
  });
}

/** relu(x' + f(x)), with x' = x or its projection to the new size. */
function basicBlock(
  network: Network,
  name: string,
  x: SymbolicTensor,
  channels: number,
  stride: number,
): SymbolicTensor {
  const part = (conv: string, norm: string) => ({ conv: `${name}.${conv}`, norm: `${name}.${norm}` });
  const inner = relu(convNorm(network, part('conv1', 'bn1'), x, { channels, kernel: 3, stride }));
  const outer = convNorm(network, part('conv2', 'bn2'), inner, { channels, kernel: 3 });
  const same = stride === 1 && x.shape[1] === channels;
  const shortcut = same
    ? x
    : convNorm(network, part('downsample.0', 'downsample.1'), x, { channels, kernel: 1, stride });
  return relu(add(outer, shortcut));
}
