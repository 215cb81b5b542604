/** Operators that move numbers without changing them. */
import { LimbeckError } from '../../errors.ts';
import {
  apply1,
  constant,
  type Dimension,
  normalizeAxis,
  type Operator,
  type Shape,
  type SymbolicTensor,
  showShape,
} from '../tensor.ts';
import { expand, sameShape } from './expand.ts';

/** ONNX's target for a reshape: 0 copies a size from the same place of the input, one −1 is inferred. */
function reshapeTarget(from: Shape, to: Shape): number[] | undefined {
  const target = to.map((d, i) => (typeof d === 'number' ? d : d === from[i] ? 0 : -1));
  return target.filter((d) => d === -1).length <= 1 ? target : undefined;
}

/** Known sizes multiplied, and the names of the run-time sizes in order: equal for shapes of equal size. */
function sizeKey(shape: Shape): string {
  const known = shape.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1);
  return [known, ...shape.flatMap((d) => (typeof d === 'string' ? d.split('·') : [])).sort()].join(' · ');
}

/** Inputs: the tensor and, where run-time sizes cannot be told from the target alone, a tensor that has the new shape. */
const reshapeOperator: Operator<Shape> = {
  name: 'Reshape',
  infer([x, like], shape) {
    if (sizeKey(x.shape) !== sizeKey(shape) || !(like || reshapeTarget(x.shape, shape))) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Reshape: expected a shape of as many entries as ${showShape(x.shape)}, got ${showShape(shape)}.`,
      );
    }
    return [{ dtype: x.dtype, shape }];
  },
  emit(emitter, { inputs: [x], inputNames: [name, like], outputNames, attributes }) {
    const target = reshapeTarget(x.shape, attributes);
    const shape = target ? emitter.int64s(target) : emitter.temporary('Shape', [like]);
    emitter.node('Reshape', [name, shape], outputNames);
  },
  vjp: ({ inputs: [x] }, [g]) => (g ? [reshapeLike(g, x)] : []),
};

/** `x` under the shape of `like`, also when that has several run-time sizes to be told apart. */
function reshapeLike(x: SymbolicTensor, like: SymbolicTensor): SymbolicTensor {
  return reshapeTarget(x.shape, like.shape) ? reshape(x, like.shape) : apply1(reshapeOperator, [x, like], like.shape);
}

/**
 * The same entries in the same order under another shape. A run-time size that is the product of two is named with a
 * raised dot: ['batch', 'length', 384] reshapes to ['batch·length', 384].
 */
export function reshape(x: SymbolicTensor, shape: Shape): SymbolicTensor {
  return sameShape(x.shape, shape) ? x : apply1(reshapeOperator, [x], shape);
}

/** All axes but the last folded into one: [a, b, c] → [a·b, c]. */
export function flattenRows(x: SymbolicTensor): SymbolicTensor {
  const leading = x.shape.slice(0, -1);
  const known = leading.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1);
  const named = leading.filter((d) => typeof d === 'string');
  if (named.length > 0 && known !== 1) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `flattenRows: expected leading sizes all known or all named, got ${showShape(x.shape)}.`,
    );
  }
  const rows: Dimension = named.length > 0 ? named.join('·') : known;
  return reshape(x, [rows, x.shape[x.rank - 1]]);
}

const unsqueezeOperator: Operator<number> = {
  name: 'Unsqueeze',
  infer: ([x], axis) => [{ dtype: x.dtype, shape: [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)] }],
  emit: (emitter, { inputNames: [name], outputNames, attributes: axis }) =>
    emitter.node('Unsqueeze', [name, emitter.int64s([axis])], outputNames),
  vjp: ({ attributes: axis }, [g]) => (g ? [squeeze(g, axis)] : []),
};

/** An axis of size 1 put in at `axis`: [a, b] → [a, 1, b] at 1. Unlike a reshape, it needs to know no sizes. */
export function unsqueeze(x: SymbolicTensor, axis: number): SymbolicTensor {
  return apply1(unsqueezeOperator, [x], normalizeAxis(axis, x.rank + 1, 'Unsqueeze'));
}

const squeezeOperator: Operator<number> = {
  name: 'Squeeze',
  infer([x], axis) {
    if (x.shape[axis] !== 1) {
      throw new LimbeckError('SHAPE_MISMATCH', `Squeeze: expected size 1 along axis ${axis}, got ${x}.`);
    }
    return [{ dtype: x.dtype, shape: x.shape.filter((_, i) => i !== axis) }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes: axis }) =>
    emitter.node('Squeeze', [name, emitter.int64s([axis])], outputNames),
  vjp: ({ attributes: axis }, [g]) => (g ? [unsqueeze(g, axis)] : []),
};

/** The axis of size 1 at `axis` taken out: [a, 1, b] → [a, b] at 1. */
export function squeeze(x: SymbolicTensor, axis: number): SymbolicTensor {
  return apply1(squeezeOperator, [x], normalizeAxis(axis, x.rank, 'Squeeze'));
}

const transposeOperator: Operator<readonly number[]> = {
  name: 'Transpose',
  infer: ([x], permutation) => [{ dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis]) }],
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('Transpose', inputNames, outputNames, { perm: { ints: attributes } }),
  vjp({ attributes }, [g]) {
    const inverse = attributes.map((_, i) => attributes.indexOf(i));
    return g ? [transpose(g, inverse)] : [];
  },
};

/** Permutes axes: axis i of the result is axis `permutation[i]` of `x`. Reverses all axes by default. */
export function transpose(x: SymbolicTensor, permutation?: readonly number[]): SymbolicTensor {
  const chosen = (permutation ?? x.shape.map((_, i) => x.rank - 1 - i)).map((axis) =>
    normalizeAxis(axis, x.rank, 'Transpose'),
  );
  if (new Set(chosen).size !== x.rank) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Transpose: expected a permutation of ${x.rank} axes, got [${permutation?.join(', ')}].`,
    );
  }
  return apply1(transposeOperator, [x], chosen);
}

