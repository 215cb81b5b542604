/** Rows of .parquet files, one row group after another, so that a group and not the file has to fit into memory. */
import { type FileHandle, open } from 'node:fs/promises';
import { type AsyncBuffer, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { LimbeckError } from '../errors.ts';
import { unreadable } from '../runtime/read-files.ts';
import { type Columns, missingColumn, type RowReader } from './source-row.ts';

const PIECE = 1024;

/**
 * @throws LimbeckError FILE_UNREADABLE; FILE_CORRUPT for what is no Parquet file or a damaged one; NOT_TEXT for strings that are not
 *   UTF-8; INVALID_OPTION for a column that the file does not have
 */
export async function* parquetRows(path: string, columns: Columns): RowReader {
  const file = await open(path).catch(async (error) => {
    throw await unreadable(path, 'data', error);
  });
  try {
    const buffer = await positioned(file, path);
    const metadata = await guarded(path, () => parquetMetadataAsync(buffer));
    const known = parquetSchema(metadata).children.map(({ element }) => element.name);
    for (const column of columns) if (!known.includes(column.name)) throw missingColumn(path, column, known);
    let first = 0;
    for (const group of metadata.row_groups) {
      const count = Number(group.num_rows);
      const rows = await guarded(path, async () => {
        let result: Record<string, unknown>[] = [];
        await parquetRead({
          file: buffer,
          metadata,
          compressors,
          columns: [...new Set(columns.map(({ name }) => name))],
          rowStart: first,
          rowEnd: first + count,
          rowFormat: 'object',
          parsers: { stringFromBytes },
          onComplete: (complete) => {
            result = complete;
          },
        });
        return result;
      });
      if (rows.length !== count) {
        throw new LimbeckError(
          'FILE_CORRUPT',
          `${path}: expected ${count} rows after row ${first}, got ${rows.length}. Fetch the file again.`,
        );
      }
      for (let start = 0; start < count; start += PIECE) {
        yield rows.slice(start, start + PIECE).map((row, i) => ({
          number: first + start + i + 1,
          values: columns.map(({ name }) => row[name]),
        }));
      }
      first += count;
    }
  } finally {
    await file.close();
  }
}

async function positioned(file: FileHandle, path: string): Promise<AsyncBuffer> {
  const { size } = await file.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      try {
        for (let done = 0; done < bytes.length; ) {
          const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
          if (bytesRead === 0) throw new RangeError(`${bytes.length} bytes from ${start} on are more than there are`);
          done += bytesRead;
        }
      } catch (error) {
        if (error instanceof RangeError) throw error;
        throw await unreadable(path, 'data', error);
      }
      return bytes.buffer;
    },
  };
}

/** What goes wrong inside the Parquet reader is the file's fault. */
async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LimbeckError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    if (error instanceof TypeError && (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
      throw new LimbeckError('NOT_TEXT', `${path}: expected strings of UTF-8 text, got other bytes.`, { cause: error });
    }
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected a Parquet file, got "${reason}". Fetch the file again, or check that the name fits what it holds.`,
      { cause: error },
    );
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const stringFromBytes = (bytes: Uint8Array | undefined) => (bytes ? decoder.decode(bytes) : bytes);
