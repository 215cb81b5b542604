/** A set of images in memory, as arrays of pixels, with optional class labels. Not a reader of any file format. */
import { LimbeckError, show } from '../errors.ts';
import { type ImageFormat, type ImageSample, pixelCount } from '../students/images/pixels.ts';
import { buildDataset, type Dataset, type DatasetLabels, type InMemoryDataset } from './dataset.ts';

/** Images, wherever they are kept. */
export interface ImageDataset extends Dataset<ImageSample> {
  /** Channels, height and width of every image, where they are known. */
  readonly format?: ImageFormat | undefined;
}

export interface ImageDatasetParts extends DatasetLabels {
  images: readonly ImageSample[];
  format?: ImageFormat | undefined;
}

/**
 * @param parts.images all of one length and type
 * @param parts.format what the numbers of an image are, for augmentation
 * @throws LimbeckError INVALID_ARGUMENT for what is no image or no label, SHAPE_MISMATCH for images of unequal size or another than
 *   the format's, and for a wrong number of labels, NON_FINITE for pixels that are no numbers
 *
 * @example
 * const data = imageDataset({ images: [Uint8Array.of(0, 255, 255, 0), Uint8Array.of(255, 0, 0, 255)], labels: [0, 1] });
 */
export function imageDataset({
  images,
  format,
  ...labels
}: ImageDatasetParts): InMemoryDataset<ImageSample> & ImageDataset {
  const [first] = images;
  if (format && first && first.length !== pixelCount(format)) {
    const { channels, height, width } = format;
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Image 0: expected ${channels} × ${height} × ${width} = ${pixelCount(format)} pixels as the format says, got ${show(first)}.`,
    );
  }
  for (const [i, image] of images.entries()) {
    if (!(image instanceof Uint8Array || image instanceof Float32Array)) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Image ${i}: expected a Uint8Array or Float32Array of pixels, got ${show(image)}.`,
      );
    }
    if (image.length !== first.length || image.constructor !== first.constructor) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Image ${i}: expected ${show(first)} like image 0, got ${show(image)}. Bring images to one size first.`,
      );
    }
    const wrong = image instanceof Float32Array ? image.findIndex((pixel) => !Number.isFinite(pixel)) : -1;
    if (wrong >= 0) {
      throw new LimbeckError(
        'NON_FINITE',
        `Image ${i}: expected finite pixels, got ${image[wrong]} at place ${wrong}.`,
      );
    }
  }
  const bytesOf = ({ buffer, byteOffset, byteLength }: ImageSample) => new Uint8Array(buffer, byteOffset, byteLength);
  return { ...buildDataset(Object.freeze([...images]), labels, { what: 'image', bytesOf }), ...(format && { format }) };
}
