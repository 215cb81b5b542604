/**
 * What a model declares as its inputs, as `OnnxInputs` are asked for it, and what they give, as the model takes it: other whole
 * numbers, half precision, pixels as bytes or with the channels last.
 */
import { LimbeckError, show } from '../errors.ts';
import { type DataType, input, type SymbolicTensor, type TypedArray } from '../graph/index.ts';
import { floatsToHalves } from '../matrix/half-precision.ts';
import type { FeedTensor, ModelTensor, TensorData } from '../runtime/backend.ts';

/** An input of a model. */
export interface ModelInput {
  readonly declared: ModelTensor;
  /** Sizes with what is fixed filled in; a name stands for any size. */
  readonly shape: readonly (number | string)[];
  /** Whether it takes images with the channels last. */
  readonly channelsLast: boolean;
  /** How `OnnxInputs` see it: channels before height and width, half precision and bytes as float32, int32 as int64. */
  readonly asked: SymbolicTensor;
}

const ASKED: Readonly<Record<string, DataType>> = {
  float32: 'float32',
  float64: 'float64',
  float16: 'float32',
  uint8: 'float32',
  int64: 'int64',
  int32: 'int64',
  bool: 'bool',
};

/**
 * @param sizes what run-time sizes are fixed at, by the name of the size, or `<input>_<axis>` for one without a name
 * @throws LimbeckError UNSUPPORTED for an input of another type
 */
export function modelInput(declared: ModelTensor, sizes: Readonly<Record<string, number>>, file: string): ModelInput {
  const dtype = ASKED[declared.dtype];
  if (!dtype) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${file}: input ${show(declared.name)}: expected one of the types ${Object.keys(ASKED).join(', ')}, got ${declared.dtype}.`,
    );
  }
  const shape = declared.shape.map((size, axis) => {
    if (typeof size === 'number' && size >= 0) return size;
    const name = (typeof size === 'string' && size) || (axis === 0 ? 'batch' : `${declared.name}_${axis}`);
    return sizes[name] ?? name;
  });
  const isColour = (size: number | string) => size === 1 || size === 3 || size === 4;
  const channelsLast = shape.length === 4 && isColour(shape[3]) && !isColour(shape[1]);
  const [batch, height, width, channels] = shape;
  const asked = channelsLast ? [batch, channels, height, width] : shape;
  return { declared, shape, channelsLast, asked: input(declared.name, dtype, asked) };
}

/**
 * The tensor that a model takes, from one that `OnnxInputs` gave.
 *
 * @throws LimbeckError MISSING_INPUT when they gave none; INVALID_OPTION for pixels outside 0 … 1 where the model takes bytes;
 *   SHAPE_MISMATCH for a type that cannot become the declared one
 */
export function fedTensor(
  { declared, channelsLast }: ModelInput,
  given: TensorData | undefined,
  file: string,
): FeedTensor {
  if (!given) {
    throw new LimbeckError(
      'MISSING_INPUT',
      `${file}: expected inputs to give an array for ${show(declared.name)}, got none. Give one for every input of the model.`,
    );
  }
  const tensor = channelsLast && given.dims.length === 4 ? withChannelsLast(given) : given;
  const { dims, data } = tensor;
  switch (declared.dtype) {
    case tensor.dtype:
      return tensor;
    case 'float16':
      return { dtype: 'float16', dims, data: floatsToHalves(Float32Array.from(data as Float32Array)) };
    case 'uint8':
      return { dtype: 'uint8', dims, data: bytesOf(data as Float32Array, file) };
    case 'int32':
      return { dtype: 'int32', dims, data: Int32Array.from(data as ArrayLike<number>, Number) };
    case 'int64':
      return { dtype: 'int64', dims, data: BigInt64Array.from(data as Int32Array, (value) => BigInt(value)) };
    case 'float32':
      return { dtype: 'float32', dims, data: Float32Array.from(data as ArrayLike<number>, Number) };
    case 'float64':
      return { dtype: 'float64', dims, data: Float64Array.from(data as ArrayLike<number>, Number) };
    default:
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `${file}: input ${show(declared.name)}: expected ${declared.dtype}, got ${tensor.dtype}. Give what the model declares.`,
      );
  }
}

/** Pixels from 0 to 1 as 0 … 255. */
function bytesOf(pixels: ArrayLike<number>, file: string): Uint8Array {
  return Uint8Array.from(pixels, (pixel) => {
    if (pixel >= 0 && pixel <= 1) return Math.round(pixel * 255);
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}: expected pixels from 0 to 1 for a model that takes bytes, got ${pixel}. Leave mean and std out: such a model has them inside.`,
    );
  });
}

/** [n, c, h, w] as [n, h, w, c]. */
function withChannelsLast({ dtype, dims, data }: TensorData): TensorData {
  const [count, channels, height, width] = dims;
  const size = height * width;
  const turned = new (data.constructor as new (length: number) => TypedArray)(data.length);
  for (let n = 0; n < count; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * channels + c) * size;
      for (let k = 0; k < size; k++) turned[(n * size + k) * channels + c] = data[from + k];
    }
  }
  return { dtype, dims: [count, height, width, channels], data: turned };
}
