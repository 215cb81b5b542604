/** Explicit broadcasting of one tensor to another shape. */
import { LimbeckError } from '../../errors.ts';
import { apply1, type Operator, type Shape, type SymbolicTensor, showShape } from '../tensor.ts';
import { broadcastShapes, unbroadcast } from './elementwise.ts';

/** What ONNX is told: a known size, or 1 for a size that `x` has already. Undefined when a run-time size must be looked up. */
function expandTarget(from: Shape, to: Shape): number[] | undefined {
  const extra = to.length - from.length;
  const target = to.map((d, i) => (typeof d === 'number' ? d : d === from[i - extra] ? 1 : undefined));
  return target.every((d) => d !== undefined) ? target : undefined;
}

/** Inputs: the tensor and, where the shape alone does not tell every size, a tensor that has it. */
const expandOperator: Operator<Shape> = {
  name: 'Expand',
  infer: ([x], shape) => [{ dtype: x.dtype, shape: broadcastShapes(x.shape, shape, 'Expand') }],
  emit(emitter, { inputs: [x], outputs: [y], inputNames: [name, like], outputNames }) {
    const shape = like
      ? emitter.temporary('Shape', [like])
      : emitter.int64s(expandTarget(x.shape, y.shape) as number[]);
    emitter.node('Expand', [name, shape], outputNames);
  },
  vjp: ({ inputs: [x] }, [g]) => (g ? [unbroadcast(g, x.shape)] : []),
};

/** Repeats `x` along its axes of size 1 to the shape of `like`, whose numbers are not used. */
export function expand(x: SymbolicTensor, like: SymbolicTensor): SymbolicTensor {
  if (sameShape(x.shape, like.shape)) return x;
  return apply1(expandOperator, expandTarget(x.shape, like.shape) ? [x] : [x, like], like.shape);
}

/**
 * Repeats `x` along its axes of size 1 to a shape whose run-time sizes are its own, at the same places counted from the end.
 *
 * @throws LimbeckError SHAPE_MISMATCH for a shape that `x` does not broadcast to
 */
export function expandTo(x: SymbolicTensor, shape: Shape): SymbolicTensor {
  if (sameShape(x.shape, shape)) return x;
  if (!expandTarget(x.shape, shape)) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `expandTo: expected run-time sizes that ${x} has at the same place, got ${showShape(shape)}. Use expand with a tensor of that shape.`,
    );
  }
  return apply1(expandOperator, [x], shape);
}

/** What `x` was expanded from; else `x` itself. */
export function expandSource(x: SymbolicTensor): SymbolicTensor {
  const { source } = x;
  return source.kind === 'operation' && (source.operation.operator as unknown) === expandOperator
    ? source.operation.inputs[0]
    : x;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}
