/** Scored pairs of texts from .csv, .tsv and .jsonl files: what sentence similarity is measured on. */
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import { parseOptions } from '../strategies/options.ts';
import { csvRows } from './csv-rows.ts';
import { jsonRows } from './line-rows.ts';
import { columnName } from './read-texts-options.ts';
import { placeIn, type RowReader, showValue } from './source-row.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const readPairsOptionsSchema = z.object({
  leftColumn: columnName().default('sentence1').describe('the name of the column that holds the first texts'),
  rightColumn: columnName().default('sentence2').describe('the name of the column that holds the second texts'),
  scoreColumn: columnName()
    .default('score')
    .describe('the name of the column that holds the scores, higher for texts that are more alike'),
});

export interface TextPairs {
  readonly left: readonly string[];
  readonly right: readonly string[];
  readonly scores: Float64Array;
}

/**
 * All pairs of a file, none left out: a row without both texts and a finite score is an error.
 *
 * @throws LimbeckError INVALID_OPTION; FILE_UNREADABLE; FILE_CORRUPT naming the row; EMPTY_DATA; UNSUPPORTED for other files
 *
 * @example
 * const { left, right, scores } = await readPairs('sts-test.tsv', { scoreColumn: 'similarity' });
 */
export async function readPairs(path: string, given: z.input<typeof readPairsOptionsSchema> = {}): Promise<TextPairs> {
  const { leftColumn, rightColumn, scoreColumn } = parseOptions(readPairsOptionsSchema, given, 'readPairs');
  const columns = [
    { name: leftColumn, option: 'leftColumn' },
    { name: rightColumn, option: 'rightColumn' },
    { name: scoreColumn, option: 'scoreColumn' },
  ];
  const [reader, unit] = readerOf(path, columns);
  const [left, right, scores]: [string[], string[], number[]] = [[], [], []];
  for await (const rows of reader) {
    for (const { number, values, blank } of rows) {
      if (blank) continue;
      for (const [place, list] of [left, right].entries()) {
        const text = values[place];
        if (typeof text !== 'string' || text.trim() === '') {
          throw wrong(placeIn(path, unit, number), 'a text', columns[place].name, text);
        }
        list.push(text);
      }
      const value = values[2];
      const score = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof score !== 'number' || !Number.isFinite(score)) {
        throw wrong(placeIn(path, unit, number), 'a finite number', scoreColumn, value);
      }
      scores.push(score);
    }
  }
  if (scores.length === 0) throw new LimbeckError('EMPTY_DATA', `${path}: expected at least one pair, got none.`);
  return { left, right, scores: Float64Array.from(scores) };
}

function readerOf(path: string, columns: Parameters<typeof csvRows>[1]): [RowReader, 'line' | 'row'] {
  const ending = /\.([a-z]+)(\.gz)?$/i.exec(path)?.[1].toLowerCase();
  if (ending === 'csv' || ending === 'tsv') return [csvRows(path, columns, ending === 'csv' ? ',' : '\t'), 'row'];
  if (ending === 'jsonl' || ending === 'ndjson') return [jsonRows(path, columns), 'line'];
  throw new LimbeckError(
    'UNSUPPORTED',
    `${path}: expected pairs in a file that ends in .csv, .tsv or .jsonl, got ${show(ending ?? '')}.`,
  );
}

function wrong(place: string, expected: string, column: string, got: unknown): LimbeckError {
  return new LimbeckError(
    'FILE_CORRUPT',
    `${place}: expected ${expected} in column ${show(column)}, got ${got === undefined ? 'nothing' : showValue(got)}. ` +
      'Mend the row, or name other columns.',
  );
}
