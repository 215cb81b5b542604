/**
 * The page's one run in its origin private file system: texts, rows, settings and curves, so that it goes on after the tab was closed. The
 * checkpoints beside them are `distill()`'s own.
 */
import { LimbeckError, type MetricsLine, parseMetricsLines, parseRows, writeNpy } from 'limbeck';
import type { Collection } from '../files/collection.ts';
import type { Settings } from './settings.ts';

const DIRECTORY = 'limbeck-page-run';

/** Where `distill()` keeps its checkpoints. */
export const CHECKPOINTS = `${DIRECTORY}/checkpoints`;

/** Held by the tab that trains. */
export const LOCK = DIRECTORY;

const FILES = { rows: 'rows.npy', input: 'input.json', metrics: 'metrics.jsonl', done: 'done' } as const;

interface Input {
  readonly name: string;
  readonly startedAt: string;
  readonly settings: Settings;
  readonly texts: readonly string[];
}

export interface SavedRun extends Omit<Input, 'texts'> {
  readonly collection: Collection;
  /** Up to the last checkpoint. */
  readonly lines: readonly MetricsLine[];
  /** Whether it has come to its end. */
  readonly done: boolean;
}

async function root(): Promise<FileSystemDirectoryHandle> {
  try {
    return await navigator.storage.getDirectory();
  } catch (cause) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `Train: expected private files for this page, got ${(cause as Error).name}. Browsers have none in some private windows: use another window.`,
      { cause },
    );
  }
}

/** @returns undefined when it is not there and not to be made */
async function directory(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  const place = await root();
  return place.getDirectoryHandle(DIRECTORY, { create }).catch((error: DOMException) => {
    if (error.name === 'NotFoundError') return undefined;
    throw error;
  });
}

/** @throws LimbeckError FILE_UNWRITABLE when the space of the site is used up */
async function write(name: string, content: Uint8Array | string): Promise<void> {
  try {
    const file = await (await directory(true))!.getFileHandle(name, { create: true });
    const stream = await file.createWritable();
    await stream.write(content as string | Uint8Array<ArrayBuffer>);
    await stream.close();
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause;
    throw new LimbeckError(
      'FILE_UNWRITABLE',
      `${name}: expected to write it to the page's private files, got ${(cause as Error).name}: ${(cause as Error).message}. ` +
        'Free some space of this site, or take fewer texts.',
      { cause },
    );
  }
}

async function read(name: string): Promise<File | undefined> {
  const file = await (await directory(false))?.getFileHandle(name).catch(() => undefined);
  return file?.getFile();
}

/** Saves what a run starts from, in place of an earlier run; the input comes last, and with it the run is there. */
export async function saveRun({ name, startedAt, settings, collection: { texts, rows } }: SavedRun): Promise<void> {
  await discardRun();
  await write(FILES.rows, writeNpy(rows));
  await write(FILES.input, JSON.stringify({ name, startedAt, settings, texts } satisfies Input));
}

export async function saveLines(lines: readonly MetricsLine[]): Promise<void> {
  await write(FILES.metrics, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

export async function markDone(): Promise<void> {
  await write(FILES.done, '');
}

/** @returns undefined when there is none, or not a whole one: a tab may be closed while it is being saved */
export async function savedRun(): Promise<SavedRun | undefined> {
  const names = [FILES.input, FILES.rows, FILES.metrics, FILES.done];
  const [input, rows, metrics, done] = await Promise.all(names.map(read));
  if (!input || !rows) return undefined;
  const { name, startedAt, settings, texts }: Input = JSON.parse(await input.text());
  const matrix = parseRows(new Uint8Array(await rows.arrayBuffer()), FILES.rows);
  const lines = metrics ? parseMetricsLines(await metrics.text(), FILES.metrics) : [];
  return { name, startedAt, settings, collection: { name, texts, rows: matrix }, lines, done: done !== undefined };
}

export async function discardRun(): Promise<void> {
  const place = await root();
  await place.removeEntry(DIRECTORY, { recursive: true }).catch((error: DOMException) => {
    if (error.name !== 'NotFoundError') throw error;
  });
}
