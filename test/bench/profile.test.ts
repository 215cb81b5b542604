import { describe, expect, it } from 'vitest';
import { benchModule } from './load.ts';

interface Stage {
  readonly name: string;
  readonly milliseconds: number;
  readonly calls: number;
}

interface Part {
  readonly what: string;
  readonly milliseconds: number;
  readonly calls?: number;
}

const { profileParts, partLines } = await benchModule<{
  profileParts(given: {
    milliseconds: number[];
    stages: Stage[];
    profiles: { text: string; runs: number }[];
    runStage: string;
  }): Part[];
  partLines(parts: Part[], sum?: string): string[];
}>('ort-profile.mjs');
const { Stages } = await benchModule<{
  Stages: new () => {
    wrap<T extends object>(object: T, method: keyof T & string, name: string): void;
    reset(): void;
    totals(): Stage[];
  };
}>('stages.mjs');

const run = (ts: number, dur: number) => ({ cat: 'Session', name: 'model_run', ts, dur });
const kernel = (ts: number, operator: string, dur: number) => ({
  ...{ cat: 'Node', name: `node_${ts}_kernel_time`, ts, dur },
  args: { op_name: operator },
});
const profile = (...events: object[]) => JSON.stringify(events);

describe('profileParts', () => {
  // Microseconds; the first run warms up and does not count.
  const text = profile(
    ...[run(0, 90_000), kernel(1, 'Gemm', 80_000)],
    ...[run(100, 4000), kernel(101, 'Gemm', 2000), kernel(102, 'Add', 500)],
    ...[run(200, 6000), kernel(201, 'Gemm', 3000), kernel(202, 'Add', 500)],
    { cat: 'Session', name: 'model_loading', ts: 0, dur: 1e6 },
  );
  const stages = [
    { name: 'run', milliseconds: 12, calls: 2 },
    { name: 'batch preparation', milliseconds: 3, calls: 2 },
  ];

  it('takes the last runs apart, and its parts add up to the mean step', () => {
    const parts = profileParts({ milliseconds: [8, 10], stages, profiles: [{ text, runs: 2 }], runStage: 'run' });
    expect(parts).toEqual([
      { what: 'Gemm', milliseconds: 2.5, calls: 1 },
      { what: 'Add', milliseconds: 0.5, calls: 1 },
      { what: 'inside the run, between operators', milliseconds: 2 },
      { what: 'around the run: copies in and out', milliseconds: 1, calls: 1 },
      { what: 'batch preparation', milliseconds: 1.5, calls: 1 },
      { what: 'the rest, in JavaScript', milliseconds: 1.5 },
    ]);
    expect(parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeCloseTo(9, 12);
  });

  it('adds several sessions, and passes over those that did not run', () => {
    const second = profile(run(0, 1000), kernel(1, 'Add', 1000));
    const profiles = [
      { text, runs: 2 },
      { text: second, runs: 1 },
      { text: 'never read', runs: 0 },
    ];
    const parts = profileParts({ milliseconds: [8, 10], stages, profiles, runStage: 'run' });
    expect(parts[1]).toEqual({ what: 'Add', milliseconds: 1, calls: 1.5 });
    expect(parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeCloseTo(9, 12);
  });

  it('puts what is not listed into one part', () => {
    const many = profile(run(0, 20_000), ...Array.from({ length: 16 }, (_, i) => kernel(i + 1, `Op${i}`, 1000 - i)));
    const parts = profileParts({
      milliseconds: [20],
      stages: [],
      profiles: [{ text: many, runs: 1 }],
      runStage: 'run',
    });
    expect(parts[14]).toEqual({ what: '2 other operators', milliseconds: expect.closeTo(1.971, 12) });
    expect(parts.reduce((sum, { milliseconds }) => sum + milliseconds, 0)).toBeCloseTo(20, 12);
  });

  it('refuses a profile with fewer runs than were counted', () => {
    const profiles = [{ text, runs: 4 }];
    expect(() => profileParts({ milliseconds: [1], stages, profiles, runStage: 'run' })).toThrow(
      'expected 4 runs, got 3',
    );
  });
});

it('lays parts out with their sum', () => {
  const parts = [
    { what: 'Gemm', milliseconds: 12.34, calls: 3 },
    { what: 'the rest', milliseconds: 0.5 },
  ];
  expect(partLines(parts, 'a run')).toEqual([
    '     12.3 ms       3  Gemm',
    '    0.500 ms          the rest',
    '     12.8 ms          a run',
  ]);
});

describe('Stages', () => {
  const spin = (milliseconds: number) => {
    for (const end = performance.now() + milliseconds; performance.now() < end; );
  };

  it('counts a stage without those inside it, and keeps what methods give', async () => {
    const inner = { work: () => spin(20) };
    const outer = {
      factor: 2,
      async work(x: number) {
        spin(5);
        inner.work();
        await null;
        inner.work();
        return this.factor * x;
      },
    };
    const stages = new Stages();
    stages.wrap(inner, 'work', 'inner');
    stages.wrap(outer, 'work', 'outer');
    expect(await outer.work(21)).toBe(42);
    const [first, second] = stages.totals();
    expect([first.name, first.calls, second.name, second.calls]).toEqual(['inner', 2, 'outer', 1]);
    expect(first.milliseconds).toBeGreaterThanOrEqual(40);
    expect(second.milliseconds).toBeGreaterThanOrEqual(5);
    expect(second.milliseconds).toBeLessThan(20);
    stages.reset();
    expect(stages.totals()).toEqual([]);
  });

  it('closes a stage whose method throws', async () => {
    const parts = {
      fail: () => {
        throw new Error('broken');
      },
      reject: async () => {
        throw new Error('broken later');
      },
    };
    const stages = new Stages();
    stages.wrap(parts, 'fail', 'a');
    stages.wrap(parts, 'reject', 'b');
    expect(parts.fail).toThrow('broken');
    await expect(parts.reject()).rejects.toThrow('broken later');
    expect(stages.totals().map(({ name, calls }) => [name, calls])).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  it('refuses a method that is not there', () => {
    const nothing: { work?: () => void } = {};
    expect(() => new Stages().wrap(nothing, 'work', 'a')).toThrow('stage "a": expected a method "work", got none');
  });
});
