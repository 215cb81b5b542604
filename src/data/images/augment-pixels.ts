/**
 * Changes to one image that leave what is in it recognisable: another part of it, its mirror image, other colours. Pure arithmetic on
 * arrays of pixels, [channels, height, width]; what is changed by how much is drawn elsewhere. Results are new arrays of the same
 * kind; bytes are rounded and held to 0 … 255, floats are left where they come out, for nothing says what their range is.
 */
import type { ImageFormat, ImageSample } from '../../students/images/pixels.ts';

/** A rectangle of pixels inside an image. */
export interface Box {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/** Factors; 1 leaves an image as it is. */
export interface ColourFactors {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

/** Weights of red, green and blue in how bright a pixel is (ITU-R BT.601). */
const LUMA = [0.299, 0.587, 0.114];

/**
 * The image moved up by `down` rows and left by `right` columns, as a cut from a padded one shows it: what comes in at the borders is
 * zero, or a reflection without the border itself (… c b | a b c | b a …).
 */
export function shift(
  image: ImageSample,
  { channels, height, width }: ImageFormat,
  { down, right }: { readonly down: number; readonly right: number },
  padding: 'reflect' | 'zero',
): ImageSample {
  const result = image.slice();
  const rows = sources(height, down, padding);
  const columns = sources(width, right, padding);
  let to = 0;
  for (let c = 0; c < channels; c++) {
    for (let y = 0; y < height; y++) {
      const row = (c * height + rows[y]) * width;
      for (let x = 0; x < width; x++, to++) {
        result[to] = rows[y] < 0 || columns[x] < 0 ? 0 : image[row + columns[x]];
      }
    }
  }
  return result;
}

/** Where each of `size` rows or columns comes from; −1 for nowhere. */
function sources(size: number, offset: number, padding: 'reflect' | 'zero'): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => {
    const from = i + offset;
    if (from >= 0 && from < size) return from;
    if (padding === 'zero') return -1;
    return from < 0 ? -from : 2 * (size - 1) - from;
  });
}

/** The part of the image inside a box, brought to the size of the image: bilinear, pixels taken as squares. */
export function enlarge(image: ImageSample, { channels, height, width }: ImageFormat, box: Box): ImageSample {
  const result = image.slice();
  const out = clamping(result);
  const rows = between(height, box.top, box.height);
  const columns = between(width, box.left, box.width);
  let to = 0;
  for (let c = 0; c < channels; c++) {
    const plane = c * height * width;
    for (let y = 0; y < height; y++) {
      const [above, below, down] = [plane + rows.first[y] * width, plane + rows.second[y] * width, rows.share[y]];
      for (let x = 0; x < width; x++, to++) {
        const [left, right, across] = [columns.first[x], columns.second[x], columns.share[x]];
        const upper = image[above + left] * (1 - across) + image[above + right] * across;
        const lower = image[below + left] * (1 - across) + image[below + right] * across;
        out[to] = upper * (1 - down) + lower * down;
      }
    }
  }
  return result;
}

/** For each of `size` places over `length` pixels from `start`: the pixels that it lies between, and the share of the second. */
function between(size: number, start: number, length: number) {
  const [first, second] = [new Int32Array(size), new Int32Array(size)];
  const share = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const place = Math.min(Math.max(((i + 0.5) * length) / size - 0.5, 0), length - 1);
    const whole = Math.floor(place);
    first[i] = start + whole;
    second[i] = start + Math.min(whole + 1, length - 1);
    share[i] = place - whole;
  }
  return { first, second, share };
}

/** Left and right changed over. */
export function mirror(image: ImageSample, { width }: ImageFormat): ImageSample {
  const result = image.slice();
  for (let row = 0; row < result.length; row += width) result.subarray(row, row + width).reverse();
  return result;
}

/**
 * Other brightness (everything times a factor), then contrast (distance from the mean brightness of the image), then saturation
 * (distance of a pixel from its grey; of images with three channels).
 */
export function recolour(image: ImageSample, { channels }: ImageFormat, factors: ColourFactors): ImageSample {
  const result = image.slice();
  const out = clamping(result);
  const plane = image.length / channels;
  const weights = channels === 3 ? LUMA : new Array<number>(channels).fill(1 / channels);
  const { brightness, contrast } = factors;
  let total = 0;
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let i = c * plane; i < (c + 1) * plane; i++) sum += image[i];
    total += weights[c] * sum;
  }
  const scale = brightness * contrast;
  const offset = (1 - contrast) * brightness * (total / plane);
  const saturation = channels === 3 ? factors.saturation : 1;
  for (let i = 0; i < plane; i++) {
    let grey = 0;
    if (saturation !== 1) for (let c = 0; c < 3; c++) grey += LUMA[c] * image[c * plane + i];
    for (let c = 0; c < channels; c++) {
      const place = c * plane + i;
      out[place] = scale * (saturation * image[place] + (1 - saturation) * grey) + offset;
    }
  }
  return result;
}

/** A view of an array that rounds to bytes and holds them to their range, where it holds bytes. */
function clamping(pixels: ImageSample): Float32Array | Uint8ClampedArray {
  if (pixels instanceof Float32Array) return pixels;
  return new Uint8ClampedArray(pixels.buffer, pixels.byteOffset, pixels.length);
}
