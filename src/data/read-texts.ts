/**
 * Texts from files: .txt (one a line), .jsonl or .ndjson, .csv, .tsv, .parquet; all but the last also packed as .gz. Nothing is left
 * out silently: rows without a text are listed, and broken rows are errors.
 */
import { stat } from 'node:fs/promises';
import { LimbeckError, show } from '../errors.ts';
import { unreadable } from '../runtime/read-files.ts';
import { parseOptions } from '../strategies/options.ts';
import { TextCollector } from './collect-texts.ts';
import { csvRows } from './csv-rows.ts';
import type { Dataset } from './dataset.ts';
import { jsonRows, plainRows } from './line-rows.ts';
import { parquetRows } from './parquet-rows.ts';
import {
  type ReadTextsInput,
  type ReadTextsOptions,
  readTextsOptionsSchema,
  type TextFormat,
} from './read-texts-options.ts';
import type { Columns, RowReader } from './source-row.ts';
import { streamedTexts } from './streamed-texts.ts';
import { isGzip } from './text-chunks.ts';
import { type TextDataset, textDataset } from './text-dataset.ts';

/** Files above this many bytes are left on disk by `stream: 'auto'` where that can be done. */
const STREAM_ABOVE = 1e9;

/**
 * @param options see {@link readTextsOptionsSchema}; labels are strings or whole numbers, see {@link LabelsByName}
 * @returns a {@link TextDataset} in memory; for large files, or with `stream: true`, one that reads as it is asked
 * @throws LimbeckError INVALID_OPTION, also for a column that the file does not have; FILE_UNREADABLE; FILE_CORRUPT naming the line
 *   or row; NOT_TEXT; EMPTY_DATA; DATA_MISMATCH for labels and ids that cannot be used; UNSUPPORTED for a stream from an archive,
 *   .csv, .tsv or .parquet
 *
 * @example
 * const data = await readTexts('reviews.csv', { column: 'review', labelColumn: 'stars' });
 * data.size;    // 2000
 * data.skipped; // [{ where: 'reviews.csv, row 17', reason: 'empty text' }]
 */
export async function readTexts(path: string, options: ReadTextsInput & { stream: false }): Promise<TextDataset>;
export async function readTexts(path: string, options?: ReadTextsInput): Promise<Dataset<string>>;
export async function readTexts(path: string, given: ReadTextsInput = {}): Promise<Dataset<string>> {
  const options = parseOptions(readTextsOptionsSchema, given, 'readTexts');
  const format = options.format ?? formatOf(path);
  checkFormat(path, format, options);
  const status = await stat(path).catch(async (error) => {
    throw await unreadable(path, 'texts', error);
  });
  const lines = format === 'txt' || format === 'jsonl';
  const streamable = lines && !isGzip(path);
  if (options.stream === true && !streamable) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${path}: expected a plain .txt or .jsonl file for stream: true, got ${isGzip(path) ? 'an archive' : `.${format}`}. ` +
        (isGzip(path) && lines ? 'Unpack it first' : 'Write the texts to a .jsonl file first') +
        ', or read it into memory with stream: false.',
    );
  }
  const streaming = options.stream === true || (options.stream === 'auto' && streamable && status.size > STREAM_ABOVE);
  const collector = new TextCollector(path, lines ? 'line' : 'row', options, streaming || options.deduplicate);
  const reader = readerOf(path, format, columnsOf(options));
  if (streaming)
    return streamedTexts({ path, status, reader, collector, json: format === 'jsonl', column: options.column });
  const texts: string[] = [];
  read: for await (const rows of reader) {
    for (const row of rows) {
      const text = collector.add(row);
      if (text !== undefined) texts.push(text);
      if (collector.full) break read;
    }
  }
  return textDataset({ texts, ...collector.finish() });
}

function columnsOf({ column, labelColumn, idColumn }: ReadTextsOptions): Columns {
  return [
    { name: column, option: 'column' },
    ...(labelColumn === undefined ? [] : [{ name: labelColumn, option: 'labelColumn' }]),
    ...(idColumn === undefined ? [] : [{ name: idColumn, option: 'idColumn' }]),
  ];
}

function readerOf(path: string, format: TextFormat, columns: Columns): RowReader {
  switch (format) {
    case 'txt':
      return plainRows(path);
    case 'jsonl':
      return jsonRows(path, columns);
    case 'csv':
      return csvRows(path, columns, ',');
    case 'tsv':
      return csvRows(path, columns, '\t');
    case 'parquet':
      return parquetRows(path, columns);
  }
}

function formatOf(path: string): TextFormat {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(path)?.[1].toLowerCase();
  switch (ending) {
    case 'txt':
    case 'jsonl':
    case 'csv':
    case 'tsv':
    case 'parquet':
      return ending;
    case 'ndjson':
      return 'jsonl';
    default:
      throw new LimbeckError(
        'INVALID_OPTION',
        `${path}: expected a name that ends in .txt, .jsonl, .ndjson, .csv, .tsv or .parquet (or .gz after it), got ${show(ending ?? '')}. ` +
          'Set format to what the file holds.',
      );
  }
}

function checkFormat(path: string, format: TextFormat, { labelColumn, idColumn }: ReadTextsOptions): void {
  if (format === 'txt' && (labelColumn !== undefined || idColumn !== undefined)) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${path}: expected no labelColumn and no idColumn for a .txt file, which has no columns. Use .jsonl or .csv for them.`,
    );
  }
  if (format === 'parquet' && isGzip(path)) {
    throw new LimbeckError('UNSUPPORTED', `${path}: expected a plain .parquet file, got an archive. Unpack it first.`);
  }
}
