/** Every source of negatives that a strategy can have, set up for one small batch; which modes refuse which. */
import type { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import type {
  ContrastiveContext,
  ContrastiveDistillationStrategy,
} from '../../src/strategies/contrastive-distillation-strategy.ts';
import { randomLabels, randomMatrix } from './support.ts';

export const NEGATIVES = [
  'batch',
  'batch, K = 2',
  'batch, own draws of 2',
  'teacher bank apart',
  'teacher bank member',
  'teacher bank member, K = 3',
  'teacher bank member, own draws of 3',
  'momentum banks',
  'momentum banks, K = 3',
  'momentum banks, own draws of 3',
  'queue',
  'queue, K = 3',
] as const;
export type Negatives = (typeof NEGATIVES)[number];

export const FORMS = {
  ntxent: { mode: 'ntxent', symmetric: false },
  infonce: { mode: 'infonce', symmetric: false },
  'ntxent symmetric': { mode: 'ntxent', symmetric: true },
  'infonce symmetric': { mode: 'infonce', symmetric: true },
  'triplet hard': { mode: 'triplet', symmetric: false, mining: 'hard' },
  'triplet semihard': { mode: 'triplet', symmetric: false, mining: 'semihard' },
  'triplet all': { mode: 'triplet', symmetric: false, mining: 'all' },
  crd: { mode: 'crd', symmetric: false },
} as const;
export type Form = keyof typeof FORMS;

export const LABELLINGS = [undefined, 'class', 'instance'] as const;
export type Labelling = (typeof LABELLINGS)[number];

/** Widths of student, teacher and of what is compared. */
export const WIDTHS = { none: [3, 3, 3], student: [2, 3, 3], both: [2, 3, 4] } as const;
export type Projection = keyof typeof WIDTHS;

/** Why a combination is refused: what the message says, both sides of it; undefined when it is allowed. */
export function refusal({ form, negatives, projection }: Omit<Combination, 'positives'>): RegExp | undefined {
  if (form === 'infonce' && !negatives.startsWith('batch')) return /bank.*'ntxent' or symmetric: true.*'infonce'/;
  if (projection === 'both' && negatives.startsWith('teacher'))
    return /projection 'none' or 'student'.*TeacherBank.*'both'/;
  return undefined;
}

const [B, M] = [5, 9];
export const LABELS = Int32Array.of(0, 1, 0, 2, 1);
const MEMBERS = Int32Array.of(4, 0, 8, 3, 5);

export interface Combination {
  readonly form: Form;
  readonly negatives: Negatives;
  readonly positives: Labelling;
  readonly projection: Projection;
}

export interface Batch {
  readonly student: Matrix;
  readonly teacher: Matrix;
  readonly labels: Int32Array | undefined;
  readonly context: ContrastiveContext;
}

/** Sets options and bank for one combination, and gives a batch for it. */
export async function settle(
  strategy: ContrastiveDistillationStrategy,
  { form, negatives, positives, projection }: Combination,
): Promise<Batch> {
  const random = new Random(5);
  const [studentWidth, teacherWidth, width] = WIDTHS[projection];
  const student = randomMatrix(random, B, studentWidth);
  const teacher = randomMatrix(random, B, teacherWidth);
  const sampleSize = Number(/(?:K =|draws of) (\d+)/.exec(negatives)?.[1] ?? 1024);
  Object.assign(strategy, FORMS[form], {
    ...{ projection, projectionDimension: width, positives: positives ?? 'class', negativesSampleSize: sampleSize },
    negativesDraw: negatives.includes('own draws') ? 'anchor' : 'batch',
  });
  strategy.bank = undefined;
  const labels = positives ? LABELS : undefined;
  const bankLabels = randomLabels(random, M, 3);
  const bankRows = randomMatrix(random, M, teacherWidth);
  if (negatives === 'teacher bank apart') strategy.bank = new TeacherBank(bankRows, { labels: bankLabels });
  for (const [i, row] of MEMBERS.entries()) {
    bankRows.row(row).set(teacher.row(i));
    bankLabels[row] = LABELS[i];
  }
  const context = { sampleIds: MEMBERS };
  if (negatives.startsWith('teacher bank member')) strategy.bank = new TeacherBank(bankRows, { labels: bankLabels });
  const earlier = [randomMatrix(random, B, studentWidth), randomMatrix(random, B, teacherWidth)] as const;
  if (negatives.startsWith('momentum')) {
    strategy.bank = new MomentumBanks({ samples: M, dimension: width, labels: bankLabels });
    await strategy.updateBank(...earlier, labels, { sampleIds: Int32Array.of(1, 0, 2, 6, 8) });
  }
  if (negatives.startsWith('queue')) {
    strategy.bank = new KeyQueue({ capacity: 8, dimension: width });
    await strategy.updateBank(...earlier, labels, { sampleIds: Int32Array.of(11, 0, 12, 16, 18) });
  }
  const apart = negatives.startsWith('batch') || negatives === 'teacher bank apart';
  return { student, teacher, labels, context: apart ? {} : context };
}

/** A strategy's heads as exact float32 numbers that small powers of two can be added to. */
export function roundHeads(strategy: ContrastiveDistillationStrategy, projection: Projection): void {
  for (const { data } of headsOf(strategy, projection)) {
    for (const [k, value] of data.entries()) data[k] = Math.round(value * 1024) / 1024;
  }
}

export function headsOf(strategy: ContrastiveDistillationStrategy, projection: Projection) {
  const [width, teacherWidth] = WIDTHS[projection];
  return strategy.parametersFor(new Map([['embeddings', { width, teacherWidth }]]));
}
