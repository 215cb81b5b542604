/** Columns of .parquet files in memory. A chunk of its own, fetched when the first such file is dropped. */

import { parquetMetadata, parquetReadObjects, parquetSchema } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { LimbeckError } from 'limbeck';

/** Bytes that the columns of a file may unpack to. */
const MOST_BYTES = 2 ** 30;

/**
 * @param columns those that are wanted; ones that the file does not have are left out
 * @returns rows in order
 * @throws LimbeckError FILE_CORRUPT for what is no Parquet file or a damaged one; UNSUPPORTED for one that unpacks to too much;
 *   NOT_TEXT for strings that are not UTF-8
 */
export async function parquetRows(
  bytes: Uint8Array,
  name: string,
  columns: readonly string[],
): Promise<Readonly<Record<string, unknown>>[]> {
  try {
    const file = new Uint8Array(bytes).buffer;
    const metadata = parquetMetadata(file);
    const known = parquetSchema(metadata).children.map(({ element }) => element.name);
    const unpacked = metadata.row_groups
      .flatMap((group) => group.columns)
      .filter(({ meta_data }) => meta_data && columns.includes(meta_data.path_in_schema[0]))
      .reduce((total, { meta_data }) => total + Number(meta_data?.total_uncompressed_size ?? 0), 0);
    if (unpacked > MOST_BYTES) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${name}: expected columns of at most 1024 MiB, which a page can hold, got ${Math.round(unpacked / 2 ** 20)} MiB. ` +
          'Take a part of it, or use the command line: npx limbeck distill.',
      );
    }
    const wanted = columns.filter((column) => known.includes(column));
    if (wanted.length === 0) return known.length > 0 ? [Object.fromEntries(known.map((key) => [key, undefined]))] : [];
    return await parquetReadObjects({ file, metadata, compressors, columns: wanted, parsers: { stringFromBytes } });
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause;
    if (cause instanceof TypeError && /encoded data was not valid/i.test(cause.message)) {
      throw new LimbeckError('NOT_TEXT', `${name}: expected strings of UTF-8 text, got other bytes.`, { cause });
    }
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${name}: expected a Parquet file, got "${(cause as Error).message}". Fetch the file again, or check that the name fits what it holds.`,
      { cause },
    );
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const stringFromBytes = (bytes: Uint8Array | undefined): string | undefined => bytes && decoder.decode(bytes);
