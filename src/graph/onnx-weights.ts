/** Writes other numbers into an ONNX file and leaves everything else as it is: inputs, outputs, nodes, names, metadata. */
import onnxProto from 'onnx-proto';
import { LimbeckError, show } from '../errors.ts';
import { floatsToBrainFloats, floatsToHalves } from '../matrix/half-precision.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;
const { FLOAT, FLOAT16, BFLOAT16, DOUBLE } = TensorProto.DataType;

/**
 * A copy of a model with weights replaced, initializers or Constant nodes, each in the precision that the file has it in. Weights
 * that the file keeps in another file move into this one.
 *
 * @param bytes the .onnx file
 * @param weights by name, as many numbers as the file has
 * @throws LimbeckError INVALID_ARGUMENT for a name that is no weight of the file, SHAPE_MISMATCH for another number of entries
 *
 * @example
 * const trained = replaceWeights(bytes, new Map([['fc.weight', Float32Array.of(1, 2)]]));
 */
export function replaceWeights(bytes: Uint8Array, weights: ReadonlyMap<string, Float32Array>): Uint8Array {
  const model = ModelProto.decode(bytes);
  const stored = new Map((model.graph?.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  for (const { opType, output, attribute } of model.graph?.node ?? []) {
    const value = opType === 'Constant' ? attribute?.find(({ name }) => name === 'value')?.t : undefined;
    if (value && output?.[0]) stored.set(output[0], value);
  }
  for (const [name, data] of weights) {
    const tensor = stored.get(name);
    if (!tensor) {
      throw new LimbeckError('INVALID_ARGUMENT', `replaceWeights: expected a weight of the model, got ${show(name)}.`);
    }
    const entries = (tensor.dims ?? []).reduce<number>((n, d) => n * Number(d), 1);
    if (entries !== data.length) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `replaceWeights: ${show(name)}: expected ${entries} numbers, got ${data.length}.`,
      );
    }
    const numbers = inPrecision(data, tensor.dataType ?? FLOAT);
    tensor.rawData = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
    tensor.floatData = [];
    tensor.doubleData = [];
    tensor.int32Data = [];
    tensor.externalData = [];
    tensor.dataLocation = TensorProto.DataLocation.DEFAULT;
  }
  return ModelProto.encode(model).finish();
}

function inPrecision(data: Float32Array, type: number): Float32Array | Float64Array | Uint16Array {
  switch (type) {
    case FLOAT16:
      return floatsToHalves(data);
    case BFLOAT16:
      return floatsToBrainFloats(data);
    case DOUBLE:
      return Float64Array.from(data);
    default:
      return data;
  }
}
