/** Storage on Node: files. */
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { LimbeckError } from '../errors.ts';
import { recoverDirectory, removeStaleTemporaries, writeDirectory, writeFileAtomic } from './files.ts';
import { readBytes, readText } from './read-files.ts';
import type { Storage } from './storage.ts';

export const storage: Storage = {
  async list(directory) {
    await recoverDirectory(directory);
    try {
      return await readdir(directory);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === 'ENOENT') return undefined;
      const got = code === 'ENOTDIR' ? 'a file' : code;
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${directory}: expected a directory, got ${got}. Name another directory.`,
        { cause },
      );
    }
  },
  read: (directory, name, what) => readBytes(join(directory, ...name.split('/')), what),
  readText: (directory, name, what) => readText(join(directory, ...name.split('/')), what),
  writeDirectory,
  path: (directory, name) => join(directory, name),
  async readIfThere(directory, name, what) {
    await removeStaleTemporaries(directory);
    const path = join(directory, name);
    const there = await access(path).then(
      () => true,
      () => false,
    );
    return there ? readBytes(path, what) : undefined;
  },
  writeFile: (directory, name, data) => writeFileAtomic(join(directory, name), data),
};
