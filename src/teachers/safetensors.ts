/**
 * The safetensors file format, both ways: an 8-byte header length, a JSON header, the tensors' bytes, all little-endian
 * (https://github.com/huggingface/safetensors#format). Everything in a file is checked before it is believed, since such files
 * come from anywhere. Works on bytes in memory and imports nothing from Node; not a loader of models.
 */
import { LimbeckError, show } from '../errors.ts';
import { brainFloatsToFloats, halvesToFloats } from '../matrix/half-precision.ts';
import { nearestNames } from '../nearest-names.ts';

type TensorData =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Uint16Array
  | Int8Array
  | Uint8Array;

/** Element types by their name in the file: bytes per element, and the array that a tensor of them is read into. */
const DTYPES = {
  F64: { size: 8, read: (buffer: ArrayBuffer) => new Float64Array(buffer) },
  F32: { size: 4, read: (buffer: ArrayBuffer) => new Float32Array(buffer) },
  F16: { size: 2, read: (buffer: ArrayBuffer) => halvesToFloats(new Uint16Array(buffer)) },
  BF16: { size: 2, read: (buffer: ArrayBuffer) => brainFloatsToFloats(new Uint16Array(buffer)) },
  I64: { size: 8, read: (buffer: ArrayBuffer) => new BigInt64Array(buffer) },
  I32: { size: 4, read: (buffer: ArrayBuffer) => new Int32Array(buffer) },
  I16: { size: 2, read: (buffer: ArrayBuffer) => new Int16Array(buffer) },
  U16: { size: 2, read: (buffer: ArrayBuffer) => new Uint16Array(buffer) },
  I8: { size: 1, read: (buffer: ArrayBuffer) => new Int8Array(buffer) },
  U8: { size: 1, read: (buffer: ArrayBuffer) => new Uint8Array(buffer) },
  BOOL: { size: 1, read: (buffer: ArrayBuffer) => new Uint8Array(buffer) },
} satisfies Record<string, { size: number; read: (buffer: ArrayBuffer) => TensorData }>;

export type SafetensorsDtype = keyof typeof DTYPES;

/** The array that a tensor of type `D` is read into; half precision is widened, losing nothing. */
export type SafetensorsData<D extends SafetensorsDtype> = ReturnType<(typeof DTYPES)[D]['read']>;

export interface SafetensorsEntry {
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  /** First byte, and the byte after the last, counted from the start of the file. */
  readonly begin: number;
  readonly end: number;
}

/**
 * An opened safetensors file: the header is read and checked, tensors are decoded when asked for.
 *
 * @example
 * const file = readSafetensors(bytes, 'model.safetensors');
 * const { shape, data } = file.tensor('embeddings.word_embeddings.weight'); // [30522, 384], Float32Array
 */
export class SafetensorsFile {
  /** How the file is called in messages. */
  readonly name: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Tensor name → type, shape and place, in the order of the header. */
  readonly entries: ReadonlyMap<string, SafetensorsEntry>;
  readonly #bytes: Uint8Array;

  constructor(
    name: string,
    bytes: Uint8Array,
    metadata: ReadonlyMap<string, string>,
    entries: ReadonlyMap<string, SafetensorsEntry>,
  ) {
    this.name = name;
    this.#bytes = bytes;
    this.metadata = metadata;
    this.entries = entries;
  }

  /**
   * A floating-point tensor of at most 32 bits (F32, F16, BF16) as float32, in memory of its own.
   *
   * @throws LimbeckError FILE_CORRUPT when there is no such tensor (near names are listed) or it has another type
   */
  tensor(name: string): { shape: readonly number[]; data: Float32Array } {
    const { dtype } = this.#entry(name);
    if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') {
      throw this.#corrupt(`tensor ${show(name)}: expected type F32, F16 or BF16, got ${dtype}.`);
    }
    return this.tensorOf(name, dtype);
  }

  /**
   * A tensor of the type that the caller counts on, in memory of its own.
   *
   * @throws LimbeckError FILE_CORRUPT when there is no such tensor or it has another type
   */
  tensorOf<D extends SafetensorsDtype>(name: string, dtype: D): { shape: readonly number[]; data: SafetensorsData<D> } {
    const entry = this.#entry(name);
    if (entry.dtype !== dtype) {
      throw this.#corrupt(`tensor ${show(name)}: expected type ${dtype}, got ${entry.dtype}.`);
    }
    // Copied: a view would need an aligned offset, and would keep the whole file in memory.
    // Not by slice(): that of a Node Buffer shares its memory, and the numbers would begin at the start of the file.
    const { buffer } = new Uint8Array(this.bytesOf(name));
    return { shape: entry.shape, data: DTYPES[dtype].read(buffer as ArrayBuffer) as SafetensorsData<D> };
  }

  /** The stored bytes of a tensor, as a view of the file. */
  bytesOf(name: string): Uint8Array {
    const { begin, end } = this.#entry(name);
    return this.#bytes.subarray(begin, end);
  }

  #entry(name: string): SafetensorsEntry {
    const entry = this.entries.get(name);
    if (entry) return entry;
    const near = nearestNames(name, [...this.entries.keys()])
      .slice(0, 5)
      .map((known) => show(known.name))
      .join(', ');
    throw this.#corrupt(`expected a tensor ${show(name)}, got ${near ? `among others ${near}` : 'no tensors at all'}.`);
  }

  #corrupt(message: string): LimbeckError {
    return corrupt(this.name, message);
  }
}

