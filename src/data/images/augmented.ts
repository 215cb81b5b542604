/**
 * Images that look different every time they are seen: cut, mirrored, recoloured at random. What a look shows is a function of seed,
 * view and sample, so that a teacher can be shown what the student is shown, and a resumed run sees what an unbroken one sees.
 */
import * as z from 'zod';
import { sha256 } from '#digest';
import { LimbeckError, show } from '../../errors.ts';
import { Random } from '../../matrix/random.ts';
import { parseOptions } from '../../strategies/options.ts';
import { checkedImages, type ImageFormat, type ImageSample } from '../../students/images/pixels.ts';
import type { ImageDataset } from '../image-dataset.ts';
import { type Box, enlarge, mirror, recolour, shift } from './augment-pixels.ts';

const share = () => z.number().positive().max(1);

/** Every option with its default and bounds; a description completes "expected …". */
export const augmentationSchema = z.object({
  crop: z
    .int()
    .min(1)
    .optional()
    .describe('a whole number ≥ 1: pixels by which an image is moved at most in either direction'),
  padding: z
    .enum(['reflect', 'zero'])
    .default('reflect')
    .describe("'reflect' or 'zero': what comes in at the borders with crop"),
  resizedCrop: z
    .tuple([share(), share()])
    .refine(([least, most]) => least <= most)
    .optional()
    .describe(
      'two numbers in (0, 1], the smaller first: the share of its area that an image is cut to, and brought back to its size',
    ),
  flip: z.boolean().default(false).describe('true or false: every other image mirrored, left to right'),
  colour: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('a number in 0 … 1: how much brightness, contrast and saturation vary, from 1 − colour to 1 + colour'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0'),
});

type Augmentation = z.output<typeof augmentationSchema>;

export interface AugmentationOptions extends z.input<typeof augmentationSchema> {
  /** Of the images; by default what the data says. */
  readonly format?: ImageFormat | undefined;
}

/**
 * A data set of the same images, changed at random. `read(numbers, view)` gives a look at them that is another one for every view, and
 * the same for the same seed and view; `read(numbers)` gives them as they are.
 *
 * In this order: `crop` moves an image (a random cut from the padded one), or `resizedCrop` enlarges a part of it (of random area, its
 * sides in a ratio of 3/4 to 4/3 to those of the image); `flip` mirrors one of two; `colour` changes brightness, contrast and saturation.
 *
 * @throws LimbeckError INVALID_OPTION when there is nothing to change, for crop and resizedCrop together, and for a reflection of more
 *   than an image; INVALID_ARGUMENT without a format. Reading: SHAPE_MISMATCH for images of another size, INVALID_ARGUMENT for no view
 *
 * @example
 * const training = augmented(await readImages('photos', { size: 96 }), { resizedCrop: [0.3, 1], flip: true, colour: 0.4 });
 * const [first, second] = [await training.read([0], 0), await training.read([0], 1)];
 */
export function augmented(data: ImageDataset, { format = data.format, ...given }: AugmentationOptions): ImageDataset {
  const options = parseOptions(augmentationSchema, given, 'augmented');
  if (!format) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'augmented: expected the format of the images, got data without. Give format: { channels, height, width }.',
    );
  }
  checkOptions(options, format);
  const { labels, classNames, duplicateOf, ids, positions, skipped, lengths, size } = data;
  return {
    size,
    format,
    augmented: true,
    fingerprint: fingerprintOf(data.fingerprint, options, format),
    async read(numbers, view) {
      const images = await data.read(numbers);
      if (view === undefined) return images;
      if (!Number.isSafeInteger(view) || view < 0) {
        throw new LimbeckError(
          'INVALID_ARGUMENT',
          `Augmented images: expected a view ≥ 0, a whole number, got ${show(view)}.`,
        );
      }
      return checkedImages(images, format).map((image, i) => {
        return changed(image, format, options, Random.forPurpose(options.seed, `view ${view} of sample ${numbers[i]}`));
      });
    },
    ...(labels && { labels }),
    ...(classNames && { classNames }),
    ...(duplicateOf && { duplicateOf }),
    ...(ids && { ids }),
    ...(positions && { positions }),
    ...(skipped && { skipped }),
    ...(lengths && { lengths }),
  };
}

function changed(image: ImageSample, format: ImageFormat, options: Augmentation, random: Random): ImageSample {
  const { crop, padding, resizedCrop, flip, colour } = options;
  let result = image;
  if (crop !== undefined) {
    const [down, right] = [random.integer(2 * crop + 1) - crop, random.integer(2 * crop + 1) - crop];
    result = shift(result, format, { down, right }, padding);
  }
  if (resizedCrop) result = enlarge(result, format, randomBox(resizedCrop, format, random));
  if (flip && random.integer(2) === 1) result = mirror(result, format);
  if (colour > 0) {
    const factor = (): number => 1 + colour * (2 * random.uniform() - 1);
    result = recolour(result, format, { brightness: factor(), contrast: factor(), saturation: factor() });
  }
  return result;
}

/** Szegedy et al. 2015, section 6: area uniform in its range, ratio of the sides log-uniform; here cut to the image, not drawn again. */
function randomBox([least, most]: readonly [number, number], { height, width }: ImageFormat, random: Random): Box {
  const area = least + (most - least) * random.uniform();
  const ratio = Math.exp(Math.log(4 / 3) * (2 * random.uniform() - 1));
  const side = (length: number, part: number): number => Math.min(length, Math.max(1, Math.round(length * part)));
  const box = { height: side(height, Math.sqrt(area / ratio)), width: side(width, Math.sqrt(area * ratio)) };
  return { ...box, top: random.integer(height - box.height + 1), left: random.integer(width - box.width + 1) };
}

function checkOptions(
  { crop, padding, resizedCrop, flip, colour }: Augmentation,
  { height, width }: ImageFormat,
): void {
  const fail = (rest: string): never => {
    throw new LimbeckError('INVALID_OPTION', `augmented: expected ${rest}`);
  };
  if (crop !== undefined && resizedCrop) fail('crop or resizedCrop, got both. Leave one out.');
  if (crop === undefined && !resizedCrop && !flip && colour === 0) {
    fail('crop, resizedCrop, flip or colour, got none of them. Take the data as it is, or say what to change.');
  }
  const most = padding === 'reflect' ? Math.min(height, width) - 1 : Math.min(height, width);
  if (crop !== undefined && crop > most) {
    fail(`crop of at most ${most} for images of ${height} × ${width} with padding '${padding}', got ${crop}.`);
  }
}

function fingerprintOf(data: string, options: Augmentation, { channels, height, width }: ImageFormat): string {
  const names = Object.keys(augmentationSchema.shape) as (keyof Augmentation)[];
  const settings = names.map((name) => `${name} ${JSON.stringify(options[name] ?? null)}`);
  const text = ['augmented', data, `${channels} × ${height} × ${width}`, ...settings].join('\n');
  return sha256().update(text).hex();
}
