/** Which image files a directory holds, and the class of each by its folder. Looks at names only. */
import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { LimbeckError, show } from '../../errors.ts';
import { nearestNames } from '../../nearest-names.ts';
import type { SkippedSample } from '../dataset.ts';
import { IMAGE_EXTENSIONS } from './decode-image.ts';

/** Images of a source before they are looked at. */
export interface ImageCandidates {
  /** The directory that paths are relative to. */
  readonly root: string;
  /** With forward slashes. */
  readonly paths: readonly string[];
  /** One per path. */
  readonly labels?: Int32Array | undefined;
  readonly classNames?: readonly string[] | undefined;
  readonly skipped: readonly SkippedSample[];
  /** Where an image stands in the source, for messages; by default its path. */
  readonly whereIs?: (i: number) => string;
}

/**
 * Image files by their endings, sorted by path (by UTF-16 code units, whatever the machine's language). When the directory itself
 * holds none, the folders in it are the classes, and what is anywhere below a folder belongs to its class; otherwise there are no
 * labels. Links are followed, to a directory once. Hidden files and folders, and files that are no images, are skipped and listed.
 *
 * @param classNames the folders that are classes, in the order of their numbers; by default those there are, sorted
 * @throws LimbeckError FILE_UNREADABLE for a directory that cannot be read; INVALID_ARGUMENT when there are no images, when only
 *   some are in class folders, for a class folder without images, and for one that `classNames` lacks
 *
 * @example
 * const { paths, classNames } = await findImageFiles('photos'); // ['cat/1.jpg', 'dog/1.jpg'], ['cat', 'dog']
 */
export async function findImageFiles(root: string, classNames?: readonly string[]): Promise<ImageCandidates> {
  const walk = new Walk(root);
  const folders = await walk.directory('');
  const paths = walk.paths.sort();
  const skipped = walk.skipped.sort((a, b) => (a.where < b.where ? -1 : 1));
  if (paths.length === 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${root}: expected images (${IMAGE_EXTENSIONS.join(' ')}), in it or in one folder per class, got none ` +
        `among ${skipped.length} other entries. Check the path.`,
    );
  }
  const loose = paths.filter((path) => !path.includes('/'));
  if (loose.length === paths.length) return { root, paths, skipped };
  if (loose.length > 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${root}: expected all images in class folders or all in the directory itself, got ${loose.length} in it (${show(loose[0])}) ` +
        `and ${paths.length - loose.length} in folders (${show(paths.find((path) => path.includes('/')))}). Move them to one place.`,
    );
  }
  const names = classNames ?? folders.sort();
  const classOf = new Map(names.map((name, i) => [name, i]));
  checkFolders(root, folders, paths, classOf);
  const labels = Int32Array.from(paths, (path) => classOf.get(folderOf(path)) as number);
  return { root, paths, labels, classNames: names, skipped };
}

const folderOf = (path: string): string => path.slice(0, path.indexOf('/'));

function checkFolders(root: string, folders: readonly string[], paths: string[], classOf: Map<string, number>): void {
  const filled = new Set(paths.map(folderOf));
  const empty = folders.filter((folder) => !filled.has(folder));
  if (empty.length > 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${root}: expected images in every class folder, got none in ${empty.map(show).join(', ')}. ` +
        'Put images into it, or remove the folder.',
    );
  }
  const unknown = folders.find((folder) => !classOf.has(folder));
  if (unknown !== undefined) {
    const [nearest] = nearestNames(unknown, [...classOf.keys()]);
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${root}: expected folders that classNames has, got ${show(unknown)} (the nearest name is ${show(nearest.name)}). ` +
        'Add it to classNames, or move the folder away.',
    );
  }
}

/** A walk through a directory, whatever is found on the way. */
class Walk {
  readonly paths: string[] = [];
  readonly skipped: SkippedSample[] = [];
  readonly #root: string;
  /** Real paths of directories that were entered, and how they were called then. */
  readonly #entered = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  /**
   * Walks through a directory and all below.
   *
   * @param path relative to the root, with a slash at its end; '' for the root
   * @returns the folders in it that were entered
   */
  async directory(path: string): Promise<string[]> {
    const folders: string[] = [];
    for (const entry of await this.#entries(path)) {
      const where = path + entry.name;
      if (entry.name.startsWith('.')) {
        this.skipped.push({ where, reason: 'hidden' });
        continue;
      }
      const kind = await this.#kindOf(entry, where);
      if (kind === 'directory' && (await this.#enter(where))) {
        folders.push(entry.name);
        await this.directory(`${where}/`);
      }
      if (kind === 'file') this.#file(where);
    }
    return folders;
  }

  /** Links last, then by name: which of two ways to one directory is taken must not depend on the file system. */
  async #entries(path: string): Promise<Dirent[]> {
    const directory = join(this.#root, path);
    try {
      if (path === '') this.#entered.set(await realpath(directory), this.#root);
      const entries = await readdir(directory, { withFileTypes: true });
      const rank = (entry: Dirent): string => `${entry.isSymbolicLink() ? 1 : 0}${entry.name}`;
      return entries.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
    } catch (error) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${directory}: expected to read a directory of images, got ${(error as NodeJS.ErrnoException).code}. ` +
          'Check the path and its permissions.',
        { cause: error },
      );
    }
  }

  async #kindOf(entry: Dirent, where: string): Promise<'directory' | 'file' | 'neither'> {
    // A link to nothing has no status; so has what was removed meanwhile.
    const found = entry.isSymbolicLink() ? await stat(join(this.#root, where)).catch(() => undefined) : entry;
    if (found?.isDirectory()) return 'directory';
    if (found?.isFile()) return 'file';
    this.skipped.push({ where, reason: found ? 'neither file nor directory' : 'a link to nothing' });
    return 'neither';
  }

  async #enter(where: string): Promise<boolean> {
    const real = await realpath(join(this.#root, where));
    const known = this.#entered.get(real);
    if (known === undefined) this.#entered.set(real, where);
    else this.skipped.push({ where, reason: `the same directory as ${known}` });
    return known === undefined;
  }

  #file(where: string): void {
    const ending = /\.[^./]*$/.exec(where)?.[0].toLowerCase() ?? '';
    if (IMAGE_EXTENSIONS.includes(ending)) this.paths.push(where);
    else this.skipped.push({ where, reason: 'not an image by its name' });
  }
}
