/** A strategy's own parameters as inputs of its programs. */
import { type FloatType, input, type SymbolicTensor } from '../graph/index.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor } from '../runtime/tensors.ts';

const inputName = ({ name }: Parameter): string => `parameter ${name}`;

/** One input for each parameter, in their order. */
export function parameterInputs(parameters: readonly Parameter[], dtype: FloatType): SymbolicTensor[] {
  return parameters.map((parameter) => input(inputName(parameter), dtype, parameter.shape));
}

/** The numbers for {@link parameterInputs}, as they are now. */
export function parameterFeeds(parameters: readonly Parameter[], dtype: FloatType): Record<string, TensorData> {
  return Object.fromEntries(
    parameters.map((parameter) => [
      inputName(parameter),
      floatTensor(dtype === 'float64' ? Float64Array.from(parameter.data) : parameter.data, parameter.shape),
    ]),
  );
}
