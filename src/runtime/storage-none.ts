/** Storage on a platform that has neither files nor a page's private file system: says so, and what to do instead. */
import { LimbeckError } from '../errors.ts';
import type { Storage } from './storage.ts';

function refuse(directory: string): Promise<never> {
  return Promise.reject(
    new LimbeckError(
      'UNSUPPORTED',
      `${directory}: expected a platform with files, got one without. Use toFiles() and LoadedStudent.fromFiles(), and keep the ` +
        'files where this platform keeps things.',
    ),
  );
}

export const storage: Storage = {
  list: refuse,
  read: refuse,
  readText: refuse,
  writeDirectory: refuse,
  path: (directory, name) => `${directory}/${name}`,
  readIfThere: refuse,
  writeFile: refuse,
};
