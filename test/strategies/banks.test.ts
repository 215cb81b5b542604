/** Momentum banks and queues in the modes that are not CRD's: their values by way of what is tested already, and by loops. */
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { selectKeys } from '../../src/negatives/selection.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { visible } from '../negatives/visible.ts';
import { type CrdCase, softmaxLoss } from './crd-reference.ts';
import { FORMS, type Form, LABELLINGS, LABELS } from './negatives.ts';
import { expectNear, randomLabels, randomMatrix } from './support.ts';

const random = new Random(31);
const [B, D, M] = [5, 3, 9];
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, D);
const sampleIds = Int32Array.of(4, 0, 8, 3, 5);
const bankLabels = randomLabels(random, M, 3);
const bankRows = randomMatrix(random, M, D);
for (const [i, row] of sampleIds.entries()) {
  bankRows.row(row).set(teacher.row(i));
  bankLabels[row] = LABELS[i];
}
const teacherBank = new TeacherBank(bankRows, { labels: bankLabels });
const nested = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, i) => matrix.row(i));

/** Forms that take a bank, without CRD. */
const BANKED = (Object.keys(FORMS) as Form[]).filter((form) => form !== 'infonce' && form !== 'crd');
const DRAWS = [
  { negativesSampleSize: 1024 },
  { negativesSampleSize: 3 },
  { negativesSampleSize: 3, negativesDraw: 'anchor' },
] as const;

describe('equal to 1e-6 to a TeacherBank of the same rows (float32 on one side)', () => {
  for (const form of BANKED) {
    it(`${form}: momentum banks that hold the teacher’s own rows`, async () => {
      const banks = new MomentumBanks({ samples: M, dimension: D, labels: bankLabels });
      const rows = Float32Array.from(teacherBank.rows('float64').data);
      banks.restore({ 'teacher bank': rows, 'student bank': new Float32Array(M * D) });
      for (const draw of DRAWS) {
        for (const positives of LABELLINGS) {
          const labels = positives && LABELS;
          const strategy = new ContrastiveDistillationStrategy({
            ...{ ...FORMS[form], ...draw, positives: positives ?? 'class', margin: 0.4, temperature: 0.3 },
          });
          strategy.bank = teacherBank;
          const expected = await strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds });
          strategy.bank = banks;
          expectNear(await strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds }), expected, 1e-6);
          await strategy.release();
        }
      }
    });
  }

  for (const form of [...BANKED, 'crd'] as const) {
    it(`${form}: a queue, without those of its entries that are in the batch`, async () => {
      for (const draw of DRAWS) {
        for (const positives of LABELLINGS) {
          const strategy = new ContrastiveDistillationStrategy({
            ...{ ...FORMS[form], ...draw, positives: positives ?? 'class', margin: 0.4, temperature: 0.3 },
            projection: 'none',
          });
          const queue = new KeyQueue({ capacity: 7, dimension: D });
          strategy.bank = queue;
          const ids = Int32Array.from({ length: M }, (_, row) => row);
          await strategy.updateBank(bankRows, bankRows, positives && bankLabels, { sampleIds: ids });
          const labels = positives && LABELS;
          const measured = await strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds });
          // Of 9 rows the queue keeps the last 7, at places 7, 8, 2, 3, 4, 5, 6 modulo 7.
          const kept = [7, 8, 2, 3, 4, 5, 6].filter((row) => !sampleIds.includes(row));
          const apart = new ContrastiveDistillationStrategy({
            ...{ ...FORMS[form], ...draw, positives: positives ?? 'class', margin: 0.4, temperature: 0.3 },
            projection: 'none',
          });
          apart.bank = new TeacherBank(bankRows.gather(kept), {
            ...{ labels: Int32Array.from(kept, (row) => bankLabels[row]), sampleIds: Int32Array.from(kept) },
          });
          const expected = await apart.computeContrastiveLoss(student, teacher, labels, { sampleIds });
          expectNear(measured, expected, 1e-6);
          await strategy.release();
          await apart.release();
        }
      }
    });
  }
});

