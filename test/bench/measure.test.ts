import { describe, expect, it } from 'vitest';
import { benchModule } from './load.ts';

interface Reply {
  readonly error?: string;
  readonly milliseconds?: number[];
}

interface Figures {
  readonly runs?: number;
  readonly median?: number;
  readonly error?: string;
}

const { statistics, Worker, measureInTurns } = await benchModule<{
  statistics(samples: number[]): { runs: number; median: number; fastest: number; slowest: number };
  Worker: new (command: string, args: string[]) => { request(message: object): Promise<Reply>; end(): Promise<void> };
  measureInTurns(
    workers: { request(message: { turn: { seconds: number; limit: number } }): Promise<Reply> }[],
    seconds: number,
  ): Promise<Figures[]>;
}>('measure.mjs');
const { readResult } = await benchModule<{
  readResult(result: { loss: number; gradient: Iterable<number> }): { loss: number; gradient: number };
}>('serve.mjs');
const { disagreements } = await benchModule<{
  disagreements(side: string, own: object, other: object, names: string[]): string[];
}>('sides.mjs');

describe('statistics', () => {
  it.each([
    [[7], { runs: 1, median: 7, fastest: 7, slowest: 7 }],
    [[30, 1, 2], { runs: 3, median: 2, fastest: 1, slowest: 30 }],
    [[10, 9, 100, 2], { runs: 4, median: 9.5, fastest: 2, slowest: 100 }],
  ])('of %j', (samples, expected) => {
    expect(statistics(samples)).toEqual(expected);
  });
});

describe('measureInTurns', () => {
  /** Runs take so many milliseconds each, by its own account. */
  const worker = (name: string, times: number[], log: string[]) => ({
    async request() {
      log.push(name);
      return { milliseconds: [times.shift() as number], loss: 1 };
    },
  });

  it('alternates, leaves the first run of each out, and stops at the budget', async () => {
    const log: string[] = [];
    const [a, b] = await measureInTurns(
      [worker('a', [999, 400, 600, 800, 5, 5], log), worker('b', [500, 1, 2, 3, 4, 5], log)],
      1,
    );
    expect(log.join('')).toBe('abababbbb');
    expect(a).toMatchObject({ runs: 2, median: 500, loss: 1 });
    expect(b).toMatchObject({ runs: 5, median: 3 });
  });

  it('takes a first run that is longer than the budget as the only one', async () => {
    const [figures] = await measureInTurns([worker('a', [1001], [])], 1);
    expect(figures).toMatchObject({ runs: 1, median: 1001 });
  });

  it('tells an error and goes on with the others', async () => {
    const failing = { request: async () => ({ error: 'out of memory' }) };
    const [a, b] = await measureInTurns([failing, worker('b', [1, 2, 2, 2, 2, 2], [])], 1);
    expect(a).toEqual({ error: 'out of memory' });
    expect(b).toMatchObject({ runs: 5, median: 2 });
  });
});

describe('Worker', () => {
  it('tells how a child ended that gives no reply', async () => {
    const worker = new Worker(process.execPath, ['-e', 'process.exit(3)']);
    expect(await worker.request({ prepare: {} })).toEqual({
      error: 'the process ended without a result: exit status 3',
    });
    await worker.end();
  });

  it('tells of a program that is not there', async () => {
    const worker = new Worker('/nowhere/python', []);
    expect((await worker.request({ prepare: {} })).error).toContain('ENOENT');
    await worker.end();
  });
});

describe('readResult', () => {
  it('sums magnitudes', () => {
    expect(readResult({ loss: -1, gradient: Float32Array.of(1, -2, 0) })).toEqual({ loss: -1, gradient: 3 });
  });

  it.each([
    [Number.NaN, [1], 'the loss is NaN'],
    [1, [1, Number.NaN], 'the magnitudes of the gradient sum to NaN'],
    [1, [1, Number.NEGATIVE_INFINITY], 'the magnitudes of the gradient sum to Infinity'],
    [1, [0, 0], 'the magnitudes of the gradient sum to 0'],
    [1, [], 'the magnitudes of the gradient sum to 0'],
  ])('refuses loss %d and gradient %j', (loss, gradient, message) => {
    expect(() => readResult({ loss, gradient })).toThrow(message);
  });
});

describe('disagreements', () => {
  it('finds none up to a thousandth', () => {
    expect(
      disagreements('torch', { loss: 1.0009, first: [1, 2] }, { loss: 1, first: [1, 2] }, ['loss', 'first']),
    ).toEqual([]);
  });

  it.each([
    [{ loss: 1.0011 }, { loss: 1 }, 'loss 1.0011 in limbeck, 1 in torch'],
    [{ loss: [1, 2] }, { loss: [1] }, 'loss 1, 2 in limbeck, 1 in torch'],
    [{ loss: [1] }, { loss: [1, 2] }, 'loss 1 in limbeck, 1, 2 in torch'],
    [{ loss: Number.NaN }, { loss: 1 }, 'loss NaN in limbeck, 1 in torch'],
    [{ loss: 1 }, {}, 'loss 1 in limbeck,  in torch'],
  ])('between %j and %j', (own, other, words) => {
    expect(disagreements('torch', own, other, ['loss'])).toEqual([`not the same work: ${words}`]);
  });
});
