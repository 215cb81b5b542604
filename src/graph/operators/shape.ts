/** The same numbers under another shape or in another order of axes. */
import { LimbeckError } from '../../errors.ts';
import { apply1, normalizeAxis, type Operator, type Shape, type SymbolicTensor, showShape } from '../tensor.ts';
import { sameShape } from './expand.ts';
import { multiplySizes, sizeKey } from './sizes.ts';

/** ONNX's target for a reshape: 0 copies a size from the same place of the input, one −1 is inferred. */
function reshapeTarget(from: Shape, to: Shape): number[] | undefined {
  const target = to.map((d, i) => (typeof d === 'number' ? d : d === from[i] ? 0 : -1));
  return target.filter((d) => d === -1).length <= 1 ? target : undefined;
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
export function reshapeLike(x: SymbolicTensor, like: SymbolicTensor): SymbolicTensor {
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
  return flatten(x, x.rank - 1);
}

/** The axes before `axis` folded into one, and those from it on into another: [a, b, c, d] → [a·b, c·d] at 2. */
export function flatten(x: SymbolicTensor, axis: number): SymbolicTensor {
  if (!Number.isInteger(axis) || axis < 0 || axis > x.rank) {
    throw new LimbeckError('SHAPE_MISMATCH', `flatten: expected an axis in 0 … ${x.rank}, got ${axis}.`);
  }
  return apply1(flattenOperator, [x], axis);
}

/** Unlike Reshape, needs no target, so that each side may hold any number of run-time sizes. */
const flattenOperator: Operator<number> = {
  name: 'Flatten',
  infer: ([x], axis) => [
    { dtype: x.dtype, shape: [multiplySizes(x.shape.slice(0, axis)), multiplySizes(x.shape.slice(axis))] },
  ],
  emit: (emitter, { inputNames, outputNames, attributes: axis }) =>
    emitter.node('Flatten', inputNames, outputNames, { axis: { int: axis } }),
  vjp: ({ inputs: [x] }, [g]) => (g ? [reshapeLike(g, x)] : []),
};

const unsqueezeOperator: Operator<readonly number[]> = {
  name: 'Unsqueeze',
  infer([x], axes) {
    const rest = [...x.shape];
    const shape = Array.from({ length: x.rank + axes.length }, (_, i) => (axes.includes(i) ? 1 : rest.shift()!));
    return [{ dtype: x.dtype, shape }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes: axes }) =>
    emitter.node('Unsqueeze', [name, emitter.int64s(axes)], outputNames),
  vjp: ({ attributes: axes }, [g]) => (g ? [squeeze(g, axes)] : []),
};

/**
 * Axes of size 1 put in, at positions counted in the result: [a, b] → [a, 1, b] at 1. Unlike a reshape, it needs to know no
 * sizes.
 */
export function unsqueeze(x: SymbolicTensor, axes: number | readonly number[]): SymbolicTensor {
  const list = [axes].flat();
  if (list.length === 0) return x;
  return apply1(unsqueezeOperator, [x], distinctAxes(list, x.rank + list.length, 'Unsqueeze'));
}

const squeezeOperator: Operator<readonly number[]> = {
  name: 'Squeeze',
  infer([x], axes) {
    const wrong = axes.find((axis) => x.shape[axis] !== 1);
    if (wrong !== undefined) {
      throw new LimbeckError('SHAPE_MISMATCH', `Squeeze: expected size 1 along axis ${wrong}, got ${x}.`);
    }
    return [{ dtype: x.dtype, shape: x.shape.filter((_, i) => !axes.includes(i)) }];
  },
  emit: (emitter, { inputNames: [name], outputNames, attributes: axes }) =>
    emitter.node('Squeeze', [name, emitter.int64s(axes)], outputNames),
  vjp: ({ attributes: axes }, [g]) => (g ? [unsqueeze(g, axes)] : []),
};

/** Axes of size 1 taken out: [a, 1, b] → [a, b] at 1. */
export function squeeze(x: SymbolicTensor, axes: number | readonly number[]): SymbolicTensor {
  const list = [axes].flat();
  // ONNX would take no axes for all of size 1.
  return list.length === 0 ? x : apply1(squeezeOperator, [x], distinctAxes(list, x.rank, 'Squeeze'));
}

function distinctAxes(axes: readonly number[], rank: number, operator: string): readonly number[] {
  const normal = axes.map((axis) => normalizeAxis(axis, rank, operator));
  if (new Set(normal).size !== normal.length) {
    throw new LimbeckError('SHAPE_MISMATCH', `${operator}: expected different axes, got [${axes.join(', ')}].`);
  }
  return normal.sort((a, b) => a - b);
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

/**
 * Every entry along an axis replaced by several: `widen` is given the tensor with a last axis of size 1 more, and makes that
 * axis longer.
 */
export function replaceEntries(
  x: SymbolicTensor,
  axis: number,
  widen: (x: SymbolicTensor) => SymbolicTensor,
): SymbolicTensor {
  const axes = x.shape.map((_, i) => i);
  // The axis goes last, where a reshape has to tell no run-time size behind it.
  const last = [...axes.filter((i) => i !== axis), axis];
  const wide = widen(unsqueeze(transpose(x, last), -1));
  const merged = reshape(wide, [...wide.shape.slice(0, -2), multiplySizes(wide.shape.slice(-2))]);
  return transpose(
    merged,
    axes.map((i) => last.indexOf(i)),
  );
}

interface Triangle {
  readonly upper: boolean;
  readonly diagonal: number;
}

const triangleOperator: Operator<Triangle> = {
  name: 'Trilu',
  infer([x]) {
    if (x.rank < 2) throw new LimbeckError('SHAPE_MISMATCH', `triangle: expected matrices, got ${x}.`);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: (emitter, { inputNames: [x], outputNames, attributes: { upper, diagonal } }) =>
    emitter.node('Trilu', [x, emitter.scalar(diagonal, 'int64')], outputNames, { upper: { int: upper ? 1 : 0 } }),
  vjp: ({ attributes }, [g]) => (g ? [apply1(triangleOperator, [g], attributes)] : []),
};

/** The last two axes with zeros below (`upper`) or above the diagonal that lies so many places right of the main one. */
export function triangle(x: SymbolicTensor, upper: boolean, diagonal = 0): SymbolicTensor {
  return apply1(triangleOperator, [x], { upper, diagonal });
}
