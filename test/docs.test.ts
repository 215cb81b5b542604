/** The JavaScript examples of docs/ that are whole programs run and print what they say. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { compileCommand, repository, runCommand } from './cli/compiled-command.ts';
import { writeGlosses } from './cli/small-data.ts';
import { examplesOf, runExample } from './run-example.ts';

it('docs/custom-loop.md', async () => {
  const [loop] = await examplesOf('docs/custom-loop.md');
  expect(await runExample(loop)).toEqual(['true 2 2']);
});

it("docs/students.md: a start from the teacher's tokens", async () => {
  const start = (await examplesOf('docs/students.md')).find((example) => example.includes('teacherTokens')) as string;
  expect(await runExample(start)).toEqual(['true true']);
});

it('docs/teachers-and-data.md', async () => {
  const [api] = await examplesOf('docs/teachers-and-data.md');
  const cache = mkdtempSync(join(tmpdir(), 'limbeck-docs-'));
  try {
    expect(await runExample(api, { CACHE: cache })).toEqual(['2 6 2']);
    expect(await runExample(api, { CACHE: cache })).toEqual(['0 6 2']);
  } finally {
    rmSync(cache, { recursive: true });
  }
});

it('docs/compare.md: the comparison and the methods of the page run', async () => {
  const page = readFileSync(join(repository, 'docs/compare.md'), 'utf8');
  const [whole, methods] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);
  expect(whole.trim().split('\n').length).toBeLessThanOrEqual(16);
  const { root, main } = compileCommand();
  try {
    await writeGlosses(root, 300);
    writeFileSync(join(root, 'compare.yaml'), whole);
    const quick = ['compare', '--set', 'training.epochs=1', '--set', 'seeds=1'];
    const { code, stdout } = await runCommand(main, quick);
    expect(code).toBe(0);
    expect(stdout).toMatch(/large: static embeddings[\s\S]*crd[\s\S]*Difference to cosine/);
    // The other block is one of methods, of which some need a classifier.
    writeFileSync(
      join(root, 'methods.yaml'),
      `${whole
        .replace(/^methods:.*$/m, methods.trim())
        .replace('{ width: 96 }', '{ width: 32 }')
        .replace(/^( {2}(scratch|crd\+kd):).*\n/gm, '')}`,
    );
    const own = await runCommand(main, ['compare', 'methods.yaml', ...quick.slice(1), '--plan']);
    expect([own.code, own.stdout.match(/, seed 0/g)]).toEqual([0, expect.any(Array)]);
    expect(own.stdout).not.toContain('only-large, small');
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
