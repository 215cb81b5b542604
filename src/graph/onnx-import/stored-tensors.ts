/** The numbers inside an ONNX file: tensors as raw bytes, as lists, as half precision, or in a file beside it. */
import type onnxProto from 'onnx-proto';
import { LimbeckError, show } from '../../errors.ts';
import { brainFloatsToFloats, halvesToFloats } from '../../matrix/half-precision.ts';
import { ARRAY_TYPES, type DataType, ONNX_TYPES, type TypedArray } from '../tensor.ts';

type TensorProto = onnxProto.onnx.ITensorProto;

/** Numbers read: half precision has become float32. */
export interface StoredTensor {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** Reads `length` bytes at `offset` of a file in the model's folder; `location` is checked: it names no other folder above. */
export type ReadExternal = (location: string, offset: number, length: number) => Uint8Array;

const FLOAT16 = 10;
const BFLOAT16 = 16;

/** The element type that stands for an ONNX one here; undefined for those that the engine does not have. */
export function dataType(onnxType: number | null | undefined): DataType | undefined {
  if (onnxType === FLOAT16 || onnxType === BFLOAT16) return 'float32';
  return (Object.keys(ONNX_TYPES) as DataType[]).find((dtype) => ONNX_TYPES[dtype] === onnxType);
}

/**
 * @param what whose numbers they are, for messages
 * @throws LimbeckError UNSUPPORTED for an element type that the engine does not have, FILE_CORRUPT when the numbers are not as
 *   many as the shape says, or lie outside
 */
export function readTensor(proto: TensorProto, what: string, external: ReadExternal | undefined): StoredTensor {
  const dtype = dataType(proto.dataType);
  if (!dtype) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${what}: expected a float, int32, int64 or bool tensor, got type ${proto.dataType}.`,
    );
  }
  const dims = (proto.dims ?? []).map(Number);
  const count = dims.reduce((n, d) => n * d, 1);
  if (!dims.every((d) => Number.isSafeInteger(d) && d >= 0) || !Number.isSafeInteger(count)) {
    throw new LimbeckError('FILE_CORRUPT', `${what}: expected sizes ≥ 0, got [${dims.join(', ')}].`);
  }
  const half = proto.dataType === FLOAT16 || proto.dataType === BFLOAT16;
  const width = half ? 2 : ARRAY_TYPES[dtype].BYTES_PER_ELEMENT;
  const raw = rawBytes(proto, what, count * width, external);
  const found = raw ? raw.byteLength / width : listOf(proto, dtype).length;
  if (found !== count) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${what}: expected ${count} numbers for [${dims.join(', ')}], got ${found}.`,
    );
  }
  if (half) {
    const halves = raw ? (view(Uint16Array, raw) as Uint16Array) : Uint16Array.from(proto.int32Data ?? []);
    return { dtype, dims, data: proto.dataType === FLOAT16 ? halvesToFloats(halves) : brainFloatsToFloats(halves) };
  }
  if (raw) return { dtype, dims, data: view(ARRAY_TYPES[dtype], raw) as TypedArray };
  const list = listOf(proto, dtype);
  const data =
    dtype === 'int64'
      ? BigInt64Array.from(list, (value) => BigInt(String(value)))
      : ARRAY_TYPES[dtype].from(list as readonly number[]);
  return { dtype, dims, data };
}

function listOf(proto: TensorProto, dtype: DataType): readonly unknown[] {
  const lists = { float32: proto.floatData, float64: proto.doubleData, int64: proto.int64Data };
  const half = proto.dataType === FLOAT16 || proto.dataType === BFLOAT16;
  const list = half || dtype === 'int32' || dtype === 'bool' ? proto.int32Data : lists[dtype];
  return list ?? [];
}

/** A window of the file where it is aligned, else a copy. ONNX is little-endian, and so is every machine this runs on. */
function view(type: typeof Uint16Array | (typeof ARRAY_TYPES)[DataType], bytes: Uint8Array): Uint16Array | TypedArray {
  const aligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new type(aligned.buffer as ArrayBuffer, aligned.byteOffset, bytes.byteLength / type.BYTES_PER_ELEMENT);
}

const EXTERNAL = 1;

function rawBytes(
  proto: TensorProto,
  what: string,
  size: number,
  external: ReadExternal | undefined,
): Uint8Array | undefined {
  if (proto.dataLocation !== EXTERNAL) return proto.rawData?.byteLength ? proto.rawData : undefined;
  const entry = (key: string) => proto.externalData?.find((pair) => pair.key === key)?.value ?? undefined;
  const location = entry('location') ?? '';
  const [offset, length] = [Number(entry('offset') ?? 0), Number(entry('length') ?? size)];
  if (!isInside(location)) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${what}: expected its numbers in a file inside the model's folder, got ${show(location)}.`,
    );
  }
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== size) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${what}: expected ${size} bytes of ${show(location)}, got ${length} at ${offset}.`,
    );
  }
  if (!external) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${what}: its numbers are in ${show(location)}. Read the model from its folder.`,
    );
  }
  return external(location, offset, length);
}

/** Whether a relative path stays in its folder, on any platform. */
function isInside(location: string): boolean {
  const parts = location.split('/');
  return !/[\\:\0]/.test(location) && parts.every((part) => part !== '' && part !== '..');
}