/**
 * Opens safetensors bytes. The bytes are not copied and must not change while the file is in use.
 *
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT saying what was expected and what was found; UNSUPPORTED for an element type that this
 *   version does not know
 */
export function readSafetensors(bytes: Uint8Array, name: string): SafetensorsFile {
  const { metadata, entries } = readSafetensorsHeader(bytes, bytes.length, name);
  return new SafetensorsFile(name, bytes, metadata, entries);
}

/**
 * What a safetensors file holds and where, from its beginning alone.
 *
 * @param bytes the first 8 bytes and the header at least
 * @param fileLength bytes of the whole file
 * @throws LimbeckError as {@link readSafetensors}
 */
export function readSafetensorsHeader(
  bytes: Uint8Array,
  fileLength: number,
  name: string,
): Pick<SafetensorsFile, 'metadata' | 'entries'> {
  if (fileLength < 8) throw corrupt(name, `expected at least 8 bytes, got ${fileLength}; the file is cut short.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getBigUint64(0, true);
  if (headerLength > BigInt(fileLength - 8)) {
    throw corrupt(
      name,
      `expected a header of ${headerLength} bytes after the first 8, got ${fileLength - 8}; ` +
        'the file is cut short, or it is not a safetensors file.',
    );
  }
  const start = 8 + Number(headerLength);
  const header = parseHeader(bytes.subarray(8, start), name);
  const metadata = new Map<string, string>();
  const entries = new Map<string, SafetensorsEntry>();
  for (const [key, value] of Object.entries(header)) {
    if (key !== '__metadata__') {
      entries.set(key, readEntry(value, `tensor ${show(key)}`, start, fileLength, name));
      continue;
    }
    if (!isObject(value)) throw corrupt(name, `__metadata__: expected an object, got ${show(value)}.`);
    for (const [field, text] of Object.entries(value)) {
      if (typeof text !== 'string') {
        throw corrupt(name, `metadata ${show(field)}: expected a string, got ${show(text)}.`);
      }
      metadata.set(field, text);
    }
  }
  checkLayout(entries, start, fileLength, name);
  return { metadata, entries };
}

function parseHeader(bytes: Uint8Array, name: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw corrupt(name, `expected a header in JSON, got ${(error as Error).message}.`, { cause: error });
  }
  if (!isObject(header)) throw corrupt(name, `expected a header that is a JSON object, got ${show(header)}.`);
  return header;
}

function readEntry(value: unknown, what: string, start: number, fileLength: number, name: string): SafetensorsEntry {
  if (!isObject(value)) throw corrupt(name, `${what}: expected an object, got ${show(value)}.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string') throw corrupt(name, `${what}: expected a type, got ${show(dtype)}.`);
  if (!Object.hasOwn(DTYPES, dtype)) {
    const known = Object.keys(DTYPES).join(', ');
    throw new LimbeckError('UNSUPPORTED', `${name}: ${what}: expected one of the types ${known}, got ${show(dtype)}.`);
  }
  if (!isCounts(shape)) throw corrupt(name, `${what}: expected a shape of whole numbers ≥ 0, got ${list(shape)}.`);
  const available = fileLength - start;
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0] > offsets[1] || offsets[1] > available) {
    throw corrupt(
      name,
      `${what}: expected data_offsets [begin, end] inside the ${available} bytes of data, got ${list(offsets)}.`,
    );
  }
  const expected = shape.reduce((product, size) => product * size, DTYPES[dtype as SafetensorsDtype].size);
  if (expected !== offsets[1] - offsets[0]) {
    throw corrupt(
      name,
      `${what}: expected ${expected} bytes for ${dtype} of shape ${list(shape)}, got ${offsets[1] - offsets[0]}.`,
    );
  }
  return { dtype: dtype as SafetensorsDtype, shape, begin: start + offsets[0], end: start + offsets[1] };
}

