/** A run that stops and goes on from its checkpoint ends with the bits of a run without a break. */
import { spawn, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { readSafetensors, writeSafetensors } from '../../src/teachers/safetensors.ts';
import { CHECKPOINT_FILE } from '../../src/training/checkpoint.ts';
import { compiledImports } from '../compiled-imports.ts';
import { data, digest, KINDS, type Kind, newRun, otherData, type Run, STEPS, train } from './checkpoint-runs.ts';
import { bagOfWordsRows, tinyStudent } from './tiny-problem.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'limbeck-checkpoint-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));
const file = () => join(directory, CHECKPOINT_FILE);

/** The digest and loss of a run without a break or a checkpoint. */
async function unbroken(kind: Kind): Promise<{ digest: string; loss: number }> {
  const run = newRun(kind);
  const { steps, loss } = await train(run);
  expect(steps).toBe(STEPS);
  return { digest: digest(run), loss };
}

/** A run with a checkpoint, and which steps it took. */
function saving(kind: Kind, every: number, changes: Parameters<typeof newRun>[1] = {}): Run & { taken: number[] } {
  const taken: number[] = [];
  const { onStep, ...rest } = changes;
  const run = newRun(kind, {
    ...rest,
    checkpoint: { directory, every },
    onStep: (event) => {
      taken.push(event.step);
      onStep?.(event);
    },
  });
  return { ...run, taken };
}
const upTo = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i + 1);

describe('stopped and started again: the bits of an unbroken run', () => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    it.each([1, 3])(`${kind}, a checkpoint every %i steps`, async (every) => {
      const expected = await unbroken(kind);
      // Aborted after step 4, which saves; then ended by a listener's error after step 8, which does not.
      const controller = new AbortController();
      const aborted = saving(kind, every, {
        signal: controller.signal,
        onStep: ({ step }) => step === 4 && controller.abort(),
      });
      await expect(train(aborted)).rejects.toMatchObject({
        code: 'ABORTED',
        message: expect.stringMatching(/after 4 of 12 steps.*last\.safetensors/),
      });
      const thrown = saving(kind, every, {
        onStep: ({ step }) => {
          if (step === 8) throw new Error('enough');
        },
      });
      await expect(train(thrown)).rejects.toThrow('enough');
      expect(thrown.taken).toEqual(upTo(4, 8));
      const last = saving(kind, every);
      const { loss, steps } = await train(last);
      // The listener of step 8 was told before that step was saved.
      expect(last.taken).toEqual(upTo(every === 1 ? 7 : 6, STEPS));
      expect(digest(last)).toBe(expected.digest);
      expect([loss, steps]).toEqual([expected.loss, STEPS]);
      expect(readdirSync(directory)).toEqual([CHECKPOINT_FILE]);

      const again = saving(kind, every);
      expect((await train(again)).loss).toBe(expected.loss);
      expect([again.taken, digest(again)]).toEqual([[], expected.digest]);
    });
  }

  it('stopped within the last epoch: its mean loss too', async () => {
    const { loss } = await unbroken('NT-Xent with a bank');
    const stopped = saving('NT-Xent with a bank', 100, { signal: AbortSignal.abort() });
    await expect(train(stopped)).rejects.toMatchObject({ code: 'ABORTED' }); // before the first step, which is saved too
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }) => step === 11 && controller.abort();
    await expect(train(saving('NT-Xent with a bank', 100, { signal: controller.signal, onStep }))).rejects.toThrow();
    const last = saving('NT-Xent with a bank', 100);
    expect((await train(last)).loss).toBe(loss);
    expect(last.taken).toEqual([12]);
  });

  it('saving changes no bits, and by default happens at the end', async () => {
    const run = newRun('CRD with momentum banks and heads', { checkpoint: { directory } });
    await train(run);
    expect(digest(run)).toBe((await unbroken('CRD with momentum banks and heads')).digest);
    expect(readdirSync(directory)).toEqual([CHECKPOINT_FILE]);
  });
});

