/** The JavaScript examples of docs/ that are whole programs run and print what they say. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { examplesOf, runExample } from './run-example.ts';

it('docs/custom-loop.md', async () => {
  const [loop] = await examplesOf('docs/custom-loop.md');
  expect(await runExample(loop)).toEqual(['true 2 2']);
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
