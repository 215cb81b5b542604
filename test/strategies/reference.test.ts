/** The strategy against the nested loops of reference.ts, and the proof that the comparison can fail. */
import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { type SelectionRequest, selectKeys } from '../../src/negatives/selection.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { visible } from '../negatives/visible.ts';
import { type Mutation, type ReferenceCase, referenceLoss } from './reference.ts';
import { expectNear, randomLabels, randomMatrix } from './support.ts';

const FORMS = [
  { mode: 'ntxent', symmetric: false },
  { mode: 'infonce', symmetric: false },
  { mode: 'ntxent', symmetric: true },
] as const;
const LABELLINGS = [undefined, 'class', 'instance'] as const;
const CLASSES = 3;

interface Setting {
  readonly rows: number;
  readonly width: number;
  readonly bankSize: number;
  readonly bank: 'none' | 'apart' | 'member' | 'partly';
  readonly form: (typeof FORMS)[number];
  readonly positives: (typeof LABELLINGS)[number];
  readonly sampleSize: number;
}

const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });

/** The same case for the reference and for the strategy. */
function draw(setting: Setting, seed: number) {
  const { rows, width, bankSize, bank: kind, form, positives, sampleSize } = setting;
  const random = new Random(seed);
  const student = randomMatrix(random, rows, width);
  const teacher = randomMatrix(random, rows, width);
  const labels = positives ? randomLabels(random, rows, CLASSES) : undefined;
  const bankRows = randomMatrix(random, bankSize, width);
  const bankLabels = randomLabels(random, bankSize, CLASSES);
  const rowOf = new Int32Array(rows).fill(-1);
  if (kind === 'member' || kind === 'partly') {
    const places = random.sample(bankSize, Math.min(rows, bankSize));
    for (const [i, place] of places.entries()) {
      if (kind === 'partly' && i % 2 === 1) continue;
      rowOf[i] = place;
      bankRows.row(place).set(teacher.row(i));
      if (labels) bankLabels[place] = labels[i];
    }
  }
  const nested = (matrix: Matrix) => Array.from({ length: matrix.rows }, (_, i) => matrix.row(i));
  const bank = kind === 'none' ? undefined : { rows: nested(bankRows), labels: labels ? bankLabels : undefined, rowOf };
  const seen = (['ntxent', 'infonce'] as const).map((mode) => {
    const request: SelectionRequest = {
      anchors: rows,
      labels,
      positives: positives ?? 'class',
      sampleSize,
      sampleIds: rowOf,
      bank: bank && mode === 'ntxent' ? { size: bankSize, labels: bank.labels, rowOfAnchor: rowOf } : undefined,
      seed,
      step: 0,
    };
    return visible(selectKeys({ ...request, sampleIds: undefined }), request);
  });
  const reference: ReferenceCase = {
    student: nested(student),
    teacher: nested(teacher),
    ...form,
    temperature: 0.2,
    labels,
    positives: positives ?? 'class',
    bank,
    ...(sampleSize < rows + bankSize
      ? {
          drawn: (mode: 'ntxent' | 'infonce', i: number, key: string) =>
            seen[mode === 'ntxent' ? 0 : 1][i].keys.has(key),
        }
      : {}),
  };
  const measured = async (): Promise<number> => {
    strategy.mode = form.mode;
    strategy.symmetric = form.symmetric;
    strategy.temperature = 0.2;
    strategy.positives = positives ?? 'class';
    strategy.negativesSampleSize = sampleSize;
    strategy.seed = seed;
    strategy.bank = bank && new TeacherBank(bankRows, labels ? { labels: bankLabels } : {});
    // A batch row without a bank row is a sample beyond the bank.
    const sampleIds = rowOf.map((row, i) => (row < 0 ? bankSize + i : row));
    return strategy.computeContrastiveLoss(student, teacher, labels, { sampleIds });
  };
  return { reference, measured };
}

describe('equal to nested loops to 1e-12', () => {
  for (const form of FORMS) {
    for (const positives of LABELLINGS) {
      const title = `${form.mode}${form.symmetric ? ' symmetric' : ''}, ${positives ?? 'no'} labels`;
      it(`${title}: in the batch, B = 2, 3, 7, 17, D = 1, 2, 5, all and sampled`, async () => {
        for (const rows of [2, 3, 7, 17]) {
          for (const width of [1, 2, 5]) {
            for (const sampleSize of [1024, 1, 5]) {
              const setting: Setting = { rows, width, bankSize: 1, bank: 'none', form, positives, sampleSize };
              const { reference, measured } = draw(setting, rows * 100 + width);
              expectNear(await measured(), referenceLoss(reference), 1e-12);
            }
          }
        }
      });
      if (form.mode === 'infonce') continue;
      it(`${title}: with a bank, B = 1, 2, 3, 7, 17, M = 1, 7, 50, all and sampled`, async () => {
        for (const bank of ['apart', 'member', 'partly'] as const) {
          for (const rows of form.symmetric ? [2, 3, 7, 17] : [1, 2, 3, 7, 17]) {
            for (const bankSize of [1, 7, 50]) {
              if (rows === 1 && bankSize === 1 && bank !== 'apart') continue;
              for (const sampleSize of [1024, 1, 5]) {
                const setting: Setting = { rows, width: 3, bankSize, bank, form, positives, sampleSize };
                const { reference, measured } = draw(setting, rows * 1000 + bankSize);
                expectNear(await measured(), referenceLoss(reference), 1e-12);
              }
            }
          }
        }
      });
    }
  }
});

describe('a mutated formula disagrees', () => {
  it.each<[Mutation, Partial<Setting>]>([
    ['own pair left out of the sum', {}],
    ['anchors and keys swapped', {}],
    ['same-class negatives kept', { positives: 'instance' }],
    ['mean of positives inside the logarithm', { positives: 'class' }],
    ['bank row of the own sample kept as a negative', { bank: 'member' }],
    ['dot products instead of cosines', {}],
    ['temperature multiplied', {}],
    ['sum over anchors', {}],
    ['first negative dropped', { sampleSize: 5 }],
  ])('%s', async (mutation, changes) => {
    const setting: Setting = {
      rows: 7,
      width: 5,
      bankSize: 12,
      bank: 'none',
      form: FORMS[0],
      positives: undefined,
      sampleSize: 1024,
      ...changes,
    };
    const { reference, measured } = draw(setting, 42);
    const loss = await measured();
    expectNear(loss, referenceLoss(reference), 1e-12);
    expect(Math.abs(loss - referenceLoss(reference, mutation))).toBeGreaterThan(1e-3);
  });
});
