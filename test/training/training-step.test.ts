/** The compiled step against the same step in plain loops and float64, with the whole table dense. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { adamWOptionsSchema } from '../../src/training/optimizers/adamw.ts';
import { TrainingStep } from '../../src/training/training-step.ts';
import { bagOfWordsRows, tinyStudent } from './tiny-problem.ts';

const texts = [
  'a dog',
  'the dog ran home',
  'to run',
  'a large piano',
  'the the piano',
  'music',
  'a dog',
  'ran ran ran to',
];
const WIDTH = 5;
const DIMENSION = 4;
const options = adamWOptionsSchema.parse({ weightDecay: 0.1 });

const steps: TrainingStep<string, Int32Array>[] = [];
afterEach(async () => {
  for (const step of steps.splice(0)) await step.release();
});

function setUp(strategy: ConstructorParameters<typeof TrainingStep>[1] = new FeatureDistillationStrategy()) {
  const student = tinyStudent(texts, { width: WIDTH, dimension: DIMENSION, seed: 2 });
  const random = new Random(9);
  for (const { name, data } of student.parameters) {
    for (let i = 0; i < data.length; i++) data[i] = name === 'token weights' ? 0.5 + random.uniform() : random.normal();
  }
  const step = new TrainingStep(student, strategy, options, DIMENSION);
  steps.push(step);
  return { student, step, encoded: student.encode(texts), rows: bagOfWordsRows(texts, DIMENSION) };
}

const batchOf = ({ student, encoded, rows }: ReturnType<typeof setUp>, ids: number[]) => ({
  student: [student.prepareBatch(ids.map((i) => encoded[i]))],
  teacher: rows.gather(ids),
  sampleIds: Int32Array.from(ids),
});

/** The same model, loss and optimizer, written out: value and hand-derived gradient, every row of the table in every step. */
class Reference {
  readonly parameters: Float64Array[];
  readonly first: Float64Array[];
  readonly second: Float64Array[];
  #steps = 0;

  constructor(student: StaticEmbeddingStudent) {
    this.parameters = student.parameters.map(({ data }) => Float64Array.from(data));
    this.first = this.parameters.map(({ length }) => new Float64Array(length));
    this.second = this.parameters.map(({ length }) => new Float64Array(length));
  }

