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

interface Slice {
  readonly axis: number;
  readonly start: number;
  readonly end: number | undefined;
  readonly step: number;
}

const sliceOperator: Operator<Slice> = {
  name: 'Slice',
  infer([x], attributes) {
    const size = slicedSize(x.shape[attributes.axis], attributes);
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i === attributes.axis ? size : d)) }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes }) =>
    emitter.node('Slice', [name, ...sliceInputs(emitter, attributes, attributes.axis)], outputNames),
  vjp({ inputs: [x], attributes: { axis, start, end, step } }, [g]) {
    if (!g) return [];
    if (step !== 1) return [apply1(strideOperator, [g, x], { axis, start, end, step })];
    const size = x.shape[axis];
    if (typeof size === 'string') return [pad(g, axis, start, -(end ?? 0))];
    const first = start < 0 ? start + size : start;
    return [pad(g, axis, first, size - first - (g.shape[axis] as number))];
  },
};

/** ONNX's inputs for a slice; no end is the largest number there is. */
function sliceInputs(emitter: Emitter, { start, end, step }: Slice, axis: number): string[] {
  const last = end ?? (step > 0 ? 1 : -1) * Number.MAX_SAFE_INTEGER;
  return [start, last, axis, step].map((value) => emitter.int64s([value]));
}

/** How many entries a slice takes. A run-time size needs bounds on its two sides, so that the result is size − constant. */
function slicedSize(size: Dimension, { start, end, step }: Slice): Dimension {
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

/**
 * The entries start, start + step, … before `end` along one axis. Negative positions count from the end; no `end` goes on to
 * the last entry or, with a negative step, to the first. `slice(x, axis, -1, undefined, -1)` turns an axis round.
 *
 * Along a run-time size, 1 … −1 is 'length−2' entries, and an empty result where the size is smaller than that; 0 … 3 is 3
 * entries, and an axis that has fewer fails when the program runs.
 *
 * @throws LimbeckError SHAPE_MISMATCH for a range that a known size does not hold, INVALID_ARGUMENT for a step of 0 and for
 *   bounds that run against the step
 */
export function slice(x: SymbolicTensor, axis: number, start: number, end?: number, step = 1): SymbolicTensor {
  const along = normalizeAxis(axis, x.rank, 'Slice');
  const attributes = { axis: along, start, end, step };
  if (![start, end ?? 0, step].every(Number.isSafeInteger) || step === 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `slice: expected whole numbers and a step other than 0, got ${start} … ${end} in steps of ${step}.`,
    );
  }
  if (typeof x.shape[along] === 'number') return apply1(sliceOperator, [x], attributes);
  const [fromFront, toBack] = [start >= 0, end === undefined ? step > 0 : end < 0];
  if (fromFront !== toBack) {
    // Both bounds on one side: so many entries. Gather fails where an entry is missing; Slice would give fewer.
    const indices = [];
    const past = end ?? (step > 0 ? 0 : -1);
    for (let i = start; step > 0 ? i < past : i > past; i += step) indices.push(BigInt(i));
    return gather(x, constant(BigInt64Array.from(indices), 'int64'), along);
  }
  if (fromFront !== step > 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `slice: expected bounds in the direction of the step, got ${start} … ${end} in steps of ${step} along "${x.shape[along]}".`,
    );
  }
  return apply1(sliceOperator, [x], attributes);
}

/** The gradient of a slice with a step: the cotangent's entries at the places they were taken from, zeros between. */
const strideOperator: Operator<Slice> = {
  name: 'Stride',
  infer: ([g, x]) => [{ dtype: g.dtype, shape: x.shape }],
  emit(emitter, { inputs: [g], inputNames: [cotangent, like], outputNames, attributes }) {
    const { axis } = attributes;
    const places = emitter.temporary('Slice', [range(emitter, like, axis), ...sliceInputs(emitter, attributes, 0)]);
    const column = g.shape.map((_, i) => (i === axis ? -1 : 1));
    const shaped = emitter.temporary('Reshape', [places, emitter.int64s(column)]);
    const indices = emitter.temporary('Expand', [shaped, emitter.temporary('Shape', [cotangent])]);
    const zeros = emitter.temporary('Expand', [emitter.scalar(0, g.dtype), emitter.temporary('Shape', [like])]);
    emitter.node('ScatterElements', [zeros, indices, cotangent], outputNames, { axis: { int: axis } });
  },
  vjp: ({ attributes: { axis, start, end, step } }, [g]) => [g && slice(g, axis, start, end, step), undefined],
};

/** 0, 1, … of the size of an axis, as int64. */
function range(emitter: Emitter, like: string, axis: number): string {
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

interface Pad {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
  readonly mode: PadMode;
  readonly value: number;
}

const paddedSize = (size: Dimension, { before, after }: Pad): Dimension => addSizes([size, before + after]);

const padOperator: Operator<Pad> = {
  name: 'Pad',
  infer([x], attributes) {
    const { axis } = attributes;
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? paddedSize(d, attributes) : d)) }];
  },
  emit(emitter, { inputs: [x], inputNames: [name], outputNames, attributes: { axis, before, after, mode, value } }) {
    const at = (n: number) => x.shape.map((_, i) => (i === axis ? n : 0));
    const pads = emitter.int64s([...at(before), ...at(after)]);
    emitter.node('Pad', [name, pads, emitter.scalar(value, x.dtype)], outputNames, { mode: { string: mode } });
  },
  vjp({ inputs: [x], attributes }, [g]) {
    if (!g) return [];
    const { axis, before, after, mode } = attributes;
    if (mode !== 'constant') return [scatterAdd(g, apply1(padPlacesOperator, [x], attributes), x, axis)];
    const size = x.shape[axis];
    return [slice(g, axis, before, typeof size === 'number' ? before + size : after === 0 ? undefined : -after)];
  },
};

/** Which entry along the axis each padded entry is a copy of: the positions themselves, padded alike. */
const padPlacesOperator: Operator<Pad> = {
  name: 'PadPlaces',
  infer: ([x], attributes) => [{ dtype: 'int64', shape: [paddedSize(x.shape[attributes.axis], attributes)] }],
  emit: (emitter, { inputNames: [like], outputNames, attributes: { axis, before, after, mode } }) =>
    emitter.node('Pad', [range(emitter, like, axis), emitter.int64s([before, after])], outputNames, {
      mode: { string: mode },
    }),
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
  if (before === 0 && after === 0) return x;
  return apply1(padOperator, [x], { axis: along, before, after, mode, value });
}
