/** Tensors between the engine and ONNX Runtime's JavaScript, which are the same for its native and its WebAssembly build. */
import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { TypedArray } from '../graph/index.ts';
import { halvesToFloats } from '../matrix/half-precision.ts';
import type { FeedTensor, ModelTensor, TensorData } from './backend.ts';

type MakeTensor = new (type: FeedTensor['dtype'], data: never, dims: readonly number[]) => Tensor;

/** @param make the build's own class of tensors */
export function toOrt({ dtype, data, dims }: FeedTensor, make: MakeTensor): Tensor {
  return new make(dtype, data as never, dims);
}

/** Half precision comes out as float32. */
export function fromOrt({ type, dims, data }: Pick<Tensor, 'type' | 'dims' | 'data'>): TensorData {
  if (type !== 'float16') return { dtype: type as TensorData['dtype'], dims, data: data as TypedArray };
  // An array of numbers where the platform has one for halves, else of their bits; the bytes are the same.
  const { buffer, byteOffset, length } = data as unknown as Uint16Array;
  return { dtype: 'float32', dims, data: halvesToFloats(new Uint16Array(buffer, byteOffset, length)) };
}

export function declared(tensors: readonly InferenceSession.ValueMetadata[]): ModelTensor[] {
  return tensors.map((tensor) => ({
    name: tensor.name,
    dtype: tensor.isTensor ? tensor.type : 'no tensor',
    shape: tensor.isTensor ? tensor.shape : [],
  }));
}
