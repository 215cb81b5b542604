/** The options that every image student has, whatever its architecture. */
import * as z from 'zod';
import { LimbeckError } from '../../errors.ts';
import { embeddingLayerName, parseOptions } from '../../strategies/options.ts';
import type { ImageFormat } from './pixels.ts';

export const count = () => z.int().min(1).max(1_000_000);
const perChannel = (value: z.ZodNumber) => z.array(value.finite()).min(1);

/** Every option with its default and bounds; a description completes "expected …". */
export const imageOptions = {
  channels: count().describe('a whole number ≥ 1: channels of an image, 1 for grey, 3 for colour'),
  size: z
    .union([count(), z.tuple([count(), count()])])
    .describe('a whole number ≥ 1, or two: height and width of an image'),
  classes: count().optional().describe('a whole number ≥ 1; by default no classifier'),
  dimension: count()
    .optional()
    .describe('a whole number ≥ 1: the width of the embedding; by default that of the pooled features'),
  layerName: embeddingLayerName(),
  normalize: z
    .object({ mean: perChannel(z.number()), std: perChannel(z.number().positive()) })
    .optional()
    .describe(
      '{ mean, std }, a number for each channel, std > 0, of pixels from 0 to 1; by default pixels stay as they are',
    ),
  seed: z.int().describe('a whole number: seeds the initial weights'),
};

const schema = z.object(imageOptions);

/** The common options as a caller gives them. */
export type ImageOptions = z.input<typeof schema>;
/** The same with every default filled in. */
export type ParsedImageOptions = z.output<typeof schema>;

/**
 * Checks the options of an architecture, its own and the common ones.
 *
 * @throws LimbeckError INVALID_OPTION
 */
export function parseImageOptions<S extends z.ZodObject<typeof imageOptions & z.ZodRawShape>>(
  schema: S,
  options: unknown,
  owner: string,
): z.output<S> {
  const parsed = parseOptions(schema, options, owner);
  const { channels, normalize } = parsed as ParsedImageOptions;
  for (const [name, values] of Object.entries(normalize ?? {})) {
    if (values.length !== channels) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `${owner}: option normalize: expected ${channels} numbers in ${name}, one for each channel, got ${values.length}.`,
      );
    }
  }
  return parsed;
}

export function imageFormat({ channels, size }: ParsedImageOptions): ImageFormat {
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return { channels, height, width };
}
