/** `limbeck embed`: rows to the cache, to files that other tools read, and by a saved student. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readRows } from '../../src/data/read-rows.ts';
import { Student } from '../../src/training/student.ts';
import { compileCommand, complaint, runCommand } from './compiled-command.ts';
import { bagOfWords, writeGlosses } from './small-data.ts';

let root: string;
let main: string;
let texts: readonly string[];
beforeAll(async () => {
  ({ root, main } = compileCommand());
  texts = await writeGlosses(root, 200);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const at = (...path: string[]): string => join(root, ...path);
const limbeck = (...args: string[]) => runCommand(main, args);
const DATA = ['--texts', 'glosses.jsonl', '--teacher-embeddings', 'glosses.npy'];
const everyNumber = Array.from({ length: 200 }, (_, i) => i);

it('the rows of the teacher: kept, found again, and by distill', async () => {
  const first = await limbeck('embed', ...DATA);
  expect([first.code, complaint(first.stderr)]).toEqual([0, []]);
  expect(first.stdout).toMatch(
    /^200 rows of glosses\.npy, 24 numbers each\n {2}training: 1\d\d rows in \.limbeck.*\n {2}validation: /,
  );
  const { code, stdout, stderr } = await limbeck('embed', ...DATA, '--json');
  expect(code).toBe(0);
  expect(stderr).toMatch(/training: 1\d\d rows, all from the cache/);
  expect(JSON.parse(stdout)).toMatchObject({
    rows: 200,
    cache: { training: { computed: 0 }, validation: { computed: 0 } },
  });
  const run = await limbeck('distill', ...DATA, '--epochs', '1', '--set', 'student.vocabularySize=400', '--out', 'run');
  expect(run.code).toBe(0);
  expect(run.stderr).toMatch(/training: 1\d\d rows, all from the cache/);
});

it.each(['all.npy', 'all.safetensors', 'all.jsonl'])('--out %s: all rows in the order of the data', async (name) => {
  const { code } = await limbeck('embed', ...DATA, '--out', name);
  expect(code).toBe(0);
  const { rows } = await readRows(at(name));
  expect([rows.rows, rows.columns]).toEqual([200, 24]);
  expect(rows.gather(everyNumber).data).toEqual(bagOfWords(texts).data);
});

it('--out with ids: they stand beside the rows', async () => {
  await limbeck('embed', ...DATA, '--set', 'data.idColumn=id', '--out', 'named.jsonl');
  const lines = readFileSync(at('named.jsonl'), 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line).id)).toEqual(everyNumber.map((i) => `g${i}`));
});

it('--student: an index by what was trained; needs no teacher', async () => {
  const { code, stdout } = await limbeck(
    'embed',
    '--texts',
    'glosses.jsonl',
    '--student',
    'run/student',
    '--out',
    'own.npy',
  );
  expect([code, stdout]).toEqual([0, expect.stringContaining('200 rows of run/student, 24 numbers each')]);
  const student = await Student.load(at('run/student'));
  const expected = await student.embed(texts);
  await student.release();
  const { rows } = await readRows(at('own.npy'));
  const found = Array.from(rows.gather(everyNumber).data);
  const worst = found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected.data[i])), 0);
  expect(worst).toBeLessThan(1e-6);
});

it('wrong usage: 2; what cannot be read: 1', async () => {
  const [format, lonely, none, file, help] = await Promise.all([
    limbeck('embed', ...DATA, '--out', 'all.csv'),
    limbeck('embed', '--texts', 'glosses.jsonl', '--student', 'run/student'),
    limbeck('embed', '--texts', 'glosses.jsonl'),
    limbeck('embed', '--texts', 'nowhere.jsonl', '--teacher-embeddings', 'glosses.npy'),
    limbeck('embed', '--help'),
  ]);
  expect([format, lonely, none, file, help].map(({ code }) => code)).toEqual([2, 2, 2, 1, 0]);
  expect(complaint(format.stderr)[0]).toMatch(
    /--out: expected a file that ends in \.npy, \.safetensors or \.jsonl, got "all\.csv"/,
  );
  expect(complaint(lonely.stderr)[0]).toContain('expected --out beside --student');
  expect(complaint(none.stderr)[0]).toContain('teacher: expected');
  expect(complaint(file.stderr)[0]).toMatch(/nowhere\.jsonl: .*\[FILE_UNREADABLE\]/);
  expect(help.stdout).toMatch(/--student <directory>[\s\S]*Examples:/);
});
