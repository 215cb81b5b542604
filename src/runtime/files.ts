/**
 * The single place for writing files in Node: whatever Limbeck leaves on disk under a final name is complete, whenever the
 * process or the machine stops. Everything is written under a temporary name, flushed to the disk, and renamed.
 *
 * Not a lock: two writers of one directory never mix their files, but the slower one gets an error. Owners of leftovers are
 * known by process number, so a directory that several machines write at once needs a lock of its own.
 *
 * The swap of a whole directory `student/` knows two kinds of sibling:
 *   `student.partial-<pid>-<hex>`  being written or being removed: never trusted;
 *   `student.old-<pid>-<hex>`      the previous version, always complete: it got the name by rename and loses it by rename.
 *
 *   step                                      state that a crash after it leaves       what recoverDirectory does
 *   1 write and flush partial                 previous version in place, partial       removes partial
 *   2 rename student → old                    nothing in place, old, partial           old → student (undone), removes partial
 *   3 rename partial → student                new version in place, old                removes old (finished)
 *   4 rename old → partial, remove that       new version in place, partial            removes partial
 *
 * After step 2 the new version is complete too, but a caller that crashed was never told that it had been saved; going back is
 * right whatever else lies there, so that is what happens.
 */
import { randomBytes } from 'node:crypto';
import { access, constants, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { LimbeckError, show } from '../errors.ts';

/**
 * Writes a file so that its name shows the old content or the new, never a part: temporary name in the same directory, write,
 * fsync, rename, fsync of the directory. The parent directory is made when it is missing. On failure the temporary file is
 * removed.
 *
 * @param data all of it, or parts as they come, so that they need not fit into memory
 * @throws LimbeckError FILE_UNWRITABLE with the system's reason (`ENOSPC`, `EACCES`, …)
 *
 * @example
 * await writeFileAtomic('run/run.json', JSON.stringify(record));
 */
export async function writeFileAtomic(
  path: string,
  data: string | Uint8Array | AsyncIterable<Uint8Array>,
): Promise<void> {
  const target = resolve(path);
  const temporary = `${target}.${ownMark()}.tmp`;
  try {
    await makeDirectory(dirname(target));
    await writeFlushed(temporary, data);
    await rename(temporary, target);
    await flushDirectory(dirname(target));
  } catch (error) {
    await discard(temporary);
    throw unwritable(target, error);
  }
}

/**
 * Writes a whole directory so that it appears complete or not at all. An existing directory is replaced **with all that it
 * holds**; readers see the old version or the new.
 *
 * @param files relative path with forward slashes (`onnx/model.onnx`) → content
 * @throws LimbeckError INVALID_ARGUMENT for a name that would leave the directory, or when a file stands in its place;
 *   FILE_UNWRITABLE with the system's reason
 *
 * @example
 * await writeDirectory('student', new Map([['config.json', '{}'], ['onnx/model.onnx', bytes]]));
 */
export async function writeDirectory(
  directory: string,
  files: ReadonlyMap<string, string | Uint8Array>,
): Promise<void> {
  const target = resolve(directory);
  for (const name of files.keys()) checkRelativeName(name, target);
  const partial = `${target}.partial-${ownMark()}`;
  try {
    await recoverDirectory(target);
    await makeDirectory(partial);
    const folders = new Set([partial]);
    for (const [name, data] of files) {
      const path = join(partial, ...name.split('/'));
      await mkdir(dirname(path), { recursive: true });
      for (let folder = dirname(path); !folders.has(folder); folder = dirname(folder)) folders.add(folder);
      await writeFlushed(path, data);
    }
    for (const folder of folders) await flushDirectory(folder);
    await replaceDirectory(partial, target);
  } catch (error) {
    await discard(partial);
    throw unwritable(target, error);
  }
}

/**
 * Puts the complete, flushed directory `partial` in the place of `target` (steps 2 to 4 above); the previous version, if any,
 * is removed. When the second rename fails, the first one is taken back.
 *
 * @throws LimbeckError INVALID_ARGUMENT when `target` is a file
 */
export async function replaceDirectory(partial: string, target: string): Promise<void> {
  const place = resolve(target);
  await recoverDirectory(place);
  const old = `${place}.old-${ownMark()}`;
  const previous = await kindOf(place);
  if (previous === 'file') {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${place}: expected a directory or nothing, got a file. Move the file away or choose another name.`,
    );
  }
  if (previous === 'directory') await rename(place, old);
  try {
    await rename(partial, place);
  } catch (error) {
    if (previous === 'directory') await rename(old, place);
    throw error;
  }
  await flushDirectory(dirname(place));
  if (previous === 'directory') await removeOld(old, place);
}

/**
 * Settles what an interrupted {@link replaceDirectory} left beside `target`, as the table above says, and removes leftovers of
 * processes that are gone. Leftovers of living processes are not touched. Call it before reading a directory that is written
 * by {@link writeDirectory}.
 *
 * @returns 'undone' when the previous version was put back, 'finished' when a superseded one was removed, else 'untouched'
 */
export async function recoverDirectory(target: string): Promise<'untouched' | 'finished' | 'undone'> {
  const place = resolve(target);
  const pattern = /^\.(partial|old)-(\d+)(?:-[0-9a-f]+)?$/;
  const stale = await staleSiblings(dirname(place), basename(place), pattern);
  const olds = stale.filter(({ match }) => match[1] === 'old').sort((a, b) => a.changed - b.changed);
  let result: 'untouched' | 'finished' | 'undone' = 'untouched';
  if (olds.length > 0 && (await kindOf(place)) === 'nothing') {
    await rename(olds.pop()!.path, place);
    await flushDirectory(dirname(place));
    result = 'undone';
  }
  for (const { path } of olds) {
    await removeOld(path, place);
    if (result === 'untouched') result = 'finished';
  }
  for (const { path, match } of stale) if (match[1] === 'partial') await discard(path);
  return result;
}

/**
 * Removes the temporary files that {@link writeFileAtomic} left in a directory when its process was killed.
 *
 * @returns the names of the removed files; none when the directory does not exist
 */
export async function removeStaleTemporaries(directory: string): Promise<string[]> {
  const stale = await staleSiblings(resolve(directory), '', /\.(\d+)-[0-9a-f]+\.tmp$/);
  for (const { path } of stale) await discard(path);
  return stale.map(({ path }) => basename(path)).sort();
}

/** Process number and chance: distinct between processes, threads and calls; the number tells later who the owner was. */
function ownMark(): string {
  return `${process.pid}-${randomBytes(4).toString('hex')}`;
}

interface Leftover {
  path: string;
  match: RegExpExecArray;
  /** When it was last renamed or written, in milliseconds since 1970. */
  changed: number;
}

/** The entries of `directory` called `prefix` + something matching `pattern`, whose owner (the last number in it) is gone. */
async function staleSiblings(directory: string, prefix: string, pattern: RegExp): Promise<Leftover[]> {
  const leftovers: Leftover[] = [];
  if ((await kindOf(directory)) !== 'directory') return leftovers;
  for (const name of await readdir(directory)) {
    const match = name.startsWith(prefix) ? pattern.exec(name.slice(prefix.length)) : null;
    if (!match) continue;
    const path = join(directory, name);
    const owner = Number(match[match.length - 1]);
    const status = await stat(path).catch(() => undefined);
    // Renamed or removed by its owner since the listing: then it is no leftover.
    if (status && isGone(owner, status.ctimeMs)) leftovers.push({ path, match, changed: status.ctimeMs });
  }
  return leftovers;
}

/**
 * Whether process `pid` is gone. Our own number counts as gone for what was last touched before we started: in a container every
 * process that is killed and restarted may be number 1. The second of slack covers coarse file clocks.
 */
function isGone(pid: number, changed: number): boolean {
  if (pid === process.pid) return changed < Date.now() - process.uptime() * 1000 - 1000;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return errorCode(error) !== 'EPERM';
  }
}

async function removeOld(old: string, place: string): Promise<void> {
  // Out of the trusted name first: a removal that is cut short must not look like a complete previous version.
  const doomed = `${place}.partial-${ownMark()}`;
  await rename(old, doomed);
  await discard(doomed);
}

/** Removes without complaint: it runs where another error, or a success, is what the caller has to hear about. */
async function discard(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true }).catch(() => undefined);
}

async function writeFlushed(path: string, data: string | Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx');
  try {
    if (typeof data === 'string' || data instanceof Uint8Array) await file.writeFile(data);
    else for await (const part of data) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Makes a directory that can be written, with its parents; one that is there already stays.
 *
 * @throws LimbeckError FILE_UNWRITABLE with the system's reason
 */
export async function makeWritableDirectory(path: string): Promise<void> {
  try {
    await makeDirectory(resolve(path));
    await access(path, constants.W_OK);
  } catch (error) {
    throw unwritable(resolve(path), error);
  }
}

async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true }).catch(async (error) => {
    throw await whyNotMade(directory, error);
  });
  if (first === undefined) return;
  // Each new name is an entry in its parent, and lasts only once the parent is on the disk.
  for (let made = directory; made.length >= first.length; made = dirname(made)) await flushDirectory(dirname(made));
}

/** Node says ENOENT of a directory on a read-only file system; the nearest directory that exists tells the true reason. */
async function whyNotMade(directory: string, error: unknown): Promise<unknown> {
  let place = dirname(directory);
  while ((await kindOf(place)) === 'nothing') place = dirname(place);
  return access(place, constants.W_OK).then(
    () => error,
    (reason) => reason,
  );
}

/** Makes renames inside a directory last. Windows cannot open directories, and flushes names with the file. */
async function flushDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems refuse to flush a directory; the rename itself stands.
    if (!['EINVAL', 'ENOTSUP', 'ENOSYS'].includes(errorCode(error))) throw error;
  } finally {
    await handle.close();
  }
}

async function kindOf(path: string): Promise<'directory' | 'file' | 'nothing'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return 'nothing';
    throw error;
  }
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

/**
 * The error of a failed write; what is an error of ours already, and what is none of the system's, stays as it is.
 *
 * @param consequence what the failure means for the user's files, or what to do after the disk is in order again
 */
export function unwritable(path: string, error: unknown, consequence = 'Nothing was changed.'): unknown {
  const code = errorCode(error);
  if (error instanceof LimbeckError || code === '') return error;
  const advice = {
    ENOSPC: 'The disk is full: free some space.',
    EACCES: 'Permission is missing: choose another directory, or change its permissions.',
    EROFS: 'The file system is read-only: choose another directory.',
  }[code];
  return new LimbeckError(
    'FILE_UNWRITABLE',
    `${path}: expected to write it, got ${code}. ${advice ?? `${(error as Error).message}.`} ${consequence}`,
    { cause: error },
  );
}

function checkRelativeName(name: string, target: string): void {
  const parts = name.split('/');
  if (name.includes('\\') || name.includes('\0') || parts.some((p) => p === '' || p === '.' || p === '..')) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Files of ${target}: expected relative paths with forward slashes such as "onnx/model.onnx", got ${show(name)}.`,
    );
  }
}
