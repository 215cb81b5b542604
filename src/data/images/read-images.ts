/** Images from wherever they are: folders by class, lists, arrays. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { LimbeckError, show } from '../../errors.ts';
import { parseOptions } from '../../strategies/options.ts';
import type { ImageDataset } from '../image-dataset.ts';
import { findImageFiles, type ImageCandidates } from './find-image-files.ts';
import { type ImageArrayFiles, imageArrays } from './image-arrays.ts';
import { imageFiles } from './image-files.ts';
import { LIST_EXTENSIONS, readImageList } from './read-image-list.ts';
import { formatOfFiles, type ReadImagesOptions, readImagesSchema } from './read-images-options.ts';

/**
 * A data set of images. Files are decoded as they are asked for, several at once and beside the training, so that a set may be larger
 * than memory: upright by their EXIF orientation, sRGB or grey, transparency laid on a background, resized to one size. Arrays are
 * held in memory.
 *
 * Every file is read once first: for the fingerprint, to find files that are the same, and to leave out those that do not decode,
 * which are listed in `skipped`. With `verify: false` they are not decoded then, and an error when they are asked for. So is a file
 * that changes later.
 *
 * @param source a directory with a folder per class, or with images and no folders; a list (`.csv`, `.jsonl`, `.txt`) with the paths of
 *   images, and labels or not; or files of arrays, `{ images, labels }`, IDX or `.npy` (uint8 or float32), with or without labels
 * @throws LimbeckError INVALID_OPTION; INVALID_ARGUMENT for a source that holds no images, or a class that holds none, and for labels
 *   that are out of range or not in `classNames`; FILE_UNREADABLE, FILE_CORRUPT, NOT_TEXT for lists and arrays, with the line; ABORTED.
 *   Reading from the data set: DATA_MISMATCH for a file that has changed or is gone, FILE_CORRUPT for one that does not decode
 *
 * @example
 * const data = await readImages('photos', { size: 224 }); // photos/cat/1.jpg, photos/dog/1.jpg, …
 * data.classNames;                   // ['cat', 'dog']
 * const [image] = await data.read([0]); // Uint8Array of 3 × 224 × 224
 * data.skipped;                      // [{ where: 'cat/7.jpg', reason: 'does not decode: premature end of JPEG image' }]
 */
export async function readImages(
  source: string | ImageArrayFiles,
  { onProgress, signal, ...given }: ReadImagesOptions = {},
): Promise<ImageDataset> {
  const options = parseOptions(readImagesSchema, given, 'readImages');
  if (typeof source === 'string' && extname(source).toLowerCase() === '.npy') {
    return imageArrays({ images: source }, options);
  }
  if (typeof source !== 'string') {
    if (typeof source?.images === 'string') return imageArrays(source, options);
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `readImages: expected the path of a directory or a list, or { images, labels } with paths, got ${show(source)}.`,
    );
  }
  const { fit, background } = options;
  const target = { ...formatOfFiles(options), fit, background };
  return imageFiles(await candidatesOf(source, options), target, options, {
    ...(onProgress && { onProgress }),
    ...(signal && { signal }),
  });
}

async function candidatesOf(source: string, options: Parameters<typeof readImageList>[1]): Promise<ImageCandidates> {
  if (LIST_EXTENSIONS.includes(extname(source).toLowerCase())) return readImageList(source, options);
  const found = await stat(source).catch(() => undefined);
  if (!found?.isFile()) return findImageFiles(source, options.classNames);
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `${source}: expected a directory of images, or a list of them (${LIST_EXTENSIONS.join(', ')}), got another file. ` +
      'IDX files are named as { images, labels }.',
  );
}
