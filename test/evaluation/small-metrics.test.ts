// meanCosine, majorityClass and summary: a few numbers each, so one file for the three.
import { describe, expect, test } from 'vitest';
import { majorityClass } from '../../src/evaluation/majority-class.ts';
import { meanCosine } from '../../src/evaluation/mean-cosine.ts';
import { summary } from '../../src/evaluation/summary.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { naiveCosine, randomMatrix } from './naive.ts';

const code = (name: string) => expect.objectContaining({ code: name });

describe('meanCosine', () => {
  test('as nested loops on 31 × 17 random rows, error below 1e-14', () => {
    const random = new Random(2);
    const a = randomMatrix(random, 31, 17, 'float64');
    const b = randomMatrix(random, 31, 17, 'float64');
    let sum = 0;
    for (let i = 0; i < 31; i++) sum += naiveCosine(a.row(i), b.row(i));
    expect(meanCosine(a, b)).toBeCloseTo(sum / 31, 14);
  });

  test('a zero row counts as 0, an opposite one as −1', () => {
    expect(meanCosine(Matrix.from([[0, 0], [1, 0]]), Matrix.from([[1, 0], [2, 0]]))).toBe(0.5); // biome-ignore format: one line
    expect(meanCosine(Matrix.from([[3, 4]]), Matrix.from([[-6, -8]]))).toBeCloseTo(-1, 6);
  });

  test('refuses unequal shapes, no rows and NaN', () => {
    expect(() => meanCosine(Matrix.zeros(2, 3), Matrix.zeros(3, 3))).toThrow(code('SHAPE_MISMATCH'));
    expect(() => meanCosine(Matrix.zeros(2, 3), Matrix.zeros(2, 4))).toThrow(code('SHAPE_MISMATCH'));
    expect(() => meanCosine(Matrix.zeros(0, 3), Matrix.zeros(0, 3))).toThrow(code('EMPTY_BATCH'));
    expect(() => meanCosine(Matrix.from([[1]]), Matrix.from([[Number.NaN]]))).toThrow(code('NON_FINITE'));
  });
});

describe('majorityClass', () => {
  test('the most frequent class with name and share', () => {
    expect(majorityClass([2, 0, 2, 1], ['act', 'animal', 'artifact'])).toEqual({
      label: 2,
      name: 'artifact',
      share: 0.5,
    });
    expect(majorityClass(Int32Array.of(4))).toEqual({ label: 4, name: '4', share: 1 });
  });

  test('of equally frequent classes the lowest number', () => {
    expect(majorityClass([3, 1, 1, 3]).label).toBe(1);
  });

  test('refuses no labels and a class without a name', () => {
    expect(() => majorityClass([])).toThrow(code('EMPTY_BATCH'));
    expect(() => majorityClass([1], ['only class 0'])).toThrow(code('INVALID_ARGUMENT'));
  });
});

describe('summary', () => {
  test('mean, sample standard deviation (n − 1), extremes', () => {
    expect(summary([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({
      count: 8,
      mean: 5,
      standardDeviation: Math.sqrt(32 / 7),
      min: 2,
      max: 9,
    });
  });

  test('one value has no spread: null, not 0', () => {
    expect(summary([0.5])).toEqual({ count: 1, mean: 0.5, standardDeviation: null, min: 0.5, max: 0.5 });
  });

  test('close values far from zero do not cancel', () => {
    expect(summary([1e9 + 1, 1e9 + 2, 1e9 + 3]).standardDeviation).toBe(1);
  });

  test('refuses no values and NaN', () => {
    expect(() => summary([])).toThrow(code('EMPTY_BATCH'));
    expect(() => summary([1, Number.NaN])).toThrow(code('NON_FINITE'));
  });
});
