/** A tensor that a model gave as one row per sample. */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { FeedTensor, TensorData } from '../runtime/backend.ts';

export type Pooling = 'none' | 'mean' | 'first';

/** How a tensor becomes rows. */
export interface PoolingOptions {
  readonly pooling: Pooling;
  /** Whether what is left of other axes than the first is laid out one after another; else only axes of size 1 may be. */
  readonly flatten: boolean;
  /** Which tokens count, [samples × length]; undefined where all do. */
  readonly mask: ArrayLike<number> | undefined;
  /** For messages: the file and the tensor. */
  readonly what: string;
}

/**
 * `mean` is over the tokens of [batch, length, width] that the mask shows, or over the places of [batch, channels, height, width];
 * `first` takes the first token.
 *
 * @returns float32 [samples, width]
 * @throws LimbeckError INVALID_OPTION for a tensor that is no row per sample, UNSUPPORTED for one that holds no floats
 */
export function pooledRows({ dtype, dims, data }: TensorData, options: PoolingOptions): Matrix {
  const { pooling, flatten, what } = options;
  if (dtype !== 'float32' && dtype !== 'float64') {
    throw new LimbeckError('UNSUPPORTED', `${what}: expected a tensor of floats, got ${dtype}. Name another tensor.`);
  }
  const floats = data as Float32Array | Float64Array;
  const [samples, ...rest] = dims;
  if (pooling === 'first' && rest.length === 2) return firstTokens(floats, samples, rest[0], rest[1]);
  if (pooling === 'mean' && rest.length === 2) return meanOfTokens(floats, samples, rest[0], rest[1], options);
  if (pooling === 'mean' && rest.length === 3) return meanOfPlaces(floats, samples, rest[0], rest[1] * rest[2]);
  const width = rest.reduce((product, size) => product * size, 1);
  const isRow = rest.length >= 1 && rest.slice(1).every((size) => size === 1);
  if (isRow || (flatten && rest.length >= 1)) return new Matrix(samples, width, floats).as('float32');
  const advice =
    rest.length === 2
      ? "Set pooling to 'mean' or 'first'."
      : rest.length === 3
        ? "Set pooling to 'mean'."
        : 'Name another tensor.';
  throw new LimbeckError('INVALID_OPTION', `${what}: expected [batch, width], got [${dims.join(', ')}]. ${advice}`);
}

function firstTokens(data: ArrayLike<number>, samples: number, length: number, width: number): Matrix {
  const rows = Matrix.zeros(samples, width);
  for (let i = 0; i < samples; i++) {
    for (let j = 0; j < width; j++) rows.data[i * width + j] = data[i * length * width + j];
  }
  return rows;
}

function meanOfTokens(
  data: ArrayLike<number>,
  samples: number,
  length: number,
  width: number,
  { mask, what }: PoolingOptions,
): Matrix {
  if (mask && mask.length !== samples * length) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${what}: expected as many tokens as the mask has, ${mask.length}, got ${samples} × ${length}. ` +
        "Take pooling: 'first', or name another tensor.",
    );
  }
  const rows = Matrix.zeros(samples, width);
  const sum = new Float64Array(width);
  for (let i = 0; i < samples; i++) {
    sum.fill(0);
    let count = 0;
    for (let k = 0; k < length; k++) {
      if (mask && mask[i * length + k] === 0) continue;
      count++;
      const from = (i * length + k) * width;
      for (let j = 0; j < width; j++) sum[j] += data[from + j];
    }
    for (let j = 0; j < width; j++) rows.data[i * width + j] = sum[j] / Math.max(1, count);
  }
  return rows;
}

function meanOfPlaces(data: ArrayLike<number>, samples: number, channels: number, places: number): Matrix {
  const rows = Matrix.zeros(samples, channels);
  for (let row = 0; row < samples * channels; row++) {
    let sum = 0;
    for (let k = row * places; k < (row + 1) * places; k++) sum += data[k];
    rows.data[row] = sum / Math.max(1, places);
  }
  return rows;
}

/** Which tokens count: what the model is told, else what is known of the lengths. */
export function tokenMask(
  feeds: Readonly<Record<string, FeedTensor>>,
  lengths: readonly number[] | undefined,
  what: string,
): ArrayLike<number> | undefined {
  const told = feeds.attention_mask;
  if (told) return Float64Array.from(told.data as ArrayLike<number>, Number);
  if (!lengths) return undefined;
  const longest = Math.max(1, ...lengths);
  const mask = new Uint8Array(lengths.length * longest);
  for (const [i, length] of lengths.entries()) {
    if (!Number.isInteger(length) || length < 0) {
      throw new LimbeckError('INVALID_ARGUMENT', `${what}: expected lengths ≥ 0 of samples, got ${show(length)}.`);
    }
    mask.fill(1, i * longest, i * longest + length);
  }
  return mask;
}
