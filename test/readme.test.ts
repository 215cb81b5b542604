/** Every JavaScript example of the README runs against the built package, as a user's program would, and prints what it says. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = await readFile(join(root, 'README.md'), 'utf8');
const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);

async function run(source: string): Promise<string[]> {
  // Inside the repository, so that "limbeck" is this package.
  const directory = await mkdtemp(join(root, '.readme-'));
  try {
    const file = join(directory, 'example.mjs');
    await writeFile(file, source);
    const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: root });
    return stdout.trim().split('\n');
  } finally {
    await rm(directory, { recursive: true });
  }
}

it('has the three examples', () => expect(examples.length).toBe(3));

it('the loss in your own loop', async () => {
  const [loss, gradient, more] = await run(examples[0]);
  expect(loss).toBe('0.753022');
  expect(gradient).toMatch(/0\.2172\d*, -0\.1629/);
  expect(more).toBe('true');
});

it('a student on your own texts', async () => expect(await run(examples[1])).toEqual(['3']));

it('a loss of your own', async () => {
  expect((await run(examples[2])).join(' ')).toMatch(/^4 Float32Array\(2\) \[ 2, 2 \]/);
});
