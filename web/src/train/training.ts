/** One training, in the worker: a collection and settings to a student, told step by step. What trains is `distill()`. */
import {
  ContrastiveDistillationStrategy,
  type DistillationStrategy,
  type DistillEvent,
  type DistillResult,
  distill,
  FeatureDistillationStrategy,
  HybridDistillationStrategy,
  LimbeckError,
  type Matrix,
  StaticEmbeddingStudent,
  splitByHash,
  TeacherBank,
  type TextDataset,
  textDataset,
  trainTokenizer,
} from 'limbeck';
import type { Collection } from '../files/collection.ts';
import { CHECKPOINTS } from './saved-run.ts';
import type { Settings } from './settings.ts';

/** About what share of the texts is held out and measured. */
const HELD_OUT = 0.1;
const BATCH = 128;
const MAX_TOKENS = 128;
const SEED = 0;
/** Steps between two checkpoints: what a closed tab loses at most. */
const CHECKPOINT_EVERY = 50;

export interface Parts {
  readonly student: StaticEmbeddingStudent;
  readonly training: TextDataset;
  readonly heldOut: TextDataset;
  readonly heldOutRows: Matrix;
  readonly trainingRows: Matrix;
  readonly epochs: number;
  readonly steps: number;
}

/** @throws LimbeckError EMPTY_DATA for too few texts to hold some out; as `textDataset` and `trainTokenizer` */
export async function prepareParts({ texts, rows, name }: Collection, { width, steps }: Settings): Promise<Parts> {
  const whole = textDataset({ texts });
  const { training, heldOut } = await splitByHash(whole, { share: HELD_OUT, seed: SEED });
  // Four are the fewest that a map can be drawn of.
  if (heldOut.size < 4 || training.size < 2) {
    throw new LimbeckError(
      'EMPTY_DATA',
      `${name}: expected enough texts to hold a tenth of them out, 100 or so, got ${texts.length}. Take more texts.`,
    );
  }
  const tokenizer = await trainTokenizer(training.texts, { maxTokens: MAX_TOKENS });
  const perEpoch = Math.ceil(training.size / BATCH);
  const epochs = Math.max(1, Math.round(steps / perEpoch));
  return {
    student: new StaticEmbeddingStudent(tokenizer, { width, dimension: rows.columns, seed: SEED }),
    training,
    heldOut,
    trainingRows: rows.gather(positionsOf(training)),
    heldOutRows: rows.gather(positionsOf(heldOut)),
    epochs,
    steps: epochs * perEpoch,
  };
}

function positionsOf(data: TextDataset): Int32Array {
  return data.positions ?? Int32Array.from({ length: data.size }, (_, i) => i);
}

/** The contrastive loss and the cosine loss, by their weights; one alone where the other has none. */
function strategyOf({ mode, temperature, weight }: Settings, rows: Matrix): DistillationStrategy {
  const cosine = new FeatureDistillationStrategy({ projection: 'none' });
  if (weight === 0) return cosine;
  const contrast = new ContrastiveDistillationStrategy({
    ...{ mode, temperature, seed: SEED, contrastiveWeight: 1 },
    // The student has to stay in the teacher's own space, which trained heads would leave.
    projection: 'none',
  });
  if (mode === 'ntxent' || mode === 'crd') contrast.bank = new TeacherBank(rows);
  if (weight === 1) return contrast;
  return new HybridDistillationStrategy([
    { strategy: contrast, weight },
    { strategy: cosine, weight: 1 - weight },
  ]);
}

/**
 * Trains with checkpoints, and goes on from the last one where there is one.
 *
 * @throws LimbeckError ABORTED, with a checkpoint, when the signal says so; as `distill()`
 */
export async function runTraining(
  { student, training, heldOut, trainingRows, heldOutRows, epochs }: Parts,
  settings: Settings,
  { onEvent, signal }: { readonly onEvent: (event: DistillEvent) => void; readonly signal: AbortSignal },
): Promise<DistillResult<StaticEmbeddingStudent>> {
  const strategy = strategyOf(settings, trainingRows);
  try {
    return await distill({
      ...{ teacher: trainingRows, student, data: training, strategy, epochs, signal, onEvent },
      batchSize: BATCH,
      seed: SEED,
      optimizer: { learningRate: 0.005, weightDecay: 0 },
      validation: { data: heldOut, teacher: heldOutRows },
      checkpoint: { directory: CHECKPOINTS, every: CHECKPOINT_EVERY },
    });
  } finally {
    await strategy.release();
  }
}
