/** Gradients of strategies in float64 against central differences of their own losses: relative error < 1e-6. */
import { afterAll, describe, expect, it } from 'vitest';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { differenceQuotients, randomLabels, randomMatrix, worstError } from './support.ts';

const random = new Random(5);
const [B, D, M, C] = [5, 3, 9, 4];
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, D);
const bankRows = randomMatrix(random, M, D);
const labels = Int32Array.of(0, 1, 0, 2, 1);
const bankLabels = randomLabels(random, M, 3);
const members = Int32Array.of(4, 0, 8, 3, 5);
const memberRows = new Matrix(M, D, bankRows.data.slice());
const memberLabels = bankLabels.slice();
for (const [i, row] of members.entries()) {
  memberRows.row(row).set(teacher.row(i));
  memberLabels[row] = labels[i];
}

const strategy = new ContrastiveDistillationStrategy({ temperature: 0.3, contrastiveWeight: 0.7 });
afterAll(() => strategy.release());

describe('computeContrastiveGradient', () => {
  for (const [mode, symmetric] of [
    ['ntxent', false],
    ['infonce', false],
    ['ntxent', true],
  ] as const) {
    for (const positives of [undefined, 'class', 'instance'] as const) {
      for (const negatives of ['batch', 'batch, K = 2', 'bank apart', 'bank member', 'bank member, K = 3'] as const) {
        if (mode === 'infonce' && negatives.startsWith('bank')) continue;
        it(`${mode}${symmetric ? ' symmetric' : ''}, ${positives ?? 'no'} labels, ${negatives}`, async () => {
          strategy.mode = mode;
          strategy.symmetric = symmetric;
          strategy.positives = positives ?? 'class';
          strategy.negativesSampleSize = Number(/K = (\d+)/.exec(negatives)?.[1] ?? 1024);
          const member = negatives.startsWith('bank member');
          strategy.bank = negatives.startsWith('bank')
            ? new TeacherBank(member ? memberRows : bankRows, { labels: member ? memberLabels : bankLabels })
            : undefined;
          const context = member ? { sampleIds: members } : {};
          const given = positives ? labels : undefined;
          const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher, given, context);
          const gradient = await strategy.computeContrastiveGradient(student, teacher, given, context);
          expect([gradient.rows, gradient.columns, gradient.dtype]).toEqual([B, D, 'float64']);
          const expected = await differenceQuotients(student, loss);
          expect(worstError(gradient.data, expected, 0)).toBeLessThan(1e-6);
          const both = await strategy.computeContrastiveLossAndGradient(student, teacher, given, context);
          expect(both.loss).toBe(await loss(student));
          expect(both.gradient).toEqual(gradient);
        });
      }
    }
  }
});

const activations = (matrix: Matrix) => new IntermediateActivations().set('embeddings', matrix);

describe('computeIntermediateGradient', () => {
  it.each([
    ['ntxent', false, 1024],
    ['infonce', false, 1024],
    ['ntxent', true, 2],
  ] as const)('%s, symmetric %s, K = %i: that of the mode', async (mode, symmetric, sampleSize) => {
    Object.assign(strategy, { mode, symmetric, negativesSampleSize: sampleSize });
    strategy.bank = undefined;
    const loss = (moved: Matrix) => strategy.computeIntermediateLoss(activations(moved), activations(teacher));
    const gradient = await strategy.computeIntermediateGradient(activations(student), activations(teacher));
    expect(gradient.names).toEqual(['embeddings']);
    const rows = gradient.get('embeddings') as Matrix;
    expect(worstError(rows.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
    expect(rows).toEqual(await strategy.computeContrastiveGradient(student, teacher));
    expect(await loss(student)).toBe(await strategy.computeContrastiveLoss(student, teacher));
  });

  it.each(['cosine', 'squared'] as const)('FeatureDistillationStrategy, %s', async (distance) => {
    const feature = new FeatureDistillationStrategy({ distance });
    const loss = (moved: Matrix) => feature.computeIntermediateLoss(activations(moved), activations(teacher));
    const gradient = await feature.computeIntermediateGradient(activations(student), activations(teacher));
    const rows = gradient.get('embeddings') as Matrix;
    expect(worstError(rows.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
    let expected = 0;
    for (let i = 0; i < B; i++) {
      const [s, t] = [student.row(i), teacher.row(i)];
      const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
        Array.from(a, (x, d) => x * b[d]).reduce((x, y) => x + y);
      if (distance === 'cosine') expected += (1 - dot(s, t) / Math.sqrt(dot(s, s) * dot(t, t))) / B;
      else expected += Array.from(s, (x, d) => (x - t[d]) ** 2).reduce((x, y) => x + y) / (B * D);
    }
    expect(await loss(student)).toBeCloseTo(expected, 13);
    await feature.release();
  });
});

describe('computeGradient', () => {
  const logits = randomMatrix(random, B, C);
  const target = randomMatrix(random, B, C);
  const soft = Matrix.from(
    [
      [0.5, 0.25, 0.25, 0],
      [0, 0.125, 0.875, 0],
      [1, 0, 0, 0],
      [0, 0, 0.5, 0.5],
      [0.25, 0.25, 0.25, 0.25],
    ],
    'float64',
  );
  for (const [name, given] of [
    ['no labels', undefined],
    ['classes', [0, 3, 1, 1, 2]],
    ['soft labels', soft],
  ] as const) {
    it.each([0.5, 1, 4])(`${name}, T = %f`, async (outputTemperature) => {
      Object.assign(strategy, { outputTemperature, alpha: 0.35 });
      const loss = (moved: Matrix) => strategy.computeLoss(moved, target, given);
      const gradient = await strategy.computeGradient(logits, target, given);
      expect(worstError(gradient.data, await differenceQuotients(logits, loss), 0)).toBeLessThan(1e-6);
      const both = await strategy.computeLossAndGradient(logits, target, given);
      expect(both.loss).toBe(await loss(logits));
      expect(both.gradient).toEqual(gradient);
    });
  }
});
