/** Mode 'crd' against the nested loops of crd-reference.ts, and the proof that the comparison can fail. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { selectKeys } from '../../src/negatives/selection.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { visible } from '../negatives/visible.ts';
import { type CrdCase, type CrdMutation, crdLoss, type Head, meanScores, type Side } from './crd-reference.ts';
import { expectNear, randomLabels, randomMatrix } from './support.ts';

const BANKS = ['none', 'teacher apart', 'teacher member', 'teacher partly', 'momentum'] as const;
const LABELLINGS = [undefined, 'class', 'instance'] as const;
/** Widths of student, teacher and of what is compared. */
const WIDTHS = { none: [4, 4, 4], student: [3, 5, 5], both: [3, 5, 4] } as const;
type Projection = keyof typeof WIDTHS;
const CLASSES = 3;
const TAU = 0.2;

interface Setting {
  readonly rows: number;
  readonly bank: (typeof BANKS)[number];
  readonly bankSize: number;
  readonly projection: Projection;
  readonly positives: (typeof LABELLINGS)[number];
  readonly sampleSize: number;
  readonly draw?: 'batch' | 'anchor';
}

const nested = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, i) => matrix.row(i));

/** A strategy of its own, since Z is set once, and two batches of the same case for it and for the reference. */
function draw(setting: Setting, seed: number) {
  const { rows, bank: kind, bankSize, projection, positives, sampleSize, draw: drawing = 'batch' } = setting;
  const random = new Random(seed);
  const [studentWidth, teacherWidth, width] = WIDTHS[projection];
  const strategy = new ContrastiveDistillationStrategy({
    ...{ mode: 'crd', contrastiveWeight: 1, temperature: TAU, projection, projectionDimension: width, seed },
    ...{ positives: positives ?? 'class', negativesSampleSize: sampleSize, negativesDraw: drawing },
  });
  const layers = new Map([['embeddings', { width: studentWidth, teacherWidth }]]);
  const parameters = strategy.parametersFor(layers);
  const head = (side: Side): Head | undefined => {
    const [weight, bias] = parameters.filter(({ name }) => name.startsWith(side));
    return weight && { weight: nested(new Matrix(weight.shape[0], weight.shape[1], weight.data)), bias: bias.data };
  };
  const samples = Int32Array.from(random.sample(bankSize, kind === 'none' ? 0 : bankSize));
  const bankLabels = randomLabels(random, bankSize, CLASSES);
  const momentum = new MomentumBanks({ samples: bankSize, dimension: width, labels: bankLabels, seed });
  const teacherRows = randomMatrix(random, bankSize, width);

  const batch = (first: number, step: number) => {
    const student = randomMatrix(random, rows, studentWidth);
    const teacher = randomMatrix(random, rows, teacherWidth);
    const labels = positives ? randomLabels(random, rows, CLASSES) : undefined;
    const rowOf = Int32Array.from({ length: rows }, (_, i) => {
      const inBank = kind !== 'none' && kind !== 'teacher apart' && (kind !== 'teacher partly' || i % 2 === 0);
      return inBank ? samples[first + i] : -1;
    });
    for (const [i, row] of rowOf.entries()) {
      if (row < 0) continue;
      if (kind !== 'momentum') teacherRows.row(row).set(teacher.row(i));
      if (labels) bankLabels[row] = labels[i];
    }
    const sampleIds = rowOf.map((row, i) => (row < 0 ? bankSize + i : row)); // −1: a sample beyond the bank
    return { student, teacher, labels, rowOf, sampleIds, step };
  };
  const batches = [batch(0, 0), batch(rows, 3)];
  const known = positives ? bankLabels : undefined;
  if (kind === 'momentum') strategy.bank = momentum;
  else if (kind !== 'none') strategy.bank = new TeacherBank(teacherRows, known ? { labels: known } : {});

  const references = batches.map(({ student, teacher, labels, rowOf, step }): CrdCase => {
    const sees = (side: Side) => {
      const hasBank = kind === 'momentum' || (kind !== 'none' && side === 'student');
      const request = {
        ...{ anchors: rows, labels, positives: positives ?? 'class', sampleSize, draw: drawing, seed, step },
        bank: hasBank ? { size: bankSize, labels: known, rowOfAnchor: rowOf } : undefined,
      };
      return visible(selectKeys(request), request);
    };
    const seen = { student: sees('student'), teacher: sees('teacher') };
    return {
      ...{ student: nested(student), teacher: nested(teacher), labels, positives: positives ?? 'class' },
      heads: { student: head('student'), teacher: head('teacher') },
      temperature: TAU,
      bank:
        kind === 'none'
          ? undefined
          : {
              ...{ labels: known, rowOf },
              teacher: nested(kind === 'momentum' ? momentum.rows('teacher') : teacherRows),
              ...(kind === 'momentum' && { student: nested(momentum.rows('student')) }),
            },
      ...(sampleSize < rows + bankSize && {
        drawn: (side: Side, i: number, key: string) => seen[side][i].keys.has(key),
      }),
    };
  });
  const measured = ({ student, teacher, labels, sampleIds, step }: (typeof batches)[number]) =>
    strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds, step });
  return { strategy, references, losses: async () => [await measured(batches[0]), await measured(batches[1])] };
}

