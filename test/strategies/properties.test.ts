/** What holds for every batch, in float64 (fast-check). */
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { unitRows } from '../../src/matrix/unit-rows.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { expectNear, worstError } from './support.ts';

// Eighths: zero rows, duplicates and ties occur, norms between 0 and 1/8 do not.
const entry = fc.integer({ min: -24, max: 24 }).map((x) => x / 8);
const matrix = (rows: number, columns: number) =>
  fc
    .array(entry, { minLength: rows * columns, maxLength: rows * columns })
    .map((data) => new Matrix(rows, columns, Float64Array.from(data)));
const classes = (count: number) =>
  fc.array(fc.integer({ min: 0, max: 2 }), { minLength: count, maxLength: count }).map((data) => Int32Array.from(data));

const batches = fc
  .record({
    rows: fc.integer({ min: 2, max: 6 }),
    width: fc.integer({ min: 1, max: 4 }),
    bankSize: fc.integer({ min: 1, max: 5 }),
  })
  .chain(({ rows, width, bankSize }) =>
    fc.record({
      student: matrix(rows, width),
      teacher: matrix(rows, width),
      bank: fc.option(fc.record({ rows: matrix(bankSize, width), labels: classes(bankSize) }), { nil: undefined }),
      labels: fc.option(classes(rows), { nil: undefined }),
      positives: fc.constantFrom('class' as const, 'instance' as const),
      form: fc.constantFrom(['ntxent', false] as const, ['infonce', false] as const, ['ntxent', true] as const),
      temperature: fc.constantFrom(0.05, 0.3, 2),
      order: fc.shuffledSubarray(
        Array.from({ length: rows }, (_, i) => i),
        { minLength: rows },
      ),
      bankOrder: fc.shuffledSubarray(
        Array.from({ length: bankSize }, (_, i) => i),
        { minLength: bankSize },
      ),
      scales: fc.array(fc.constantFrom(1e-6, 0.01, 0.7, 3, 1e6), { minLength: rows, maxLength: rows }),
    }),
  );
type Batch = typeof batches extends fc.Arbitrary<infer T> ? T : never;

const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
afterAll(() => strategy.release());

function evaluate({ student, teacher, bank, labels, positives, form: [mode, symmetric], temperature }: Batch) {
  Object.assign(strategy, { mode, symmetric, positives, temperature });
  strategy.bank = bank && mode === 'ntxent' ? new TeacherBank(bank.rows, { labels: bank.labels }) : undefined;
  return strategy.computeContrastiveLossAndGradient(student, teacher, labels);
}

const gatherLabels = (labels: Int32Array, order: readonly number[]) => Int32Array.from(order, (i) => labels[i]);
const scaled = (rows: Matrix, scales: readonly number[]) =>
  new Matrix(
    rows.rows,
    rows.columns,
    Float64Array.from(rows.data, (x, k) => x * scales[Math.floor(k / rows.columns)]),
  );
const holds = (property: (batch: Batch) => Promise<void>) =>
  fc.assert(fc.asyncProperty(batches, property), { numRuns: 150, seed: 1 });

describe('for every batch', () => {
  it('the order of batch and bank changes no loss and permutes the gradient (1e-11)', () =>
    holds(async (batch) => {
      const { loss, gradient } = await evaluate(batch);
      const permuted = await evaluate({
        ...batch,
        student: batch.student.gather(batch.order),
        teacher: batch.teacher.gather(batch.order),
        labels: batch.labels && gatherLabels(batch.labels, batch.order),
        bank: batch.bank && {
          rows: batch.bank.rows.gather(batch.bankOrder),
          labels: gatherLabels(batch.bank.labels, batch.bankOrder),
        },
      });
      expectNear(permuted.loss, loss, 1e-11);
      expect(worstError(permuted.gradient.data, gradient.gather(batch.order).data)).toBeLessThan(1e-11);
    }));

  it('a positive factor on any row changes no loss, and divides the gradient of a student row (1e-10)', () =>
    holds(async (batch) => {
      const { student, teacher, scales } = batch;
      const { loss, gradient } = await evaluate(batch);
      const other = await evaluate({
        ...batch,
        student: scaled(student, scales),
        teacher: scaled(teacher, [...scales].reverse()),
      });
      expectNear(other.loss, loss, 1e-10);
      expect(worstError(scaled(other.gradient, scales).data, gradient.data)).toBeLessThan(1e-10);
    }));

  it('gradient rows are orthogonal to their embeddings, and zero rows get gradient 0', () =>
    holds(async (batch) => {
      const { gradient } = await evaluate(batch);
      gradient.assertFinite('gradient');
      for (let i = 0; i < gradient.rows; i++) {
        const [g, s] = [Array.from(gradient.row(i)), batch.student.row(i)];
        const norm = Math.hypot(...s);
        if (norm === 0) expect(g.every((x) => x === 0)).toBe(true);
        else expect(Math.abs(g.reduce((sum, x, d) => sum + x * s[d], 0)) / norm).toBeLessThan(1e-11);
      }
    }));

  it('the loss is ≥ 0 up to rounding, and ≤ log of the keys seen + 2/τ', () =>
    holds(async (batch) => {
      const { loss } = await evaluate(batch);
      expect(loss).toBeGreaterThan(-1e-12);
      const keys = batch.student.rows + (batch.bank?.rows.rows ?? 0);
      expect(loss).toBeLessThan(Math.log(keys) + 2 / batch.temperature + 1e-9);
    }));

  it('a batch that is its own teacher has every symmetric part equal: NT-Xent = InfoNCE', () =>
    holds(async (batch) => {
      const own = { ...batch, teacher: batch.student, bank: undefined };
      const losses: number[] = [];
      for (const form of [
        ['ntxent', false],
        ['infonce', false],
        ['ntxent', true],
      ] as const) {
        losses.push((await evaluate({ ...own, form })).loss);
      }
      expectNear(losses[1], losses[0], 1e-12);
      expectNear(losses[2], losses[0], 1e-12);
    }));

  it('more negatives, a larger loss (no labels), where the bank holds none of the batch’s own rows', () =>
    holds(async (batch) => {
      const { bank, form, teacher } = batch;
      if (!bank || form[0] !== 'ntxent') return;
      const own = unitRows(teacher, 'teacher').toArray();
      // Rows that the bank knows are samples of its own, and equal ones the same: then there may be fewer negatives.
      if (
        unitRows(bank.rows, 'bank')
          .toArray()
          .some((row) => own.some((other) => Math.hypot(...row.map((x, d) => x - other[d])) < 1e-9))
      )
        return;
      const without = await evaluate({ ...batch, labels: undefined, bank: undefined });
      const withBank = await evaluate({ ...batch, labels: undefined });
      expect(withBank.loss).toBeGreaterThan(without.loss - 1e-12);
    }));
});
