/** Probes of frozen features: what must hold whatever the data. Their optimum is held against scikit-learn in goldens.test.ts. */
import { describe, expect, it } from 'vitest';
import { fewShot, nearestCentroids } from '../../src/evaluation/few-shot.ts';
import { lbfgs } from '../../src/evaluation/lbfgs.ts';
import { crossValidatedProbe, linearProbe } from '../../src/evaluation/linear-probe.ts';
import { LogisticRegression, predictClasses } from '../../src/evaluation/logistic-regression.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { clusters, randomMatrix } from './naive.ts';

const failure = (code: string, message = /./) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });
const labels = Array.from({ length: 120 }, (_, i) => (i * 7) % 6);
const separate = clusters(new Random(1), labels, 8, 0.05);
const noise = randomMatrix(new Random(2), 120, 8);

describe('lbfgs', () => {
  it("finds the bottom of Rosenbrock's valley", async () => {
    const { at, converged } = await lbfgs(
      async ([x, y]) => ({
        value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
      }),
      Float64Array.of(-1.2, 1),
      { tolerance: 1e-9, maxIterations: 200 },
    );
    expect(converged).toBe(true);
    expect(at[0]).toBeCloseTo(1, 8);
    expect(at[1]).toBeCloseTo(1, 8);
  });

  it('says when it was stopped, and when it starts at the bottom', async () => {
    const square = async ([x]: Float64Array) => ({ value: x ** 4, gradient: Float64Array.of(4 * x ** 3) });
    const options = { tolerance: 1e-12, maxIterations: 2 };
    expect(await lbfgs(square, Float64Array.of(3), options)).toMatchObject({ converged: false, iterations: 2 });
    expect(await lbfgs(square, Float64Array.of(0), options)).toMatchObject({ converged: true, iterations: 0 });
  });
});

describe('linear probe', () => {
  it('separate clusters are read off, noise is not; scale and shift of the features do not matter', async () => {
    expect(await crossValidatedProbe({ rows: separate, labels })).toEqual({ accuracy: 1, converged: true });
    const { accuracy } = await crossValidatedProbe({ rows: noise, labels });
    expect(accuracy).toBeLessThan(0.35);
    const moved = new Matrix(
      120,
      8,
      Float64Array.from(noise.data, (x, k) => 100 * (k % 8) + (1 + ((k % 8) % 3)) * x),
    );
    const again = await crossValidatedProbe({ rows: moved, labels });
    expect(again.accuracy).toBeCloseTo(accuracy, 12);
  });

  it('folds: every row is tested once by a probe that has not seen it; the seed decides', async () => {
    // A feature for each row: only a probe that has seen the row could know it.
    const own = Matrix.zeros(20, 20);
    for (let i = 0; i < 20; i++) own.data[i * 21] = 1;
    const halves = Array.from({ length: 20 }, (_, i) => i % 2);
    const { accuracy } = await crossValidatedProbe({ rows: own, labels: halves, folds: 4 });
    expect(accuracy).toBeLessThan(0.7);
    const fitted = await linearProbe({ rows: own, labels: halves, testRows: own, testLabels: halves });
    expect(fitted.accuracy).toBe(1);
    const of = (seed: number) => crossValidatedProbe({ rows: noise, labels, seed });
    expect(await of(3)).toEqual(await of(3));
    const several = await Promise.all([0, 1, 2, 3].map(of));
    expect(new Set(several.map((one) => one.accuracy)).size).toBeGreaterThan(1);
  });

  it('one class; a class that only the test has; constant features; classes with gaps in their numbers', async () => {
    const rows = Matrix.from([[0, 1], [1, 0]]); // biome-ignore format: one line
    const alone = await linearProbe({ rows, labels: [3, 3], testRows: rows, testLabels: [3, 5] });
    expect(alone.accuracy).toBe(0.5);
    const flat = await linearProbe({
      rows: new Matrix(4, 1, Float32Array.of(0.1, 0.1, 0.1, 0.1)),
      labels: [2, 9, 9, 9],
      testRows: Matrix.from([[7]]),
      testLabels: [9],
    });
    expect(flat).toEqual({ accuracy: 1, converged: true });
  });

  it('refusals', async () => {
    const rows = Matrix.from([[0, 1], [1, 0]]); // biome-ignore format: one line
    const task = { rows, labels: [0, 1], testRows: rows, testLabels: [0, 1] };
    const probe = (change: object) => expect(linearProbe({ ...task, ...change })).rejects;
    await probe({ labels: [0] }).toThrow(failure('SHAPE_MISMATCH'));
    await probe({ testLabels: [0] }).toThrow(failure('SHAPE_MISMATCH'));
    await probe({ testRows: Matrix.zeros(2, 3) }).toThrow(failure('SHAPE_MISMATCH'));
    await probe({ testRows: Matrix.zeros(0, 2), testLabels: [] }).toThrow(failure('EMPTY_BATCH'));
    await probe({ rows: Matrix.zeros(0, 2), labels: [] }).toThrow(failure('EMPTY_BATCH'));
    await probe({ rows: Matrix.from([[0, 1], [1, Number.NaN]]) }).toThrow(failure('NON_FINITE')); // biome-ignore format: one line
    await probe({ labels: [0, -1] }).toThrow(failure('INVALID_ARGUMENT', /-1 at place 1/));
    await probe({ c: 0 }).toThrow(failure('INVALID_ARGUMENT', /c as a number above 0/));
    const folds = (change: object) => expect(crossValidatedProbe({ rows, labels: [0, 1], ...change })).rejects;
    await folds({ folds: 1 }).toThrow(failure('INVALID_ARGUMENT'));
    await folds({ rows: Matrix.from([[1]]), labels: [0] }).toThrow(failure('EMPTY_BATCH'));
    const regression = await LogisticRegression.open();
    const model = await regression.fit(rows, [0, 1]);
    await regression.release();
    expect(() => predictClasses(model, Matrix.zeros(1, 3))).toThrow(failure('SHAPE_MISMATCH'));
  });
});

