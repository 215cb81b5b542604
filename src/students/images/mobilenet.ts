/** MobileNetV2: inverted residuals. */
import * as z from 'zod';
import { mean } from '../../graph/index.ts';
import { imageOptions, parseImageOptions } from './image-options.ts';
import { ImageStudent } from './image-student.ts';
import { convolutions, invertedResidual } from './inverted-residual.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const mobilenetOptionsSchema = z.object({
  width: z.number().min(0.05).max(100).default(1).describe('a number ≥ 0.05: the factor on every number of channels'),
  stem: z
    .enum(['small', 'large'])
    .default('small')
    .describe("'small' for images of about 32 pixels, which are halved three times, or 'large' for 224, five times"),
  ...imageOptions,
});

export type MobilenetOptions = z.input<typeof mobilenetOptionsSchema>;

/** Expansion, channels, blocks, stride of the first block: table 2 of the paper. */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/** The stage that the small stem does not halve in, as well as the first convolution. */
const SECOND_STAGE = 1;

/**
 * Blocks that expand their channels sixfold, filter each alone in 3 × 3, and shrink again, with a shortcut between the narrow ends
 * (Sandler et al., CVPR 2018). With width 1 and 1000 classes 3,504,872 parameters, as torchvision's mobilenet_v2. Without dropout.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const student = mobilenet({ width: 0.5, channels: 3, size: 32, classes: 10, seed: 0 });
 */
export function mobilenet(options: MobilenetOptions): ImageStudent {
  const parsed = parseImageOptions(mobilenetOptionsSchema, options, 'mobilenet');
  const { width, stem } = parsed;
  return new ImageStudent(`mobilenet-v2${width === 1 ? '' : `x${width}`}`, parsed, (network, images) => {
    const halved = stem === 'large' ? 2 : 1;
    const convRelu = convolutions(network);
    let x = convRelu('features.0', images, { channels: divisible(32 * width), kernel: 3, stride: halved });
    let number = 1;
    for (const [stage, [expansion, channels, blocks, stride]] of STAGES.entries()) {
      for (let block = 0; block < blocks; block++) {
        const step = block > 0 ? 1 : stage === SECOND_STAGE ? halved : stride;
        x = invertedResidual(network, `features.${number++}.conv`, x, expansion, divisible(channels * width), step);
      }
    }
    // Narrow networks keep the wide last layer.
    x = convRelu(`features.${number}`, x, { channels: divisible(1280 * Math.max(1, width)), kernel: 1 });
    return mean(x, [2, 3]);
  });
}

/** The nearest multiple of 8 that is not below nine tenths, at least 8: what the authors' code makes of scaled channels. */
function divisible(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}
