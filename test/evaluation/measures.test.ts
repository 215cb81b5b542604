/** Calibration, correlations, agreement of spaces, uniformity and alignment: plain loops, and the hard cases. */
import { describe, expect, it } from 'vitest';
import { expectedCalibrationError, negativeLogLikelihood } from '../../src/evaluation/calibration.ts';
import { averageRanks, pearson, spearman } from '../../src/evaluation/correlation.ts';
import { linearCka } from '../../src/evaluation/linear-cka.ts';
import { neighbourOverlap } from '../../src/evaluation/neighbour-overlap.ts';
import { pairSimilarity } from '../../src/evaluation/pair-similarity.ts';
import { similarityCorrelation } from '../../src/evaluation/similarity-correlation.ts';
import { alignment, classAlignment, uniformity } from '../../src/evaluation/uniformity.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { caught } from '../caught.ts';
import { naiveCosine, randomMatrix } from './naive.ts';

const two = Matrix.from([[1, 0], [0, 1]]); // biome-ignore format: one line
const one = Matrix.from([[1, 0]]);
const none = Matrix.zeros(0, 2);
const broken = Matrix.from([[1, Number.NaN], [0, 1]]); // biome-ignore format: one line
const code = (act: () => unknown) => caught(act).code;

describe('calibration', () => {
  it('by hand: sure and wrong, borders of bins, logits that would overflow', () => {
    expect(expectedCalibrationError(Matrix.from([[0, 0], [0, 0]]), [0, 1])).toBe(0); // biome-ignore format: one line
    expect(expectedCalibrationError(Matrix.from([[1000, -1000]]), [1])).toBe(1);
    expect(negativeLogLikelihood(Matrix.from([[1000, -1000]]), [1])).toBe(2000);
    expect(negativeLogLikelihood(Matrix.from([[0, 0]]), [1])).toBeCloseTo(Math.LN2, 15);
    // One half lies in the bin beneath the border, three quarters in the one above: each bin is wrong by its own gap.
    const sure = Math.log(3);
    const logits = Matrix.from([[0, 0], [0, 0], [sure, 0], [sure, 0]]); // biome-ignore format: one line
    expect(expectedCalibrationError(logits, [1, 1, 0, 0], { bins: 2 })).toBeCloseTo((2 * 0.5 + 2 * 0.25) / 4, 7);
    expect(expectedCalibrationError(logits, [1, 1, 0, 0], { bins: 1 })).toBeCloseTo(0.125, 7);
  });

  it('one class; refusals', () => {
    expect(expectedCalibrationError(Matrix.from([[3], [4]]), [0, 0])).toBe(0);
    for (const measure of [expectedCalibrationError, negativeLogLikelihood]) {
      expect(code(() => measure(two, [0]))).toBe('SHAPE_MISMATCH');
      expect(code(() => measure(none, []))).toBe('EMPTY_BATCH');
      expect(code(() => measure(broken, [0, 1]))).toBe('NON_FINITE');
      expect(code(() => measure(two, [0, 2]))).toBe('INVALID_ARGUMENT');
      expect(code(() => measure(two, [0, 0.5]))).toBe('INVALID_ARGUMENT');
    }
    expect(code(() => expectedCalibrationError(two, [0, 1], { bins: 0 }))).toBe('INVALID_ARGUMENT');
  });
});