describe('few-shot', () => {
  const ask = (change: object = {}) =>
    fewShot({ rows: separate, labels, ways: 4, queries: 10, episodes: 60, ...change });

  it.each(['centroid', 'logistic'] as const)(
    '%s: separate clusters are known from one row, noise is not',
    async (classifier) => {
      expect(await ask({ classifier })).toEqual({ accuracy: 1, low: 1, high: 1, episodes: 60 });
      const { accuracy, low, high } = await ask({ classifier, rows: noise });
      expect(low).toBeLessThan(accuracy);
      expect(accuracy).toBeGreaterThan(0.2);
      expect(high).toBeLessThan(0.35);
    },
  );

  it('the interval is 1.96 standard errors of the episodes, redrawn by hand', async () => {
    const rows = clusters(new Random(5), labels, 4, 1);
    const found = await ask({ rows, seed: 9, shots: 3, episodes: 40 });
    // The same draws, with plain loops instead of matrices.
    const random = Random.forPurpose(9, 'episodes');
    const unit = rows.toArray().map((row) => row.map((x) => x / Math.hypot(...row)));
    const ofClass = (c: number) => labels.flatMap((label, i) => (label === c ? [i] : []));
    const accuracies = Array.from({ length: 40 }, () => {
      const drawn = Array.from(random.sample(6, 4), (c) =>
        Array.from(random.sample(20, 13), (place) => ofClass(c)[place]),
      );
      const means = drawn.map((list) =>
        [0, 1, 2, 3].map((k) => list.slice(0, 3).reduce((sum, i) => sum + unit[i][k], 0) / 3),
      );
      const distance = (i: number, mean: number[]) => Math.hypot(...mean.map((m, k) => m - unit[i][k]));
      const right = drawn.flatMap((list, way) =>
        list.slice(3).filter((i) => means.every((mean, w) => w === way || distance(i, means[way]) < distance(i, mean))),
      );
      return right.length / 40;
    });
    const mean = accuracies.reduce((sum, x) => sum + x, 0) / 40;
    const deviation = Math.sqrt(accuracies.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 39);
    expect(found.accuracy).toBeCloseTo(mean, 12);
    expect(found.high - found.accuracy).toBeCloseTo((1.959963984540054 * deviation) / Math.sqrt(40), 12);
    expect(found.accuracy - found.low).toBeCloseTo(found.high - found.accuracy, 12);
  });

  it('more shots are better; everything in one point is chance', async () => {
    const rows = clusters(new Random(5), labels, 4, 1.5);
    const [one, five] = [await ask({ rows }), await ask({ rows, shots: 5 })];
    expect(five.accuracy).toBeGreaterThan(one.accuracy);
    const collapsed = await ask({ rows: new Matrix(120, 2, new Float32Array(240).fill(1)) });
    expect(collapsed.accuracy).toBeCloseTo(0.25, 12);
  });

  it('of equally near centroids the first', () => {
    const known = Matrix.from([[1, 0], [-1, 0]]); // biome-ignore format: one line
    expect(Array.from(nearestCentroids(known, [0, 1], Matrix.from([[0, 1], [-2, 0]])))).toEqual([0, 1]); // biome-ignore format: one line
  });

  it('refusals', async () => {
    await expect(ask({ ways: 7 })).rejects.toThrow(failure('EMPTY_BATCH', /at least 7 classes .* got 6/));
    await expect(ask({ queries: 20 })).rejects.toThrow(failure('EMPTY_BATCH'));
    await expect(ask({ ways: 1 })).rejects.toThrow(failure('INVALID_ARGUMENT'));
    await expect(ask({ labels: [0] })).rejects.toThrow(failure('SHAPE_MISMATCH'));
    await expect(ask({ rows: new Matrix(120, 1, new Float32Array(120).fill(Number.NaN)) })).rejects.toThrow(
      failure('NON_FINITE'),
    );
  });
});
