/** The protocol of `limbeck evaluate`, on a model whose rows are known. */
import { describe, expect, it } from 'vitest';
import { alignLabels } from '../../src/evaluation/align-labels.ts';
import { type EvaluatedModel, type EvaluationOptions, evaluateModel } from '../../src/evaluation/evaluate-model.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { caught } from '../caught.ts';

const SAMPLES = 60;
const random = new Random(8);
const normal = (rows: number, columns: number) =>
  new Matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => random.normal()),
  );
const teacher = normal(SAMPLES, 8);
/** The teacher's rows with noise, and logits that are right for every third sample. */
const own = new Matrix(SAMPLES, 8, teacher.data.map((x) => x + 0.8 * random.normal()) as Float32Array);
const labels = Int32Array.from({ length: SAMPLES }, (_, i) => i % 7);
const scores = Matrix.from(
  Array.from({ length: SAMPLES }, (_, i) =>
    Array.from({ length: 7 }, (_, c) => (c === (i % 3 === 0 ? i % 7 : (i + 1) % 7) ? 5 : -Math.abs(c - (i % 7)))),
  ),
);
const rowsOf = (matrix: Matrix, samples: readonly number[]) =>
  samples.length === 0 ? Matrix.zeros(0, matrix.columns) : Matrix.from(samples.map((i) => Array.from(matrix.row(i))));
const source = (matrix: Matrix) => ({
  rows: matrix.rows,
  columns: matrix.columns,
  gather: (numbers: ArrayLike<number>) => rowsOf(matrix, Array.from(numbers)),
});
const model: EvaluatedModel<number> = { embed: async (samples) => rowsOf(own, samples) };
const classifier = { ...model, classes: 7, logits: async (samples: readonly number[]) => rowsOf(scores, samples) };
const data = (size = SAMPLES, more = {}) => ({
  size,
  read: async (numbers: ArrayLike<number>) => Array.from(numbers),
  ...more,
});
const evaluate = (options: Partial<EvaluationOptions<number>> = {}) =>
  evaluateModel({ model, data: data(), latencySamples: 9, ...options });
const failure = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  const [x, y] = [Array.from(a), Array.from(b)];
  return x.reduce((sum, v, k) => sum + v * y[k], 0) / Math.hypot(...x) / Math.hypot(...y);
};
/** For every sample the place of its own teacher row among all rows, by sorting. */
const ranks = (index: readonly ArrayLike<number>[]) =>
  Array.from({ length: SAMPLES }, (_, i) => {
    const similar = index.map((row, j) => ({ j, score: cosine(own.row(i), row) })).sort((a, b) => b.score - a.score);
    return similar.findIndex(({ j }) => j === i) + 1;
  });
const share = (list: readonly number[], test: (rank: number) => boolean) => list.filter(test).length / list.length;
const all = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, i) => matrix.row(i));

