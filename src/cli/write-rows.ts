/** Rows as a file that other tools read: .npy (NumPy), .safetensors, .jsonl. Written as they come, so that they need not fit into memory. */
import { extname } from 'node:path';
import { LimbeckError, show } from '../errors.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import { writeFileAtomic } from '../runtime/files.ts';

export const ROW_FORMATS = ['.npy', '.safetensors', '.jsonl'] as const;
type RowFormat = (typeof ROW_FORMATS)[number];

/** The name of the rows: a tensor in .safetensors, a key in .jsonl. */
export const ROWS_NAME = 'embeddings';
const KEY = 'embedding';

export interface RowsToWrite {
  readonly rows: number;
  readonly columns: number;
  /** What each row belongs to, for .jsonl; by default its number. */
  readonly ids?: readonly (string | number)[] | undefined;
  /** Parts of the rows in order, float32. */
  readonly parts: AsyncIterable<Matrix>;
}

/**
 * The format that a file's name asks for.
 *
 * @throws LimbeckError INVALID_OPTION
 */
export function rowFormat(path: string): RowFormat {
  const extension = extname(path).toLowerCase();
  const found = ROW_FORMATS.find((format) => format === extension);
  if (found) return found;
  throw new LimbeckError(
    'INVALID_OPTION',
    `--out: expected a file that ends in ${ROW_FORMATS.slice(0, -1).join(', ')} or ${ROW_FORMATS.at(-1)}, got ${show(path)}.`,
  );
}

/**
 * Appears complete or not at all.
 *
 * @throws LimbeckError INVALID_OPTION for another ending, FILE_UNWRITABLE; errors of the rows
 */
export async function writeRows(path: string, rows: RowsToWrite): Promise<void> {
  const format = rowFormat(path);
  await writeFileAtomic(path, format === '.jsonl' ? lines(rows) : numbers(rows, format));
}

async function* numbers({ rows, columns, parts }: RowsToWrite, format: Exclude<RowFormat, '.jsonl'>) {
  yield format === '.npy' ? npyHeader(rows, columns) : safetensorsHeader(rows, columns);
  for await (const { data } of parts) yield littleEndian(data);
}

async function* lines({ ids, parts }: RowsToWrite) {
  let number = 0;
  for await (const part of parts) {
    let text = '';
    for (let i = 0; i < part.rows; i++, number++) {
      text += `${JSON.stringify({ id: ids?.[number] ?? number, [KEY]: Array.from(part.row(i)) })}\n`;
    }
    yield Buffer.from(text);
  }
}

function littleEndian(data: FloatArray): Uint8Array {
  const bytes = new Uint8Array(data.length * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < data.length; i++) view.setFloat32(i * 4, data[i], true);
  return bytes;
}

/** Version 1.0 of the format; the numbers begin at a multiple of 64 bytes. */
function npyHeader(rows: number, columns: number): Uint8Array {
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${columns}), }`;
  const length = Math.ceil((10 + description.length + 1) / 64) * 64 - 10;
  const header = Buffer.from(`\u0093NUMPY\u0001\u0000\u0000\u0000${description.padEnd(length - 1)}\n`, 'latin1');
  header.writeUInt16LE(length, 8);
  return header;
}

function safetensorsHeader(rows: number, columns: number): Uint8Array {
  const entry = { dtype: 'F32', shape: [rows, columns], data_offsets: [0, rows * columns * 4] };
  const text = JSON.stringify({ [ROWS_NAME]: entry });
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  const header = Buffer.alloc(8 + padded.length);
  header.writeBigUInt64LE(BigInt(padded.length));
  header.write(padded, 8);
  return header;
}