/** The tensors must cover the data exactly, as the format demands: no overlap, no gap, nothing behind the last. */
function checkLayout(entries: ReadonlyMap<string, SafetensorsEntry>, start: number, end: number, name: string): void {
  let place = start;
  let before = 'the header';
  for (const [key, entry] of [...entries].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end)) {
    if (entry.begin !== place) {
      const kind = entry.begin < place ? 'an overlap' : 'a gap';
      throw corrupt(
        name,
        `tensor ${show(key)}: expected it to begin at byte ${place}, after ${before}, got byte ${entry.begin}: ${kind}.`,
      );
    }
    place = entry.end;
    before = `tensor ${show(key)}`;
  }
  if (place !== end)
    throw corrupt(name, `expected the file to end at byte ${place}, after ${before}, got ${end} bytes.`);
}

/** A tensor to be written. Without `dtype` the element type follows from the array; F16, BF16 and BOOL take their raw bits. */
export interface SafetensorsInput {
  readonly shape: readonly number[];
  readonly data: TensorData;
  readonly dtype?: SafetensorsDtype;
}

/**
 * The bytes of a safetensors file. Equal input gives equal bytes, whatever the order of the keys; every tensor is aligned to its
 * element size.
 *
 * @throws LimbeckError SHAPE_MISMATCH when a shape does not fit the data; INVALID_ARGUMENT for a type that does not fit the
 *   array and for the reserved name `__metadata__`
 *
 * @example
 * const bytes = writeSafetensors({ rows: { shape: [2, 2], data: new Float32Array([1, 0, 0, 1]) } }, { format: 'limbeck' });
 */
export function writeSafetensors(
  tensors: Readonly<Record<string, SafetensorsInput>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const inputs = Object.entries(tensors).map(([name, input]) => checkInput(name, input));
  // Wide elements first: then every tensor begins at a multiple of its element size, since the data begin at one of 8.
  inputs.sort((a, b) => DTYPES[b.dtype].size - DTYPES[a.dtype].size || (a.name < b.name ? -1 : 1));
  const header: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) {
    header.push(['__metadata__', Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)))]);
  }
  let length = 0;
  for (const { name, dtype, shape, data } of inputs) {
    header.push([name, { dtype, shape, data_offsets: [length, length + data.byteLength] }]);
    length += data.byteLength;
  }
  // fromEntries, because assigning to a key "__proto__" would lose it.
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const start = 8 + Math.ceil(json.length / 8) * 8;
  const bytes = new Uint8Array(start + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true);
  bytes.fill(0x20, 8, start);
  bytes.set(json, 8);
  let place = start;
  for (const { data } of inputs) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), place);
    place += data.byteLength;
  }
  return bytes;
}

function checkInput(name: string, input: SafetensorsInput): Required<SafetensorsInput> & { name: string } {
  const { shape, data } = input;
  if (name === '__metadata__') {
    throw new LimbeckError('INVALID_ARGUMENT', 'Tensor name: expected any but the reserved "__metadata__", got that.');
  }
  const dtype = input.dtype ?? dtypeOf(data);
  if (dtype === undefined || DTYPES[dtype]?.size !== data.BYTES_PER_ELEMENT) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Tensor ${show(name)}: expected a typed array with the element size of ${dtype ?? 'a known type'}, got ${show(data)}.`,
    );
  }
  if (!isCounts(shape) || shape.reduce((product, size) => product * size, 1) !== data.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Tensor ${show(name)}: expected a shape with ${data.length} entries, as the data have, got ${list(shape)}.`,
    );
  }
  return { name, shape, data, dtype };
}

function dtypeOf(data: TensorData): SafetensorsDtype | undefined {
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof BigInt64Array) return 'I64';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof Int16Array) return 'I16';
  if (data instanceof Uint16Array) return 'U16';
  if (data instanceof Int8Array) return 'I8';
  return data instanceof Uint8Array ? 'U8' : undefined;
}

function corrupt(name: string, message: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${name}: ${message} Fetch or write the file again.`, options);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((entry) => Number.isSafeInteger(entry) && entry >= 0);
}

function list(value: unknown): string {
  return Array.isArray(value) && value.length <= 8 ? `[${value.map(show).join(', ')}]` : show(value);
}
