/** One row of a data file, whatever the format: what the readers of formats give and the readers of texts and numbers take. */
import { basename } from 'node:path';
import { LimbeckError, show } from '../errors.ts';
import { nearestNames } from '../nearest-names.ts';

export interface SourceRow {
  /** Of the line (txt, jsonl) or the row under the header (csv, tsv, parquet), counted from 1. */
  readonly number: number;
  /** One value for each column asked for; undefined where the row has no such column. */
  readonly values: readonly unknown[];
  /** A line of white space that is no row: it has no place among the rows. */
  readonly blank?: boolean;
  /** Where a line begins in its file and how many bytes it has, without its line break. */
  readonly begin?: number;
  readonly length?: number;
}

/** Rows in pieces. */
export type RowReader = AsyncGenerator<readonly SourceRow[]>;

/** The columns to read, first the one that samples are made of, each with the option that named it. */
export type Columns = readonly { readonly name: string; readonly option: string }[];

/** "reviews.csv, row 17" */
export function placeIn(path: string, unit: 'line' | 'row', number: number): string {
  return `${basename(path)}, ${unit} ${number}`;
}

/** The error for a column that the file does not have. */
export function missingColumn(path: string, { name, option }: Columns[number], known: readonly string[]): LimbeckError {
  const near = nearestNames(name, known).map((column) => show(column.name));
  const list = near.length > 20 ? `${near.slice(0, 20).join(', ')} and ${near.length - 20} more` : near.join(', ');
  return new LimbeckError(
    'INVALID_OPTION',
    `${path}: expected a column ${show(name)}, got ${list || 'no columns at all'}. ` +
      `Set ${option} to ${near.length > 0 ? `one of them${near.length > 1 ? `; the nearest is ${near[0]}` : ''}` : 'a column of the file'}.`,
  );
}

/** A short value for a message, objects and arrays included. */
export function showValue(value: unknown): string {
  return typeof value === 'bigint' ? `${value}` : show(value);
}