  step(batch: readonly Int32Array[], teacher: Matrix, learningRate: number): { loss: number; gradientNorm: number } {
    const [table, weights, projection, bias] = this.parameters;
    const gradients = this.parameters.map(({ length }) => new Float64Array(length));
    const [dTable, dWeights, dProjection, dBias] = gradients;
    let loss = 0;
    for (const [i, ids] of batch.entries()) {
      const mean = new Float64Array(WIDTH);
      for (const id of ids)
        for (let k = 0; k < WIDTH; k++) mean[k] += (weights[id] * table[id * WIDTH + k]) / ids.length;
      const y = Float64Array.from(bias);
      for (let k = 0; k < WIDTH; k++)
        for (let j = 0; j < DIMENSION; j++) y[j] += mean[k] * projection[k * DIMENSION + j];
      const norm = Math.hypot(...y);
      const t = teacher.row(i);
      const teacherNorm = Math.hypot(...t);
      const u = Array.from(y, (value) => value / norm);
      const v = Array.from(t, (value) => value / teacherNorm);
      const cosine = u.reduce((sum, value, j) => sum + value * v[j], 0);
      loss += (1 - cosine) / batch.length;
      // ∂(1 − cos)/∂y = −(v − u·cos)/‖y‖
      const dy = u.map((value, j) => -(v[j] - value * cosine) / norm / batch.length);
      for (let j = 0; j < DIMENSION; j++) dBias[j] += dy[j];
      for (let k = 0; k < WIDTH; k++) {
        let dMean = 0;
        for (let j = 0; j < DIMENSION; j++) {
          dProjection[k * DIMENSION + j] += mean[k] * dy[j];
          dMean += dy[j] * projection[k * DIMENSION + j];
        }
        for (const id of ids) {
          dTable[id * WIDTH + k] += (dMean * weights[id]) / ids.length;
          dWeights[id] += (dMean * table[id * WIDTH + k]) / ids.length;
        }
      }
    }
    this.#steps++;
    const touched = new Set(batch.flatMap((ids) => [...ids]));
    for (const [p, values] of this.parameters.entries()) {
      for (let i = 0; i < values.length; i++) {
        if (p < 2 && !touched.has(Math.floor(i / (p === 0 ? WIDTH : 1)))) continue;
        const gradient = gradients[p][i];
        this.first[p][i] = options.beta1 * this.first[p][i] + (1 - options.beta1) * gradient;
        this.second[p][i] = options.beta2 * this.second[p][i] + (1 - options.beta2) * gradient ** 2;
        const m = this.first[p][i] / (1 - options.beta1 ** this.#steps);
        const v = this.second[p][i] / (1 - options.beta2 ** this.#steps);
        if (p === 2) values[i] -= learningRate * options.weightDecay * values[i];
        values[i] -= (learningRate * m) / (Math.sqrt(v) + options.epsilon);
      }
    }
    return { loss, gradientNorm: Math.sqrt(gradients.reduce((sum, g) => sum + g.reduce((a, b) => a + b * b, 0), 0)) };
  }
}

describe('TrainingStep', () => {
  it('equals the dense reference over 6 steps: loss, gradient norm and parameters to a relative 2e-5', async () => {
    const setting = setUp();
    const { student, step, encoded, rows } = setting;
    const reference = new Reference(student);
    // Tokens come, stay away for steps, and come back: moments of untouched rows must stand still.
    for (const [k, ids] of [[0, 1, 2], [3, 4], [5, 3, 4, 2], [0, 6], [7], [0, 1, 2, 3, 4, 5, 6, 7]].entries()) {
      const learningRate = 0.02 / (k + 1);
      const actual = await step.run([batchOf(setting, ids)], learningRate);
      const expected = reference.step(
        ids.map((i) => encoded[i]),
        rows.gather(ids),
        learningRate,
      );
      expect(Math.abs(actual.loss / expected.loss - 1)).toBeLessThan(2e-5);
      expect(Math.abs(actual.gradientNorm / expected.gradientNorm - 1)).toBeLessThan(2e-5);
      expect(actual.components).toEqual({ cosine: actual.loss });
      step.writeBack();
      for (const [p, { data }] of student.parameters.entries()) {
        const scale = Math.max(...reference.parameters[p].map(Math.abs));
        const worst = Math.max(...Array.from(data, (x, i) => Math.abs(x - reference.parameters[p][i])));
        expect(worst / scale).toBeLessThan(2e-5);
      }
    }
  });

  it('moves every touched row, and leaves the others as they were, bit for bit', async () => {
    const setting = setUp();
    const { student, step } = setting;
    const before = student.parameters.map(({ data }) => data.slice());
    const batch = batchOf(setting, [0, 2]);
    await step.run([batch], 0.01);
    step.writeBack();
    for (const [p, { data, shape, sparse }] of student.parameters.entries()) {
      const width = data.length / shape[0];
      for (let row = 0; row < shape[0]; row++) {
        const [from, to] = [row * width, (row + 1) * width];
        const same = data.slice(from, to).every((value, k) => Object.is(value, before[p][from + k]));
        expect(same).toBe(sparse && !batch.student[0].rows.includes(row));
      }
    }
  });

  it("does not write to the student before writeBack, nor to the caller's rows", async () => {
    const setting = setUp();
    const before = setting.student.parameters.map(({ data }) => data.slice());
    const batch = batchOf(setting, [0, 1]);
    const teacher = batch.teacher.data.slice();
    await setting.step.run([batch], 0.1);
    expect(setting.student.parameters.map(({ data }) => data)).toEqual(before);
    expect(batch.teacher.data).toEqual(teacher);
  });

  it('takes batches of every size, and with and without classes, in one run', async () => {
    const setting = setUp(new ContrastiveDistillationStrategy({ contrastiveWeight: 1 }));
    for (const ids of [
      [0, 1],
      [0, 1, 2, 3, 4],
      [5, 6],
    ]) {
      const plain = await setting.step.run([batchOf(setting, ids)], 1e-3);
      expect(Number.isFinite(plain.loss)).toBe(true);
      const labelled = await setting.step.run(
        [{ ...batchOf(setting, ids), classIndices: Int32Array.from(ids, (i) => i % 2) }],
        1e-3,
      );
      expect(Number.isFinite(labelled.loss)).toBe(true);
    }
  });

  it('follows an option that is assigned between two steps', async () => {
    const strategy = new FeatureDistillationStrategy();
    const setting = setUp(strategy);
    expect(Object.keys((await setting.step.run([batchOf(setting, [0, 1])], 1e-3)).components)).toEqual(['cosine']);
    strategy.distance = 'squared';
    expect(Object.keys((await setting.step.run([batchOf(setting, [0, 1])], 1e-3)).components)).toEqual(['squared']);
  });

  it('a gradient that is not finite: DIVERGED, and the next step goes on from the parameters before', async () => {
    const [setting, undisturbed] = [setUp(), setUp()];
    const good = batchOf(setting, [0, 1, 2]);
    await setting.step.run([good], 0.01);
    await undisturbed.step.run([good], 0.01);
    const bad = batchOf(setting, [3, 4]);
    bad.student[0].feeds.shares.tensor.data[0] = Number.NaN;
    await expect(setting.step.run([bad], 0.01)).rejects.toMatchObject({
      code: 'DIVERGED',
      message: expect.stringMatching(
        /step 1: expected a finite .*, got NaN, on samples 3, 4\. Lower the learning rate/,
      ),
    });
    for (const { step } of [setting, undisturbed]) step.writeBack();
    const values = ({ student }: typeof setting) => student.parameters.map(({ data }) => data);
    expect(values(setting)).toEqual(values(undisturbed));
    const next = batchOf(setting, [5, 6, 7]);
    expect(await setting.step.run([next], 0.01)).toEqual(await undisturbed.step.run([next], 0.01));
    for (const { step } of [setting, undisturbed]) step.writeBack();
    expect(values(setting)).toEqual(values(undisturbed));
  });
});
