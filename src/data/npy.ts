/**
 * NumPy's .npy format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): a magic number, a header that is a
 * Python dictionary, the numbers. Versions 1 to 3, little-endian numbers in C order; nothing in a file is believed unchecked.
 */
import { LimbeckError, show } from '../errors.ts';
import { halvesToFloats } from '../matrix/half-precision.ts';
import type { Matrix } from '../matrix/matrix.ts';

/** Element types by their name in the file: bytes per element, and the array that they are read into. */
const DTYPES = {
  '<f8': { size: 8, read: (buffer: ArrayBuffer) => new Float64Array(buffer) },
  '<f4': { size: 4, read: (buffer: ArrayBuffer) => new Float32Array(buffer) },
  '<f2': { size: 2, read: (buffer: ArrayBuffer) => halvesToFloats(new Uint16Array(buffer)) },
  '<i8': { size: 8, read: (buffer: ArrayBuffer) => new BigInt64Array(buffer) },
  '<i4': { size: 4, read: (buffer: ArrayBuffer) => new Int32Array(buffer) },
  '<i2': { size: 2, read: (buffer: ArrayBuffer) => new Int16Array(buffer) },
  '<u4': { size: 4, read: (buffer: ArrayBuffer) => new Uint32Array(buffer) },
  '<u2': { size: 2, read: (buffer: ArrayBuffer) => new Uint16Array(buffer) },
  '|i1': { size: 1, read: (buffer: ArrayBuffer) => new Int8Array(buffer) },
  '|u1': { size: 1, read: (buffer: ArrayBuffer) => new Uint8Array(buffer) },
};

export type NpyDtype = keyof typeof DTYPES;
export type NpyData = ReturnType<(typeof DTYPES)[NpyDtype]['read']>;

export interface NpyHeader {
  readonly dtype: NpyDtype;
  readonly shape: readonly number[];
  /** First byte of the numbers. */
  readonly begin: number;
  /** Bytes of one number. */
  readonly size: number;
}

/** NumPy itself refuses headers above 10,000 bytes. */
export const NPY_HEADER_LIMIT = 65_536;

/**
 * @param bytes the beginning of the file: {@link NPY_HEADER_LIMIT} bytes, or all when it is shorter
 * @param fileLength bytes of the whole file
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT; UNSUPPORTED for big-endian numbers, other types and Fortran order, with what to do
 */
