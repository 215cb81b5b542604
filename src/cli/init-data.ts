/** What a file or folder of data says of itself: texts or images, and which columns hold what. Guesses, for a user to look over. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { ConfigInput } from '../config/schema.ts';
import { LIST_EXTENSIONS } from '../data/images/read-image-list.ts';
import { LimbeckError } from '../errors.ts';
import { type PeekedRow, peekRows } from './peek-rows.ts';

const TEXT_NAMES = ['text', 'content', 'sentence', 'body', 'passage', 'document', 'description', 'title'];
const LABEL_NAMES = ['label', 'labels', 'class', 'category', 'target'];
const ID_NAMES = ['id', '_id', 'uuid', 'key', 'docid', 'doc_id'];
const PATH_NAMES = ['path', 'file', 'filename', 'image'];
const VECTOR_NAMES = ['embedding', 'embeddings', 'vector', 'values'];

/** Endings of files that hold one text a line, and no columns. */
const PLAIN = ['.txt'];

type DataInput = ConfigInput['data'];

const extensionOf = (path: string): string => extname(path.replace(/\.gz$/i, '')).toLowerCase();

/** @throws LimbeckError FILE_UNREADABLE for what is not there; as the reader of its format */
export async function dataOf(path: string, kind: 'texts' | 'images' | undefined): Promise<DataInput> {
  const found = existsSync(path) ? statSync(path) : undefined;
  if (!found) {
    throw new LimbeckError('FILE_UNREADABLE', `${path}: expected data to train on, got no such file. Check the path.`);
  }
  if (kind === 'images' || (kind === undefined && (found.isDirectory() || /idx\d-ubyte/.test(basename(path))))) {
    return imagesOf(path, found.isDirectory());
  }
  if (PLAIN.includes(extensionOf(path))) return { texts: path };
  const rows = await peekRows(path);
  if (kind === undefined && rows.length > 0 && namesOf(rows, isString).every((name) => PATH_NAMES.includes(name))) {
    return imagesOf(path, false);
  }
  return { texts: path, ...textColumns(rows, path) };
}

function imagesOf(path: string, isDirectory: boolean): DataInput {
  if (isDirectory || LIST_EXTENSIONS.includes(extname(path).toLowerCase())) return { images: path, size: 32 };
  // The two files of MNIST and its like differ in these words.
  const labels = join(dirname(path), basename(path).replace('images', 'labels').replace('idx3', 'idx1'));
  return { images: path, ...(labels !== path && existsSync(labels) && { labels }) };
}

type Row = PeekedRow;

const isString = (value: unknown): value is string => typeof value === 'string' && value !== '';
const isName = (value: unknown): boolean => isString(value) || Number.isInteger(value) || typeof value === 'bigint';
const isVector = (value: unknown): boolean =>
  (Array.isArray(value) || ArrayBuffer.isView(value)) && (value as ArrayLike<unknown>).length > 1;

/** Columns whose every value is of a kind. */
function namesOf(rows: readonly Row[], of: (value: unknown) => boolean): string[] {
  const names = Object.keys(rows[0] ?? {});
  return names.filter((name) => rows.every((row) => of(row[name])));
}

/** @throws LimbeckError INVALID_ARGUMENT when no column could be the texts */
function textColumns(rows: readonly Row[], path: string): Partial<DataInput> {
  const strings = namesOf(rows, isString);
  const length = (name: string): number => rows.reduce((sum, row) => sum + (row[name] as string).length, 0);
  const column = known(strings, TEXT_NAMES) ?? [...strings].sort((a, b) => length(b) - length(a))[0];
  if (column === undefined) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected a column of texts, got ${rows.length === 0 ? 'no rows' : `the columns ${Object.keys(rows[0]).join(', ')}`}. ` +
        'Name a file that has one.',
    );
  }
  const others = namesOf(rows, isName).filter((name) => name !== column);
  const labelColumn = known(others, LABEL_NAMES);
  const idColumn = known(others, ID_NAMES);
  return { column, ...(labelColumn && { labelColumn }), ...(idColumn && { idColumn }) };
}

const known = (names: readonly string[], wanted: readonly string[]): string | undefined =>
  wanted.flatMap((want) => names.filter((name) => name.toLowerCase() === want))[0];

/** Where the rows and their ids are in a file of embeddings with columns; nothing for files of numbers alone. */
export async function vectorColumns(path: string): Promise<{ column?: string; idColumn?: string }> {
  if (!['.jsonl', '.parquet'].includes(extensionOf(path))) return {};
  const rows = await peekRows(path);
  const vectors = namesOf(rows, isVector);
  const column = known(vectors, VECTOR_NAMES) ?? vectors[0];
  const idColumn = known(namesOf(rows, isName), ID_NAMES);
  return { ...(column !== undefined && { column }), ...(idColumn !== undefined && { idColumn }) };
}
