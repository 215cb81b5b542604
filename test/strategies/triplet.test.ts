/** Triplet mode against nested loops over all triplets, and its gradient against central differences. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { distill } from '../../src/training/distill.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';
import { differenceQuotients, expectNear, randomLabels, randomMatrix, worstError } from './support.ts';

type Mining = 'hard' | 'semihard' | 'all';

const random = new Random(11);
const [B, D, M] = [7, 3, 9];
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, D);
const bankRows = randomMatrix(random, M, D);
const labels = Int32Array.of(0, 1, 0, 2, 1, 0, 2);
const bankLabels = randomLabels(random, M, 3);
const members = Int32Array.of(4, 0, 8, 3, 5, 1, 7);
const memberRows = new Matrix(M, D, bankRows.data.slice());
const memberLabels = bankLabels.slice();
for (const [i, row] of members.entries()) {
  memberRows.row(row).set(teacher.row(i));
  memberLabels[row] = labels[i];
}

const MINING: readonly Mining[] = ['hard', 'semihard', 'all'];

const triplet = (options: ConstructorParameters<typeof ContrastiveDistillationStrategy>[0] = {}) =>
  new ContrastiveDistillationStrategy({ mode: 'triplet', contrastiveWeight: 1, ...options });

const unit = (row: ArrayLike<number>) => {
  const norm = Math.hypot(...Array.from(row));
  return Array.from(row, (value) => (norm < 1e-12 ? 0 : value / norm));
};
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.hypot(...Array.from(a, (value, k) => value - b[k]));

/** A key: its row, its class, and its sample, which is what makes it an anchor's own. */
interface Key {
  readonly row: ArrayLike<number>;
  readonly label: number;
  readonly sample: number;
}

/** The definition, one triplet after the other. Anchor i is sample i; every sample stands once among the keys. */
function naive(
  anchors: readonly ArrayLike<number>[],
  anchorLabels: ArrayLike<number> | undefined,
  keys: readonly Key[],
  { mining, margin, positives }: { mining: Mining; margin: number; positives: 'class' | 'instance' },
): number {
  const terms: number[] = [];
  for (const [i, anchor] of anchors.entries()) {
    const same = (key: Key) => key.sample === i || (anchorLabels !== undefined && key.label === anchorLabels[i]);
    const to = (key: Key) => distance(anchor, key.row);
    const good = keys.filter((key) => (positives === 'class' ? same(key) : key.sample === i)).map(to);
    const bad = keys.filter((key) => !same(key)).map(to);
    if (bad.length === 0) continue;
    const hinge = (p: number, n: number) => Math.max(0, p - n + margin);
    if (mining === 'hard') terms.push(hinge(Math.max(...good), Math.min(...bad)));
    for (const p of good) {
      if (mining === 'semihard') {
        const farther = bad.filter((n) => n > p);
        terms.push(hinge(p, farther.length > 0 ? Math.min(...farther) : Math.max(...bad)));
      }
      if (mining === 'all') terms.push(...bad.map((n) => hinge(p, n)).filter((h) => h > 0));
    }
  }
  return terms.length === 0 ? 0 : terms.reduce((total, term) => total + term, 0) / terms.length;
}

const rowsOf = (matrix: Matrix, normalize: boolean) =>
  Array.from({ length: matrix.rows }, (_, i) => (normalize ? unit(matrix.row(i)) : matrix.row(i)));

const batchKeys = (normalize = true): Key[] =>
  rowsOf(teacher, normalize).map((row, i) => ({ row, label: labels[i], sample: i }));
const apartKeys: Key[] = rowsOf(bankRows, true).map((row, r) => ({ row, label: bankLabels[r], sample: 100 + r }));
/** Bank rows that are not in the batch; the others are the batch's own rows. */
const otherMembers: Key[] = rowsOf(memberRows, true).flatMap((row, r) =>
  members.includes(r) ? [] : [{ row, label: memberLabels[r], sample: 100 + r }],
);

