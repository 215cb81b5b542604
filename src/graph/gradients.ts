/** Reverse-mode differentiation of symbolic graphs: builds the graph of the gradient, computes nothing. */
import { LimbeckError } from '../errors.ts';
import { expand } from './operators/expand.ts';
import { addCotangents } from './operators/row-factors.ts';
import { constant, isFloat, type Operation, type Operator, type SymbolicTensor } from './tensor.ts';

/** The operations that `outputs` need, inputs before users; what leads only to tensors that are `known` already is left out. */
export function topologicalOrder(
  outputs: readonly SymbolicTensor[],
  known: (tensor: SymbolicTensor) => boolean = () => false,
): Operation[] {
  const order: Operation[] = [];
  const seen = new Set<Operation>();
  // An explicit stack: graphs of deep networks are deeper than JavaScript's call stack.
  const stack: { operation: Operation; next: number }[] = [];
  const visit = (tensor: SymbolicTensor): void => {
    const { source } = tensor;
    if (source.kind !== 'operation' || seen.has(source.operation) || known(tensor)) return;
    seen.add(source.operation);
    stack.push({ operation: source.operation, next: 0 });
  };
  for (const output of outputs) {
    visit(output);
    while (stack.length > 0) {
      const top = stack[stack.length - 1];
      if (top.next < top.operation.inputs.length) {
        visit(top.operation.inputs[top.next++]);
      } else {
        order.push(top.operation);
        stack.pop();
      }
    }
  }
  return order;
}

/**
 * ∂loss/∂wrt for each tensor of `wrt`, as tensors of the same shapes. A tensor that the loss does not depend on gets zeros.
 *
 * @param loss a float scalar (shape [])
 * @throws LimbeckError SHAPE_MISMATCH when the loss is not a scalar
 *
 * @example
 * const x = input('x', 'float64', [3]);
 * const [gx] = gradients(sum(mul(x, x)), [x]); // 2x
 */
export function gradients(loss: SymbolicTensor, wrt: readonly SymbolicTensor[]): SymbolicTensor[] {
  if (loss.rank !== 0 || !isFloat(loss.dtype)) {
    throw new LimbeckError('SHAPE_MISMATCH', `gradients: expected a float scalar to differentiate, got ${loss}.`);
  }
  const order = topologicalOrder([loss]);
  const needed = dependents(order, wrt);
  const cotangents = new Map<SymbolicTensor, SymbolicTensor>([[loss, constant(1, loss.dtype)]]);
  for (let k = order.length - 1; k >= 0; k--) {
    const operation = order[k];
    if (!operation.outputs.some((output) => needed.has(output) && cotangents.has(output))) continue;
    const operator = operation.operator as unknown as Operator<unknown>;
    const incoming = operation.outputs.map((output) => cotangents.get(output));
    for (const [i, cotangent] of operator.vjp(operation, incoming).entries()) {
      const target = operation.inputs[i];
      if (!cotangent || !needed.has(target)) continue;
      const sofar = cotangents.get(target);
      cotangents.set(target, sofar ? addCotangents(sofar, cotangent) : cotangent);
    }
  }
  return wrt.map((tensor) => cotangents.get(tensor) ?? zerosLike(tensor));
}

/** The float tensors through which `wrt` reaches the loss; gradients of anything else would be dead work. */
function dependents(order: readonly Operation[], wrt: readonly SymbolicTensor[]): Set<SymbolicTensor> {
  const result = new Set<SymbolicTensor>(wrt);
  for (const operation of order) {
    if (operation.inputs.some((tensor) => result.has(tensor))) {
      for (const output of operation.outputs) if (isFloat(output.dtype)) result.add(output);
    }
  }
  return result;
}

function zerosLike(tensor: SymbolicTensor): SymbolicTensor {
  return expand(constant(0, tensor.dtype), tensor);
}
