/**
 * Texts and the embedding of each, from dropped files: one file that holds both (.jsonl, .parquet), or one of texts (.jsonl, .parquet, .txt)
 * and one of rows (.npy, .safetensors) in the same order.
 */
import { LimbeckError, type Matrix, parseRows } from 'limbeck';
import { type ChosenFile, endingOf, nameOf } from './chosen-file.ts';
import { CollectedRows } from './collected-rows.ts';
import { COLLECTION_DEFAULTS, type CollectionOptions } from './collection-options.ts';
import { bytesOf, textOf } from './contents.ts';
import { type JsonRow, jsonRows } from './json-lines.ts';

export interface Collection {
  /** How it is called: the names of its files. */
  readonly name: string;
  readonly texts: readonly string[];
  /** float32, a row for each text. */
  readonly rows: Matrix;
}

const OF_TEXTS = ['jsonl', 'ndjson', 'parquet', 'txt'];
const OF_ROWS = ['npy', 'safetensors'];

/**
 * @throws LimbeckError UNSUPPORTED for other files, INVALID_ARGUMENT when one is missing or one too many, DATA_MISMATCH when there is not one row
 *   for each text; EMPTY_DATA; and as the files are: FILE_CORRUPT, NOT_TEXT, NON_FINITE, SHAPE_MISMATCH, INVALID_OPTION
 */
export async function readCollection(
  files: readonly ChosenFile[],
  options: CollectionOptions = COLLECTION_DEFAULTS,
): Promise<Collection> {
  const other = files.find((file) => ![...OF_TEXTS, ...OF_ROWS].includes(endingOf(file)));
  if (other) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${nameOf(other)}: expected texts in .jsonl, .parquet or .txt, or rows in .npy or .safetensors, got another kind of file. ` +
        'Unpack archives first.',
    );
  }
  const [texts, rows] = [OF_TEXTS, OF_ROWS].map((endings) => files.filter((file) => endings.includes(endingOf(file))));
  if (texts.length !== 1 || rows.length > 1) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Files: expected one with texts (.jsonl, .parquet or .txt) and at most one with rows (.npy or .safetensors), got ` +
        `${texts.length} and ${rows.length}. Choose them together.`,
    );
  }
  const name = [...texts, ...rows].map(nameOf).join(' and ');
  if (rows.length === 0) return { name, ...(await textsWithRows(texts[0], options)) };
  const numbers = parseRows(await bytesOf(rows[0]), nameOf(rows[0]), options.tensor ? { tensor: options.tensor } : {});
  const lines = await textsAlone(texts[0], options);
  if (lines.length === numbers.rows) return { name, texts: lines, rows: numbers };
  throw new LimbeckError(
    'DATA_MISMATCH',
    `${name}: expected one row for each text, got ${lines.length} texts and ${numbers.rows} rows. Choose the files of one collection.`,
  );
}

async function textsWithRows(
  file: ChosenFile,
  { textColumn, embeddingColumn }: CollectionOptions,
): Promise<Omit<Collection, 'name'>> {
  if (endingOf(file) === 'txt') {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${nameOf(file)}: expected a file of rows (.npy or .safetensors) beside plain texts, got none. Choose both together.`,
    );
  }
  const texts: string[] = [];
  const rows = new CollectedRows();
  for (const row of await rowsOf(file, [textColumn, embeddingColumn])) {
    texts.push(textIn(row, textColumn));
    rows.add(valueIn(row, embeddingColumn), row.place);
  }
  return { texts: notEmpty(texts, file), rows: rows.finish() };
}

async function textsAlone(file: ChosenFile, { textColumn }: CollectionOptions): Promise<string[]> {
  if (endingOf(file) === 'txt') {
    const lines = (await textOf(file)).replace(/\r?\n$/, '').split(/\r?\n/);
    return notEmpty(lines.length === 1 && lines[0] === '' ? [] : lines, file);
  }
  const texts: string[] = [];
  for (const row of await rowsOf(file, [textColumn])) texts.push(textIn(row, textColumn));
  return notEmpty(texts, file);
}

function notEmpty(texts: string[], file: ChosenFile): string[] {
  if (texts.length > 0) return texts;
  throw new LimbeckError(
    'EMPTY_DATA',
    `${nameOf(file)}: expected at least one row with a text, got no rows. Check that this is the right file.`,
  );
}

async function rowsOf(file: ChosenFile, columns: readonly string[]): Promise<Iterable<JsonRow>> {
  const name = nameOf(file);
  if (endingOf(file) !== 'parquet') return jsonRows(await textOf(file), name);
  const { parquetRows } = await import('./parquet-rows.ts');
  const rows = await parquetRows(await bytesOf(file), name, columns);
  return rows.map((values, i) => ({ place: `${name}, row ${i + 1}`, values }));
}

function valueIn({ place, values }: JsonRow, column: string): unknown {
  if (Object.hasOwn(values, column)) return values[column];
  const known = Object.keys(values)
    .slice(0, 20)
    .map((key) => JSON.stringify(key));
  throw new LimbeckError(
    'INVALID_OPTION',
    `${place}: expected a column ${JSON.stringify(column)}, got ${known.join(', ') || 'no columns at all'}. ` +
      'Say below which columns hold the texts and the embeddings.',
  );
}

function textIn(row: JsonRow, column: string): string {
  const value = valueIn(row, column);
  if (typeof value === 'string' && value.trim() !== '' && !/\p{Surrogate}/u.test(value)) return value;
  const got =
    typeof value !== 'string'
      ? value === null
        ? 'null'
        : typeof value
      : value.trim() === ''
        ? 'an empty one'
        : 'half a character';
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${row.place}: expected a text in column ${JSON.stringify(column)}, got ${got}. Mend the row or take it out.`,
  );
}
