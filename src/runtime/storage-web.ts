/**
 * Storage of a page: its origin private file system, in pages and in workers. Files are written under a temporary name and moved; a
 * directory that is written as a whole is one .zip file, since that file system cannot rename directories, and a page can offer it for
 * download as it is.
 */
import { LimbeckError, show } from '../errors.ts';
import { removeStaleTemporaries, writeWhole } from './private-files-web.ts';
import type { Storage } from './storage.ts';
import { unzipFiles, zipFiles } from './zip.ts';

/** May stand before a path, so that it is told from the URL of a page's own. */
export const PRIVATE_SCHEME = 'opfs:';

/** The parts of a path; none of them leads upwards. */
function partsOf(path: string): string[] {
  const plain = path.startsWith(PRIVATE_SCHEME) ? path.slice(PRIVATE_SCHEME.length) : path;
  const parts = plain.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.length > 0 && !parts.includes('..')) return parts;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `${path}: expected the path of a directory in the page's private files, such as "runs/first", got ${show(path)}.`,
  );
}

/** The folder of these names; undefined when it is not there and not to be made. */
async function folderOf(parts: readonly string[], create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  let folder = await navigator.storage.getDirectory();
  try {
    for (const part of parts) folder = await folder.getDirectoryHandle(part, { create });
    return folder;
  } catch (error) {
    if (!create && ['NotFoundError', 'TypeMismatchError'].includes((error as DOMException).name)) return undefined;
    throw error;
  }
}

async function bytesOf(folder: FileSystemDirectoryHandle, name: string): Promise<Uint8Array | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if ((error as DOMException).name === 'NotFoundError') return undefined;
    throw error;
  }
}

function unreadable(path: string, what: string, cause: unknown): LimbeckError {
  const got = cause instanceof Error ? `${cause.name}: ${cause.message}` : 'no such file';
  return new LimbeckError(
    'FILE_UNREADABLE',
    `${path}: expected to read ${what} from the page's private files, got ${got}. Check the path.`,
    { cause },
  );
}

/** @returns undefined when there is no such file */
async function readPlain(path: string, what: string): Promise<Uint8Array | undefined> {
  const parts = partsOf(path);
  try {
    const folder = await folderOf(parts.slice(0, -1), false);
    return folder && (await bytesOf(folder, parts[parts.length - 1]));
  } catch (error) {
    throw unreadable(path, what, error);
  }
}

async function writePlain(path: string, data: Uint8Array): Promise<void> {
  const parts = partsOf(path);
  try {
    const folder = await folderOf(parts.slice(0, -1), true);
    await writeWhole(folder!, parts[parts.length - 1], data);
  } catch (cause) {
    const full = (cause as DOMException).name === 'QuotaExceededError';
    const advice = full ? 'The space of this site is used up: free some.' : `${(cause as Error).message}.`;
    throw new LimbeckError(
      'FILE_UNWRITABLE',
      `${path}: expected to write it to the page's private files, got ${(cause as Error).name}. ${advice} Nothing was changed.`,
      { cause },
    );
  }
}

const archiveOf = (directory: string): string => `${partsOf(directory).join('/')}.zip`;

/** The files that `writeDirectory` wrote; undefined when there are none. */
export async function savedFiles(directory: string): Promise<Map<string, Uint8Array> | undefined> {
  const bytes = await readPlain(archiveOf(directory), 'a directory');
  return bytes && unzipFiles(bytes, archiveOf(directory));
}

async function read(directory: string, name: string, what: string): Promise<Uint8Array> {
  const bytes = (await savedFiles(directory))?.get(name) ?? (await readPlain(`${directory}/${name}`, what));
  if (!bytes) throw unreadable(`${directory}/${name}`, what, undefined);
  return bytes;
}

export const storage: Storage = {
  async list(directory) {
    const files = await savedFiles(directory);
    if (files) return [...new Set([...files.keys()].map((name) => name.split('/')[0]))];
    const folder = await folderOf(partsOf(directory), false);
    if (!folder) return undefined;
    const names: string[] = [];
    for await (const name of folder.keys()) names.push(name);
    return names;
  },
  read,
  async readText(directory, name, what) {
    const bytes = await read(directory, name, what);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (cause) {
      throw new LimbeckError(
        'NOT_TEXT',
        `${directory}/${name}: expected ${what} as UTF-8 text, got other bytes. Check that this is the right file.`,
        { cause },
      );
    }
  },
  writeDirectory: (directory, files) => writePlain(archiveOf(directory), zipFiles(files)),
  path: (directory, name) => `${partsOf(directory).join('/')}/${name}`,
  async readIfThere(directory, name, what) {
    const folder = await folderOf(partsOf(directory), false);
    if (folder) await removeStaleTemporaries(folder);
    return readPlain(`${directory}/${name}`, what);
  },
  writeFile: (directory, name, data) => writePlain(`${directory}/${name}`, data),
};
