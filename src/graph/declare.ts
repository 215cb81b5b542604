/** Collects the inputs of a graph while it is built. */
import { type DataType, input, type Shape, type SymbolicTensor } from './tensor.ts';

/** Makes an input of the graph at hand. */
export type Declare = (name: string, dtype: DataType, shape: Shape) => SymbolicTensor;

/**
 * @example
 * const { inputs, declare } = declaring();
 * const x = declare('x', 'float32', ['batch']);
 * await compile({ inputs, outputs: { y: exp(x) } });
 */
export function declaring(): { readonly inputs: SymbolicTensor[]; readonly declare: Declare } {
  const inputs: SymbolicTensor[] = [];
  return {
    inputs,
    declare: (name, dtype, shape) => {
      const tensor = input(name, dtype, shape);
      inputs.push(tensor);
      return tensor;
    },
  };
}
