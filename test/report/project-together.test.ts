import { describe, expect, test } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { projectTogether, type XY } from '../../src/report/project-together.ts';
import { clusters, randomMatrix } from '../evaluation/naive.ts';

const distance = (a: XY, b: XY) => Math.hypot(a[0] - b[0], a[1] - b[1]);
const labels = Array.from({ length: 90 }, (_, i) => i % 3);

describe('projectTogether', () => {
  const teacher = clusters(new Random(1), labels, 32, 0.3);
  const noise = randomMatrix(new Random(2), 90, 32);
  const student = new Matrix(90, 32, teacher.data.map((x, k) => 2 * x + 0.2 * noise.data[k])); // biome-ignore format: one line
  const { a, b } = projectTogether(teacher, student, { seed: 0 });

  test('a point for every row, split as they came', () => {
    expect([a.length, b.length]).toEqual([90, 90]);
    expect([...a, ...b].flat().every(Number.isFinite)).toBe(true);
  });

  test('classes lie apart on both maps, and the maps share their coordinates', () => {
    const centre = (points: XY[], label: number): XY => {
      const mine = points.filter((_, i) => labels[i] === label);
      return [0, 1].map((axis) => mine.reduce((sum, p) => sum + p[axis], 0) / mine.length) as unknown as XY;
    };
    for (let label = 0; label < 3; label++) {
      const here = centre(a, label);
      // The student is the teacher at another length and with some noise: its class lies on the teacher's class,
      for (let other = 0; other < 3; other++) {
        if (other === label) continue;
        // and nearer to it than any other class is.
        expect(distance(here, centre(b, label))).toBeLessThan(distance(here, centre(a, other)) / 3);
      }
    }
  });

  test('the same seed gives the same map, another seed another', () => {
    expect(projectTogether(teacher, student, { seed: 0 })).toEqual({ a, b });
    expect(projectTogether(teacher, student, { seed: 1 }).a).not.toEqual(a);
  });

  test('duplicates, zero rows, and fewer rows than neighbours give finite points', () => {
    const same = new Matrix(20, 4, new Float32Array(80).fill(1));
    for (const matrix of [
      same,
      Matrix.zeros(20, 4),
      Matrix.from([
        [1, 0],
        [0, 1],
      ]),
    ]) {
      // biome-ignore format: one line
      const map = projectTogether(matrix, matrix, { seed: 0 });
      expect([...map.a, ...map.b].flat().every(Number.isFinite)).toBe(true);
    }
  });

  test('refuses unequal widths, one row, one neighbour and NaN', () => {
    const code = (name: string) => expect.objectContaining({ code: name });
    expect(() => projectTogether(teacher, Matrix.zeros(2, 3), { seed: 0 })).toThrow(code('SHAPE_MISMATCH'));
    expect(() => projectTogether(Matrix.zeros(1, 2), Matrix.zeros(1, 2), { seed: 0 })).toThrow(code('EMPTY_BATCH'));
    expect(() => projectTogether(teacher, student, { seed: 0, neighbours: 1 })).toThrow(code('INVALID_ARGUMENT'));
    const bad = Matrix.from([[Number.NaN, 1], [1, 1], [1, 2]]); // biome-ignore format: one line
    expect(() => projectTogether(bad, bad, { seed: 0 })).toThrow(code('NON_FINITE'));
  });
});