describe('what is not a checkpoint of this run', () => {
  const kind = 'NT-Xent with a queue';
  /** A checkpoint after three steps, and its bytes. */
  async function begin(): Promise<Buffer> {
    const controller = new AbortController();
    const onStep = ({ step }: { step: number }) => step === 3 && controller.abort();
    await expect(train(saving(kind, 3, { signal: controller.signal, onStep }))).rejects.toThrow();
    return readFileSync(file());
  }
  /** Refused with a code, before any step, the file and the student as they were. */
  async function expectRefused(run: Run & { taken: number[] }, code: string, message: RegExp): Promise<void> {
    const before = readFileSync(file());
    const student = run.student.parameters.map(({ data }) => data.slice());
    await expect(train(run)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(run.taken).toEqual([]);
    expect(run.student.parameters.map(({ data }) => data)).toEqual(student);
    expect(readFileSync(file()).equals(before)).toBe(true);
    expect(readdirSync(directory)).toEqual([CHECKPOINT_FILE]);
  }

  it('another seed, other data, other options of run, optimizer or strategy: CHECKPOINT_MISMATCH', async () => {
    await begin();
    const changes = [
      { seed: 1 },
      { data: otherData },
      { epochs: 5 },
      { batchSize: 21 },
      { warmup: 0.1 },
      { microBatchSize: 5 },
      { optimizer: { learningRate: 0.002 } },
    ];
    for (const change of changes) {
      await expectRefused(saving(kind, 3, change), 'CHECKPOINT_MISMATCH', /last\.safetensors.*delete the file/);
    }
    const hotter = saving(kind, 3);
    hotter.strategy.temperature = 0.3;
    await expectRefused(hotter, 'CHECKPOINT_MISMATCH', /temperature/);
    const otherRows = bagOfWordsRows(data.texts, 8, 1);
    await expectRefused(saving(kind, 3, { teacher: otherRows }), 'CHECKPOINT_MISMATCH', /teacher/);
    const otherBank = saving(kind, 3);
    otherBank.strategy.bank = new TeacherBank(otherRows);
    await expectRefused(otherBank, 'CHECKPOINT_MISMATCH', /bank/);
    await expectRefused(saving('CRD with momentum banks and heads', 3), 'CHECKPOINT_MISMATCH', /crd/);
    // How often to save is not part of what the run is.
    const other = saving(kind, 5);
    await train(other);
    expect([other.taken, digest(other)]).toEqual([upTo(3, STEPS), (await unbroken(kind)).digest]);
  });

  it('a bank of another size: CHECKPOINT_MISMATCH; a student: SHAPE_MISMATCH', async () => {
    await begin();
    const run = saving(kind, 3);
    run.strategy.bank = new KeyQueue({ capacity: 30, dimension: 8 });
    const bank = digest(run);
    await expectRefused(run, 'CHECKPOINT_MISMATCH', /KeyQueue/);
    expect(digest(run)).toBe(bank);
    const student = tinyStudent(data.texts, { width: 7, dimension: 8, seed: 0 });
    const wider = { ...saving(kind, 3, { student }), student };
    const before = digest(wider);
    await expectRefused(wider, 'SHAPE_MISMATCH', /Optimizer/);
    expect(digest(wider)).toBe(before);
  });

  it('a truncated file: FILE_CORRUPT, wherever it ends', async () => {
    const whole = await begin();
    const random = new Random(6);
    for (const length of [0, 5, 8, 100, random.integer(whole.length), random.integer(whole.length), whole.length - 1]) {
      writeFileSync(file(), whole);
      truncateSync(file(), length);
      await expectRefused(saving(kind, 3), 'FILE_CORRUPT', /last\.safetensors/);
    }
  });

  it('a foreign file: FILE_CORRUPT', async () => {
    await begin();
    const { metadata } = readSafetensors(readFileSync(file()), 'the checkpoint');
    const own = Object.fromEntries(metadata);
    const progress = JSON.parse(own.progress) as Record<string, unknown>;
    const numbers = { x: { shape: [2], data: Float32Array.of(1, 2) } };
    for (const content of [
      'not a checkpoint at all, but longer than eight bytes',
      writeSafetensors(numbers, {}),
      writeSafetensors(numbers, { ...own, format: 'limbeck-checkpoint/1' }),
      writeSafetensors(numbers, { ...own, run: 'none' }),
      ...[
        { step: 'three' },
        { step: -1 },
        { epochLoss: 'much' },
        { history: { points: [3], best: 0 } },
        { seconds: undefined },
      ].map((wrong) => writeSafetensors(numbers, { ...own, progress: JSON.stringify({ ...progress, ...wrong }) })),
    ]) {
      writeFileSync(file(), content);
      await expectRefused(saving(kind, 3), 'FILE_CORRUPT', /last\.safetensors/);
    }
  });

  it('options that make no sense: INVALID_OPTION', async () => {
    for (const checkpoint of [{ directory: ' ' }, { directory, every: 0 }, { directory, evry: 2 }]) {
      await expect(train(newRun(kind, { checkpoint }))).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/checkpoint/),
      });
    }
  });
});

