/** FunctionTeacher: order, limits, tries again, wrong rows; and what a cache keeps when a function fails. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { textDataset } from '../../src/data/text-dataset.ts';
import type { LimbeckError } from '../../src/errors.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { FunctionTeacher, type FunctionTeacherOptions } from '../../src/teachers/function-teacher.ts';
import { cacheTeacherRows } from '../../src/teachers/teacher-cache.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });
const fast = { first: 1, longest: 4 };

const rowOf = (text: string) => [text.length, text.charCodeAt(0), 1];
const texts = Array.from({ length: 23 }, (_, i) => `${String.fromCharCode(97 + i)}${'x'.repeat(i)}`);
const expected = Matrix.from(texts.map(rowOf));

const teacher = (options: Partial<FunctionTeacherOptions<string>> = {}) =>
  new FunctionTeacher({
    fingerprint: 'test/1',
    dimension: 3,
    batchSize: 4,
    backoff: fast,
    embed: async (inputs) => inputs.map(rowOf),
    ...options,
  });

describe('rows', () => {
  it('come in the order of the inputs, whatever call ends first, from any kind of rows', async () => {
    const random = new Random(5);
    const kinds: FunctionTeacherOptions<string>['embed'][] = [
      async (inputs) => inputs.map(rowOf),
      async (inputs) => Matrix.from(inputs.map(rowOf)),
      async (inputs) => Matrix.from(inputs.map(rowOf), 'float64'),
      async (inputs) => inputs.map((text) => Float32Array.from(rowOf(text))),
    ];
    for (const kind of kinds) {
      const slow = teacher({
        embed: async (inputs, call) => {
          await sleep(random.integer(8));
          return kind(inputs, call);
        },
      });
      expect(await slow.embed(texts)).toEqual(expected);
      expect(slow.calls).toBe(6);
    }
  });

  it('of nothing are none, without a call; one input is one call', async () => {
    const one = teacher();
    expect(await one.embed([])).toEqual(Matrix.zeros(0, 3));
    expect(one.calls).toBe(0);
    expect(await one.embed(['word'])).toEqual(Matrix.from([rowOf('word')]));
    expect(one.calls).toBe(1);
  });

  it.each([1, 3, 4, 100])('no more than %d calls at the same time, and as many', async (concurrency) => {
    let running = 0;
    let most = 0;
    const counting = teacher({
      concurrency,
      batchSize: 2,
      embed: async (inputs) => {
        most = Math.max(most, ++running);
        await sleep(2);
        running--;
        return inputs.map(rowOf);
      },
    });
    await counting.embed(texts);
    expect(most).toBe(Math.min(concurrency, 12));
  });
});

describe('tries again', () => {
  it('three failures, then it works', async () => {
    let failures = 3;
    const retries: number[] = [];
    const shaky = teacher({
      concurrency: 1,
      embed: async (inputs) => {
        if (failures-- > 0) throw new Error('busy');
        return inputs.map(rowOf);
      },
      onRetry: ({ attempt }) => retries.push(attempt),
    });
    expect(await shaky.embed(texts)).toEqual(expected);
    expect([retries, shaky.calls]).toEqual([[1, 2, 3], 9]);
  });

  it('waits twice as long each time, up to the longest, less up to half by a seeded chance', async () => {
    const waits = async (seed: number) => {
      const seen: number[] = [];
      const broken = teacher({
        retries: 6,
        backoff: { first: 2, factor: 2, longest: 16, seed },
        embed: () => Promise.reject(new Error('down')),
        onRetry: ({ wait }) => seen.push(wait),
      });
      await expect(broken.embed(['a'])).rejects.toThrow(code('TEACHER_FAILED'));
      return seen;
    };
    const first = await waits(1);
    const bounds = [2, 4, 8, 16, 16, 16];
    expect(first.length).toBe(6);
    expect(first.every((wait, k) => wait > bounds[k] / 2 && wait <= bounds[k])).toBe(true);
    expect(await waits(1)).toEqual(first);
    expect(await waits(2)).not.toEqual(first);
  });

  it.each([
    ['retryAfter', 0.02, 20],
    ['retryAfterSeconds', '0.03', 30],
  ])('an error with %s names the wait itself', async (name, value, wait) => {
    const waits: number[] = [];
    let failed = false;
    const told = teacher({
      embed: async (inputs) => {
        if (!failed) {
          failed = true;
          throw Object.assign(new Error('slow down'), { [name]: value });
        }
        return inputs.map(rowOf);
      },
      onRetry: (retry) => waits.push(retry.wait),
    });
    await told.embed(['a']);
    expect(waits).toEqual([wait]);
  });

  it('a date as HTTP has it is a wait until then; nonsense is none', async () => {
    const waits: number[] = [];
    const values: unknown[] = [new Date(Date.now() - 5000).toUTCString(), 'soon', null];
    const told = teacher({
      embed: async (inputs) => {
        if (values.length > 0) throw Object.assign(new Error('slow down'), { retryAfter: values.shift() });
        return inputs.map(rowOf);
      },
      onRetry: ({ wait }) => waits.push(wait),
    });
    await told.embed(['a']);
    expect(waits[0]).toBe(0);
    expect(waits.slice(1).every((wait) => wait > 0 && wait <= 4)).toBe(true);
  });

  it('after the last one: TEACHER_FAILED with the error as cause, and no further call', async () => {
    const cause = new Error('no such model');
    const broken = teacher({ retries: 2, concurrency: 1, embed: () => Promise.reject(cause) });
    const error = await broken.embed(texts).catch((error: unknown) => error);
    expect(error).toEqual(code('TEACHER_FAILED'));
    expect((error as LimbeckError).cause).toBe(cause);
    expect((error as LimbeckError).message).toMatch(/inputs 0 … 3 within 3 tries, got an error: no such model/);
    expect(broken.calls).toBe(3);
  });

  it('not for errors that are not worth it', async () => {
    const refused = teacher({
      embed: () => Promise.reject(Object.assign(new Error('unauthorized'), { status: 401 })),
      retryIf: (error) => (error as { status?: number }).status !== 401,
    });
    await expect(refused.embed(['a'])).rejects.toThrow(/1 try, got an error: unauthorized/);
    expect(refused.calls).toBe(1);
  });

  it('a call that takes too long has failed, also when it does not heed the signal', async () => {
    let calls = 0;
    const stuck = teacher({
      timeout: 15,
      embed: (inputs) => (calls++ === 0 ? new Promise(() => {}) : Promise.resolve(inputs.map(rowOf))),
    });
    expect(await stuck.embed(['a'])).toEqual(Matrix.from([rowOf('a')]));
    const never = teacher({ timeout: 5, retries: 1, embed: () => new Promise(() => {}) });
    await expect(never.embed(['a'])).rejects.toThrow('no rows within 5 ms');
  });
});

describe('wrong rows are refused at once', () => {
  const cases: [string, string, () => Promise<unknown>][] = [
    ['too few', 'SHAPE_MISMATCH', async () => [[1, 2, 3]]],
    ['too many', 'SHAPE_MISMATCH', async () => Array.from({ length: 5 }, () => [1, 2, 3])],
    ['too narrow', 'SHAPE_MISMATCH', async () => Array.from({ length: 4 }, () => [1, 2])],
    [
      'one of them too wide',
      'SHAPE_MISMATCH',
      async () => Array.from({ length: 4 }, (_, i) => new Float32Array(i === 2 ? 4 : 3)),
    ],
    ['a matrix of another shape', 'SHAPE_MISMATCH', async () => Matrix.zeros(4, 2)],
    ['nothing', 'SHAPE_MISMATCH', async () => undefined],
    ['text', 'SHAPE_MISMATCH', async () => ['abc', 'abc', 'abc', 'abc']],
    ['NaN', 'NON_FINITE', async () => Array.from({ length: 4 }, () => [1, Number.NaN, 3])],
    ['words inside', 'NON_FINITE', async () => Array.from({ length: 4 }, () => [1, 'two', 3])],
  ];

  it.each(cases)('%s', async (_, expected, embed) => {
    const wrong = teacher({ embed: embed as unknown as FunctionTeacherOptions<string>['embed'], concurrency: 1 });
    await expect(wrong.embed(texts)).rejects.toThrow(code(expected));
    expect(wrong.calls).toBe(1);
  });

  it('options that make no sense', () => {
    for (const bad of [
      { batchSize: 0 },
      { concurrency: 0 },
      { retries: -1 },
      { fingerprint: '' },
      { dimension: 1.5 },
    ]) {
      expect(() => teacher(bad)).toThrow(code('INVALID_OPTION'));
    }
    expect(() => teacher({ embed: 'url' as never })).toThrow('option embed: expected a function');
    expect(() => teacher({ retry: 3 } as never)).toThrow(code('INVALID_OPTION'));
  });
});

describe('ends', () => {
  it('when its calls are spent, saying for how many samples', async () => {
    const limited = teacher({ maxCalls: 3, concurrency: 1 });
    const error = await limited.embed(texts).catch((error: unknown) => error);
    expect(error).toEqual(code('BUDGET_SPENT'));
    expect((error as LimbeckError).message).toContain('maxCalls = 3 calls; all are made, for 12 samples');
    expect((error as LimbeckError).details).toEqual({ calls: 3, samples: 12 });
    await expect(limited.embed(['a'])).rejects.toThrow(code('BUDGET_SPENT'));
  });

  it('on the signal, waiting for nobody and calling no more', async () => {
    const abort = new AbortController();
    const seen: boolean[] = [];
    const slow = teacher({
      embed: (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => seen.push(true))),
    });
    setTimeout(() => abort.abort(), 5);
    await expect(slow.embed(texts, { signal: abort.signal })).rejects.toThrow(code('ABORTED'));
    expect([seen.length, slow.calls]).toEqual([4, 4]);
    await expect(slow.embed(texts, { signal: AbortSignal.abort() })).rejects.toThrow(code('ABORTED'));
    expect(slow.calls).toBe(4);
  });

  it('during a wait', async () => {
    const abort = new AbortController();
    const waiting = teacher({
      backoff: { first: 60_000, longest: 60_000 },
      embed: () => Promise.reject(new Error('busy')),
      onRetry: () => abort.abort(),
    });
    await expect(waiting.embed(['a'], { signal: abort.signal })).rejects.toThrow(code('ABORTED'));
  });

  it('all calls with the first that fails for good', async () => {
    let aborted = 0;
    const mixed = teacher({
      retries: 0,
      embed: (inputs, { signal }) =>
        inputs.includes(texts[5])
          ? Promise.reject(new Error('poison'))
          : new Promise(() => signal.addEventListener('abort', () => aborted++)),
    });
    await expect(mixed.embed(texts)).rejects.toThrow('poison');
    expect([aborted, mixed.calls]).toEqual([3, 4]);
  });
});

describe('with the cache', () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'limbeck-function-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  const data = textDataset({ texts });

  it('a function that dies for good loses a shard, and is not asked again for what is stored', async () => {
    const asked: string[] = [];
    let alive = 3;
    const dying = () =>
      teacher({
        retries: 1,
        batchSize: 8,
        embed: async (inputs) => {
          if (alive-- <= 0) throw new Error('account closed');
          asked.push(...inputs);
          return inputs.map(rowOf);
        },
      });
    const run = () => cacheTeacherRows({ teacher: dying(), data, directory, shardRows: 8 });
    alive = 2;
    await expect(run()).rejects.toThrow(code('TEACHER_FAILED'));
    expect(asked.length).toBe(16);
    alive = 10;
    const { embeddings, reused, computed } = await run();
    expect([reused, computed, asked.length, new Set(asked).size]).toEqual([16, 7, 23, 23]);
    expect(embeddings.toMatrix()).toEqual(expected);
    embeddings.release();
  });

  it('a spent budget goes on with the next', async () => {
    const run = (maxCalls: number) =>
      cacheTeacherRows({ teacher: teacher({ maxCalls }), data, directory, shardRows: 4 });
    await expect(run(2)).rejects.toThrow(code('BUDGET_SPENT'));
    const { reused, computed } = await run(4);
    expect([reused, computed]).toEqual([8, 15]);
  });
});
