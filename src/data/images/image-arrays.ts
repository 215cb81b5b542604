/** Data sets from files that hold all images as one array of pixels: IDX, .npy. They are read whole. */
import { extname } from 'node:path';
import { LimbeckError } from '../../errors.ts';
import { readBytes } from '../../runtime/read-files.ts';
import { type ImageFormat, type ImageSample, pixelCount } from '../../students/images/pixels.ts';
import { parseIdx } from '../idx.ts';
import { type ImageDataset, imageDataset } from '../image-dataset.ts';
import { parseNpy } from '../npy.ts';
import { channelFirst } from './channel-order.ts';
import { convertPixels, type ImageTarget } from './decode-image.ts';
import { eachConcurrently } from './each-concurrently.ts';
import type { ParsedReadImages } from './read-images-options.ts';

/** The paths of two files of one set. */
export interface ImageArrayFiles {
  readonly images: string;
  readonly labels?: string | undefined;
}

interface NumberArray {
  readonly shape: readonly number[];
  readonly data: ArrayLike<number> | BigInt64Array;
}

/**
 * @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, UNSUPPORTED for files that are no such arrays; SHAPE_MISMATCH for arrays that are
 *   no images, or no labels for them; INVALID_OPTION for floats that should be brought to another size
 */
export async function imageArrays(files: ImageArrayFiles, options: ParsedReadImages): Promise<ImageDataset> {
  const pixels = await readArray(files.images, 'images');
  const { format, images } = imagesOf(pixels, files.images, options.limit);
  const target = targetOf(format, options);
  const labels = files.labels === undefined ? undefined : await readArray(files.labels, 'labels');
  if (labels && (labels.shape.length !== 1 || labels.shape[0] !== pixels.shape[0])) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${files.labels}: expected ${pixels.shape[0]} labels, [${pixels.shape[0]}], for the images of ${files.images}, ` +
        `got [${labels.shape.join(', ')}]. Take the two files of one set.`,
    );
  }
  return imageDataset({
    images: await converted(images, format, target, options.concurrency),
    labels: labels && Array.from(labels.data, Number).slice(0, images.length),
    classNames: options.classNames,
    format: { channels: target.channels, height: target.height, width: target.width },
  });
}

async function readArray(path: string, what: string): Promise<NumberArray> {
  const bytes = await readBytes(path, `an array of ${what}`);
  return extname(path).toLowerCase() === '.npy' ? parseNpy(bytes, path) : parseIdx(bytes, path);
}

/** The images of an array, as views of it where channels come first. */
function imagesOf(
  { shape, data }: NumberArray,
  path: string,
  limit = Number.POSITIVE_INFINITY,
): { format: ImageFormat; images: ImageSample[] } {
  if (!(data instanceof Uint8Array || data instanceof Float32Array)) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${path}: expected pixels as bytes (uint8) or float32, got ${data.constructor.name}. Convert them first.`,
    );
  }
  const { channelsLast, ...format } = layoutOf(shape, path);
  const size = pixelCount(format);
  const images = Array.from({ length: Math.min(shape[0], limit) }, (_, i) => {
    const image = data.subarray(i * size, (i + 1) * size);
    return channelsLast ? channelFirst(image, format.channels) : image;
  });
  return { format, images };
}

function layoutOf(shape: readonly number[], path: string): ImageFormat & { channelsLast: boolean } {
  const [count, ...axes] = shape;
  const isColour = (n: number): boolean => n === 1 || n === 3;
  const [first, last] = [isColour(axes[0]), isColour(axes[2])];
  if (count > 0 && !axes.includes(0)) {
    if (axes.length === 2) return { channels: 1, height: axes[0], width: axes[1], channelsLast: false };
    if (axes.length === 3 && first && !last) {
      return { channels: axes[0], height: axes[1], width: axes[2], channelsLast: false };
    }
    if (axes.length === 3 && last && !first) {
      return { channels: axes[2], height: axes[0], width: axes[1], channelsLast: true };
    }
  }
  const ambiguous = axes.length === 3 && first && last ? ', where either may be the channels' : '';
  throw new LimbeckError(
    'SHAPE_MISMATCH',
    `${path}: expected images as [images, height, width], [images, height, width, channels] or [images, channels, height, width] ` +
      `with 1 or 3 channels, got [${shape.join(', ')}]${ambiguous}. Bring the array into one of these forms.`,
  );
}

/** What images are brought to: what the options say, and otherwise what they are. */
function targetOf(format: ImageFormat, { size, channels, fit, background }: ParsedReadImages): ImageTarget {
  const [height, width] =
    size === undefined ? [format.height, format.width] : typeof size === 'number' ? [size, size] : size;
  return { channels: channels ?? (format.channels as 1 | 3), height, width, fit, background };
}

async function converted(
  images: readonly ImageSample[],
  format: ImageFormat,
  target: ImageTarget,
  concurrency: number,
): Promise<readonly ImageSample[]> {
  const { channels, height, width } = target;
  if (channels === format.channels && height === format.height && width === format.width) return images;
  const result = new Array<ImageSample>(images.length);
  await eachConcurrently(images.length, concurrency, async (i) => {
    const image = images[i];
    if (image instanceof Float32Array) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `readImages: expected the size and channels of the array for pixels that are floats, ${format.channels} × ` +
          `${format.height} × ${format.width}, got ${channels} × ${height} × ${width}. Leave size and channels out.`,
      );
    }
    const decoded = await convertPixels(image, format, target);
    if ('reason' in decoded) throw new Error(`image ${i} cannot be converted: ${decoded.reason}`);
    result[i] = decoded.pixels;
  });
  return result;
}
