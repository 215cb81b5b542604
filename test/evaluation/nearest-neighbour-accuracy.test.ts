import { describe, expect, test } from 'vitest';
import { nearestNeighbourAccuracy } from '../../src/evaluation/nearest-neighbour-accuracy.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { clusters, naiveRanking } from './naive.ts';

function naiveAccuracy(q: Matrix, qLabels: number[], x: Matrix, xLabels: number[], k: number): number {
  let correct = 0;
  for (let i = 0; i < q.rows; i++) {
    const near = naiveRanking(q.row(i), x).slice(0, k);
    let best = { label: -1, votes: 0, similarity: 0 };
    for (let label = 0; label <= Math.max(...xLabels); label++) {
      const mine = near.filter((n) => xLabels[n.row] === label);
      const similarity = mine.reduce((sum, n) => sum + n.score, 0);
      if (mine.length > best.votes || (mine.length === best.votes && mine.length > 0 && similarity > best.similarity)) {
        best = { label, votes: mine.length, similarity };
      }
    }
    if (best.label === qLabels[i]) correct++;
  }
  return correct / q.rows;
}

describe('nearestNeighbourAccuracy', () => {
  for (const k of [1, 2, 4, 10]) {
    test(`k = ${k}: as nested loops on 60 noisy queries, 200 rows, 6 classes`, () => {
      const random = new Random(k);
      const draw = (count: number) => Array.from({ length: count }, () => random.integer(6));
      const [queryLabels, indexLabels] = [draw(60), draw(200)];
      const queries = clusters(random, queryLabels, 9, 2);
      const index = clusters(random, indexLabels, 9, 2);
      const accuracy = nearestNeighbourAccuracy({ queries, queryLabels, index, indexLabels, k });
      expect(accuracy).toBe(naiveAccuracy(queries, queryLabels, index, indexLabels, k));
      expect(accuracy).toBeGreaterThan(1 / 3); // the task is neither chance nor trivial
      expect(accuracy).toBeLessThan(1);
    });
  }

  const index = Matrix.from([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]]); // biome-ignore format: one line

  test('equal votes go to the class with more similarity', () => {
    const task = { index, indexLabels: [7, 7, 3, 3], k: 4 };
    expect(nearestNeighbourAccuracy({ ...task, queries: Matrix.from([[2, 1]]), queryLabels: [7] })).toBe(1);
    expect(nearestNeighbourAccuracy({ ...task, queries: Matrix.from([[1, 2]]), queryLabels: [3] })).toBe(1);
  });

  test('the majority beats the single nearest row', () => {
    const queries = Matrix.from([[1, 0]]);
    expect(nearestNeighbourAccuracy({ queries, queryLabels: [1], index, indexLabels: [0, 1, 2, 1], k: 3 })).toBe(1);
  });

  test('k beyond the index, one class only, duplicate rows: every row votes', () => {
    const queries = Matrix.from([[1, 0], [0, 0]]); // biome-ignore format: one line
    const same = Matrix.from([[1, 1], [1, 1], [1, 1]]); // biome-ignore format: one line
    expect(nearestNeighbourAccuracy({ queries, queryLabels: [5, 5], index: same, indexLabels: [5, 5, 5] })).toBe(1);
    expect(nearestNeighbourAccuracy({ queries, queryLabels: [4, 5], index: same, indexLabels: [5, 5, 5] })).toBe(0.5);
  });

  test('a label too few is refused on either side', () => {
    const queries = Matrix.from([[1, 0]]);
    const mismatch = expect.objectContaining({ code: 'SHAPE_MISMATCH' });
    expect(() => nearestNeighbourAccuracy({ queries, queryLabels: [], index, indexLabels: [0, 0, 0, 0] })).toThrow(
      mismatch,
    );
    expect(() => nearestNeighbourAccuracy({ queries, queryLabels: [0], index, indexLabels: [0] })).toThrow(mismatch);
  });
});