/** The losses of a first and of a later batch, both with the first one's Z. */
async function compare(setting: Setting, seed: number): Promise<void> {
  const { strategy, references, losses } = draw(setting, seed);
  expect(strategy.meanScores).toEqual({ student: undefined, teacher: undefined });
  const actual = await losses();
  const means = meanScores(references[0]);
  for (const [k, loss] of actual.entries()) expectNear(loss, crdLoss(references[k], means), 1e-12);
  expectNear(Number(strategy.meanScores.student), means.student, 1e-12);
  expectNear(Number(strategy.meanScores.teacher), means.teacher, 1e-12);
  await strategy.release();
}

describe('equal to nested loops to 1e-12: first batch, later batch, and Z', () => {
  for (const bank of BANKS) {
    for (const positives of LABELLINGS) {
      for (const projection of ['none', 'student', 'both'] as const) {
        if (bank.startsWith('teacher') && projection === 'both') continue; // refused
        it(`${bank === 'none' ? 'in the batch' : `bank: ${bank}`}, ${positives ?? 'no'} labels, projection ${projection}`, async () => {
          const bankSize = bank === 'none' ? 1 : 14;
          const setting = { bank, bankSize, projection, positives };
          for (const [rows, sampleSize, drawing] of [
            [2, 1024, 'batch'],
            [7, 1024, 'batch'],
            [7, 1, 'batch'],
            [7, 4, 'batch'],
            [5, 3, 'anchor'],
          ] as const) {
            await compare({ ...setting, rows, sampleSize, draw: drawing }, rows * 100 + sampleSize);
          }
        });
      }
    }
  }

  it('momentum banks, one anchor', async () => {
    for (const sampleSize of [1024, 1, 6]) {
      for (const positives of LABELLINGS) {
        await compare({ ...{ rows: 1, bank: 'momentum', bankSize: 9, projection: 'both' }, positives, sampleSize }, 8);
      }
    }
  });
});

describe('a mutated formula disagrees', () => {
  const momentum = { bank: 'momentum', bankSize: 14 } as const;
  it.each<[CrdMutation, Partial<Setting>, number?]>([
    ['K missing from the noise term', {}],
    ['K of the option, not of what is seen', { positives: 'instance', sampleSize: 5 }],
    ['Z anew from every batch', {}, 1],
    ['Z a sum, not a mean', {}],
    ['Z over negatives alone', {}],
    ['one Z for both sides', { ...momentum }],
    ['student anchors alone', {}],
    ['student anchors alone', { ...momentum }],
    ['directions averaged', {}],
    ['negatives averaged', {}],
    ['sum over anchors', {}],
    ['softplus of the positive flipped', {}],
    ['softplus of the negatives flipped', {}],
    ['temperature multiplied', {}],
    ['positive from the batch', { ...momentum }],
    ['banks swapped', { ...momentum }],
    ['batch rows beside the banks', { ...momentum }],
    ['own bank row kept as a negative', { ...momentum }],
    ['own bank row kept as a negative', { bank: 'teacher member', bankSize: 14 }],
    ['same-class negatives kept', { positives: 'instance' }],
    ['class positives added, not shared', { positives: 'class' }],
    ['own pair the only positive of its class', { positives: 'class' }],
    ['head without its bias', { projection: 'both' }],
    ['head left out of the norm', { projection: 'student' }],
  ])('%s, %o', async (mutation, changes, which = 0) => {
    const setting: Setting = {
      ...{ rows: 7, bank: 'none', bankSize: 1, projection: 'none', positives: undefined, sampleSize: 1024 },
      ...changes,
    };
    const { references, losses } = draw(setting, 42);
    const loss = (await losses())[which];
    expectNear(loss, crdLoss(references[which], meanScores(references[0])), 1e-12);
    const means = meanScores(references[mutation === 'Z anew from every batch' ? which : 0], mutation);
    const mutated = crdLoss(references[which], means, mutation, setting.sampleSize);
    expect(Math.abs(loss - mutated)).toBeGreaterThan(1e-4);
  });

  it('anchors without negatives counted', async () => {
    // Two rows of one class: no anchor has a negative.
    const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none', positives: 'instance' });
    const random = new Random(1);
    const [student, teacher] = [randomMatrix(random, 2, 3), randomMatrix(random, 2, 3)];
    const given: CrdCase = {
      ...{ student: nested(student), teacher: nested(teacher), labels: [0, 0], positives: 'instance' },
      temperature: strategy.temperature,
    };
    const means = meanScores(given);
    expect(crdLoss(given, means, 'anchors without negatives counted')).toBeGreaterThan(1e-3);
    expect(crdLoss(given, means)).toBe(0);
    expect(await strategy.computeContrastiveLoss(student, teacher, [0, 0])).toBe(0);
  });
});

it('contrastiveWeight scales it; bank rows are read in the precision of the batch', async () => {
  const random = new Random(3);
  const [student, teacher] = [randomMatrix(random, 4, 3), randomMatrix(random, 4, 3)];
  const evaluated = async (contrastiveWeight: number, dtype: 'float32' | 'float64') => {
    const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projectionDimension: 6, contrastiveWeight });
    strategy.bank = new MomentumBanks({ samples: 9, dimension: 6 });
    const context = { sampleIds: Int32Array.of(8, 2, 0, 5) };
    return strategy.computeContrastiveLoss(student.as(dtype), teacher.as(dtype), undefined, context);
  };
  const full = await evaluated(1, 'float64');
  expectNear(await evaluated(0.25, 'float64'), 0.25 * full, 1e-12);
  expectNear(await evaluated(1, 'float32'), full, 2e-6);
});
