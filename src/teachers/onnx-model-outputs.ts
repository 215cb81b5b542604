/** The tensors that a model gives, before it runs: whether they are there, and how wide their rows are. */
import { LimbeckError, show } from '../errors.ts';
import type { OnnxTensorNames } from '../graph/index.ts';
import { nearestNames } from '../nearest-names.ts';
import type { ModelTensor, Session, TensorData } from '../runtime/backend.ts';
import { fedTensor, type ModelInput } from './onnx-model-inputs.ts';
import { type Pooling, pooledRows } from './onnx-pooling.ts';

/**
 * @throws LimbeckError INVALID_OPTION for a name that the model does not compute, with the nearest that it does
 */
export function checkTensorName(name: string, { inputs, outputs, computed }: OnnxTensorNames, file: string): void {
  const known = [...new Set([...outputs, ...computed])];
  if (known.includes(name) && !inputs.includes(name)) return;
  const near = nearestNames(name, known).slice(0, 5);
  throw new LimbeckError(
    'INVALID_OPTION',
    `${file}: expected the name of a tensor that the model computes, got ${show(name)}${inputs.includes(name) ? ', an input' : ''}. ` +
      `Outputs: ${outputs.slice(0, 8).join(', ')}. Nearest names: ${near.map((known) => known.name).join(', ')}.`,
  );
}

/**
 * The width of rows, from what the model declares; where that leaves it open, from a run on zeros.
 *
 * @throws LimbeckError INVALID_OPTION when neither says, or the tensor is no row per sample
 */
export async function rowWidth(
  session: Session,
  inputs: readonly ModelInput[],
  name: string,
  pooling: Pooling,
  file: string,
): Promise<number> {
  const declared = session.outputs.find((output) => output.name === name) as ModelTensor;
  const known = declaredWidth(declared, pooling);
  if (known !== undefined) return known;
  const feeds = Object.fromEntries(
    inputs.map((input) => {
      const { asked } = input;
      const dims = asked.shape.map((size, axis) => (typeof size === 'number' ? size : axis === 0 ? 1 : 2));
      return [input.declared.name, fedTensor(input, zeros(asked.dtype, dims), file)];
    }),
  );
  const result = await session.run(feeds, [name]).catch((cause) => {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}: ${show(name)}: expected a width that the model declares or shows on zeros, got an error: ` +
        `${(cause as Error).message.split('\n')[0]} Fix its run-time sizes with the option sizes.`,
      { cause },
    );
  });
  return pooledRows(result[name], { pooling, flatten: false, mask: undefined, what: `${file}: ${show(name)}` }).columns;
}

function declaredWidth({ shape }: ModelTensor, pooling: Pooling): number | undefined {
  const isTokens = shape.length === 3 && pooling !== 'none';
  const isRow = shape.length >= 2 && shape.slice(2).every((size) => size === 1);
  const isPlaces = shape.length === 4 && pooling === 'mean';
  const width = isTokens ? shape[2] : isRow || isPlaces ? shape[1] : undefined;
  return typeof width === 'number' && width > 0 ? width : undefined;
}

function zeros(dtype: string, dims: readonly number[]): TensorData {
  const count = dims.reduce((product, size) => product * size, 1);
  switch (dtype) {
    case 'int64':
      return { dtype, dims, data: new BigInt64Array(count) };
    case 'bool':
      return { dtype, dims, data: new Uint8Array(count) };
    case 'float64':
      return { dtype, dims, data: new Float64Array(count) };
    default:
      return { dtype: 'float32', dims, data: new Float32Array(count) };
  }
}
