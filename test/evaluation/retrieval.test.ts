import { describe, expect, test } from 'vitest';
import { retrieval } from '../../src/evaluation/retrieval.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { naiveRanking, randomMatrix } from './naive.ts';

describe('retrieval', () => {
  test('70 noisy copies among 130 rows: as a full sort of every query', () => {
    const random = new Random(5);
    const index = randomMatrix(random, 130, 6);
    const queries = randomMatrix(random, 70, 6);
    for (let k = 0; k < queries.data.length; k++) queries.data[k] = index.data[k] + 0.8 * queries.data[k];
    const ranks = Array.from(
      { length: 70 },
      (_, i) => 1 + naiveRanking(queries.row(i), index).findIndex((n) => n.row === i),
    );
    const { recallAt, meanReciprocalRank } = retrieval(queries, index, { ks: [1, 3, 10, 130] });
    for (const k of [1, 3, 10]) expect(recallAt[k]).toBeCloseTo(ranks.filter((rank) => rank <= k).length / 70, 14);
    expect(recallAt[1]).toBeGreaterThan(0.1);
    expect(recallAt[1]).toBeLessThan(0.9);
    expect(recallAt[130]).toBe(1);
    expect(meanReciprocalRank).toBeCloseTo(ranks.reduce((sum, rank) => sum + 1 / rank, 0) / 70, 14);
  });

  test('a row finds itself: recall 1 and reciprocal rank 1, at any length', () => {
    const index = randomMatrix(new Random(1), 100, 384);
    const queries = new Matrix(100, 384, index.data.map((x) => 3 * x)); // biome-ignore format: one line
    expect(retrieval(queries, index)).toEqual({ recallAt: { 1: 1, 10: 1 }, meanReciprocalRank: 1 });
  });

  for (const [name, constant] of [
    ['one point', 1],
    ['zero', 0],
  ] as const) {
    test(`everything mapped to ${name} is chance, not first: every rank is the middle`, () => {
      const queries = new Matrix(9, 5, new Float32Array(45).fill(constant));
      const collapsed = retrieval(queries, queries, { ks: [1, 4, 5] });
      expect(collapsed.recallAt).toEqual({ 1: 0, 4: 0, 5: 1 });
      expect(collapsed.meanReciprocalRank).toBeCloseTo(1 / 5, 14);
    });
  }

  test('one duplicate in the index shares the first place: rank 1.5', () => {
    const index = Matrix.from([[1, 2], [3, -1], [2, 4]]); // biome-ignore format: one line
    const one = retrieval(Matrix.from([[1, 2]]), index, { ks: [1, 2] });
    expect(one.recallAt).toEqual({ 1: 0, 2: 1 });
    expect(one.meanReciprocalRank).toBeCloseTo(1 / 1.5, 14);
  });

  test('rank counts the rows before, by hand', () => {
    const queries = Matrix.from([[1, 0], [0, 1]]); // biome-ignore format: one line
    const index = Matrix.from([[0.6, 0.8], [0, 1], [1, 0.1], [1, 0.2]]); // biome-ignore format: one line
    // Query 0 sees rows 2 and 3 before its own row 0; query 1 sees its own row first.
    const { recallAt, meanReciprocalRank } = retrieval(queries, index, { ks: [1, 2, 3] });
    expect(recallAt).toEqual({ 1: 0.5, 2: 0.5, 3: 1 });
    expect(meanReciprocalRank).toBeCloseTo((1 / 3 + 1) / 2, 14);
  });

  test('a single query against itself', () => {
    expect(retrieval(Matrix.from([[2]]), Matrix.from([[3]])).recallAt).toEqual({ 1: 1, 10: 1 });
  });

  test('refuses NaN, an index shorter than the queries, unequal widths, nothing, and a cut-off of 0', () => {
    const two = Matrix.from([[1, 0], [0, 1]]); // biome-ignore format: one line
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(() => retrieval(Matrix.from([[Number.NaN, 1]]), two)).toThrow(code('NON_FINITE'));
    expect(() => retrieval(two, Matrix.from([[1, 0]]))).toThrow(code('SHAPE_MISMATCH'));
    expect(() => retrieval(two, Matrix.zeros(2, 3))).toThrow(code('SHAPE_MISMATCH'));
    expect(() => retrieval(Matrix.zeros(0, 2), two)).toThrow(code('EMPTY_BATCH'));
    expect(() => retrieval(two, two, { ks: [0] })).toThrow(code('INVALID_ARGUMENT'));
  });
});