describe('NT-Xent over momentum banks, equal to loops to 1e-12: rows as they are, positives among them', () => {
  for (const symmetric of [false, true]) {
    for (const positives of LABELLINGS) {
      it(`${symmetric ? 'symmetric, ' : ''}${positives ?? 'no'} labels, all, K = 3, own draws`, async () => {
        const banks = new MomentumBanks({ samples: M, dimension: D, labels: bankLabels, seed: 5 });
        const labels = positives && LABELS;
        for (const draw of DRAWS) {
          const strategy = new ContrastiveDistillationStrategy({
            ...{ symmetric, ...draw, positives: positives ?? 'class', temperature: 0.3, contrastiveWeight: 1, seed: 2 },
          });
          strategy.bank = banks;
          const given = (inBank: boolean): CrdCase => {
            const request = {
              ...{ anchors: B, labels, positives: positives ?? 'class', sampleSize: draw.negativesSampleSize },
              ...{ draw: strategy.negativesDraw, seed: 2, step: 0 },
              bank: inBank ? { size: M, labels: labels && bankLabels, rowOfAnchor: sampleIds } : undefined,
            };
            const seen = visible(selectKeys(request), request);
            return {
              ...{ student: nested(student), teacher: nested(teacher), labels, positives: positives ?? 'class' },
              temperature: 0.3,
              bank: inBank
                ? {
                    ...{ teacher: nested(banks.rows('teacher')), student: nested(banks.rows('student')) },
                    ...{ labels: bankLabels, rowOf: sampleIds },
                  }
                : undefined,
              drawn: (_, i, key) => seen[i].keys.has(key),
            };
          };
          const [over, within] = [softmaxLoss(given(true), 'student'), softmaxLoss(given(false), 'teacher')];
          const measured = await strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds });
          expectNear(measured, symmetric ? (over + within) / 2 : over, 1e-12);
          // A positive taken from the batch would show.
          expect(Math.abs(over - softmaxLoss({ ...given(true), bank: undefined }, 'student'))).toBeGreaterThan(1e-3);
          await strategy.release();
        }
      });
    }
  }
});

describe('options that do not go together are refused, naming both', () => {
  const momentum = () => new MomentumBanks({ samples: M, dimension: D });
  const queue = () => new KeyQueue({ capacity: 4, dimension: D });
  it.each<[string, object, RegExp, (() => TeacherBank | MomentumBanks | KeyQueue)?]>([
    ['symmetric CRD', { mode: 'crd', symmetric: true }, /symmetric: true.*'ntxent' or 'infonce'.*mode 'crd'/],
    ['soft CRD', { mode: 'crd', targets: 'teacher' }, /targets: 'teacher'.*'ntxent' or 'infonce'.*mode 'crd'/],
    ['CRD of raw rows', { mode: 'crd', normalize: false }, /normalize: false.*mode 'triplet'.*mode 'crd'/],
    ['CRD, auto heads', { mode: 'crd' }, /projection 'none' or 'student'.*TeacherBank.*'both'/, () => teacherBank],
    ['heads on both', { projection: 'both' }, /projection 'none' or 'student'.*TeacherBank.*'both'/, () => teacherBank],
    ['InfoNCE', { mode: 'infonce' }, /bank.*'ntxent' or symmetric: true.*mode 'infonce'/, momentum],
    ['InfoNCE', { mode: 'infonce' }, /bank.*'ntxent' or symmetric: true.*mode 'infonce'/, queue],
    ['raw rows', { mode: 'triplet', normalize: false }, /bank.*normalize: true.*mode 'triplet'/, momentum],
    ['raw rows', { mode: 'triplet', normalize: false }, /bank.*normalize: true.*mode 'triplet'/, queue],
  ])('%s: %o', async (_, options, message, bank) => {
    const strategy = new ContrastiveDistillationStrategy(options);
    strategy.bank = bank?.();
    if (strategy.bank instanceof KeyQueue) strategy.bank.takeIn({ student, teacher });
    for (const call of [
      strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds }),
      strategy.computeContrastiveGradient(student, teacher, undefined, { sampleIds }),
    ]) {
      await expect(call).rejects.toMatchObject({ code: 'INVALID_OPTION', message: expect.stringMatching(message) });
    }
  });

  it('what is no bank', () => {
    const strategy = new ContrastiveDistillationStrategy();
    for (const bank of [teacher, [], null, 'bank']) {
      expect(() => Object.assign(strategy, { bank })).toThrow(
        expect.objectContaining({
          code: 'INVALID_OPTION',
          message: expect.stringMatching(/TeacherBank, MomentumBanks, a KeyQueue/),
        }),
      );
    }
  });
});
