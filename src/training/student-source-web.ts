/** Students in a browser: folders and .zip files of a web server, and what was saved in the page's private files (`opfs:runs/first`). */
import { LimbeckError } from '../errors.ts';
import { PRIVATE_SCHEME, savedFiles } from '../runtime/storage-web.ts';
import { unzipFiles } from '../runtime/zip.ts';
import { MODEL_FILE } from '../students/student-files.ts';
import type { StudentSource } from './student-source.ts';

/** Relative to the page; in a worker to its script. */
function absolute(path: string): URL {
  const base = (globalThis as { document?: { baseURI: string } }).document?.baseURI ?? globalThis.location.href;
  return new URL(path, base);
}

/**
 * The bytes behind a URL; undefined where the server has none. Servers of single-page applications answer with their page instead.
 *
 * @throws LimbeckError FILE_UNREADABLE
 */
async function fetched(url: URL, what: string): Promise<Uint8Array | undefined> {
  const failed = (got: string, cause?: unknown): LimbeckError =>
    new LimbeckError('FILE_UNREADABLE', `${url}: expected to read ${what}, got ${got}. Check the address.`, { cause });
  const response = await fetch(url).catch((cause) => {
    throw failed(`an error: ${(cause as Error).message}`, cause);
  });
  if (response.status === 404 || response.headers.get('content-type')?.startsWith('text/html')) return undefined;
  if (!response.ok) throw failed(`${response.status} ${response.statusText}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function saved(path: string): Promise<Map<string, Uint8Array>> {
  const files = await savedFiles(path);
  if (files) return files;
  throw new LimbeckError(
    'FILE_UNREADABLE',
    `${path}: expected a student with config.json and ${MODEL_FILE}, got no such directory. Check the path.`,
  );
}

export const source: StudentSource = {
  what: 'the address of a folder or of a .zip file',
  async open(path, names) {
    if (path.startsWith(PRIVATE_SCHEME)) return saved(path);
    const url = absolute(path);
    if (url.pathname.endsWith('.zip')) {
      const bytes = await fetched(url, 'a student');
      if (bytes) return unzipFiles(bytes, url.href);
      throw new LimbeckError('FILE_UNREADABLE', `${url}: expected a student, got no such file. Check the address.`);
    }
    if (!url.pathname.endsWith('/')) url.pathname += '/';
    const all = await Promise.all(
      names.map(async (name) => [name, await fetched(new URL(name, url), "a student's file")] as const),
    );
    return new Map(all.flatMap(([name, bytes]) => (bytes ? [[name, bytes] as const] : [])));
  },
  async openOnnx(path) {
    const url = absolute(path);
    const bytes = await fetched(url, 'an ONNX model');
    if (bytes) return { bytes, name: url.href };
    throw new LimbeckError('FILE_UNREADABLE', `${url}: expected an ONNX model, got no such file. Check the address.`);
  },
};
