/** `limbeck distill`, compiled and run as users run it: whole runs, runs that were broken off, and everything that is refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeNpy } from '../../src/data/npy.ts';
import { isStep, parseMetricsLines } from '../../src/report/metrics-lines.ts';
import { parseRunRecord } from '../../src/report/run-record.ts';
import { Student } from '../../src/training/student.ts';
import { compileCommand, complaint, type Finished, runCommand } from './compiled-command.ts';
import { bagOfWords, writeGlosses } from './small-data.ts';

const CONFIG = `data:
  texts: glosses.jsonl
  labelColumn: label
  validation: 0.2
teacher:
  embeddings: glosses.npy
student:
  kind: static
  width: 8
  vocabularySize: 600
training:
  epochs: 6
  batchSize: 32
  checkpoint:
    every: 3
strategy:
  kind: contrastive
`;

let root: string;
let main: string;
let texts: readonly string[];
beforeAll(async () => {
  ({ root, main } = compileCommand());
  texts = await writeGlosses(root, 400);
  writeFileSync(join(root, 'limbeck.yaml'), CONFIG);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const distill = (args: readonly string[], how: { signal?: NodeJS.Signals; when?: RegExp } = {}): Promise<Finished> =>
  runCommand(main, ['distill', ...args], how);
const at = (...path: string[]): string => join(root, ...path);
const record = (run: string) => parseRunRecord(readFileSync(at(run, 'run.json'), 'utf8'));
const model = (run: string) => readFileSync(at(run, 'student/onnx/model.onnx'));
const steps = (run: string) =>
  parseMetricsLines(readFileSync(at(run, 'metrics.jsonl'), 'utf8'))
    .filter(isStep)
    .map(({ step }) => step);

describe('a run', () => {
  it('limbeck.yaml is found; leaves record, curves, checkpoints, report and a student that loads', async () => {
    const { code, stdout, stderr } = await distill([]);
    expect([code, complaint(stderr)]).toEqual([0, []]);
    expect(stdout).toMatch(/R@1[\s\S]*student \(static embeddings\)[\s\S]*Report and student: runs\/glosses\n$/);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    const found = record('runs/glosses');
    expect(found).toMatchObject({
      status: 'complete',
      config: {
        name: 'glosses',
        training: { seed: 0, epochs: 6 },
        strategy: { kind: 'contrastive', temperature: 0.05 },
      },
      teacher: { name: 'glosses.npy', dimension: 24 },
      student: { kind: 'static embeddings', dimension: 24 },
    });
    expect(found.data.train + (found.data.heldOut ?? 0)).toBe(400);
    expect(found.validation).toHaveLength(6);
    const [first, last] = [found.validation?.[0], found.validation?.[5]].map(
      (point) => point?.metrics.meanReciprocalRank,
    );
    expect(last).toBeGreaterThan(1.2 * (first as number));
    const total = Math.ceil(found.data.train / 32) * 6;
    expect(steps('runs/glosses')).toEqual(Array.from({ length: total }, (_, i) => i + 1));
    expect(readFileSync(at('runs/glosses/report.html'), 'utf8')).toMatch(/<\/html>\s*$/i);
    expect(readFileSync(at('runs/glosses/student/README.md'), 'utf8')).toContain(found.data.fingerprint);
    // The map: every held-out text is on it, under its class.
    const kept = readFileSync(at('runs/glosses/held-out/texts.jsonl'), 'utf8').trim().split('\n');
    expect(kept).toHaveLength(found.data.heldOut ?? 0);
    expect(readFileSync(at('runs/glosses/report.html'), 'utf8')).toContain(JSON.parse(kept[0]).label);
    const student = await Student.load(at('runs/glosses/student'));
    expect((await student.embed(texts.slice(0, 2))).columns).toBe(24);
    await student.release();
  });

  it('started once more: says that it is finished, 0; --force begins anew and gives the same bits', async () => {
    const before = [model('runs/glosses'), record('runs/glosses').finishedAt] as const;
    const again = await distill(['--json']);
    expect([again.code, parseRunRecord(again.stdout).finishedAt]).toEqual([0, before[1]]);
    expect(again.stderr).toMatch(/runs\/glosses holds this run, finished/);
    const forced = await distill(['--force']);
    expect([forced.code, complaint(forced.stderr)]).toEqual([0, []]);
    expect(record('runs/glosses').finishedAt).not.toBe(before[1]);
    expect(model('runs/glosses').equals(before[0])).toBe(true);
  });

  it('flags alone make a run, and an empty text is left out and listed', async () => {
    writeFileSync(
      at('few.jsonl'),
      `${texts
        .slice(0, 60)
        .map((text) => JSON.stringify({ text }))
        .join('\n')}\n{"text":"  "}\n`,
    );
    writeRowsOf('few.npy', 61);
    const { code, stderr } = await distill([
      ...['--texts', 'few.jsonl', '--teacher-embeddings', 'few.npy', '--epochs', '1', '--batch-size', '16'],
      ...['--set', 'student.vocabularySize=400', '--out', 'runs/few run'],
    ]);
    expect([code, complaint(stderr)]).toEqual([0, []]);
    expect(stderr).toContain('1 left out');
    expect(JSON.parse(readFileSync(at('runs/few run/skipped.jsonl'), 'utf8'))).toMatchObject({
      where: 'few.jsonl, line 61',
    });
    expect(record('runs/few run').data.skipped).toEqual({ 'blank text': 1 });
  });
});

function writeRowsOf(name: string, rows: number): void {
  writeFileSync(at(name), writeNpy(bagOfWords(texts.slice(0, rows))));
}

describe('a run that was broken off', () => {
  // Validations fall between checkpoints: what was written since the last one is then taken back.
  const slow = ['--epochs', '60', '--set', 'training.validation.every=20', '--set', 'training.checkpoint.every=7'];

  it('by SIGINT: 130, a checkpoint, the command to go on with; then it goes on to the bits of an unbroken run', async () => {
    const whole = await distill([...slow, '--out', 'runs/whole']);
    expect(whole.code).toBe(0);
    const args = [...slow, '--out', 'runs/broken'];
    const broken = await distill(args, { signal: 'SIGINT', when: /^train /m });
    expect([broken.code, broken.stdout]).toEqual([130, '']);
    expect(broken.stderr).toMatch(
      /limbeck: interrupted\..* Go on with: limbeck distill --epochs 60 .*--out runs\/broken\n/,
    );
    expect(record('runs/broken').status).toBe('interrupted');
    expect(existsSync(at('runs/broken/student'))).toBe(false);
    const rest = await distill(args);
    expect(rest.code).toBe(0);
    expect(rest.stderr).toMatch(/^resume +going on from step [\d,]+ of/m);
    expect(model('runs/broken').equals(model('runs/whole'))).toBe(true);
    expect(steps('runs/broken')).toEqual(steps('runs/whole'));
    expect(record('runs/broken').results[0].metrics).toEqual(record('runs/whole').results[0].metrics);
  });

  it('by SIGKILL, in reading, in the teacher pass, in training: goes on to the same bits, no line twice', async () => {
    const args = [...slow, '--out', 'runs/killed', '--cache', 'killed-cache'];
    for (const when of [/^data /m, /^teacher /m, /^train /m, /^measure /m]) {
      const { code } = await distill(args, { signal: 'SIGKILL', when });
      if (code === 0) break;
      expect(code).toBe(null);
    }
    const { code } = await distill(args);
    expect(code).toBe(0);
    expect(model('runs/killed').equals(model('runs/whole'))).toBe(true);
    expect(steps('runs/killed')).toEqual(steps('runs/whole'));
    const left = readdirSync(at('runs/killed'), { recursive: true }) as string[];
    expect(left.filter((name) => /tmp|partial/.test(name))).toEqual([]);
  });
});

describe('refused: one clear message, the right exit code, nothing touched', () => {
  it('the directory of a run with another configuration: which keys', async () => {
    const before = readFileSync(at('runs/glosses/run.json'), 'utf8');
    const { code, stderr } = await distill(['--epochs', '7', '--learning-rate', '0.01']);
    expect(code).toBe(1);
    expect(complaint(stderr)[0]).toMatch(
      /training\.epochs: then 6, now 7; training\.optimizer\.learningRate: then 0\.005, now 0\.01\..*--out.*--force.*\[CHECKPOINT_MISMATCH\]/,
    );
    expect(readFileSync(at('runs/glosses/run.json'), 'utf8')).toBe(before);
  });

  it('data that have changed since the run began', async () => {
    const args = ['--set', 'data.validation=0.1', '--epochs', '40', '--out', 'runs/changed'];
    await distill(args, { signal: 'SIGINT', when: /^train /m });
    const before = readFileSync(at('glosses.jsonl'), 'utf8');
    writeFileSync(at('glosses.jsonl'), before.replace(/"text":"/, '"text":"new '));
    const { code, stderr } = await distill(args);
    writeFileSync(at('glosses.jsonl'), before);
    expect(code).toBe(1);
    expect(complaint(stderr)[0]).toMatch(
      /glosses\.jsonl: expected the data that the run in runs\/changed began with.*\[DATA_MISMATCH\]/,
    );
    expect(record('runs/changed').status).toBe('interrupted');
  });

  it('mistakes in the file: line, key and the nearest name, 2; all at once', async () => {
    writeFileSync(at('bad.yaml'), CONFIG.replace('epochs: 6', 'epochs: none').replace('width: 8', 'wdth: 8'));
    const { code, stdout, stderr } = await distill(['bad.yaml']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('bad.yaml, line 9: student.wdth: unknown key. Did you mean width?');
    expect(stderr).toContain(
      'bad.yaml, line 12: training.epochs: expected a whole number ≥ 1: passes over the data, got "none".',
    );
    const flag = await distill(['--epochs', '0']);
    expect([flag.code, complaint(flag.stderr)[0]]).toEqual([
      2,
      expect.stringMatching(/--epochs: training\.epochs: expected a whole number ≥ 1/),
    ]);
    const unknown = await distill(['--epoch', '3']);
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean --epochs?')]);
  });

  it('no configuration and no data: 2, and where to begin', async () => {
    rmSync(at('limbeck.yaml'));
    const { code, stderr } = await distill([]);
    writeFileSync(at('limbeck.yaml'), CONFIG);
    expect([code, complaint(stderr)[0]]).toEqual([2, expect.stringMatching(/limbeck init writes a file/)]);
  });

  it('a directory that is no run, a file in its place, a place that cannot be written', async () => {
    mkdirSync(at('precious'));
    writeFileSync(at('precious/thesis.txt'), 'years of work');
    const [other, file, below] = await Promise.all(
      ['precious', 'precious/thesis.txt', 'precious/thesis.txt/run'].map((out) => distill(['--out', out])),
    );
    expect([other, file, below].map(({ code }) => code)).toEqual([2, 2, 1]);
    expect(complaint(other.stderr)[0]).toMatch(/expected a new directory or an earlier run, got precious/);
    expect(complaint(below.stderr)[0]).toMatch(/\[FILE_UNWRITABLE\]/);
    expect(readdirSync(at('precious'))).toEqual(['thesis.txt']);
  });

  it.skipIf(process.getuid?.() === 0)('a directory without permission to write', async () => {
    mkdirSync(at('locked'), { mode: 0o555 });
    const { code, stderr } = await distill(['--out', 'locked/run']);
    expect([code, complaint(stderr)[0]]).toEqual([1, expect.stringMatching(/EACCES.*\[FILE_UNWRITABLE\]/)]);
  });

  it('rows that do not fit the data: the run is recorded as failed, with the reason', async () => {
    writeRowsOf('short.npy', 100);
    const { code, stderr } = await distill(['--teacher-embeddings', 'short.npy', '--out', 'runs/short']);
    expect([code, complaint(stderr)[0]]).toEqual([1, expect.stringContaining('short.npy')]);
    expect(record('runs/short')).toMatchObject({ status: 'failed', error: expect.stringContaining('short.npy') });
  });
});

describe('--print-config', () => {
  it('fed back it prints the same, as YAML and as JSON; nothing is run', async () => {
    const first = await distill(['--print-config', '--set', 'training.optimizer.method=lion', '--seed', '7']);
    writeFileSync(at('printed.yaml'), first.stdout);
    const second = await distill(['printed.yaml', '--print-config']);
    expect(second).toEqual({ code: 0, stdout: first.stdout, stderr: '' });
    const json = await distill(['printed.yaml', '--print-config', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ training: { optimizer: { method: 'lion' }, seed: 7 } });
    writeFileSync(at('printed.json'), json.stdout);
    expect((await distill(['printed.json', '--print-config'])).stdout).toBe(first.stdout);
  });

  it('--help names the flags with what the schema says, and has examples', async () => {
    const { code, stdout } = await distill(['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/--epochs <n> +a whole number ≥ 1: passes over the data\s+\(default: 10\)/);
    expect(stdout).toMatch(/Examples:\n {2}limbeck init[\s\S]*Exit codes/);
  });
});
