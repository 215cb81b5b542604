/** EnsembleTeacher against loops over its members' rows. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { EnsembleTeacher } from '../../src/teachers/ensemble-teacher.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

/** A random row for each text, of any length. */
class RandomTeacher implements Teacher {
  readonly fingerprint: string;
  readonly dimension: number;
  readonly scale: number;
  released = 0;

  constructor(name: string, dimension: number, scale = 1) {
    this.fingerprint = name;
    this.dimension = dimension;
    this.scale = scale;
  }

  row(text: string): number[] {
    const random = Random.forPurpose(0, `${this.fingerprint} ${text}`);
    return Array.from({ length: this.dimension }, () => this.scale * random.normal());
  }

  async embed(texts: readonly string[]): Promise<Matrix> {
    return new Matrix(texts.length, this.dimension, Float32Array.from(texts.flatMap((text) => this.row(text))));
  }

  async release(): Promise<void> {
    this.released++;
  }
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
const unit = (row: readonly number[]) => row.map((x) => x / Math.hypot(...row));
const difference = (a: Matrix, b: readonly (readonly number[])[]) =>
  Math.max(0, ...b.flatMap((row, i) => row.map((x, j) => Math.abs(x - a.get(i, j)))));

const texts = Array.from({ length: 40 }, (_, i) => `text ${i}`);
const a = new RandomTeacher('a', 6, 10);
const b = new RandomTeacher('b', 6, 0.1);
const wide = new RandomTeacher('wide', 9);

describe('mean', () => {
  it.each([
    [undefined, [1, 1]],
    [
      [3, 1],
      [3, 1],
    ],
  ])('is the unit mean of unit rows, weights %j', async (weights, used) => {
    const ensemble = new EnsembleTeacher([a, b], { combine: 'mean', ...(weights && { weights }) });
    const expected = texts.map((text) => {
      const [p, q] = [unit(a.row(text)), unit(b.row(text))];
      return unit(p.map((x, j) => used[0] * x + used[1] * q[j]));
    });
    expect(ensemble.dimension).toBe(6);
    expect(difference(await ensemble.embed(texts), expected)).toBeLessThan(1e-6);
  });

  it('of one teacher is its unit rows; of opposite rows a zero row', async () => {
    expect(
      difference(
        await new EnsembleTeacher([a], { combine: 'mean' }).embed(texts),
        texts.map((t) => unit(a.row(t))),
      ),
    ).toBeLessThan(1e-6);
    const opposite: Teacher = {
      fingerprint: '-a',
      dimension: 6,
      embed: async (inputs) => Matrix.from((await a.embed(inputs)).toArray().map((row) => row.map((x) => -x))),
    };
    const rows = await new EnsembleTeacher([a, opposite], { combine: 'mean' }).embed(texts);
    expect(rows.data.every((x) => x === 0)).toBe(true);
  });
});

describe('concatenation', () => {
  it('has rows of length one whose cosines are the weighted mean of the members’', async () => {
    const weights = [1, 2, 5];
    const rows = await new EnsembleTeacher([a, b, wide], { weights }).embed(texts);
    expect(rows.columns).toBe(21);
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [5, 17],
      [39, 2],
    ]) {
      const cosines = [a, b, wide].map((t) => dot(unit(t.row(texts[i])), unit(t.row(texts[j]))));
      const expected = dot(cosines, weights) / 8;
      expect(Math.abs(dot(Array.from(rows.row(i)), Array.from(rows.row(j))) - expected)).toBeLessThan(1e-6);
    }
  });

  it('projected: inner products are kept on average over seeds, and never far off', async () => {
    const members = [new RandomTeacher('m', 60), new RandomTeacher('n', 68)];
    const whole = (await new EnsembleTeacher(members).embed(texts)).toArray();
    const seeds = Array.from({ length: 60 }, (_, seed) => seed);
    const errors: number[][] = [];
    for (const seed of seeds) {
      const teacher = new EnsembleTeacher(members, { dimension: 32, seed });
      expect(teacher.dimension).toBe(32);
      const rows = (await teacher.embed(texts)).toArray();
      errors.push(texts.slice(1).map((_, i) => dot(rows[0], rows[i + 1]) - dot(whole[0], whole[i + 1])));
    }
    const all = errors.flat();
    const root = Math.sqrt(all.reduce((sum, e) => sum + e * e, 0) / all.length);
    // 1/√k = 0.177, less because orthonormal directions of 128 lose less than independent ones.
    expect(root).toBeGreaterThan(0.1);
    expect(root).toBeLessThan(0.18);
    const means = texts.slice(1).map((_, i) => errors.reduce((sum, row) => sum + row[i], 0) / seeds.length);
    expect(Math.max(...means.map(Math.abs))).toBeLessThan((4 * 0.177) / Math.sqrt(seeds.length));
  });

