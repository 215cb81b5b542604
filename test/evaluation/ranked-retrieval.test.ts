/** Retrieval with several relevant rows, against every order that ties allow. */
import { describe, expect, it } from 'vitest';
import { rankedRetrieval } from '../../src/evaluation/ranked-retrieval.ts';
import type { Relevance } from '../../src/evaluation/relevance.ts';
import { retrieval } from '../../src/evaluation/retrieval.ts';
import { everyNumber } from '../../src/matrix/every-number.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { caught } from '../caught.ts';
import { naiveCosine, naiveRanking, randomMatrix } from './naive.ts';

function* permutations<T>(list: readonly T[]): Generator<readonly T[]> {
  if (list.length === 0) yield [];
  for (let i = 0; i < list.length; i++) {
    for (const rest of permutations(list.filter((_, j) => j !== i))) yield [list[i], ...rest];
  }
}

/** The mean over all orders in which no row stands after a less similar one. */
function overOrders(scores: readonly number[], value: (order: readonly number[]) => number): number {
  const values = [...permutations(scores.map((_, i) => i))]
    .filter((order) => order.every((row, place) => place === 0 || scores[order[place - 1]] >= scores[row]))
    .map(value);
  return values.reduce((sum, one) => sum + one, 0) / values.length;
}

const gain = (order: readonly number[], gains: readonly number[], k: number) =>
  order.slice(0, k).reduce((sum, row, place) => sum + gains[row] / Math.log2(place + 2), 0);

describe('ties', () => {
  // Unit rows with three places only, so that similarities are exact.
  const index = Matrix.from([[1, 0], [0, 1], [1, 0], [0.6, 0.8], [0, 1], [0.6, 0.8]], 'float64'); // biome-ignore format: one line
  const queries = Matrix.from([[1, 0], [0, 1], [0, 0]], 'float64'); // biome-ignore format: one line
  const judged = [
    [0, 1, 3, 0, 2, 0],
    [1, 0, 2, 0, 0, 3],
    [0, 0, 0, 1, 0, 2],
  ];
  const relevance = judged.map((gains) => new Map(gains.flatMap((g, i) => (g > 0 ? [[i, g] as const] : []))));

  it.each([1, 2, 3, 4, 6, 9])('k = %d: gain and first rank as the mean over all orders', (k) => {
    const found = rankedRetrieval({ queries, index, relevance, ks: [k] });
    let [ndcg, reciprocal] = [0, 0];
    for (const [q, gains] of judged.entries()) {
      const scores = Array.from({ length: 6 }, (_, i) => naiveCosine(queries.row(q), index.row(i)));
      const ideal = gain(
        [...gains.keys()].sort((a, b) => gains[b] - gains[a]),
        gains,
        k,
      );
      ndcg += overOrders(scores, (order) => gain(order, gains, k)) / ideal / 3;
      reciprocal += 1 / overOrders(scores, (order) => 1 + order.findIndex((row) => gains[row] > 0)) / 3;
    }
    expect(found.ndcgAt[k]).toBeCloseTo(ndcg, 12);
    expect(found.meanReciprocalRank).toBeCloseTo(reciprocal, 12);
    expect(found).toMatchObject({ queries: 3, leftOut: 0 });
  });

  it('everything in one point is chance', () => {
    const same = new Matrix(40, 3, new Float32Array(120).fill(1));
    const labels = everyNumber(40).map((i) => i % 4);
    const found = rankedRetrieval({
      queries: same,
      index: same,
      relevance: { queryLabels: labels, indexLabels: labels },
      own: everyNumber(40),
      ks: [1, 5],
    });
    expect(found.ndcgAt[1]).toBeCloseTo(9 / 39, 12);
    expect(found.ndcgAt[5]).toBeCloseTo(9 / 39, 12);
    expect(found.meanReciprocalRank).toBeCloseTo(1 / (40 / 10), 12);
  });
});