describe('a checkpoint that cannot be written', () => {
  it('is FILE_UNWRITABLE, the student holding what it has learned', async () => {
    const reference = newRun('NT-Xent with a bank', {
      onStep: ({ step }) => {
        if (step === 3) throw new Error('enough');
      },
    });
    await expect(train(reference)).rejects.toThrow('enough');
    const run = saving('NT-Xent with a bank', 3, {
      // A directory comes to stand where the file is to be.
      onStep: ({ step }) => step === 2 && mkdirSync(join(file(), 'in the way'), { recursive: true }),
    });
    await expect(train(run)).rejects.toMatchObject({ code: 'FILE_UNWRITABLE' });
    expect(run.taken).toEqual([1, 2, 3]);
    expect(digest(run)).toBe(digest(reference));
  });
});

describe('a process killed at any time', () => {
  const repository = fileURLToPath(new URL('../..', import.meta.url));
  let compiled: string;
  // Node 20 cannot run TypeScript, so the child and what it imports are compiled, without checking: `npm run check` does that.
  beforeAll(() => {
    compiled = mkdtempSync(join(tmpdir(), 'limbeck-child-'));
    const config = {
      extends: join(repository, 'tsconfig.base.json'),
      compilerOptions: { rootDir: repository, outDir: join(compiled, 'out'), noCheck: true },
      files: [join(repository, 'test/training/checkpoint-child.ts')],
    };
    writeFileSync(join(compiled, 'tsconfig.json'), JSON.stringify(config));
    writeFileSync(join(compiled, 'package.json'), JSON.stringify({ type: 'module', imports: compiledImports() }));
    const tsc = join(repository, 'node_modules/typescript/bin/tsc');
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', compiled], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stdout);
    symlinkSync(join(repository, 'node_modules'), join(compiled, 'node_modules'));
    return () => rmSync(compiled, { recursive: true, force: true });
  }, 60_000);

  /** Starts the child; kills it `delay` milliseconds after its `lines`-th step, unless it ends before. */
  async function run(
    kind: Kind,
    lines = Number.POSITIVE_INFINITY,
    delay = 0,
  ): Promise<{ killed: boolean; out: string[] }> {
    const program = join(compiled, 'out/test/training/checkpoint-child.js');
    const child = spawn(process.execPath, [program, kind, directory, '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
    const out: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) {
      if (out.push(line) === lines) setTimeout(() => child.kill('SIGKILL'), delay);
    }
    return { killed: (await ended) === 'SIGKILL', out };
  }

  it('goes on from its last checkpoint to the bits of an unbroken run', async () => {
    const kind = 'CRD with momentum banks and heads';
    const expected = (await unbroken(kind)).digest;
    const random = new Random(Date.now());
    let kills = 0;
    let done = 0;
    // Three times at most three of twelve steps: none of them ends.
    for (let attempt = 0; attempt < 3; attempt++) {
      const { killed, out } = await run(kind, 1 + random.integer(2), random.uniform() * 10);
      if (killed) kills++;
      // Every step is told and then saved: the last one that was told may have to be taken again.
      const steps = out.map((line) => Number(line.slice(5)));
      expect(steps[0]).toBeGreaterThanOrEqual(done);
      done = steps.at(-1) as number;
    }
    expect(kills).toBe(3);
    const { killed, out } = await run(kind);
    expect([killed, out.at(-1)]).toEqual([false, expected]);
  });
});
