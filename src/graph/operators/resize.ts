/**
 * Images made larger or smaller. Along each axis a result is an entry picked (nearest) or the mean of two, weighted (linear):
 * gathers, so that the gradient is a sum of scatters.
 */
import { LimbeckError } from '../../errors.ts';
import { constant, isFloat, type SymbolicTensor, typedArray } from '../tensor.ts';
import { add, mul } from './elementwise.ts';
import { expandTo } from './expand.ts';
import { gather } from './gather.ts';
import { replaceEntries } from './shape.ts';

export interface ResizeOptions {
  /** The new sizes of the spatial axes (all but the first two). Give these or `scales`. */
  readonly sizes?: readonly number[];
  /** Factors for the spatial axes; the new sizes are rounded down. */
  readonly scales?: readonly number[];
  /** Default 'nearest'. */
  readonly mode?: 'nearest' | 'linear';
  /**
   * Where entry i of the result lies in the input, with scale s: (i + ½)/s − ½ (halfPixel, the default; pytorchHalfPixel is 0 for
   * a result of one entry), i/s (asymmetric), or i · (size − 1)/(new size − 1) (alignCorners).
   */
  readonly coordinates?: 'halfPixel' | 'pytorchHalfPixel' | 'asymmetric' | 'alignCorners';
  /** Which entry is the nearest one; default roundPreferFloor. */
  readonly rounding?: 'roundPreferFloor' | 'roundPreferCeil' | 'floor' | 'ceil';
}

type Settings = Required<Pick<ResizeOptions, 'mode' | 'coordinates' | 'rounding'>>;

const COORDINATES: Record<Settings['coordinates'], (i: number, scale: number, size: number, result: number) => number> =
  {
    halfPixel: (i, scale) => (i + 0.5) / scale - 0.5,
    pytorchHalfPixel: (i, scale, _, result) => (result > 1 ? (i + 0.5) / scale - 0.5 : 0),
    asymmetric: (i, scale) => i / scale,
    alignCorners: (i, _, size, result) => (result === 1 ? 0 : (i * (size - 1)) / (result - 1)),
  };

const ROUNDINGS: Record<Settings['rounding'], (place: number) => number> = {
  roundPreferFloor: (place) => Math.ceil(place - 0.5),
  roundPreferCeil: (place) => Math.floor(place + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Where each entry of the result lies along an axis, held inside. */
function places(size: number, result: number, scale: number, { coordinates }: Settings): number[] {
  return Array.from({ length: result }, (_, i) =>
    Math.min(size - 1, Math.max(0, COORDINATES[coordinates](i, scale, size, result))),
  );
}

function resizeAxis(
  x: SymbolicTensor,
  axis: number,
  result: number,
  scale: number,
  settings: Settings,
): SymbolicTensor {
  const size = x.shape[axis] as number;
  const at = places(size, result, scale, settings);
  const pick = (indices: number[]) => gather(x, constant(Int32Array.from(indices), 'int32'), axis);
  if (at.every((place, i) => place === i) && result === size) return x;
  if (settings.mode === 'nearest') {
    return pick(at.map((place) => Math.min(size - 1, ROUNDINGS[settings.rounding](place))));
  }
  const lower = at.map(Math.floor);
  const shares = at.map((place, i) => place - lower[i]);
  const weights = (values: number[]) => {
    const data = typedArray(x.dtype, result) as Float32Array | Float64Array;
    data.set(values);
    return constant(data, x.dtype, [result, ...x.shape.slice(axis + 1).map(() => 1)]);
  };
  const low = mul(pick(lower), weights(shares.map((share) => 1 - share)));
  return add(low, mul(pick(lower.map((i) => Math.min(size - 1, i + 1))), weights(shares)));
}

/** Along a run-time size: every entry repeated, where that is what the settings come to. */
function repeatAxis(x: SymbolicTensor, axis: number, scale: number, settings: Settings): SymbolicTensor {
  if (scale === 1) return x;
  // The first entries of a long axis show the pattern; three periods, since the first begins outside.
  const pattern = places(1e6, 3 * scale, scale, settings).map(ROUNDINGS[settings.rounding]);
  const repeats = Number.isInteger(scale) && settings.mode === 'nearest' && settings.coordinates !== 'alignCorners';
  if (!repeats || pattern.some((place, i) => place !== Math.floor(i / scale))) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `resize: expected a known size, or whole entries repeated, along axis ${axis}, got ${x} and scale ${scale}.`,
    );
  }
  return replaceEntries(x, axis, (entry) => expandTo(entry, [...entry.shape.slice(0, -1), scale]));
}

/**
 * `x` [N, C, ...spatial] with other spatial sizes, as ONNX's Resize.
 *
 * @throws LimbeckError INVALID_ARGUMENT for sizes or scales that do not go with the spatial axes, UNSUPPORTED for a run-time size
 *   other than with the nearest mode and a whole scale
 *
 * @example
 * resize(x, { scales: [2, 2] });                     // [N, C, 8, 8] → [N, C, 16, 16], each entry four times
 * resize(x, { sizes: [12, 12], mode: 'linear' });
 */
export function resize(x: SymbolicTensor, options: ResizeOptions): SymbolicTensor {
  const { sizes, scales, mode = 'nearest', coordinates = 'halfPixel', rounding = 'roundPreferFloor' } = options;
  const given = sizes ?? scales ?? [];
  const right = (n: number, i: number) => {
    if (sizes) return Number.isSafeInteger(n) && n >= 1;
    const size = x.shape[i + 2];
    return Number.isFinite(n) && (typeof size === 'number' ? Math.floor(size * n) >= 1 : n > 0);
  };
  if (!isFloat(x.dtype) || given.length !== x.rank - 2 || !given.every(right) || (sizes && scales)) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `resize: expected sizes ≥ 1, or scales that give such, for the spatial axes of ${x}, got [${given.join(', ')}].`,
    );
  }
  const settings = { mode, coordinates, rounding };
  return given.reduce((y, wanted, i) => {
    const size = y.shape[i + 2];
    if (typeof size === 'number') {
      return sizes
        ? resizeAxis(y, i + 2, wanted, wanted / size, settings)
        : resizeAxis(y, i + 2, Math.floor(size * wanted), wanted, settings);
    }
    return repeatAxis(y, i + 2, sizes ? Number.NaN : wanted, settings);
  }, x);
}
