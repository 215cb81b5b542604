/** The first rows of a file with all their columns: what can be seen of a file without knowing it. Not a reader of data sets. */

import { parse } from 'csv-parse/sync';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { textChunks } from '../data/text-chunks.ts';
import { LimbeckError } from '../errors.ts';

export type PeekedRow = Readonly<Record<string, unknown>>;

const ROWS = 200;
/** Of files of lines: what is read at most. */
const BYTES = 1 << 22;

/**
 * Up to 200 rows of a .jsonl, .csv, .tsv or .parquet file.
 *
 * @throws LimbeckError FILE_UNREADABLE, NOT_TEXT; FILE_CORRUPT naming what is wrong; UNSUPPORTED for other files
 */
export async function peekRows(path: string): Promise<PeekedRow[]> {
  const ending = /\.(\w+?)(\.gz)?$/i.exec(path)?.[1].toLowerCase();
  try {
    switch (ending) {
      case 'jsonl':
      case 'ndjson':
        return (await lines(path)).filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as PeekedRow);
      case 'csv':
      case 'tsv':
        return parse((await lines(path)).join('\n'), {
          ...{ columns: true, bom: true, delimiter: ending === 'tsv' ? '\t' : ',', to: ROWS },
          // The last line may be the first half of a longer field.
          ...{ relax_column_count: true, relax_quotes: true, skip_empty_lines: true },
        });
      case 'parquet': {
        const file = await asyncBufferFromFile(path);
        return await parquetReadObjects({ file, compressors, rowStart: 0, rowEnd: ROWS });
      }
    }
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause;
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected rows as its name says, got this from their reader: ${(cause as Error).message}. Check the file.`,
      { cause },
    );
  }
  throw new LimbeckError(
    'UNSUPPORTED',
    `${path}: expected a file that ends in .txt, .jsonl, .csv, .tsv or .parquet, got another. Name one of these.`,
  );
}

/** The first whole lines, at most {@link ROWS} and the header. */
async function lines(path: string): Promise<string[]> {
  let text = '';
  let whole = true;
  for await (const chunk of textChunks(path)) {
    text += chunk.toString('utf8');
    whole = text.length < BYTES && text.split('\n', ROWS + 3).length < ROWS + 3;
    if (!whole) break;
  }
  const found = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  if (!whole) found.pop();
  return found.slice(0, ROWS + 1);
}
