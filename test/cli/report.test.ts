/** `limbeck report`: what it draws and prints of runs in every state, and how it fails. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRunDirectory } from '../../src/cli/read-run.ts';
import { writeSafetensors } from '../../src/teachers/safetensors.ts';
import { distillRecord, sampleRecord } from '../report/sample-record.ts';
import { compileCommand, complaint, type Finished, runCommand } from './compiled-command.ts';

let root: string;
let main: string;
beforeAll(() => {
  ({ root, main } = compileCommand());
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const report = (args: readonly string[], env: Record<string, string> = {}): Promise<Finished> =>
  runCommand(main, ['report', ...args], { env });

const line = (step: number) =>
  `${JSON.stringify({
    method: 'student',
    seed: 0,
    step,
    epoch: step / 10,
    loss: 1 / step,
    components: { contrastive: 1 / step },
    learningRate: 0.001,
    seconds: step,
  })}\n`;

let made = 0;
/** A run directory with these files. */
function run(files: Readonly<Record<string, string | Uint8Array>>): string {
  const directory = join(root, `run ${made++}`);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, '..'), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}
const record = (changes = {}) => JSON.stringify({ ...distillRecord(), ...changes });
// biome-ignore lint/suspicious/noExplicitAny: linkedom's types need DOM types, which the tests do not load
const pageOf = (path: string) => parseHTML(readFileSync(path, 'utf8')).document as any;

describe('a finished run', () => {
  it('draws report.html and prints the results; nothing on stderr', async () => {
    const directory = run({ 'run.json': record(), 'metrics.jsonl': line(1) + line(2) });
    const { code, stdout, stderr } = await report([directory]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.split('\n')[0]).toMatch(/^ +accuracy +R@1 +calibration +MB +images\/s +train$/);
    expect(stdout).toContain('resnet-8');
    expect(stdout).toContain(`Report: ${join(directory, 'report.html')}\n`);
    const page = pageOf(join(directory, 'report.html'));
    expect(page.querySelector('h1').textContent).toBe('Distilling big-eye.onnx');
    expect(page.querySelectorAll('.panel').length).toBe(3);
  });

  it('--out elsewhere, --json the record', async () => {
    const directory = run({ 'run.json': record(), 'metrics.jsonl': '' });
    const out = join(root, 'new folder', 'a.html');
    const { code, stdout } = await report([directory, '--out', out, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ report: out, ...distillRecord() });
    expect(existsSync(out)).toBe(true);
    expect(existsSync(join(directory, 'report.html'))).toBe(false);
  });

  it('40 columns: no line is longer', async () => {
    const directory = run({ 'run.json': record() });
    const { stdout } = await report([directory], { COLUMNS: '40' });
    for (const text of stdout.split('\n').filter((text) => !text.startsWith('Report:'))) {
      expect(text.length).toBeLessThanOrEqual(40);
    }
  });

  it('a run of the demo keeps its maps', async () => {
    const rows = { shape: [4, 2], data: Float32Array.of(1, 0, 0.9, 0.1, 0, 1, 0.1, 0.9) };
    const texts = ['a', 'b', 'c', 'd'].map((text, i) =>
      JSON.stringify({ text, supersense: i < 2 ? 'noun.act' : 'verb.be' }),
    );
    const directory = run({
      'run.json': JSON.stringify(sampleRecord(1)),
      'held-out/texts.jsonl': `${texts.join('\n')}\n`,
      'held-out/rows.safetensors': writeSafetensors({ teacher: rows, student: rows }),
    });
    expect((await report([directory])).code).toBe(0);
    const page = pageOf(join(directory, 'report.html'));
    expect([...page.querySelectorAll('.maps svg')].length).toBe(2);
    expect([...page.querySelectorAll('.legend .count')].map((count) => count.textContent)).toEqual(['4', '2', '2']);
    expect((await readRunDirectory(directory)).heldOut?.classes).toEqual([
      'noun.act',
      'noun.act',
      'verb.be',
      'verb.be',
    ]);
  });
});

describe('a run that is not finished', () => {
  it.each(['running', 'interrupted', 'failed'])('%s: a last line that is cut off is left out', async (status) => {
    const directory = run({
      'run.json': record({ status, results: [], finishedAt: null }),
      'metrics.jsonl': line(1) + line(2) + line(3).slice(0, 30),
    });
    const { code, stdout, stderr } = await report([directory]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('No results yet.');
    expect((await readRunDirectory(directory)).curves.map(({ step }) => step)).toEqual([1, 2]);
  });
});

describe('what is no run', () => {
  it.each([
    ['no directory', 'nowhere', /expected the directory of a run, got no such directory.*\[FILE_UNREADABLE\]/],
    ['a directory of something else', '.', /got one without run\.json/],
    ['a file', 'package.json', /got a file/],
  ])('%s', async (_, path, message) => {
    const { code, stdout, stderr } = await report([join(root, path)]);
    expect([code, stdout]).toEqual([1, '']);
    expect(complaint(stderr).join()).toMatch(message);
  });

  it('damaged files: the file, the line, the field', async () => {
    const cut = await report([run({ 'run.json': record().slice(0, 80) })]);
    expect(complaint(cut.stderr).join()).toMatch(/run\.json: expected JSON, got 80 characters.*\[FILE_CORRUPT\]/);
    const wrong = await report([run({ 'run.json': record(), 'metrics.jsonl': `${line(1)}{}\n` })]);
    expect(complaint(wrong.stderr).join()).toMatch(/metrics\.jsonl, line 2, method: expected string, got nothing/);
    const unfinished = run({ 'run.json': record({ status: 'running' }), 'metrics.jsonl': `{"a\n${line(1)}` });
    expect(complaint((await report([unfinished])).stderr).join()).toMatch(/metrics\.jsonl, line 1: expected JSON/);
  });

  it('a place that cannot be written: FILE_UNWRITABLE; wrong usage: exit code 2', async () => {
    const directory = run({ 'run.json': record() });
    const { code, stderr } = await report([directory, '--out', join(directory, 'run.json', 'a.html')]);
    expect(code).toBe(1);
    expect(complaint(stderr).join()).toMatch(/FILE_UNWRITABLE|EEXIST|ENOTDIR/);
    if (process.getuid?.() !== 0) {
      chmodSync(directory, 0o555);
      expect(complaint((await report([directory])).stderr).join()).toMatch(/EACCES.*\[FILE_UNWRITABLE\]/);
      chmodSync(directory, 0o755);
    }
    expect((await report([])).code).toBe(2);
    expect((await report([directory, '--nonsense'])).code).toBe(2);
  });

  it('--help shows examples', async () => {
    const { code, stdout } = await report(['--help']);
    expect(code).toBe(0);
    expect(stdout).toContain('limbeck report runs/pets --json');
  });
});
