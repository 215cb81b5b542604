/** Rows of .csv and .tsv files, with a header of column names (RFC 4180; line breaks of every system; quotes optional in .tsv). */
import { pipeline, Readable } from 'node:stream';
import { CsvError, parse } from 'csv-parse';
import { LimbeckError } from '../errors.ts';
import { type Columns, missingColumn, type RowReader, type SourceRow } from './source-row.ts';
import { textChunks } from './text-chunks.ts';

const PIECE = 1024;

/**
 * @throws LimbeckError FILE_CORRUPT naming the line that has a wrong number of fields or wrong quotes, or a column that is there
 *   twice; INVALID_OPTION for a column that the file does not have; errors of {@link textChunks}
 */
export async function* csvRows(path: string, columns: Columns, delimiter: ',' | '\t'): RowReader {
  const parser = parse({
    bom: true,
    delimiter,
    info: true,
    // Field counts are checked here, where a blank line can be told from a wrong one.
    relax_column_count: true,
    relax_quotes: delimiter === '\t',
    record_delimiter: ['\r\n', '\n', '\r'],
    max_record_size: 0,
  });
  // The pipeline closes the file when reading ends early, and hands errors of the file to the parser.
  pipeline(Readable.from(textChunks(path), { objectMode: false }), parser, () => {});
  let places: number[] | undefined;
  let width = 0;
  let number = 0;
  let piece: SourceRow[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (!places) {
        width = record.length;
        places = columns.map((column) => placeOf(path, column, record));
        continue;
      }
      if (record.length === 1 && width > 1 && record[0].trim() === '') {
        piece.push({ number: info.lines, values: [], blank: true });
        continue;
      }
      number++;
      if (record.length !== width) {
        throw new LimbeckError(
          'FILE_CORRUPT',
          `${path}, line ${info.lines} (row ${number}): expected ${width} fields as in the header, got ${record.length}. ` +
            'Put quotes around fields that hold the delimiter or a line break.',
        );
      }
      piece.push({ number, values: places.map((place) => record[place]) });
      if (piece.length >= PIECE) {
        yield piece;
        piece = [];
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}, line ${(error as { lines?: number }).lines}: expected well-formed fields, got "${error.message}". ` +
        'A quote inside a field is written twice, and the field is put into quotes.',
      { cause: error },
    );
  }
  yield piece;
}

function placeOf(path: string, column: Columns[number], header: readonly string[]): number {
  const place = header.indexOf(column.name);
  if (place < 0) throw missingColumn(path, column, header);
  if (header.indexOf(column.name, place + 1) < 0) return place;
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${path}, line 1: expected one column "${column.name}", got several. Give the columns different names.`,
  );
}
