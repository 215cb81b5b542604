/** Parts of a tensor along one axis, and their gradient, padding; axes may have run-time sizes. */
import { LimbeckError } from '../../errors.ts';
import {
  apply1,
  constant,
  type Dimension,
  type Emitter,
  normalizeAxis,
  type Operator,
  type SymbolicTensor,
} from '../tensor.ts';
import { gather, scatterAdd } from './gather.ts';
import { addSizes, divideSize } from './sizes.ts';

/** Along one axis. */
export interface Range {
  readonly axis: number;
  readonly start: number;
  readonly end?: number | undefined;
  readonly step: number;
}

const sliceOperator: Operator<readonly Range[]> = {
  name: 'Slice',
  infer([x], ranges) {
    const shape = [...x.shape];
    for (const range of ranges) shape[range.axis] = slicedSize(x.shape[range.axis], range);
    return [{ dtype: x.dtype, shape }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes: ranges }) =>
    emitter.node('Slice', [name, ...sliceInputs(emitter, ranges)], outputNames),
  vjp({ inputs: [x], attributes: ranges }, [g]) {
    if (!g) return [];
    const strided = ranges.filter(({ step }) => step !== 1);
    const spread = strided.reduce((cotangent, range) => apply1(spreadOperator, [cotangent, x], range), g);
    const margins = ranges.flatMap(({ axis, start, end, step }) => {
      if (step !== 1) return [];
      const size = x.shape[axis];
      if (typeof size === 'string') return [{ axis, before: start, after: -(end ?? 0) }];
      const before = start < 0 ? start + size : start;
      return [{ axis, before, after: size - before - (g.shape[axis] as number) }];
    });
    return [padAxes(spread, margins)];
  },
};

/** ONNX's inputs for a slice: starts, ends, axes, steps. No end is the largest number there is. */
function sliceInputs(emitter: Emitter, ranges: readonly Range[]): string[] {
  const ends = ranges.map(({ end, step }) => end ?? (step > 0 ? 1 : -1) * Number.MAX_SAFE_INTEGER);
  const part = (of: (range: Range) => number) => emitter.int64s(ranges.map(of));
  return [part(({ start }) => start), emitter.int64s(ends), part(({ axis }) => axis), part(({ step }) => step)];
}

