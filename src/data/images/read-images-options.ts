/** The options of `readImages()`: names, defaults, bounds and descriptions in one table. */
import { availableParallelism } from 'node:os';
import * as z from 'zod';
import { LimbeckError } from '../../errors.ts';
import type { ImageFormat } from '../../students/images/pixels.ts';

const pixels = () => z.int().min(1).max(16_383);
const columnName = () => z.string().min(1);

/** Every option with its default and bounds; a description completes "expected …". */
export const readImagesSchema = z.object({
  size: z
    .union([pixels(), z.tuple([pixels(), pixels()])])
    .optional()
    .describe(
      'a whole number in 1 … 16383, or two: height and width that images are brought to; arrays keep theirs by default',
    ),
  channels: z
    .union([z.literal(1), z.literal(3)])
    .optional()
    .describe('1 or 3: grey or colour; by default 3, of arrays what they have'),
  fit: z
    .enum(['cover', 'contain', 'fill'])
    .default('cover')
    .describe("'cover', 'contain' or 'fill': cut off what is too long, add margins, or stretch"),
  background: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i)
    .default('#ffffff')
    .describe('a colour such as #ffffff: what shows through transparent pixels, and in margins'),
  classNames: z
    .array(z.string().min(1))
    .min(1)
    .refine((names) => new Set(names).size === names.length)
    .optional()
    .describe('distinct names of classes in the order of their numbers; by default those found, sorted'),
  pathColumn: columnName().default('path').describe('the column of a list that holds paths'),
  labelColumn: columnName().default('label').describe('the column of a list that holds labels'),
  limit: z.int().min(1).optional().describe('a whole number ≥ 1: how many images to take at most; by default all'),
  verify: z
    .boolean()
    .default(true)
    .describe('true or false: decode every image once, and leave out those that do not decode'),
  concurrency: z
    .int()
    .min(1)
    .max(1024)
    .default(() => availableParallelism())
    .describe('a whole number in 1 … 1024: images read at once; by default as many as there are cores'),
});

export type ParsedReadImages = z.output<typeof readImagesSchema>;

export interface ReadImagesOptions extends z.input<typeof readImagesSchema> {
  /** Told how many of all images have been looked at. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the reading; the promise is then rejected with ABORTED. */
  readonly signal?: AbortSignal;
}

/** The options that go with the work, without the table's. */
export type ScanControl = Pick<ReadImagesOptions, 'onProgress' | 'signal'>;

/**
 * The format that image files are decoded to.
 *
 * @throws LimbeckError INVALID_OPTION without a size: files come in all sizes
 */
export function formatOfFiles({ size, channels = 3 }: ParsedReadImages): ImageFormat & { channels: 1 | 3 } {
  if (size === undefined) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `readImages: option size: expected ${readImagesSchema.shape.size.description}, got undefined. ` +
        'Give the size that the student takes.',
    );
  }
  const [height, width] = typeof size === 'number' ? [size, size] : size;
  return { channels, height, width };
}
