/** Image files by a list of their paths, with labels or without. Looks at the list only. */
import { access } from 'node:fs/promises';
import { dirname, extname, resolve } from 'node:path';
import { CsvError, parse } from 'csv-parse/sync';
import { LimbeckError, show } from '../../errors.ts';
import { nearestNames } from '../../nearest-names.ts';
import { readText } from '../../runtime/read-files.ts';
import { eachConcurrently } from './each-concurrently.ts';
import type { ImageCandidates } from './find-image-files.ts';
import type { ParsedReadImages } from './read-images-options.ts';

type ListOptions = Pick<ParsedReadImages, 'classNames' | 'pathColumn' | 'labelColumn' | 'concurrency'>;

/** What one line of a list says. */
interface Entry {
  readonly line: number;
  readonly path: string;
  /** '' for none. */
  readonly label: string;
}

/** The endings of lists that are read. */
export const LIST_EXTENSIONS: readonly string[] = ['.txt', '.csv', '.jsonl'];

/**
 * A list of images: `.csv` with a header, `.jsonl` with an object a line, or `.txt` with a path a line, with a label after a tab where
 * there are labels. Paths are relative to the list. Labels are names of classes, or whole numbers when all of them are and no class is
 * called so. Blank lines do not count.
 *
 * @throws LimbeckError FILE_UNREADABLE with the line for an image that is not there, and for the list; NOT_TEXT; FILE_CORRUPT with the
 *   line for what is no list, and for labels on some lines only; INVALID_ARGUMENT for a label that `classNames` lacks, and for a list of
 *   no images
 *
 * @example
 * await readImageList('train.csv', options); // "path,label\ncat/1.jpg,cat\n…"
 */
export async function readImageList(list: string, options: ListOptions): Promise<ImageCandidates> {
  const entries = parseList(await readText(list, 'a list of images'), list, options);
  if (entries.length === 0) {
    throw new LimbeckError('INVALID_ARGUMENT', `${list}: expected paths of images, got an empty list. Add some.`);
  }
  const root = dirname(list);
  const whereIs = (i: number): string => `${list}, line ${entries[i].line}`;
  await eachConcurrently(entries.length, options.concurrency, async (i) => {
    const path = resolve(root, entries[i].path);
    await access(path).catch((cause) => {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${whereIs(i)}: expected the image ${show(entries[i].path)}, got nothing at ${path}. ` +
          'Paths are relative to the list; mend the path, or remove the line.',
        { cause },
      );
    });
  });
  const labels = entries.map(({ label }) => label);
  return { root, paths: entries.map(({ path }) => path), skipped: [], whereIs, ...numbered(labels, options, whereIs) };
}

function parseList(text: string, list: string, options: ListOptions): Entry[] {
  switch (extname(list).toLowerCase()) {
    case '.csv':
      return parseCsv(text, list, options);
    case '.jsonl':
      return parseLines(text, (line, number) => parseJson(line, `${list}, line ${number}`, options));
    default:
      return parseLines(text, (line) => {
        const [path, label = ''] = line.split('\t');
        return { path, label: label.trim() };
      });
  }
}

function parseLines(text: string, parseLine: (line: string, number: number) => Omit<Entry, 'line'>): Entry[] {
  return text.split(/\r?\n/).flatMap((line, i) => {
    return line.trim() === '' ? [] : [{ line: i + 1, ...parseLine(line, i + 1) }];
  });
}

function parseJson(line: string, where: string, { pathColumn, labelColumn }: ListOptions): Omit<Entry, 'line'> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw corrupt(where, `a JSON object, got ${show(line)}`, { cause });
  }
  const { [pathColumn]: path, [labelColumn]: label = '' } = (value ?? {}) as Record<string, unknown>;
  if (typeof path !== 'string' || path === '') {
    throw corrupt(where, `an object with the path of an image as ${show(pathColumn)}, got ${show(path ?? line)}`);
  }
  if (label !== null && typeof label !== 'string' && typeof label !== 'number') {
    throw corrupt(where, `a string or a number as ${show(labelColumn)}, got ${show(label)}`);
  }
  return { path, label: String(label ?? '') };
}

function parseCsv(text: string, list: string, { pathColumn, labelColumn }: ListOptions): Entry[] {
  let records: { record: string[]; info: { lines: number } }[];
  try {
    records = parse(text, { info: true, skip_empty_lines: true }) as unknown as typeof records;
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    throw corrupt(
      `${list}, line ${cause.lines}`,
      `comma-separated values, got this from the reader: ${cause.message}`,
      {
        cause,
      },
    );
  }
  const [header, ...rows] = records;
  if (!header) return [];
  const path = header.record.indexOf(pathColumn);
  const label = header.record.indexOf(labelColumn);
  if (path < 0) {
    const columns = header.record.map(show).join(', ');
    throw corrupt(`${list}, line 1`, `a column ${show(pathColumn)}, got ${columns}; name the right one as pathColumn`);
  }
  return rows.map(({ record, info }) => {
    if (record[path] === '') throw corrupt(`${list}, line ${info.lines}`, 'the path of an image, got none');
    return { line: info.lines, path: record[path], label: record[label] ?? '' };
  });
}

/** Class numbers of the labels of a list, and the names of classes where they have names. */
function numbered(
  labels: readonly string[],
  { classNames }: ListOptions,
  whereIs: (i: number) => string,
): Pick<ImageCandidates, 'labels' | 'classNames'> {
  const labelled = labels[0] !== '';
  const odd = labels.findIndex((label) => (label !== '') !== labelled);
  if (odd >= 0) {
    const got = labelled ? 'none' : show(labels[odd]);
    throw corrupt(whereIs(odd), `${labelled ? 'a' : 'no'} label as on the lines before, got ${got}`);
  }
  if (!labelled) {
    if (!classNames) return {};
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${whereIs(0)}: expected labels to go with classNames, got none. Name their column as labelColumn, or leave classNames out.`,
    );
  }
  const classes = classNames ? classNames.length : 2 ** 31;
  const given = new Set(classNames);
  const byNumber =
    labels.every((label) => /^\d+$/.test(label) && Number(label) < classes) &&
    !labels.every((label) => given.has(label));
  if (byNumber) return { labels: Int32Array.from(labels, Number), classNames };
  const names = classNames ?? [...new Set(labels)].sort();
  const classOf = new Map(names.map((name, i) => [name, i]));
  const unknown = labels.findIndex((label) => !classOf.has(label));
  if (unknown >= 0) {
    const [nearest] = nearestNames(labels[unknown], names);
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${whereIs(unknown)}: expected one of the ${names.length} classNames or a number below that, got ${show(labels[unknown])} ` +
        `(the nearest name is ${show(nearest.name)}). Mend the label, or add the name.`,
    );
  }
  return { labels: Int32Array.from(labels, (label) => classOf.get(label) as number), classNames: names };
}

function corrupt(where: string, rest: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${where}: expected ${rest}. Mend the list.`, options);
}