describe('values against nested loops, relative error < 1e-12; gradients against central differences, < 1e-6', () => {
  for (const mining of MINING) {
    for (const positives of [undefined, 'class', 'instance'] as const) {
      for (const where of ['batch', 'batch, raw rows', 'bank apart', 'bank member'] as const) {
        it(`${mining}, ${positives ?? 'no'} labels, ${where}`, async () => {
          const normalize = where !== 'batch, raw rows';
          const margin = where === 'batch' ? 0.4 : 0.15;
          const strategy = triplet({ mining, margin, normalize, positives: positives ?? 'class' });
          if (where === 'bank apart') strategy.bank = new TeacherBank(bankRows, { labels: bankLabels });
          if (where === 'bank member') strategy.bank = new TeacherBank(memberRows, { labels: memberLabels });
          const context = where === 'bank member' ? { sampleIds: members } : {};
          const given = positives ? labels : undefined;
          const extra = where === 'bank apart' ? apartKeys : where === 'bank member' ? otherMembers : [];
          const keys = [...batchKeys(normalize), ...extra];
          const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher, given, context);
          const expected = naive(rowsOf(student, normalize), given, keys, {
            ...{ mining, margin, positives: positives ?? 'class' },
          });
          expect(expected).toBeGreaterThan(0);
          expectNear(await loss(student), expected, 1e-12);
          const gradient = await strategy.computeContrastiveGradient(student, teacher, given, context);
          expect(worstError(gradient.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
          await strategy.release();
        });
      }
    }
  }

  it('disagrees with a mutated definition', async () => {
    const options = { mining: 'hard', margin: 0.4, positives: 'class' } as const;
    const loss = await triplet({ mining: 'hard', margin: 0.4 }).computeContrastiveLoss(student, teacher, labels);
    const rows = rowsOf(student, true);
    for (const wrong of [
      { margin: 0.41 },
      { mining: 'semihard' },
      { mining: 'all' },
      { positives: 'instance' },
    ] as const) {
      expect(Math.abs(loss - naive(rows, labels, batchKeys(), { ...options, ...wrong }))).toBeGreaterThan(1e-4);
    }
  });

  it('contrastiveWeight scales it; the intermediate methods follow the mode', async () => {
    const strategy = triplet({ contrastiveWeight: 0.25, margin: 0.4 });
    const full = await triplet({ margin: 0.4 }).computeContrastiveLoss(student, teacher);
    expectNear(await strategy.computeContrastiveLoss(student, teacher), 0.25 * full, 1e-12);
    const layer = (matrix: Matrix) => new IntermediateActivations().set('embeddings', matrix);
    expectNear(await strategy.computeIntermediateLoss(layer(student), layer(teacher)), 0.25 * full, 1e-12);
    const gradient = (await strategy.computeIntermediateGradient(layer(student), layer(teacher))).get('embeddings');
    expect(gradient).toEqual(await strategy.computeContrastiveGradient(student, teacher));
  });

  it('negativesSampleSize limits the negatives of each anchor, the same for loss and gradient', async () => {
    const strategy = triplet({ mining: 'all', margin: 10, negativesSampleSize: 2 });
    // With this margin every triplet counts, so the loss is margin + mean positive − mean drawn negative distance.
    const loss = (moved: Matrix) => strategy.computeContrastiveLoss(moved, teacher);
    const gradient = await strategy.computeContrastiveGradient(student, teacher);
    expect(worstError(gradient.data, await differenceQuotients(student, loss), 0)).toBeLessThan(1e-6);
    const all = await triplet({ mining: 'all', margin: 10 }).computeContrastiveLoss(student, teacher);
    expect(Math.abs((await loss(student)) - all)).toBeGreaterThan(1e-6);
  });
});

it('a drawn part of the bank: its own rows, never the own sample', async () => {
  const anchor = memberRows.gather([4]);
  const nearOwn = new Matrix(
    1,
    D,
    anchor.data.map((value) => value + 0.01),
  );
  const own = distance(unit(nearOwn.row(0)), unit(anchor.row(0)));
  const others = rowsOf(memberRows, true).flatMap((row, r) => (r === 4 ? [] : [distance(unit(nearOwn.row(0)), row)]));
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const strategy = triplet({ margin: 10, negativesSampleSize: 4, seed });
    strategy.bank = new TeacherBank(memberRows);
    const loss = await strategy.computeContrastiveLoss(nearOwn, anchor, undefined, { sampleIds: Int32Array.of(4) });
    // Hard mining: the closest drawn row. The own row, closest of all, would give a loss of 10.
    const closest = others.findIndex((d) => Math.abs(10 + own - d - loss) < 1e-9);
    expect(closest).toBeGreaterThanOrEqual(0);
    seen.add(closest);
    await strategy.release();
  }
  // Of 8 other rows 4 are drawn, so the closest drawn one is among the 5 closest, and varies.
  expect(seen.size).toBeGreaterThan(2);
});