describe('metrics', () => {
  it('agreement with the teacher, by hand; batches of any size give the same', async () => {
    const expected = ranks(all(teacher));
    for (const batchSize of [1, 7, 256]) {
      const { metrics, samples } = await evaluate({ teacher: source(teacher), batchSize });
      expect(samples).toBe(SAMPLES);
      expect(Object.keys(metrics)).toEqual(['recallAt1', 'recallAt10', 'meanReciprocalRank', 'meanCosine']);
      expect(metrics.recallAt1).toBeCloseTo(
        share(expected, (rank) => rank === 1),
        12,
      );
      expect(metrics.recallAt10).toBeCloseTo(
        share(expected, (rank) => rank <= 10),
        12,
      );
      const mean = expected.reduce((sum, rank) => sum + 1 / rank, 0) / SAMPLES;
      expect(metrics.meanReciprocalRank).toBeCloseTo(mean, 12);
      const cosines = all(own).reduce((sum, row, i) => sum + cosine(row, teacher.row(i)), 0) / SAMPLES;
      expect(metrics.meanCosine).toBeCloseTo(cosines, 6);
    }
  });

  it('an index of more teacher rows makes it harder', async () => {
    const more = normal(400, 8);
    const expected = ranks([...all(teacher), ...all(more)]);
    const { metrics } = await evaluate({ teacher: source(teacher), index: source(more) });
    expect(metrics.recallAt1).toBeCloseTo(
      share(expected, (rank) => rank === 1),
      12,
    );
    expect(metrics.recallAt1).toBeLessThan(share(ranks(all(teacher)), (rank) => rank === 1));
  });

  it('labels: accuracy and top-5 of a classifier, neighbours of all others', async () => {
    const { metrics } = await evaluate({ model: classifier, data: data(SAMPLES, { labels }) });
    const right = all(scores).filter((row, i) => Array.from(row).indexOf(Math.max(...row)) === labels[i]);
    expect(metrics.accuracy).toBeCloseTo(right.length / SAMPLES, 12);
    const five = all(scores).filter((row, i) => Array.from(row).filter((x) => x > row[labels[i]]).length < 5);
    expect(metrics.top5Accuracy).toBeCloseTo(five.length / SAMPLES, 12);
    const votes = all(own).filter((row, i) => {
      const others = all(own)
        .map((other, j) => ({ j, score: cosine(row, other) }))
        .filter(({ j }) => j !== i)
        .sort((a, b) => b.score - a.score)
        .slice(0, 10);
      const tally = Array.from({ length: 7 }, (_, c) => {
        const mine = others.filter(({ j }) => labels[j] === c);
        return mine.length + mine.reduce((sum, { score }) => sum + score, 0) / 1000;
      });
      return tally.indexOf(Math.max(...tally)) === labels[i];
    });
    expect(metrics.knnAccuracy).toBeCloseTo(votes.length / SAMPLES, 12);
  });

  it('without teacher and labels: only how long it takes', async () => {
    const { metrics, latency, samplesPerSecond } = await evaluate({ model: classifier });
    expect(metrics).toEqual({});
    expect(latency.samples).toBe(9);
    expect(latency.p99).toBeGreaterThanOrEqual(latency.p50);
    expect(samplesPerSecond).toBeGreaterThan(0);
  });

  it('latency is of one sample at a time: half of the samples take no longer than p50', async () => {
    const sizes: number[] = [];
    const slow: EvaluatedModel<number> = {
      embed: async (samples) => {
        sizes.push(samples.length);
        if (samples.length === 1) await new Promise((done) => setTimeout(done, samples[0] === 0 ? 80 : 10));
        return rowsOf(own, samples);
      },
    };
    const { latency } = await evaluate({ model: slow });
    expect(latency.p50).toBeGreaterThanOrEqual(9);
    expect(latency.p50).toBeLessThan(70);
    expect(latency.p99).toBeGreaterThanOrEqual(75);
    expect(sizes.filter((size) => size === 1).length).toBe(5 + 9);
  });

  it('one sample, one class', async () => {
    const one = await evaluate({
      model: { ...model, classes: 1, logits: async () => Matrix.from([[3]]) },
      data: data(1, { labels: Int32Array.of(0) }),
      teacher: source(rowsOf(teacher, [0])),
    });
    expect(one.metrics).toMatchObject({ accuracy: 1, recallAt1: 1 });
    expect(one.metrics).not.toHaveProperty('knnAccuracy');
  });
});

describe('what is refused', () => {
  it.each([
    [{ data: data(0) }, 'EMPTY_BATCH', /at least one sample/],
    [{ teacher: source(normal(59, 8)) }, 'SHAPE_MISMATCH', /each of the 60 samples, got 59/],
    [{ teacher: source(normal(60, 9)) }, 'SHAPE_MISMATCH', /8 numbers from the model and 9 from the teacher/],
    [{ teacher: source(teacher), index: source(normal(5, 9)) }, 'SHAPE_MISMATCH', /9 from the index/],
    [{ index: source(teacher) }, 'INVALID_ARGUMENT', /to go with the index/],
    [
      { model: classifier, data: data(SAMPLES, { labels: labels.map((l) => l + 1) }) },
      'INVALID_ARGUMENT',
      /labels in 0 … 6, .* got 7 for sample 6/,
    ],
    [{ signal: { aborted: true } }, 'ABORTED', /interrupted/],
  ] as [Partial<EvaluationOptions<number>>, string, RegExp][])('%#', async (options, code, message) => {
    await expect(evaluate(options)).rejects.toThrow(failure(code, message));
  });

  it('NaN in a row of the model: NON_FINITE', async () => {
    const broken = { embed: async (samples: readonly number[]) => Matrix.from(samples.map(() => [Number.NaN, 1])) };
    const two = source(normal(60, 2));
    await expect(evaluate({ model: broken, teacher: two })).rejects.toThrow(failure('NON_FINITE', /queries/));
  });
});

describe('alignLabels', () => {
  it('by name; as they are where a side has no names; a class that the model lacks is refused', () => {
    expect(alignLabels([0, 1, 0], ['dog', 'elk'], ['cat', 'dog', 'elk'])).toEqual(Int32Array.of(1, 2, 1));
    expect(alignLabels([2, 0], undefined, ['a', 'b', 'c'])).toEqual(Int32Array.of(2, 0));
    expect(alignLabels([2, 0], ['a', 'b', 'c'], undefined)).toEqual(Int32Array.of(2, 0));
    expect(alignLabels([], ['x'], ['a'])).toEqual(new Int32Array());
    expect(caught(() => alignLabels([0, 1], ['a', 'yak'], ['a', 'b']))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/\(a, b\), got "yak"/),
    });
  });
});
