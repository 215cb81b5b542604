/** Images as students take them: arrays of pixels, all of one size. Not a decoder: files are somebody else's business. */
import { LimbeckError, show } from '../../errors.ts';
import type { TensorData } from '../../runtime/backend.ts';
import { floatTensor } from '../../runtime/tensors.ts';

/**
 * One image, channel by channel, each row by row: channels × height × width numbers. Bytes 0 … 255 stand for 0 … 1, floats for
 * themselves.
 */
export type ImageSample = Float32Array | Uint8Array;

export interface ImageFormat {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The same images, once each is known to be one.
 *
 * @throws LimbeckError INVALID_ARGUMENT for what is not pixels, SHAPE_MISMATCH for too few or too many
 */
export function checkedImages(images: readonly ImageSample[], format: ImageFormat): readonly ImageSample[] {
  const { channels, height, width } = format;
  const expected = `${channels} × ${height} × ${width} = ${pixelCount(format)}`;
  for (const [i, image] of images.entries()) {
    if (!(image instanceof Float32Array || image instanceof Uint8Array)) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `images[${i}]: expected a Float32Array or Uint8Array of ${expected} numbers, got ${show(image)}.`,
      );
    }
    if (image.length !== pixelCount(format)) {
      throw new LimbeckError('SHAPE_MISMATCH', `images[${i}]: expected ${expected} numbers, got ${image.length}.`);
    }
  }
  return images;
}

export function pixelCount({ channels, height, width }: ImageFormat): number {
  return channels * height * width;
}

/** Images as one tensor, float32 [images, channels, height, width]. */
export function pixelTensor(images: readonly ImageSample[], format: ImageFormat): TensorData {
  const size = pixelCount(format);
  const data = new Float32Array(images.length * size);
  for (const [i, image] of images.entries()) {
    data.set(image, i * size);
    if (image instanceof Uint8Array) for (let k = i * size; k < (i + 1) * size; k++) data[k] /= 255;
  }
  return floatTensor(data, [images.length, format.channels, format.height, format.width]);
}
