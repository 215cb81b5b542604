/** Targets that follow the teacher's similarities, against nested loops and central differences. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { differenceQuotients, expectNear, randomMatrix, worstError } from './support.ts';

const random = new Random(21);
const [B, D, M] = [5, 3, 8];
const TAU = 0.3;
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, D);
const bankRows = randomMatrix(random, M, D);
const members = Int32Array.of(6, 0, 3, 7, 2);
const memberRows = new Matrix(M, D, bankRows.data.slice());
for (const [i, row] of members.entries()) memberRows.row(row).set(teacher.row(i));

const soft = (options: object = {}) =>
  new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: TAU, targets: 'teacher', ...options });

const unitRows = (matrix: Matrix) =>
  Array.from({ length: matrix.rows }, (_, i) => {
    const row = Array.from(matrix.row(i));
    const norm = Math.hypot(...row);
    return row.map((value) => value / norm);
  });
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, value, k) => total + value * b[k], 0);

/** Mean cross-entropy of softmax(student logits) against softmax(teacher logits), one anchor after the other. */
function naive(anchors: number[][], keys: number[][], teacherAnchors: number[][], teacherKeys: number[][]): number {
  const softmax = (logits: number[]) => {
    const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
    return logits.map((z) => Math.exp(z) / total);
  };
  const losses = anchors.map((anchor, i) => {
    const p = softmax(keys.map((key) => dot(anchor, key) / TAU));
    const y = softmax(teacherKeys.map((key) => dot(teacherAnchors[i], key) / TAU));
    return -y.reduce((sum, weight, j) => sum + weight * Math.log(p[j]), 0);
  });
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

const [u, v] = [unitRows(student), unitRows(teacher)];
const [apart, all] = [unitRows(bankRows), unitRows(memberRows)];

describe('value against nested loops, relative error < 1e-12; gradient against central differences, < 1e-6', () => {
  it.each<[string, object, Matrix | undefined, Int32Array | undefined, number]>([
    ['NT-Xent', {}, undefined, undefined, naive(u, v, v, v)],
    ['InfoNCE', { mode: 'infonce' }, undefined, undefined, naive(v, u, v, v)],
    ['symmetric', { symmetric: true }, undefined, undefined, (naive(u, v, v, v) + naive(v, u, v, v)) / 2],
    ['NT-Xent, bank apart', {}, bankRows, undefined, naive(u, [...v, ...apart], v, [...v, ...apart])],
    ['NT-Xent, bank member', {}, memberRows, members, naive(u, all, v, all)],
  ])('%s', async (_, options, bank, sampleIds, expected) => {
    const strategy = soft(options);
    if (bank) strategy.bank = new TeacherBank(bank);
    const context = sampleIds ? { sampleIds } : {};
    const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher, undefined, context);
    expectNear(await loss(student), expected, 1e-12);
    const gradient = await strategy.computeContrastiveGradient(student, teacher, undefined, context);
    expect(worstError(gradient.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
  });

  it('a drawn part of a member bank: own keys stand apart, gradient exact, target still a distribution', async () => {
    const strategy = soft({ negativesSampleSize: 3 });
    strategy.bank = new TeacherBank(memberRows);
    const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher, undefined, { sampleIds: members });
    const gradient = await strategy.computeContrastiveGradient(student, teacher, undefined, { sampleIds: members });
    expect(worstError(gradient.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
    // A student that is the teacher already has nothing to learn: only targets that sum to 1 over the same keys give 0.
    const done = await strategy.computeContrastiveGradient(teacher, teacher, undefined, { sampleIds: members });
    expect(worstError(done.data, new Float64Array(B * D))).toBeLessThan(1e-14);
  });
});

it('a drawn part of momentum banks: the own key is its bank row in the targets too, apart or not', async () => {
  for (const negativesSampleSize of [1, 3, 5, 1024]) {
    for (const symmetric of [false, true]) {
      const strategy = soft({ negativesSampleSize, symmetric });
      strategy.bank = new MomentumBanks({ samples: M, dimension: D });
      // As above: only one distribution over the same keys on both sides leaves nothing to learn.
      const done = await strategy.computeContrastiveGradient(teacher, teacher, undefined, { sampleIds: members });
      expect(worstError(done.data, new Float64Array(B * D))).toBeLessThan(1e-14);
    }
  }
});

it('a student equal to the teacher is at the minimum; with targets on the own key it is not', async () => {
  const zero = new Float64Array(B * D);
  expect(worstError((await soft().computeContrastiveGradient(teacher, teacher)).data, zero)).toBeLessThan(1e-14);
  const hard = await soft({ targets: 'sample' }).computeContrastiveGradient(teacher, teacher);
  expect(worstError(hard.data, zero)).toBeGreaterThan(1e-2);
});

it('near-duplicates share the target, where a target on the own key punishes the neighbour', async () => {
  const twins = Matrix.from(
    [
      [1, 0],
      [1, 0],
      [-1, 0],
    ],
    'float64',
  );
  const cold = { temperature: 0.01 };
  expect(await soft(cold).computeContrastiveLoss(twins, twins)).toBeCloseTo((2 / 3) * Math.LN2, 12); // the entropy of a half
  const gradient = await soft(cold).computeContrastiveGradient(twins, twins);
  expect(worstError(gradient.data, new Float64Array(6))).toBeLessThan(1e-12);
});

it('labels: classmates can be left out, class positives are refused', async () => {
  const labels = [0, 1, 0, 2, 1];
  const strategy = soft({ positives: 'instance' });
  const keep = (i: number) => v.flatMap((row, j) => (j === i || labels[j] !== labels[i] ? [row] : []));
  const each = u.map((anchor, i) => naive([anchor], keep(i), [v[i]], keep(i)));
  const expected = each.reduce((sum, loss) => sum + loss, 0) / B;
  expectNear(await strategy.computeContrastiveLoss(student, teacher, labels), expected, 1e-12);
  await expect(soft().computeContrastiveLoss(student, teacher, labels)).rejects.toThrow(
    expect.objectContaining({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/targets: 'teacher'.*'instance'/),
    }),
  );
});