export function readNpyHeader(bytes: Uint8Array, fileLength: number, name: string): NpyHeader {
  const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
  if (bytes.length < 10 || magic.some((byte, i) => bytes[i] !== byte)) {
    throw corrupt(name, 'a file of NumPy, which begins with 93 "NUMPY", got other bytes.');
  }
  const version = bytes[6];
  if (version < 1 || version > 3) {
    throw new LimbeckError('UNSUPPORTED', `${name}: expected .npy of version 1, 2 or 3, got ${version}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = version === 1 ? 10 : 12;
  const length = version === 1 ? view.getUint16(8, true) : bytes.length < 12 ? 0 : view.getUint32(8, true);
  if (start + length > Math.min(bytes.length, NPY_HEADER_LIMIT)) {
    throw corrupt(name, `a header of ${length} bytes, got ${bytes.length - start}, or it is unreasonably long.`);
  }
  const fields = parseDictionary(new TextDecoder().decode(bytes.subarray(start, start + length)), name);
  const { dtype, shape } = checkFields(fields, name);
  const { size } = DTYPES[dtype];
  const begin = start + length;
  const expected = shape.reduce((product, n) => product * n, size);
  if (fileLength - begin !== expected) {
    throw corrupt(name, `${expected} bytes for ${dtype} of shape [${shape.join(', ')}], got ${fileLength - begin}.`);
  }
  return { dtype, shape, begin, size };
}

/**
 * An array of any shape. float16 is widened to float32, losing nothing.
 *
 * @throws LimbeckError as {@link readNpyHeader}
 *
 * @example
 * const { shape, data } = parseNpy(await readFile('rows.npy'), 'rows.npy'); // [1000, 384], Float32Array
 */
export function parseNpy(
  bytes: Uint8Array,
  name: string,
): { readonly shape: readonly number[]; readonly data: NpyData } {
  const { dtype, shape, begin } = readNpyHeader(bytes, bytes.length, name);
  return { shape, data: numbersOf(dtype, bytes.subarray(begin)) };
}

/** The numbers that bytes stand for, in memory of their own. */
export function numbersOf(dtype: NpyDtype, bytes: Uint8Array): NpyData {
  return DTYPES[dtype].read(new Uint8Array(bytes).buffer);
}

/**
 * The bytes of a .npy file, version 1, float32 or, for a matrix of that, float64.
 *
 * @example
 * await writeFile('rows.npy', writeNpy(Matrix.from([[1, 2], [3, 4]])));
 */
export function writeNpy({ rows, columns, data, dtype }: Matrix): Uint8Array {
  const fields = `{'descr': '${dtype === 'float64' ? '<f8' : '<f4'}', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  // The numbers begin at a multiple of 64, after a line feed.
  const begin = Math.ceil((10 + fields.length + 1) / 64) * 64;
  const header = `\x93NUMPY\x01\x00\x00\x00${fields.padEnd(begin - 11)}\n`;
  const bytes = new Uint8Array(begin + data.byteLength);
  for (let i = 0; i < begin; i++) bytes[i] = header.charCodeAt(i);
  new DataView(bytes.buffer).setUint16(8, begin - 10, true);
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), begin);
  return bytes;
}

/** A flat dictionary of strings, truth values and tuples of whole numbers; other values are kept as they are written. */
function parseDictionary(text: string, name: string): Map<string, string> {
  const body = text.trim();
  if (!body.startsWith('{') || !body.endsWith('}')) throw corrupt(name, `a dictionary as header, got ${show(body)}.`);
  const fields = new Map<string, string>();
  const field = /\s*(?:'(\w+)'|"(\w+)")\s*:\s*('[^']*'|"[^"]*"|True|False|\([\d\s,L]*\)|\[.*\])\s*(?:,|$)/sy;
  const inside = body.slice(1, -1).trimEnd();
  while (field.lastIndex < inside.length) {
    const match = field.exec(inside);
    if (!match) throw corrupt(name, `descr, fortran_order and shape in its header, got ${show(body)}.`);
    fields.set(match[1] ?? match[2], match[3]);
  }
  return fields;
}

function checkFields(fields: ReadonlyMap<string, string>, name: string): Pick<NpyHeader, 'dtype' | 'shape'> {
  const [descr, order, tuple] = ['descr', 'fortran_order', 'shape'].map((key) => fields.get(key));
  if (descr === undefined || (order !== 'True' && order !== 'False') || !tuple?.startsWith('(')) {
    throw corrupt(
      name,
      `descr, fortran_order and shape in its header, got ${[...fields.keys()].join(', ') || 'none'}.`,
    );
  }
  const shape = (tuple.match(/\d+/g) ?? []).map(Number);
  if (!shape.every(Number.isSafeInteger)) throw corrupt(name, `a shape of whole numbers, got ${tuple}.`);
  const dtype = descr.slice(1, -1);
  if (!Object.hasOwn(DTYPES, dtype)) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected numbers of a type among ${Object.keys(DTYPES).join(', ')}, got ${descr}. ` +
        "Save them with numpy as a.astype('<f4').",
    );
  }
  if (order === 'True' && shape.length > 1) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected numbers in C order, row by row, got Fortran order. Save them with numpy.ascontiguousarray(a).`,
    );
  }
  return { dtype: dtype as NpyDtype, shape };
}

function corrupt(name: string, rest: string): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${name}: expected ${rest} Check that this is the right file, and whole.`);
}
