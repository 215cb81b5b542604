/** Tensors joined and taken apart along an axis, by known and by run-time sizes. */
import { LimbeckError } from '../../errors.ts';
import {
  apply,
  apply1,
  constant,
  type Dimension,
  normalizeAxis,
  type Operator,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { expand, expandTo } from './expand.ts';
import { addSizes } from './sizes.ts';

const withSize = (shape: Shape, axis: number, size: Dimension): Shape => shape.map((d, i) => (i === axis ? size : d));

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
    const total = addSizes(inputs.map((x) => x.shape[axis]));
    return [{ dtype: first.dtype, shape: withSize(first.shape, axis, total) }];
  },
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('Concat', inputNames, outputNames, { axis: { int: attributes } }),
  vjp: ({ inputs, attributes: axis }, [g]) => (g ? splitLike(g, inputs, axis) : []),
};

/** Joins tensors along an axis. */
export function concat(tensors: readonly SymbolicTensor[], axis: number): SymbolicTensor {
  if (tensors.length === 0)
    throw new LimbeckError('INVALID_ARGUMENT', 'concat: expected at least one tensor, got none.');
  if (tensors.length === 1) return tensors[0];
  return apply1(concatOperator, tensors, normalizeAxis(axis, tensors[0].rank, 'Concat'));
}

interface Split {
  readonly axis: number;
  readonly sizes: readonly Dimension[];
}

/** Inputs: the tensor and, where a size is known only at run time, for each part a tensor that has its size. */
const splitOperator: Operator<Split> = {
  name: 'Split',
  infer([x], { axis, sizes }) {
    if (addSizes(sizes) !== x.shape[axis]) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Split: expected parts that add up to ${x.shape[axis]}, got ${sizes.join(' + ')}.`,
      );
    }
    return sizes.map((size) => ({ dtype: x.dtype, shape: withSize(x.shape, axis, size) }));
  },
  emit(emitter, { inputNames: [name, ...likes], outputNames, attributes: { axis, sizes } }) {
    const runTimeSize = (like: string) =>
      emitter.temporary('Gather', [emitter.temporary('Shape', [like]), emitter.int64s([axis])]);
    const parts =
      likes.length > 0
        ? emitter.temporary('Concat', likes.map(runTimeSize), { axis: { int: 0 } })
        : emitter.int64s(sizes as readonly number[]);
    emitter.node('Split', [name, parts], outputNames, { axis: { int: axis } });
  },
  vjp({ outputs, attributes: { axis } }, cotangents) {
    const parts = outputs.map((output, i) => cotangents[i] ?? expand(constant(0, output.dtype), output));
    return [concat(parts, axis)];
  },
};

function splitLike(x: SymbolicTensor, likes: readonly SymbolicTensor[], axis: number): readonly SymbolicTensor[] {
  const sizes = likes.map((like) => like.shape[axis]);
  const known = sizes.every((size) => typeof size === 'number');
  return apply(splitOperator, known ? [x] : [x, ...likes], { axis, sizes });
}

/**
 * The parts of a tensor along an axis, of known sizes that add up to its own.
 *
 * @throws LimbeckError SHAPE_MISMATCH when they do not
 */
export function split(x: SymbolicTensor, axis: number, sizes: readonly number[]): readonly SymbolicTensor[] {
  if (sizes.length === 0 || sizes.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new LimbeckError('INVALID_ARGUMENT', `split: expected whole sizes ≥ 0, got [${sizes.join(', ')}].`);
  }
  return apply(splitOperator, [x], { axis: normalizeAxis(axis, x.rank, 'Split'), sizes });
}

/** `x` repeated `repeats[i]` times, end to end, along axis i. */
export function tile(x: SymbolicTensor, repeats: readonly number[]): SymbolicTensor {
  if (repeats.length !== x.rank || repeats.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `tile: expected ${x.rank} whole numbers ≥ 1, one for each axis of ${x}, got [${repeats.join(', ')}].`,
    );
  }
  // An expansion where there is one entry; joining copies elsewhere: ONNX's Tile has no gradient that knows no sizes.
  const expanded = expandTo(
    x,
    x.shape.map((d, i) => (d === 1 ? repeats[i] : d)),
  );
  return repeats.reduce(
    (y, n, axis) => (x.shape[axis] === 1 ? y : concat(Array<SymbolicTensor>(n).fill(y), axis)),
    expanded,
  );
}