  it.each([15, 24])('projected to %d, no fewer than the 15 there are, loses nothing', async (dimension) => {
    const whole = (await new EnsembleTeacher([a, wide]).embed(texts)).toArray();
    const rows = (await new EnsembleTeacher([a, wide], { dimension }).embed(texts)).toArray();
    expect(rows[0].length).toBe(dimension);
    for (const [i, j] of [
      [0, 0],
      [3, 8],
      [1, 30],
    ]) {
      expect(Math.abs(dot(rows[i], rows[j]) - dot(whole[i], whole[j]))).toBeLessThan(1e-5);
    }
  });

  it('is the same in every process of one seed, and another of another', async () => {
    const rows = (seed: number) => new EnsembleTeacher([a, wide], { dimension: 5, seed }).embed(texts);
    expect(await rows(1)).toEqual(await rows(1));
    expect(await rows(1)).not.toEqual(await rows(2));
  });
});

it('no inputs, one input', async () => {
  const ensemble = new EnsembleTeacher([a, wide], { dimension: 4 });
  expect(await ensemble.embed([])).toEqual(Matrix.zeros(0, 4));
  const one = await ensemble.embed(['text 3']);
  expect(one.toArray()[0]).toEqual((await ensemble.embed(texts)).toArray()[3]);
});

it('hands inputs, samples and signal to its members, and releases them', async () => {
  const seen: unknown[] = [];
  const spy: Teacher = {
    fingerprint: 'spy',
    dimension: 2,
    embed: async (inputs, options) => {
      seen.push(options);
      return Matrix.zeros(inputs.length, 2);
    },
  };
  const options = { signal: new AbortController().signal };
  await new EnsembleTeacher([spy, spy]).embed(['x'], options);
  expect(seen).toEqual([options, options]);
  await new EnsembleTeacher<string>([a, spy, b]).release();
  expect([a.released, b.released]).toEqual([1, 1]);
});

it('the fingerprint names members, their order, and options', () => {
  const prints = [
    new EnsembleTeacher([a, b]),
    new EnsembleTeacher([b, a]),
    new EnsembleTeacher([a, b], { combine: 'mean' }),
    new EnsembleTeacher([a, b], { weights: [1, 2] }),
    new EnsembleTeacher([a, b], { dimension: 5 }),
    new EnsembleTeacher([a, b], { dimension: 5, seed: 1 }),
  ].map(({ fingerprint }) => fingerprint);
  expect(new Set(prints).size).toBe(prints.length);
});

it('refuses what does not fit', async () => {
  expect(() => new EnsembleTeacher([])).toThrow(code('INVALID_OPTION'));
  expect(() => new EnsembleTeacher([a, wide], { combine: 'mean' })).toThrow('of one width for a mean, got 6, 9');
  expect(() => new EnsembleTeacher([a, b], { combine: 'mean', dimension: 3 })).toThrow(code('INVALID_OPTION'));
  expect(() => new EnsembleTeacher([a, b], { weights: [1] })).toThrow(code('INVALID_OPTION'));
  expect(() => new EnsembleTeacher([a, b], { weights: [1, 0] })).toThrow(code('INVALID_OPTION'));
  const short: Teacher = { fingerprint: 's', dimension: 6, embed: async () => Matrix.zeros(1, 6) };
  await expect(new EnsembleTeacher([a, short]).embed(texts)).rejects.toThrow(
    /member 1: expected 40 rows of 6, got 1 × 6/,
  );
  const nan: Teacher = { fingerprint: 'n', dimension: 1, embed: async () => Matrix.from([[Number.NaN]]) };
  await expect(new EnsembleTeacher([a, nan]).embed(['x'])).rejects.toThrow(code('NON_FINITE'));
});
