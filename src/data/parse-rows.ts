/**
 * Rows of numbers from the bytes of a file in memory, as a page has them: .npy and .safetensors. What of a .safetensors file its rows are, and
 * of which types rows may be, is said here for files on disk too. Not for files larger than memory: `readRows`.
 */
import { LimbeckError, show } from '../errors.ts';
import { brainFloatsToFloats, halvesToFloats } from '../matrix/half-precision.ts';
import { Matrix } from '../matrix/matrix.ts';
import { nearestNames } from '../nearest-names.ts';
import { readSafetensors, type SafetensorsDtype, type SafetensorsEntry } from '../teachers/safetensors.ts';
import { assertFiniteRows } from './finite-rows.ts';
import { parseNpy } from './npy.ts';

interface RowType {
  /** Bytes per number. */
  readonly size: number;
  readonly read: (buffer: ArrayBuffer) => ArrayLike<number | bigint>;
}

/** Element types of rows, and how they are read. */
const ROW_TYPES: Partial<Record<SafetensorsDtype, RowType>> = {
  F64: { size: 8, read: (buffer) => new Float64Array(buffer) },
  F32: { size: 4, read: (buffer) => new Float32Array(buffer) },
  F16: { size: 2, read: (buffer) => halvesToFloats(new Uint16Array(buffer)) },
  BF16: { size: 2, read: (buffer) => brainFloatsToFloats(new Uint16Array(buffer)) },
  I8: { size: 1, read: (buffer) => new Int8Array(buffer) },
  U8: { size: 1, read: (buffer) => new Uint8Array(buffer) },
};

/**
 * The rows of a .npy or .safetensors file.
 *
 * @param bytes the whole file
 * @param name how the file is called in messages; its ending says the format
 * @param options `tensor`: the name of the tensor that holds the rows, in .safetensors of several
 * @returns float32 [rows, width], checked to be finite
 * @throws LimbeckError UNSUPPORTED for formats and element types; FILE_CORRUPT; INVALID_OPTION when the tensor is not there, or not named among
 *   several; SHAPE_MISMATCH for numbers that are not rows; NON_FINITE naming row and column; EMPTY_DATA
 *
 * @example
 * const index = parseRows(new Uint8Array(await file.arrayBuffer()), 'index.npy'); // 1000 × 384
 */
export function parseRows(bytes: Uint8Array, name: string, { tensor }: { readonly tensor?: string } = {}): Matrix {
  const { shape, numbers } = contentOf(bytes, name, tensor);
  if (shape.length !== 2 || shape[1] < 1) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${name}: expected rows of numbers, [rows, width], got the shape [${shape.join(', ')}].`,
    );
  }
  if (shape[0] === 0) throw new LimbeckError('EMPTY_DATA', `${name}: expected at least one row of numbers, got none.`);
  const rows = new Matrix(
    shape[0],
    shape[1],
    numbers instanceof Float32Array ? numbers : Float32Array.from(numbers, Number),
  );
  assertFiniteRows(name, rows, (row) => `row ${row}`);
  return rows;
}

interface Content {
  readonly shape: readonly number[];
  readonly numbers: Float32Array | ArrayLike<number | bigint>;
}

function contentOf(bytes: Uint8Array, name: string, tensor: string | undefined): Content {
  const ending = /\.(\w+)$/.exec(name)?.[1].toLowerCase();
  if (ending === 'npy') {
    const { shape, data } = parseNpy(bytes, name);
    return { shape, numbers: data };
  }
  if (ending === 'safetensors') {
    const file = readSafetensors(bytes, name);
    const { entry, key, type } = rowsTensor(file.entries, name, tensor);
    return { shape: entry.shape, numbers: type.read(new Uint8Array(file.bytesOf(key)).buffer) };
  }
  throw new LimbeckError(
    'UNSUPPORTED',
    `${name}: expected rows in a file that ends in .npy or .safetensors, got ${show(ending ?? '')}.`,
  );
}

/**
 * The tensor of a .safetensors file that holds its rows: the one that is named, or the only one.
 *
 * @throws LimbeckError INVALID_OPTION, UNSUPPORTED for numbers of another type
 */
export function rowsTensor(
  entries: ReadonlyMap<string, SafetensorsEntry>,
  path: string,
  tensor: string | undefined,
): { readonly key: string; readonly entry: SafetensorsEntry; readonly type: RowType } {
  const names = [...entries.keys()];
  const key = tensor ?? (names.length === 1 ? names[0] : undefined);
  const entry = key === undefined ? undefined : entries.get(key);
  if (key === undefined || !entry) {
    const near = (tensor === undefined ? names : nearestNames(tensor, names).map((known) => known.name)).slice(0, 10);
    throw new LimbeckError(
      'INVALID_OPTION',
      `${path}: expected ${tensor === undefined ? 'one tensor' : `a tensor ${show(tensor)}`}, got ` +
        `${names.length}${near.length > 0 ? `: ${near.map(show).join(', ')}` : ''}. Set tensor to the one that holds the rows.`,
    );
  }
  const type = ROW_TYPES[entry.dtype];
  if (type) return { key, entry, type };
  throw new LimbeckError(
    'UNSUPPORTED',
    `${path}: expected rows of a type among ${Object.keys(ROW_TYPES).join(', ')}, got ${entry.dtype}.`,
  );
}
