/** The JavaScript examples of docs/ that are whole programs run and print what they say. */
import { expect, it } from 'vitest';
import { examplesOf, runExample } from './run-example.ts';

it('docs/custom-loop.md', async () => {
  const [loop] = await examplesOf('docs/custom-loop.md');
  expect(await runExample(loop)).toEqual(['true 2 2']);
});