/** How many entries a slice takes. A run-time size needs bounds on its two sides, so that the result is size − constant. */
function slicedSize(size: Dimension, { start, end, step }: Range): Dimension {
  const forward = step > 0;
  if (typeof size === 'string') {
    // Backwards, the same with the two ends changed over: from −k down to k counts as from k up to −k.
    const lost = forward ? start - (end ?? 0) : (end ?? -1) - start;
    return divideSize(addSizes([size, -lost]), Math.abs(step));
  }
  const first = start < 0 ? start + size : start;
  const past = end === undefined ? (forward ? size : -1) : end < 0 ? end + size : end;
  const fits = forward ? 0 <= first && first <= past && past <= size : -1 <= past && past <= first && first < size;
  if (!fits) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Slice: expected a range within ${size} entries, got ${start} … ${end ?? ''} in steps of ${step}.`,
    );
  }
  return Math.ceil((past - first) / step);
}

/** So many entries of a run-time size are named one by one. */
const MOST_INDICES = 2 ** 20;

/**
 * The entries start, start + step, … before `end` along one axis. Negative positions count from the end; no `end` goes on to
 * the last entry or, with a negative step, to the first. `slice(x, axis, -1, undefined, -1)` turns an axis round.
 *
 * Along a run-time size, 1 … −1 is 'length−2' entries, and an empty result where the size is smaller than that; 0 … 3 is 3
 * entries, and an axis that has fewer fails when the program runs.
 *
 * @throws LimbeckError SHAPE_MISMATCH for a range that a known size does not hold, INVALID_ARGUMENT for a step of 0 and for
 *   bounds that run against the step, UNSUPPORTED for millions of entries of a run-time size
 */
export function slice(x: SymbolicTensor, axis: number, start: number, end?: number, step = 1): SymbolicTensor {
  const along = normalizeAxis(axis, x.rank, 'Slice');
  const range = { axis: along, start, end, step };
  if (![start, end ?? 0, step].every(Number.isSafeInteger) || step === 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `slice: expected whole numbers and a step other than 0, got ${start} … ${end} in steps of ${step}.`,
    );
  }
  if (typeof x.shape[along] === 'number') return sliceAxes(x, [range]);
  const [fromFront, toBack] = [start >= 0, end === undefined ? step > 0 : end < 0];
  if (fromFront !== toBack) {
    // Both bounds on one side: so many entries. Gather fails where an entry is missing; Slice would give fewer.
    const indices = [];
    const past = end ?? (step > 0 ? 0 : -1);
    if ((past - start) / step > MOST_INDICES) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `slice: expected at most ${MOST_INDICES} entries of "${x.shape[along]}", got ${start} … ${past}.`,
      );
    }
    for (let i = start; step > 0 ? i < past : i > past; i += step) indices.push(BigInt(i));
    return gather(x, constant(BigInt64Array.from(indices), 'int64'), along);
  }
  if (fromFront !== step > 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `slice: expected bounds in the direction of the step, got ${start} … ${end} in steps of ${step} along "${x.shape[along]}".`,
    );
  }
  return sliceAxes(x, [range]);
}

/** Slices along several axes at once, each with bounds as {@link slice} takes them, on the two sides of a run-time size. */
export function sliceAxes(x: SymbolicTensor, ranges: readonly Range[]): SymbolicTensor {
  return ranges.length === 0 ? x : apply1(sliceOperator, [x], ranges);
}

/**
 * The entries of `g` put along an axis at the places that a slice takes them from, zeros between: the gradient of a slice with a
 * step. Of the second input only the size along that axis counts.
 */
const spreadOperator: Operator<Range> = {
  name: 'Spread',
  infer: ([g, like], { axis }) => [
    { dtype: g.dtype, shape: g.shape.map((d, i) => (i === axis ? like.shape[axis] : d)) },
  ],
  emit(emitter, { inputs: [g], inputNames: [cotangent, like], outputNames, attributes }) {
    const { axis } = attributes;
    const inputs = sliceInputs(emitter, [{ ...attributes, axis: 0 }]);
    const places = emitter.temporary('Slice', [rangeOf(emitter, like, axis), ...inputs]);
    const column = emitter.int64s(g.shape.map((_, i) => (i === axis ? -1 : 1)));
    const sizes = emitter.temporary('Shape', [cotangent]);
    const indices = emitter.temporary('Expand', [emitter.temporary('Reshape', [places, column]), sizes]);
    const whole = emitter.temporary('Gather', [emitter.temporary('Shape', [like]), emitter.int64s([axis])]);
    const shape = emitter.temporary('ScatterElements', [sizes, emitter.int64s([axis]), whole]);
    const zeros = emitter.temporary('Expand', [emitter.scalar(0, g.dtype), shape]);
    emitter.node('ScatterElements', [zeros, indices, cotangent], outputNames, { axis: { int: axis } });
  },
  vjp: ({ attributes }, [g]) => [g && sliceAxes(g, [attributes]), undefined],
};

/** The entries of `x` at places 0, step, 2 · step, … of an axis that has the size of that of `like`; zeros elsewhere. */
export function spread(x: SymbolicTensor, axis: number, step: number, like: SymbolicTensor): SymbolicTensor {
  return step === 1 ? x : apply1(spreadOperator, [x, like], { axis, start: 0, step });
}

/** 0, 1, … of the size of an axis, as int64. */
function rangeOf(emitter: Emitter, like: string, axis: number): string {
  const size = emitter.temporary('Gather', [emitter.temporary('Shape', [like]), emitter.scalar(axis, 'int64')]);
  return emitter.temporary('Range', [emitter.scalar(0, 'int64'), size, emitter.scalar(1, 'int64')]);
}

/** What stands in the padding: a constant, the entries mirrored at the border entry, or the border entry repeated. */
export type PadMode = 'constant' | 'reflect' | 'edge';

export interface PadOptions {
  /** Default 'constant'. */
  readonly mode?: PadMode;
  /** The constant; default 0. */
  readonly value?: number;
}

/** How many entries are added along an axis. */
export interface Margin {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

/** Several margins at once with a constant only. */
interface Pad {
  readonly margins: readonly Margin[];
  readonly mode: PadMode;
  readonly value: number;
}

const padOperator: Operator<Pad> = {
  name: 'Pad',
  infer([x], { margins }) {
    const shape = [...x.shape];
    for (const { axis, before, after } of margins) shape[axis] = addSizes([x.shape[axis], before + after]);
    return [{ dtype: x.dtype, shape }];
  },
  emit(emitter, { inputs: [x], inputNames: [name], outputNames, attributes: { margins, mode, value } }) {
    const inputs = [emitter.int64s([...margins.map((m) => m.before), ...margins.map((m) => m.after)])];
    inputs.push(emitter.scalar(value, x.dtype), emitter.int64s(margins.map(({ axis }) => axis)));
    emitter.node('Pad', [name, ...inputs], outputNames, { mode: { string: mode } });
  },
  vjp({ inputs: [x], attributes }, [g]) {
    if (!g) return [];
    const { margins, mode } = attributes;
    if (mode !== 'constant') return [scatterAdd(g, apply1(padPlacesOperator, [x], attributes), x, margins[0].axis)];
    return [
      sliceAxes(
        g,
        margins.map(({ axis, before, after }) => ({
          axis,
          start: before,
          end: after === 0 ? undefined : -after,
          step: 1,
        })),
      ),
    ];
  },
};

/** Which entry along the axis each padded entry is a copy of: the positions themselves, padded alike. */
const padPlacesOperator: Operator<Pad> = {
  name: 'PadPlaces',
  infer: ([x], { margins: [{ axis, before, after }] }) => [
    { dtype: 'int64', shape: [addSizes([x.shape[axis], before + after])] },
  ],
  emit: (emitter, { inputNames: [like], outputNames, attributes: { margins, mode } }) =>
    emitter.node(
      'Pad',
      [rangeOf(emitter, like, margins[0].axis), emitter.int64s([margins[0].before, margins[0].after])],
      outputNames,
      { mode: { string: mode } },
    ),
  vjp: () => [],
};

/**
 * Adds entries before and after along one axis.
 *
 * @throws LimbeckError INVALID_ARGUMENT for numbers of entries that are not whole and ≥ 0, SHAPE_MISMATCH for a mirror that
 *   is longer than a known size allows
 */
export function pad(
  x: SymbolicTensor,
  axis: number,
  before: number,
  after: number,
  { mode = 'constant', value = 0 }: PadOptions = {},
): SymbolicTensor {
  const along = normalizeAxis(axis, x.rank, 'Pad');
  if (![before, after].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    throw new LimbeckError('INVALID_ARGUMENT', `pad: expected whole numbers ≥ 0, got ${before} and ${after}.`);
  }
  const size = x.shape[along];
  if (mode === 'reflect' && typeof size === 'number' && Math.max(before, after) >= size) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `pad: expected to mirror fewer than the ${size} entries along axis ${axis}, got ${before} and ${after}.`,
    );
  }
  return padWith(x, [{ axis: along, before, after }], mode, value);
}

/** Adds a constant before and after along several axes at once. */
export function padAxes(x: SymbolicTensor, margins: readonly Margin[], value = 0): SymbolicTensor {
  return padWith(x, margins, 'constant', value);
}

function padWith(x: SymbolicTensor, margins: readonly Margin[], mode: PadMode, value: number): SymbolicTensor {
  const some = margins.filter(({ before, after }) => before > 0 || after > 0);
  return some.length === 0 ? x : apply1(padOperator, [x], { margins: some, mode, value });
}