const concatOperator: Operator<number> = {
  name: 'Concat',
  infer(inputs, axis) {
    const [first] = inputs;
    for (const other of inputs) {
      const fits = other.rank === first.rank && other.shape.every((d, i) => i === axis || d === first.shape[i]);
      if (!fits || other.dtype !== first.dtype) {
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `Concat: expected tensors that differ only along axis ${axis}, got ${inputs.join(' and ')}.`,
        );
      }
    }
    const sizes = inputs.map((x) => x.shape[axis]);
    const total: Dimension = sizes.every((size) => typeof size === 'number')
      ? sizes.reduce((n, size) => n + size, 0)
      : sizes.join('+');
    return [{ dtype: first.dtype, shape: first.shape.map((d, i) => (i === axis ? total : d)) }];
  },
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('Concat', inputNames, outputNames, { axis: { int: attributes } }),
  vjp({ inputs, attributes: axis }, [g]) {
    if (!g) return [];
    let start: number | undefined = 0;
    return inputs.map((x, place) => {
      const size = x.shape[axis];
      const [from, to]: (number | undefined)[] =
        start === undefined || typeof size !== 'number' ? [] : [start, start + size];
      start = to;
      if (from !== undefined && to !== undefined && typeof g.shape[axis] === 'number') return slice(g, axis, from, to);
      return apply1(concatPartOperator, [g, ...inputs], { axis, place });
    });
  },
};

/** Inputs: a tensor of the shape of a concatenation, and what was joined, whose run-time sizes say where each part lies. */
const concatPartOperator: Operator<{ readonly axis: number; readonly place: number }> = {
  name: 'ConcatPart',
  infer: ([x, ...joined], { place }) => [{ dtype: x.dtype, shape: joined[place].shape }],
  emit(emitter, { inputNames: [name, ...joined], outputNames, attributes: { axis, place } }) {
    const size = (of: string): string =>
      emitter.temporary('Gather', [emitter.temporary('Shape', [of]), emitter.int64s([axis])]);
    const start = joined
      .slice(0, place)
      .map(size)
      .reduce((a, b) => emitter.temporary('Add', [a, b]), emitter.int64s([0]));
    const end = emitter.temporary('Add', [start, size(joined[place])]);
    emitter.node('Slice', [name, start, end, emitter.int64s([axis])], outputNames);
  },
  vjp({ inputs: [, ...joined], attributes: { axis, place } }, [g]) {
    return g
      ? [
          concat(
            joined.map((x, i) => (i === place ? g : expand(constant(0, g.dtype), x))),
            axis,
          ),
        ]
      : [];
  },
};

/** Joins tensors along an axis. */
export function concat(tensors: readonly SymbolicTensor[], axis: number): SymbolicTensor {
  if (tensors.length === 1) return tensors[0];
  return apply1(concatOperator, tensors, normalizeAxis(axis, tensors[0].rank, 'Concat'));
}

interface Slice {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

const sliceOperator: Operator<Slice> = {
  name: 'Slice',
  infer([x], { axis, start, end }) {
    const size = x.shape[axis];
    if (typeof size !== 'number' || start < 0 || end < start || end > size) {
      throw new LimbeckError('SHAPE_MISMATCH', `Slice: expected 0 ≤ start ≤ end ≤ ${size}, got ${start} … ${end}.`);
    }
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? end - start : d)) }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes: { axis, start, end } }) =>
    emitter.node('Slice', [name, emitter.int64s([start]), emitter.int64s([end]), emitter.int64s([axis])], outputNames),
  vjp: ({ inputs: [x], attributes: { axis, start, end } }, [g]) =>
    g ? [pad(g, axis, start, (x.shape[axis] as number) - end)] : [],
};

/** The entries start … end − 1 along one axis of known size. */
export function slice(x: SymbolicTensor, axis: number, start: number, end: number): SymbolicTensor {
  return apply1(sliceOperator, [x], { axis: normalizeAxis(axis, x.rank, 'Slice'), start, end });
}

interface Pad {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
}

const padOperator: Operator<Pad> = {
  name: 'Pad',
  infer([x], { axis, before, after }) {
    const size = x.shape[axis];
    if (typeof size !== 'number') {
      throw new LimbeckError('UNSUPPORTED', `Pad: expected a known size along axis ${axis}, got "${size}".`);
    }
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? size + before + after : d)) }];
  },
  emit(emitter, { inputs: [x], inputNames: [name], outputNames, attributes: { axis, before, after } }) {
    const pads = [
      ...x.shape.map((_, i) => (i === axis ? before : 0)),
      ...x.shape.map((_, i) => (i === axis ? after : 0)),
    ];
    emitter.node('Pad', [name, emitter.int64s(pads)], outputNames);
  },
  vjp({ inputs: [x], attributes: { axis, before } }, [g]) {
    return g ? [slice(g, axis, before, before + (x.shape[axis] as number))] : [];
  },
};

/** Adds zeros before and after along one axis of known size. */
export function pad(x: SymbolicTensor, axis: number, before: number, after: number): SymbolicTensor {
  return apply1(padOperator, [x], { axis: normalizeAxis(axis, x.rank, 'Pad'), before, after });
}