describe('correlation', () => {
  it('order, not size; opposite; constants say nothing; squares that would over- or underflow', () => {
    expect(spearman([1, 2, 3], [2, 4, 1e9])).toBe(1);
    expect(spearman([1, 2, 3], [3, 2, 1])).toBe(-1);
    expect(pearson([1, 2, 3], [2, 4, 7])).toBeCloseTo(0.9933992677987828, 14);
    expect([spearman([1, 1, 1], [1, 2, 3]), pearson([1, 2, 3], [0.1, 0.1, 0.1])]).toEqual([0, 0]);
    expect(pearson([1e200, 2e200, 3e200], [1e-200, 2e-200, 3e-200])).toBeCloseTo(1, 14);
    expect(averageRanks([30, 10, 10])).toEqual(Float64Array.of(3, 1.5, 1.5));
    expect(averageRanks([])).toEqual(new Float64Array());
  });

  it('refusals', () => {
    for (const measure of [pearson, spearman]) {
      expect(code(() => measure([1, 2], [1]))).toBe('SHAPE_MISMATCH');
      expect(code(() => measure([1], [1]))).toBe('EMPTY_BATCH');
      expect(caught(() => measure([1, 2], [1, Number.NaN])).message).toMatch(/NaN at place 1 of the second/);
    }
    expect(code(() => pairSimilarity({ left: two, right: one, scores: [1, 2] }))).toBe('SHAPE_MISMATCH');
    expect(code(() => pairSimilarity({ left: two, right: two, scores: [1] }))).toBe('SHAPE_MISMATCH');
    expect(code(() => pairSimilarity({ left: two, right: broken, scores: [1, 2] }))).toBe('NON_FINITE');
    expect(code(() => pairSimilarity({ left: one, right: one, scores: [1] }))).toBe('EMPTY_BATCH');
  });
});

describe('agreement of spaces', () => {
  const random = new Random(6);
  const rows = randomMatrix(random, 50, 5, 'float64');

  it('a space agrees with itself, turned and scaled; linear CKA takes unequal widths and far means', () => {
    const turned = Matrix.from(
      rows.toArray().map(([a, b, ...rest]) => [3 * b + 1e6, -3 * a, ...rest.map((x) => 3 * x)]),
      'float64',
    );
    expect(linearCka(rows, turned)).toBeCloseTo(1, 9);
    const scaled = new Matrix(50, 5, rows.data.map((x) => 7 * x)); // biome-ignore format: one line
    expect(neighbourOverlap(rows, scaled)).toBe(1);
    expect(similarityCorrelation(rows, scaled).spearman).toBeCloseTo(1, 6);
    const wider = Matrix.from(rows.toArray().map((row) => [...row, 0, 0]), 'float64'); // biome-ignore format: one line
    expect(linearCka(rows, wider)).toBeCloseTo(1, 12);
    expect(linearCka(rows, new Matrix(50, 1, new Float64Array(50).fill(4)))).toBe(0);
    expect(similarityCorrelation(rows, new Matrix(50, 1, new Float64Array(50).fill(4))).spearman).toBe(0);
  });

  it('drawn pairs: another seed, other pairs; close to all of them', () => {
    const noisy = new Matrix(50, 5, rows.data.map((x) => x + 0.7 * random.normal())); // biome-ignore format: one line
    const all = similarityCorrelation(rows, noisy);
    const some = similarityCorrelation(rows, noisy, { pairs: 600, seed: 1 });
    expect(all).toMatchObject({ pairs: 1225, drawn: false });
    expect(some).toMatchObject({ pairs: 600, drawn: true });
    expect(some).toEqual(similarityCorrelation(rows, noisy, { pairs: 600, seed: 1 }));
    expect(some).not.toEqual(similarityCorrelation(rows, noisy, { pairs: 600, seed: 2 }));
    expect(some.spearman).toBeGreaterThan(all.spearman - 0.1);
    expect(some.spearman).toBeLessThan(all.spearman + 0.1);
  });

  it('examples of the documentation', () => {
    const a = Matrix.from([[1, 0], [1, 1], [0, 1]]); // biome-ignore format: one line
    const b = Matrix.from([[1, 0], [2, 1], [0, 1]]); // biome-ignore format: one line
    expect(similarityCorrelation(a, b).spearman).toBeCloseTo(0.866, 3);
    const c = Matrix.from([[1, 0], [2, 1], [0, 1]]); // biome-ignore format: one line
    expect(neighbourOverlap(c, Matrix.from([[1], [1], [-1]]), { k: 1 })).toBeCloseTo(2 / 3, 12);
  });

  it('overlap of some rows; many duplicates do not count a row as its own neighbour', () => {
    const other = randomMatrix(random, 50, 3);
    const some = [4, 9, 17];
    const near = (matrix: Matrix, i: number) =>
      Array.from({ length: 50 }, (_, j) => ({ j, score: naiveCosine(matrix.row(i), matrix.row(j)) }))
        .filter(({ j }) => j !== i)
        .sort((p, q) => q.score - p.score)
        .slice(0, 6)
        .map(({ j }) => j);
    const shared = some.flatMap((i) => near(rows, i).filter((j) => near(other, i).includes(j))).length;
    expect(neighbourOverlap(rows, other, { k: 6, numbers: some })).toBeCloseTo(shared / 18, 12);
    const same = new Matrix(30, 2, new Float32Array(60).fill(1));
    expect(neighbourOverlap(same, same, { k: 3 })).toBe(1);
    expect(neighbourOverlap(two, two)).toBe(1);
  });

  it('refusals', () => {
    for (const measure of [linearCka, neighbourOverlap]) {
      expect(code(() => measure(two, one))).toBe('SHAPE_MISMATCH');
      expect(code(() => measure(one, one))).toBe('EMPTY_BATCH');
      expect(code(() => measure(two, broken))).toBe('NON_FINITE');
    }
    expect(code(() => similarityCorrelation(two, two))).toBe('EMPTY_BATCH');
    expect(code(() => similarityCorrelation(two, one))).toBe('SHAPE_MISMATCH');
    expect(code(() => similarityCorrelation(rows, rows, { pairs: 1 }))).toBe('INVALID_ARGUMENT');
    expect(code(() => neighbourOverlap(two, two, { k: 0 }))).toBe('INVALID_ARGUMENT');
  });
});