describe('by class', () => {
  it('70 queries among 200 rows of 5 classes: as a full sort of every query', () => {
    const random = new Random(11);
    const [queries, index] = [randomMatrix(random, 70, 5), randomMatrix(random, 200, 5)];
    const draw = (count: number) => Int32Array.from({ length: count }, () => random.integer(5));
    const relevance = { queryLabels: draw(70), indexLabels: draw(200) };
    const found = rankedRetrieval({ queries, index, relevance, ks: [1, 10, 50] });
    for (const k of [1, 10, 50]) {
      let [ndcg, hits] = [0, 0];
      for (let q = 0; q < 70; q++) {
        const order = naiveRanking(queries.row(q), index).map(({ row }) => row);
        const gains = Array.from(relevance.indexLabels, (label) => (label === relevance.queryLabels[q] ? 1 : 0));
        const ideal = gain(
          [...gains.keys()].sort((a, b) => gains[b] - gains[a]),
          gains,
          k,
        );
        ndcg += gain(order, gains, k) / ideal / 70;
        if (order.slice(0, k).some((row) => gains[row] > 0)) hits++;
      }
      expect(found.ndcgAt[k]).toBeCloseTo(ndcg, 12);
      expect(found.recallAt[k]).toBeCloseTo(hits / 70, 12);
    }
  });

  it('judgments of the same rows say the same; one relevant row each is what retrieval does', () => {
    const random = new Random(4);
    const [queries, index] = [randomMatrix(random, 30, 4), randomMatrix(random, 90, 4)];
    const labels = everyNumber(90).map((i) => i % 30);
    const own = everyNumber(30);
    const byClass = rankedRetrieval({
      queries,
      index,
      relevance: { queryLabels: own, indexLabels: labels },
      own: own.map((i) => i + 60),
    });
    const judged: Relevance = Array.from(own, (i) => new Map([[i, 2], [i + 30, 2], [i + 60, 2]])); // biome-ignore format: one line
    expect(rankedRetrieval({ queries, index, relevance: judged, own: own.map((i) => i + 60) })).toEqual(byClass);
    const single = rankedRetrieval({ queries, index, relevance: Array.from(own, (i) => new Map([[i, 1]])) });
    const { recallAt, meanReciprocalRank } = retrieval(queries, index);
    expect(single).toMatchObject({ recallAt, meanReciprocalRank });
  });

  it('queries without a relevant row are counted, not scored', () => {
    const rows = Matrix.from([[1, 0], [3, 1], [0, 1]]); // biome-ignore format: one line
    const relevance = { queryLabels: [0, 0, 1], indexLabels: [0, 0, 1] };
    const found = rankedRetrieval({ queries: rows, index: rows, relevance, own: [0, 1, 2] });
    expect(found).toEqual({
      ndcgAt: { 1: 1, 10: 1 },
      recallAt: { 1: 1, 10: 1 },
      meanReciprocalRank: 1,
      queries: 2,
      leftOut: 1,
    });
  });
});

it('refuses what does not fit', () => {
  const rows = Matrix.from([[1, 0], [0, 1]]); // biome-ignore format: one line
  const relevance = { queryLabels: [0, 1], indexLabels: [0, 1] };
  const failure = (task: object) =>
    caught(() => rankedRetrieval({ queries: rows, index: rows, relevance, ...task })).code;
  expect(failure({ own: [0, 1] })).toBe('EMPTY_BATCH');
  expect(failure({ ks: [0] })).toBe('INVALID_ARGUMENT');
  expect(failure({ own: [0] })).toBe('SHAPE_MISMATCH');
  expect(failure({ relevance: { queryLabels: [0], indexLabels: [0, 1] } })).toBe('SHAPE_MISMATCH');
  expect(failure({ relevance: { queryLabels: [0, 1], indexLabels: [0] } })).toBe('SHAPE_MISMATCH');
  expect(failure({ relevance: [new Map()] })).toBe('SHAPE_MISMATCH');
  expect(failure({ relevance: [new Map(), new Map()] })).toBe('EMPTY_BATCH');
  expect(failure({ relevance: [new Map([[2, 1]]), new Map()] })).toBe('INVALID_ARGUMENT');
  expect(failure({ relevance: [new Map([[0, 0]]), new Map()] })).toBe('INVALID_ARGUMENT');
  expect(failure({ queries: Matrix.from([[1, Number.NaN], [0, 1]]) })).toBe('NON_FINITE'); // biome-ignore format: one line
  expect(failure({ queries: Matrix.from([[1], [0]]) })).toBe('SHAPE_MISMATCH'); // biome-ignore format: one line
});
