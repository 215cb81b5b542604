/** Small runs of every kind that a checkpoint has to bring back to the bit, and what there is to compare of them. */
import { createHash } from 'node:crypto';
import { textDataset } from '../../src/data/text-dataset.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillOptions } from '../../src/training/distill-options.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const DIMENSION = 8;
export const data = wordNetTexts(50);
/** Four epochs of three batches, the last of each smaller. */
export const STEPS = 12;

const rows = bagOfWordsRows(data.texts, DIMENSION);
const common = { contrastiveWeight: 1, temperature: 0.2, negativesSampleSize: 20 } as const;

export const KINDS = {
  'NT-Xent with a bank': {
    strategy: () => new ContrastiveDistillationStrategy(common),
    bank: () => new TeacherBank(rows),
  },
  'CRD with momentum banks and heads': {
    strategy: () => new ContrastiveDistillationStrategy({ ...common, mode: 'crd', projectionDimension: 6 }),
    bank: () => new MomentumBanks({ samples: 50, dimension: 6 }),
  },
  'NT-Xent with a queue': {
    strategy: () => new ContrastiveDistillationStrategy(common),
    bank: () => new KeyQueue({ capacity: 31, dimension: DIMENSION }),
  },
  'NT-Xent with a queue, in micro-batches and tiles': {
    strategy: () => new ContrastiveDistillationStrategy({ ...common, maxLogits: 100, negativesDraw: 'anchor' }),
    bank: () => new KeyQueue({ capacity: 31, dimension: DIMENSION }),
    microBatchSize: 7,
  },
} as const;
export type Kind = keyof typeof KINDS;

export interface Run {
  readonly student: StaticEmbeddingStudent;
  readonly strategy: ContrastiveDistillationStrategy;
  readonly options: DistillOptions<StaticEmbeddingStudent>;
}

/** A run with everything of its own: what a new process would begin with. */
export function newRun(kind: Kind, changes: Partial<DistillOptions<StaticEmbeddingStudent>> = {}): Run {
  const { strategy: make, bank, ...rest } = KINDS[kind];
  const strategy = make();
  strategy.bank = bank();
  const student = tinyStudent(data.texts, { width: 6, dimension: DIMENSION, seed: 0 });
  const options = { teacher: rows, student, data, strategy, epochs: 4, batchSize: 20, ...rest, ...changes };
  return { student, strategy, options };
}

/** SHA-256 of the bits of everything that training changes: the student, the strategy's heads, its banks and normalizers. */
export function digest({ student, strategy }: Run): string {
  const hash = createHash('sha256');
  const widths = { width: DIMENSION, teacherWidth: DIMENSION };
  const heads = strategy.parametersFor(new Map([['embeddings', widths]]));
  for (const { name, data: numbers } of [...student.parameters, ...heads]) hash.update(name).update(bytes(numbers));
  for (const [name, array] of Object.entries(strategy.state())) hash.update(name).update(bytes(array));
  return hash.digest('hex');
}

/** Trains to the end, or to the error that ends it. */
export async function train(run: Run): Promise<{ steps: number; loss: number }> {
  try {
    return await distill(run.options);
  } finally {
    await run.strategy.release();
  }
}

/** Data of the same size and another content. */
export const otherData = textDataset({ texts: data.texts.map((text, i) => (i === 3 ? `${text}!` : text)) });

function bytes(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
