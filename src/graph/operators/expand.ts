/** Explicit broadcasting of one tensor to the shape of another. */
import { apply1, type Operator, type Shape, type SymbolicTensor } from '../tensor.ts';
import { broadcastShapes, unbroadcast } from './elementwise.ts';

const expandOperator: Operator = {
  name: 'Expand',
  infer: ([x, like]) => [{ dtype: x.dtype, shape: broadcastShapes(x.shape, like.shape, 'Expand') }],
  emit: (emitter, { inputNames: [x, like], outputNames }) =>
    emitter.node('Expand', [x, emitter.temporary('Shape', [like])], outputNames),
  vjp: ({ inputs: [x] }, [g]) => (g ? [unbroadcast(g, x.shape), undefined] : []),
};

/** Repeats `x` along its axes of size 1 to the shape of `like`, whose numbers are not used. */
export function expand(x: SymbolicTensor, like: SymbolicTensor): SymbolicTensor {
  return sameShape(x.shape, like.shape) ? x : apply1(expandOperator, [x, like], undefined);
}

/** What `x` was expanded from, when it is an expansion to exactly `shape`; else `x` itself. */
export function expandSource(x: SymbolicTensor, shape: Shape): SymbolicTensor {
  const { source } = x;
  return source.kind === 'operation' &&
    (source.operation.operator as unknown) === expandOperator &&
    sameShape(x.shape, shape)
    ? source.operation.inputs[0]
    : x;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}
