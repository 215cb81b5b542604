/** The example of docs/students.md "A tokenizer of your own" runs against the built package, as a user's program would. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));

it('prints what its comments say', async () => {
  const guide = await readFile(join(root, 'docs/students.md'), 'utf8');
  const example = guide.match(/## A tokenizer of your own[\s\S]*?```js\n([\s\S]*?)```/)![1];
  const promised = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)/g)].map(([, text]) => text);
  const directory = await mkdtemp(join(root, '.readme-')); // Inside the repository, so that "limbeck" is this package.
  try {
    const file = join(directory, 'example.mjs');
    await writeFile(file, example);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
    expect(promised).toHaveLength(2);
    expect(stdout.trim().split('\n')).toEqual(promised);
  } finally {
    await rm(directory, { recursive: true });
  }
});
