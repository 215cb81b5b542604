/** Runs the JavaScript examples of documents against the built package, as a user's program would. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The JavaScript blocks of a document, in order. */
export async function examplesOf(document: string): Promise<string[]> {
  const text = await readFile(join(root, document), 'utf8');
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);
}

/** What an example prints, by line. */
export async function runExample(source: string, env: Readonly<Record<string, string>> = {}): Promise<string[]> {
  // Inside the repository, so that "limbeck" is this package.
  const directory = await mkdtemp(join(root, '.readme-'));
  try {
    const file = join(directory, 'example.mjs');
    await writeFile(file, source);
    const { stdout } = await promisify(execFile)(process.execPath, [file], {
      cwd: root,
      env: { ...process.env, ...env },
    });
    return stdout.trim().split('\n');
  } finally {
    await rm(directory, { recursive: true });
  }
}
