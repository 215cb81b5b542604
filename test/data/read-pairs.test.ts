import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readPairs } from '../../src/data/read-pairs.ts';

const root = mkdtempSync(join(tmpdir(), 'limbeck-pairs-'));
afterAll(() => rmSync(root, { recursive: true }));
const file = (name: string, content: string) => {
  writeFileSync(join(root, name), content);
  return join(root, name);
};
const pairs = { left: ['a dog', 'a cat'], right: ['a hound', 'a tax'], scores: Float64Array.of(4.5, 0) };

it('reads .csv, .tsv and .jsonl alike', async () => {
  const csv = file('a.csv', 'score,sentence1,sentence2\n4.5,a dog,a hound\n0,a cat,a tax\n');
  expect(await readPairs(csv)).toEqual(pairs);
  const tsv = file('a.tsv', 'one\ttwo\tsim\na dog\ta hound\t4.5\na cat\ta tax\t0\n');
  expect(await readPairs(tsv, { leftColumn: 'one', rightColumn: 'two', scoreColumn: 'sim' })).toEqual(pairs);
  const lines = [0, 1].map((i) =>
    JSON.stringify({ sentence1: pairs.left[i], sentence2: pairs.right[i], score: pairs.scores[i] }),
  );
  expect(await readPairs(file('a.jsonl', lines.join('\n\n')))).toEqual(pairs);
});

it.each([
  ['b.csv', 'sentence1,sentence2,score\na,b,x\n', 'FILE_CORRUPT', /b\.csv, row 1: expected a finite number .* got "x"/],
  ['c.csv', 'sentence1,sentence2,score\na,b,\n', 'FILE_CORRUPT', /got ""/],
  ['d.csv', 'sentence1,sentence2,score\na,,1\n', 'FILE_CORRUPT', /a text in column "sentence2"/],
  ['e.jsonl', '{"sentence1":"a","sentence2":3,"score":1}', 'FILE_CORRUPT', /line 1: expected a text .* got 3/],
  ['f.csv', 'sentence1,sentence2\na,b\n', 'INVALID_OPTION', /scoreColumn/],
  ['g.csv', 'sentence1,sentence2,score\n', 'EMPTY_DATA', /at least one pair/],
  ['h.txt', 'a', 'UNSUPPORTED', /\.csv, \.tsv or \.jsonl/],
])('%s is refused', async (name, content, code, message) => {
  await expect(readPairs(file(name, content))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});
