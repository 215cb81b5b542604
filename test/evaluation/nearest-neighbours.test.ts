import { describe, expect, test } from 'vitest';
import { nearestNeighbours, nearestRows } from '../../src/evaluation/nearest-neighbours.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { naiveRanking, randomMatrix } from './naive.ts';

describe('nearestNeighbours', () => {
  // Odd sizes on both sides of the tile (63 rows) and of the 3 × 3 kernel.
  for (const [queries, rows, width, k] of [
    [1, 1, 1, 1],
    [1, 64, 7, 5],
    [2, 62, 16, 10],
    [5, 63, 3, 4],
    [7, 200, 33, 10],
    [3, 127, 384, 127],
  ]) {
    for (const dtype of ['float32', 'float64'] as const) {
      test(`${queries} × ${rows} rows of ${width}, k = ${k}, ${dtype}: the ranking of a full sort`, () => {
        const random = new Random(queries * 1000 + rows);
        const q = randomMatrix(random, queries, width, dtype);
        const x = randomMatrix(random, rows, width, dtype);
        const result = nearestNeighbours(q, x, k);
        const tolerance = dtype === 'float64' ? 14 : 6;
        for (let i = 0; i < queries; i++) {
          const expected = naiveRanking(q.row(i), x).slice(0, k);
          const found = [...result.indices.slice(i * k, (i + 1) * k)];
          if (width > 1) expect(found).toEqual(expected.map((n) => n.row));
          expected.forEach((n, place) => {
            expect(result.scores[i * k + place]).toBeCloseTo(n.score, tolerance);
          });
        }
      });
    }
  }

  test('k beyond the index returns every row, and says how many', () => {
    const result = nearestNeighbours(Matrix.from([[1, 0]]), Matrix.from([[0, 1], [1, 1]]), 10); // biome-ignore format: one line
    expect(result.k).toBe(2);
    expect([...result.indices]).toEqual([1, 0]);
  });

  test('of duplicate rows the first comes first, whatever their length', () => {
    const index = Matrix.from([[0, 1], [2, 0], [1, 0], [4, 0]]); // biome-ignore format: one line
    const { indices, scores } = nearestRows([1, 0], index, 3);
    expect([...indices]).toEqual([1, 2, 3]);
    expect([...scores]).toEqual([1, 1, 1]);
    // Also where k cuts through the duplicates.
    expect([...nearestRows([1, 0], index, 2).indices]).toEqual([1, 2]);
  });

  test('a zero row has similarity 0, as query and in the index', () => {
    const index = Matrix.from([[0, 0], [-1, 0], [1, 0]]); // biome-ignore format: one line
    const { indices, scores } = nearestRows([1, 0], index, 3);
    expect([...indices]).toEqual([2, 0, 1]);
    expect([...scores]).toEqual([1, 0, -1]);
    expect([...nearestRows([0, 0], index, 3).scores]).toEqual([0, 0, 0]);
  });

  test('entries whose squares over- or underflow do not lose their direction', () => {
    const huge = new Matrix(2, 2, Float64Array.of(3e200, 4e200, -4e200, 3e200));
    const tiny = Float64Array.of(3e-200, 4e-200);
    const { scores } = nearestRows(tiny, huge, 2);
    expect(scores[0]).toBeCloseTo(1, 14);
    expect(scores[1]).toBeCloseTo(0, 14);
  });

  test('refuses NaN, unequal widths, an empty index and a k that is no count', () => {
    const index = Matrix.from([[1, 0]]);
    expect(() => nearestRows([Number.NaN, 0], index, 1)).toThrow(expect.objectContaining({ code: 'NON_FINITE' }));
    expect(() => nearestRows([1, 0, 0], index, 1)).toThrow(expect.objectContaining({ code: 'SHAPE_MISMATCH' }));
    expect(() => nearestRows([1, 0], Matrix.zeros(0, 2), 1)).toThrow(expect.objectContaining({ code: 'EMPTY_BATCH' }));
    for (const k of [0, 1.5, Number.NaN]) {
      expect(() => nearestRows([1, 0], index, k)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
    }
  });
});
