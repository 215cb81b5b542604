/** Scores sample by sample: their means are the metrics, on rows with ties, duplicates and zero rows. */
import { describe, expect, it } from 'vitest';
import { evaluateModel } from '../../src/evaluation/evaluate-model.ts';
import { type SampleScores, sampleScores } from '../../src/evaluation/sample-scores.ts';
import { everyNumber } from '../../src/matrix/every-number.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';

const random = new Random(3);
const rowsOf = (rows: number, columns: number): Matrix =>
  new Matrix(
    rows,
    columns,
    Float32Array.from({ length: rows * columns }, () => Math.round(2 * random.normal()) / 2),
  );

const [n, d, classes] = [70, 5, 4];
const rows = rowsOf(n, d);
// A zero row, and duplicates.
rows.row(0).fill(0);
for (const i of [7, 30, 31]) rows.row(i).set(rows.row(3));
const teacher = rowsOf(n, d);
teacher.row(9).set(teacher.row(8));
const logits = rowsOf(n, classes);
const labels = Int32Array.from({ length: n }, () => random.integer(classes));

const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe('sampleScores', () => {
  it('their means are the metrics that evaluateModel gives', async () => {
    let scores: SampleScores = {};
    const { metrics } = await evaluateModel<number>({
      model: { classes, embed: async (i) => rows.gather(i), logits: async (i) => logits.gather(i) },
      data: { size: n, labels, read: async (numbers) => Array.from(numbers) },
      teacher,
      onEmbedded: (embedded) => {
        scores = sampleScores({ ...embedded, labels, teacher });
      },
    });
    expect(Object.keys(scores).sort()).toEqual(
      ['accuracy', 'knnAccuracy', 'meanCosine', 'meanReciprocalRank', 'recallAt1', 'recallAt10'].sort(),
    );
    for (const [name, values] of Object.entries(scores)) {
      expect(values, name).toHaveLength(n);
      expect(mean(values), name).toBeCloseTo(metrics[name], 6);
    }
  });

  it('only what can be said: without labels, logits, teacher or a second sample', () => {
    expect(sampleScores({ rows, logits: undefined })).toEqual({});
    expect(Object.keys(sampleScores({ rows, logits: undefined, labels }))).toEqual(['knnAccuracy']);
    const one = { rows: rows.gather([1]), logits: logits.gather([1]), labels: Int32Array.of(0) };
    expect(Object.keys(sampleScores(one))).toEqual(['accuracy']);
    // Rows of another width are of another space.
    expect(sampleScores({ rows, logits: undefined, teacher: rowsOf(n, d + 1) })).toEqual({});
  });

  it('of equal logits the first counts', () => {
    const equal = Matrix.from([
      [1, 1],
      [1, 1],
    ]);
    const scores = sampleScores({ rows: rows.gather(everyNumber(2)), logits: equal, labels: Int32Array.of(0, 1) });
    expect([...scores.accuracy]).toEqual([1, 0]);
  });
});
