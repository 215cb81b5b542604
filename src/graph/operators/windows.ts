/** The geometry of sliding windows, which convolutions and pools share. Spatial axes are all but the first two. */
import { LimbeckError } from '../../errors.ts';
import type { Dimension, Shape, SymbolicTensor } from '../tensor.ts';
import { addSizes, divideSize } from './sizes.ts';
import { padAxes, sliceAxes } from './slice.ts';

/** One number for each spatial axis; `pads` has those before all axes first, then those after. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly pads: readonly number[];
}

export interface WindowOptions {
  /** Steps from window to window; default 1. */
  readonly strides?: readonly number[];
  /** Steps within a window; default 1. */
  readonly dilations?: readonly number[];
  /**
   * Entries added before each axis, then after each: [top, left, bottom, right]. Default 0. 'sameUpper' and 'sameLower' give
   * ⌈size / stride⌉ windows, with the odd entry after or before.
   */
  readonly pads?: readonly number[] | 'sameUpper' | 'sameLower';
}

/** What one window spans along each axis. */
export function spans({ kernel, dilations }: Windows): readonly number[] {
  return kernel.map((k, i) => dilations[i] * (k - 1) + 1);
}

/**
 * Options with their defaults filled in and pads in numbers.
 *
 * @throws LimbeckError INVALID_ARGUMENT for lists of the wrong length or numbers out of range, UNSUPPORTED for 'same' pads of a
 *   run-time size with a stride, since they depend on it
 */
export function resolveWindows(
  operator: string,
  spatial: Shape,
  kernel: readonly number[],
  options: WindowOptions,
): Windows {
  const ones = kernel.map(() => 1);
  const { strides = ones, dilations = ones, pads = [...ones, ...ones].fill(0) } = options;
  const check = (name: string, values: readonly number[], length: number, least: number) => {
    if (values.length === length && values.every((n) => Number.isSafeInteger(n) && n >= least)) return;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${operator}: expected ${length} whole numbers ≥ ${least} as ${name}, got [${values.join(', ')}].`,
    );
  };
  check('kernel sizes', kernel, spatial.length, 1);
  check('strides', strides, spatial.length, 1);
  check('dilations', dilations, spatial.length, 1);
  const windows = { kernel, strides, dilations };
  if (typeof pads !== 'string') {
    check('pads', pads, 2 * spatial.length, 0);
    return { ...windows, pads };
  }
  const totals = spans({ ...windows, pads: [] }).map((span, i) => {
    const size = spatial[i];
    if (typeof size === 'number') return Math.max(0, (Math.ceil(size / strides[i]) - 1) * strides[i] + span - size);
    if (strides[i] === 1) return span - 1;
    throw new LimbeckError(
      'UNSUPPORTED',
      `${operator}: expected a known size for "${pads}", got "${size}". Give pads.`,
    );
  });
  const smaller = totals.map((total) => Math.floor(total / 2));
  const larger = totals.map((total) => Math.ceil(total / 2));
  return { ...windows, pads: pads === 'sameUpper' ? [...smaller, ...larger] : [...larger, ...smaller] };
}

/**
 * How many windows fit along each axis.
 *
 * @throws LimbeckError SHAPE_MISMATCH when none fits in a known size
 */
export function windowCounts(operator: string, spatial: Shape, windows: Windows): Dimension[] {
  return spans(windows).map((span, i) => {
    const padding = windows.pads[i] + windows.pads[i + spatial.length];
    const places = addSizes([spatial[i], padding - span + 1]);
    if (typeof places === 'number' && places < 1) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `${operator}: expected windows of at most the padded size, got ${span} entries of ${spatial[i]} + ${padding}.`,
      );
    }
    return divideSize(places, windows.strides[i]);
  });
}

/** `x` [·, ·, ...spatial] with its pads. */
export function padWindows(x: SymbolicTensor, { pads }: Windows, value = 0): SymbolicTensor {
  const n = pads.length / 2;
  return padAxes(
    x,
    Array.from({ length: n }, (_, i) => ({ axis: i + 2, before: pads[i], after: pads[i + n] })),
    value,
  );
}

/**
 * For each place within the window, in row-major order, the entries of the padded tensor [·, ·, ...spatial] that stand there in
 * all windows: kernel-many tensors [·, ·, ...counts].
 */
export function windowParts(padded: SymbolicTensor, windows: Windows): SymbolicTensor[] {
  const { kernel, strides, dilations } = windows;
  const places = kernel.reduce<number[][]>(
    (found, k) => found.flatMap((place) => Array.from({ length: k }, (_, i) => [...place, i])),
    [[]],
  );
  return places.map((place) =>
    sliceAxes(
      padded,
      place.map((at, i) => {
        const left = dilations[i] * (kernel[i] - 1 - at);
        return { axis: i + 2, start: dilations[i] * at, end: left === 0 ? undefined : -left, step: strides[i] };
      }),
    ),
  );
}