describe('uniformity and alignment', () => {
  it('opposite rows, one point, an even spread; zero rows; powers', () => {
    expect(uniformity(Matrix.from([[1, 0], [-1, 0]]))).toBeCloseTo(-8, 12); // biome-ignore format: one line
    expect(uniformity(Matrix.from([[2, 1], [4, 2], [6, 3]]))).toBeCloseTo(0, 6); // biome-ignore format: one line
    const spread = uniformity(randomMatrix(new Random(1), 400, 100, 'float64'));
    expect(spread).toBeCloseTo(-4 + 8 / 100, 2);
    expect(uniformity(Matrix.from([[0, 0], [3, 0]]), { t: 1 })).toBeCloseTo(-1, 12); // biome-ignore format: one line
    expect(alignment(Matrix.from([[1, 0], [2, 0]]), Matrix.from([[3, 0], [0, 1]]))).toBeCloseTo(1, 12); // biome-ignore format: one line
    expect(alignment(one, Matrix.from([[0, 1]]), { alpha: 1 })).toBeCloseTo(Math.SQRT2, 6);
    expect(classAlignment(Matrix.from([[1, 0], [0, 2], [5, 5]]), [4, 4, 7])).toBeCloseTo(2, 12); // biome-ignore format: one line
    expect(classAlignment(two, [0, 1])).toBeUndefined();
  });

  it('drawn pairs come close to all', () => {
    const rows = randomMatrix(new Random(2), 200, 8);
    expect(Math.abs(uniformity(rows, { pairs: 5000 }) - uniformity(rows))).toBeLessThan(0.06);
  });

  it('refusals', () => {
    expect(code(() => uniformity(one))).toBe('EMPTY_BATCH');
    expect(code(() => uniformity(broken))).toBe('NON_FINITE');
    expect(code(() => uniformity(two, { t: 0 }))).toBe('INVALID_ARGUMENT');
    expect(code(() => alignment(two, two, { alpha: Number.NaN }))).toBe('INVALID_ARGUMENT');
    expect(code(() => alignment(two, one))).toBe('SHAPE_MISMATCH');
    expect(code(() => alignment(two, Matrix.zeros(2, 3)))).toBe('SHAPE_MISMATCH');
    expect(code(() => alignment(none, none))).toBe('EMPTY_BATCH');
    expect(code(() => classAlignment(two, [0]))).toBe('SHAPE_MISMATCH');
  });
});
