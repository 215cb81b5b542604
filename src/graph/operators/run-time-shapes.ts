/**
 * Operators whose result has a shape that another tensor holds: what imported graphs do with Shape, Range and ConstantOfShape.
 * Each is given the int64 tensor and, beside it, the names that stand for what is in it.
 */
import { apply1, type DataType, type Dimension, type Operator, type Shape, type SymbolicTensor } from '../tensor.ts';
import { broadcastShapes, unbroadcast } from './elementwise.ts';
import { reshapeLike } from './shape.ts';

const shapeOperator: Operator = {
  name: 'Shape',
  infer: ([x]) => [{ dtype: 'int64', shape: [x.rank] }],
  emit: (emitter, { inputNames, outputNames }) => emitter.node('Shape', inputNames, outputNames),
  vjp: () => [],
};

/** The sizes of `x` as an int64 tensor [rank]. */
export function shapeOf(x: SymbolicTensor): SymbolicTensor {
  return apply1(shapeOperator, [x], undefined);
}

const reshapeToOperator: Operator<Shape> = {
  name: 'ReshapeTo',
  infer: ([x], shape) => [{ dtype: x.dtype, shape }],
  emit: (emitter, { inputNames, outputNames }) => emitter.node('Reshape', inputNames, outputNames),
  vjp: ({ inputs: [x] }, [g]) => (g ? [reshapeLike(g, x)] : []),
};

/** `x` under the shape that the int64 tensor `sizes` holds, called `shape`. */
export function reshapeTo(x: SymbolicTensor, sizes: SymbolicTensor, shape: Shape): SymbolicTensor {
  return apply1(reshapeToOperator, [x, sizes], shape);
}

const broadcastToOperator: Operator<Shape> = {
  name: 'BroadcastTo',
  infer: ([x], shape) => [{ dtype: x.dtype, shape: broadcastShapes(x.shape, shape, 'Expand') }],
  emit: (emitter, { inputNames, outputNames }) => emitter.node('Expand', inputNames, outputNames),
  vjp: ({ inputs: [x] }, [g]) => (g ? [unbroadcast(g, x.shape)] : []),
};

/** `x` broadcast against the shape that the int64 tensor `sizes` holds, called `shape`. */
export function broadcastTo(x: SymbolicTensor, sizes: SymbolicTensor, shape: Shape): SymbolicTensor {
  return apply1(broadcastToOperator, [x, sizes], shape);
}

interface Filled {
  readonly shape: Shape;
  readonly value: number;
  readonly dtype: DataType;
}

const filledOperator: Operator<Filled> = {
  name: 'Filled',
  infer: (_, { shape, dtype }) => [{ dtype, shape }],
  emit: (emitter, { inputNames, outputNames, attributes: { value, dtype } }) =>
    emitter.node('Expand', [emitter.scalar(value, dtype), ...inputNames], outputNames),
  vjp: () => [],
};

/** One number in the shape that the int64 tensor `sizes` holds, called `shape`. */
export function filled(sizes: SymbolicTensor, shape: Shape, value: number, dtype: DataType): SymbolicTensor {
  return apply1(filledOperator, [sizes], { shape, value, dtype });
}

const rangeOperator: Operator<Dimension> = {
  name: 'Range',
  infer: ([start], size) => [{ dtype: start.dtype, shape: [size] }],
  emit: (emitter, { inputNames, outputNames }) => emitter.node('Range', inputNames, outputNames),
  vjp: () => [],
};

/** start, start + step, … before `limit`, all three scalars: [size]. */
export function range(
  start: SymbolicTensor,
  limit: SymbolicTensor,
  step: SymbolicTensor,
  size: Dimension,
): SymbolicTensor {
  return apply1(rangeOperator, [start, limit, step], size);
}

interface Part {
  readonly axis: number;
  readonly size: Dimension;
}

/** Inputs: the tensor, and where the part begins and ends, int64 [1] each. */
const partOperator: Operator<Part> = {
  name: 'Part',
  infer: ([x], { axis, size }) => [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i === axis ? size : d)) }],
  emit: (emitter, { inputNames, outputNames, attributes: { axis } }) =>
    emitter.node('Slice', [...inputNames, emitter.int64s([axis])], outputNames),
  vjp: ({ inputs: [x, start], attributes }, [g]) =>
    g ? [apply1(placeOperator, [g, start, x], attributes), undefined, undefined] : [],
};

/** The gradient of a part: zeros like `x`, but for `g` from `start` on. */
const placeOperator: Operator<Part> = {
  name: 'Place',
  infer: ([g, , x]) => [{ dtype: g.dtype, shape: x.shape }],
  emit(emitter, { inputNames: [g, start, x], outputNames, attributes: { axis } }) {
    const along = emitter.int64s([axis]);
    const [part, whole] = [g, x].map((name) =>
      emitter.temporary('Gather', [emitter.temporary('Shape', [name]), along]),
    );
    const after = emitter.temporary('Sub', [emitter.temporary('Sub', [whole, part]), start]);
    const pads = emitter.temporary('Concat', [start, after], { axis: { int: 0 } });
    emitter.node('Pad', [g, pads, '', along], outputNames);
  },
  vjp: () => [],
};

/**
 * The entries from `start` to `end` (int64 tensors [1], ≥ 0) along an axis: what is called `size` entries, such as the first
 * 'length' rows of a table of positions.
 */
export function part(
  x: SymbolicTensor,
  axis: number,
  start: SymbolicTensor,
  end: SymbolicTensor,
  size: Dimension,
): SymbolicTensor {
  return apply1(partOperator, [x, start, end], { axis, size });
}
