/** The common form of operators that map one tensor to one of the same shape, entry by entry. */
import { apply1, type EmittedOperation, type Emitter, type Operator, type SymbolicTensor } from '../tensor.ts';
import { emitEntrywise } from './blocked-layout.ts';

/** ∂L/∂x from g = ∂L/∂y, all three of one shape. */
export type UnaryPartial<A> = (
  g: SymbolicTensor,
  x: SymbolicTensor,
  y: SymbolicTensor,
  attributes: A,
) => SymbolicTensor;

/** An elementwise operator; `emit` writes one node called `name` unless it is given. */
export function unaryOperator<A>(
  name: string,
  partial: UnaryPartial<A>,
  emit: (emitter: Emitter, operation: EmittedOperation<A>) => void = (emitter, operation) =>
    emitEntrywise(emitter, operation, name),
): Operator<A> {
  return {
    name,
    infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
    emit,
    vjp: ({ inputs: [x], outputs: [y], attributes }, [g]) => (g ? [partial(g, x, y, attributes)] : []),
  };
}

/** A function of one tensor without further arguments. */
export function unary(
  name: string,
  partial: UnaryPartial<undefined>,
  emit?: Operator['emit'],
): (x: SymbolicTensor) => SymbolicTensor {
  const operator = unaryOperator(name, partial, emit);
  return (x) => apply1(operator, [x], undefined);
}
