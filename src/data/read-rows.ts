/**
 * Rows of numbers from files, embeddings above all: .npy, .safetensors (read by place, whatever their size), .jsonl and .parquet (read
 * into memory, in float32).
 */
import { open } from 'node:fs/promises';
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { unreadable } from '../runtime/read-files.ts';
import { parseOptions } from '../strategies/options.ts';
import { readSafetensorsHeader } from '../teachers/safetensors.ts';
import { idOf } from './collect-texts.ts';
import { CollectedRows } from './collected-rows.ts';
import { DigestIndex } from './digest-index.ts';
import type { FileStatus } from './file-identity.ts';
import { jsonRows } from './line-rows.ts';
import { NPY_HEADER_LIMIT, numbersOf, readNpyHeader } from './npy.ts';
import { parquetRows } from './parquet-rows.ts';
import { rowsTensor } from './parse-rows.ts';
import { columnName } from './read-texts-options.ts';
import { showValue } from './source-row.ts';
import { StoredRows } from './stored-rows.ts';
import { isGzip } from './text-chunks.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const readRowsOptionsSchema = z.object({
  column: columnName()
    .default('embedding')
    .describe('the name of the column that holds the rows, in .jsonl and .parquet'),
  tensor: z.string().optional().describe('the name of the tensor that holds the rows, in .safetensors of several'),
  idColumn: columnName().optional().describe('the name of the column that holds ids, in .jsonl and .parquet'),
});

export interface RowsOfFile {
  readonly rows: RowSource;
  /** What the file calls each row, with `idColumn`. */
  readonly ids?: readonly string[];
}

/** As the format itself has it. */
const SAFETENSORS_HEADER_LIMIT = 100_000_000;

/**
 * @returns a source of float32 rows; rows of .npy and .safetensors are checked to be finite when they are read
 * @throws LimbeckError INVALID_OPTION; FILE_UNREADABLE; FILE_CORRUPT; UNSUPPORTED for formats and element types; SHAPE_MISMATCH
 *   naming the row that is none or of another width; NON_FINITE; DATA_MISMATCH for ids that are missing or repeated; EMPTY_DATA
 *
 * @example
 * const { rows } = await readRows('embeddings.npy');
 * rows.gather([0, 1, 2]); // 3 × 384
 */
export async function readRows(path: string, given: z.input<typeof readRowsOptionsSchema> = {}): Promise<RowsOfFile> {
  const { column, tensor, idColumn } = parseOptions(readRowsOptionsSchema, given, 'readRows');
  const ending =
    isGzip(path) && /\.(jsonl|ndjson)\.gz$/i.test(path) ? 'jsonl' : /\.(\w+)$/.exec(path)?.[1].toLowerCase();
  const columns = [
    { name: column, option: 'column' },
    ...(idColumn === undefined ? [] : [{ name: idColumn, option: 'idColumn' }]),
  ];
  switch (ending) {
    case 'jsonl':
    case 'ndjson':
      return collect(path, 'line', jsonRows(path, columns), idColumn);
    case 'parquet':
      return collect(path, 'row', parquetRows(path, columns), idColumn);
    case 'npy':
    case 'safetensors':
      break;
    default:
      throw new LimbeckError(
        'UNSUPPORTED',
        `${path}: expected rows in a file that ends in .npy, .safetensors, .jsonl or .parquet, got ${show(ending ?? '')}.`,
      );
  }
  if (idColumn !== undefined) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${path}: expected no idColumn for .${ending}, which has no columns. Use .jsonl or .parquet for rows with ids.`,
    );
  }
  const rows = ending === 'npy' ? await npyRows(path) : await safetensorsRows(path, tensor);
  return { rows };
}

async function collect(
  path: string,
  unit: 'line' | 'row',
  reader: ReturnType<typeof jsonRows>,
  idColumn: string | undefined,
): Promise<RowsOfFile> {
  const rows = new CollectedRows(path);
  const ids: string[] = [];
  const numbers: number[] = [];
  const known = new DigestIndex();
  for await (const piece of reader) {
    for (const { number, values, blank } of piece) {
      if (blank) continue;
      rows.add(values[0], `${unit} ${number}`);
      if (idColumn === undefined) continue;
      const id = idOf(values[1]);
      const first = id === undefined ? -1 : known.add(id, ids.length);
      if (id === undefined || first !== ids.length) {
        throw new LimbeckError(
          'DATA_MISMATCH',
          `${path}, ${unit} ${number}: expected an id of its own in column ${show(idColumn)}, got ` +
            `${showValue(values[1])}${first < 0 ? '' : `, which is that of ${unit} ${numbers[first]}`}.`,
        );
      }
      ids.push(id);
      numbers.push(number);
    }
  }
  if (rows.rows === 0) {
    throw new LimbeckError('EMPTY_DATA', `${path}: expected at least one row of numbers, got none.`);
  }
  return { rows, ...(idColumn !== undefined && { ids }) };
}

async function npyRows(path: string): Promise<RowSource> {
  const { status, bytes } = await beginning(path, async (size) => Math.min(size, NPY_HEADER_LIMIT));
  const { dtype, shape, begin, size } = readNpyHeader(bytes, status.size, path);
  return new StoredRows({ path, status, shape, begin, size, decode: (numbers) => numbersOf(dtype, numbers) });
}

async function safetensorsRows(path: string, tensor: string | undefined): Promise<RowSource> {
  const { status, bytes } = await beginning(path, async (size, read) => {
    if (size < 8) return size;
    const length = Number(new DataView((await read(8)).buffer).getBigUint64(0, true));
    return 8 + (length <= Math.min(size - 8, SAFETENSORS_HEADER_LIMIT) ? length : 0);
  });
  if (bytes.length === 8 && status.size > 8) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected a safetensors header of a reasonable length. Check the file.`,
    );
  }
  const { entries } = readSafetensorsHeader(bytes, status.size, path);
  const { entry, type } = rowsTensor(entries, path, tensor);
  const decode = (numbers: Uint8Array) => type.read(new Uint8Array(numbers).buffer);
  return new StoredRows({ path, status, shape: entry.shape, begin: entry.begin, size: type.size, decode });
}

/** The first bytes of a file, as many as `count` says. */
async function beginning(
  path: string,
  count: (size: number, read: (length: number) => Promise<Uint8Array<ArrayBuffer>>) => Promise<number>,
): Promise<{ status: FileStatus; bytes: Uint8Array }> {
  const file = await open(path).catch(async (error) => {
    throw await unreadable(path, 'rows', error);
  });
  try {
    const status = await file.stat();
    const read = async (length: number) => {
      const bytes = new Uint8Array(length);
      let done = 0;
      for (let last = 1; last > 0 && done < length; done += last) {
        last = (await file.read(bytes, done, length - done, done)).bytesRead;
      }
      return bytes;
    };
    return { status, bytes: await read(await count(status.size, read)) };
  } catch (error) {
    if (error instanceof LimbeckError) throw error;
    throw await unreadable(path, 'rows', error);
  } finally {
    await file.close();
  }
}
