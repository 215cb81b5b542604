/** The same computation over other inputs. */
import { topologicalOrder } from './gradients.ts';
import { apply, type Operator, type SymbolicTensor } from './tensor.ts';

/**
 * `outputs` with every tensor of `replacements` put in the place of its key: operations between are applied anew, all others shared.
 *
 * @param replacements must have the element types and shapes of their keys
 *
 * @example
 * const x = input('x', 'float32', [3]);
 * const [y] = substitute([exp(x)], new Map([[x, mul(z, 2)]])); // exp(2z)
 */
export function substitute(
  outputs: readonly SymbolicTensor[],
  replacements: ReadonlyMap<SymbolicTensor, SymbolicTensor>,
): SymbolicTensor[] {
  const mapped = new Map(replacements);
  for (const operation of topologicalOrder(outputs)) {
    if (operation.outputs.some((output) => replacements.has(output))) continue;
    if (!operation.inputs.some((tensor) => mapped.has(tensor))) continue;
    const inputs = operation.inputs.map((tensor) => mapped.get(tensor) ?? tensor);
    const operator = operation.operator as unknown as Operator<unknown>;
    for (const [i, output] of apply(operator, inputs, operation.attributes).entries()) {
      mapped.set(operation.outputs[i], output);
    }
  }
  return outputs.map((output) => mapped.get(output) ?? output);
}
