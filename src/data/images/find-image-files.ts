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
  await walk.all();
  const { folders } = walk;
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

/**
 * A walk through a directory, whatever is found on the way. Links to directories come after all that is really there: a link from
 * one class to another must not take the images of that one.
 */
class Walk {
  readonly paths: string[] = [];
  /** Folders in the directory itself that were entered. */
  readonly folders: string[] = [];
  readonly skipped: SkippedSample[] = [];
  readonly #root: string;
  readonly #links: string[] = [];
  /** Real paths of directories that were entered, and how they were called then. */
  readonly #entered = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  async all(): Promise<void> {
    await this.#directory('');
    // Grows while it is walked through: there may be links behind links.
    for (const where of this.#links) await this.#directory(where);
  }

  /** @param path relative to the root; '' for the root */
  async #directory(path: string): Promise<void> {
    const entries = await this.#enter(path);
    if (entries && path !== '' && !path.includes('/')) this.folders.push(path);
    for (const entry of entries ?? []) {
      const where = path === '' ? entry.name : `${path}/${entry.name}`;
      const kind = await this.#kindOf(entry, where);
      if (kind === 'file') this.#file(where);
      else if (kind === 'directory' && entry.isSymbolicLink()) this.#links.push(where);
      else if (kind === 'directory') await this.#directory(where);
    }
  }

  /** What a directory holds, by name: which of two links is followed must not depend on the file system. Nothing the second time. */
  async #enter(path: string): Promise<Dirent[] | undefined> {
    const directory = join(this.#root, path);
    try {
      const real = await realpath(directory);
      const known = this.#entered.get(real);
      if (known !== undefined) {
        this.skipped.push({ where: path, reason: `the same directory as ${known}` });
        return undefined;
      }
      this.#entered.set(real, directory);
      const entries = await readdir(directory, { withFileTypes: true });
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
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
    if (entry.name.startsWith('.')) {
      this.skipped.push({ where, reason: 'hidden' });
      return 'neither';
    }
    // A link to nothing has no status; neither has what was removed meanwhile.
    const found = entry.isSymbolicLink() ? await stat(join(this.#root, where)).catch(() => undefined) : entry;
    if (found?.isDirectory()) return 'directory';
    if (found?.isFile()) return 'file';
    this.skipped.push({ where, reason: found ? 'neither file nor directory' : 'a link to nothing' });
    return 'neither';
  }

  #file(where: string): void {
    const ending = /\.[^./]*$/.exec(where)?.[0].toLowerCase() ?? '';
    if (IMAGE_EXTENSIONS.includes(ending)) this.paths.push(where);
    else this.skipped.push({ where, reason: 'not an image by its name' });
  }
}