it('exactly at the margin nothing moves', async () => {
  // Raw rows on a line: positive at distance 1, negative at distance 2, margin 1.
  const [s, t] = [Matrix.from([[0], [100]], 'float64'), Matrix.from([[1], [2]], 'float64')];
  const strategy = triplet({ normalize: false, margin: 1 });
  const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(s, t);
  expect(gradient.get(0, 0)).toBe(0);
  expect(loss).toBe((0 + (98 - 99 + 1)) / 2);
  expect(gradient.get(1, 0)).toBe(0);
});

describe('degenerate batches', () => {
  afterEach(() => vi.restoreAllMocks());

  it.each(MINING)('%s: one class only: loss 0, gradient 0, one warning', async (mining) => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const strategy = triplet({ mining });
    const one = new Int32Array(B);
    const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(student, teacher, one);
    await strategy.computeContrastiveLoss(student, teacher, one);
    expect(loss).toBe(0);
    expect(gradient.data.every((value) => value === 0)).toBe(true);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/no anchor .* negative/);
  });

  it.each(MINING)('%s: duplicate rows, zero rows, student equal to teacher: finite in float32', async (mining) => {
    const rows = Matrix.from([
      [1, 2],
      [1, 2],
      [0, 0],
      [3, -1],
    ]);
    for (const other of [
      rows,
      Matrix.from([
        [0, 0],
        [1, 2],
        [1, 2],
        [5, 5],
      ]),
    ]) {
      for (const normalize of [true, false]) {
        const { loss, gradient } = await triplet({ mining, normalize }).computeContrastiveLossAndGradient(rows, other);
        expect(Number.isFinite(loss)).toBe(true);
        gradient.assertFinite('gradient');
      }
    }
  });

  it('beyond the margin: loss 0, gradient 0', async () => {
    const identity = Matrix.from(
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      'float64',
    );
    for (const mining of MINING) {
      const { loss, gradient } = await triplet({ mining }).computeContrastiveLossAndGradient(identity, identity);
      expect(loss).toBe(0);
      expect(gradient.data.every((value) => value === 0)).toBe(true);
    }
  });
});

describe('options that do not go together are refused, not ignored', () => {
  it.each<[string, object, RegExp]>([
    ['symmetric triplets', { mode: 'triplet', symmetric: true }, /symmetric: true.*'ntxent' or 'infonce'.*'triplet'/],
    ['raw rows with cosines', { mode: 'ntxent', normalize: false }, /normalize: false.*'triplet'.*'ntxent'/],
    ['soft triplets', { mode: 'triplet', targets: 'teacher' }, /targets: 'teacher'.*'ntxent' or 'infonce'.*'triplet'/],
    ['raw rows with a bank', { mode: 'triplet', normalize: false, bank: true }, /bank.*normalize: true/],
  ])('%s', async (_, { bank, ...options }: { bank?: boolean }, message) => {
    const strategy = new ContrastiveDistillationStrategy(options);
    if (bank) strategy.bank = new TeacherBank(bankRows);
    await expect(strategy.computeContrastiveLoss(student, teacher)).rejects.toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringMatching(message) }),
    );
  });
});

it('trains a student', async () => {
  const data = wordNetTexts(120);
  const rows = bagOfWordsRows(data.texts, 16);
  const strategy = triplet({ mining: 'all', margin: 0.3 });
  strategy.bank = new TeacherBank(rows);
  const losses: number[] = [];
  await distill({
    ...{ teacher: rows, student: tinyStudent(data.texts, { width: 16, dimension: 16, seed: 0 }), data, strategy },
    ...{ epochs: 10, batchSize: 30, optimizer: { learningRate: 0.02 }, onStep: ({ loss }) => losses.push(loss) },
  });
  expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]);
});
