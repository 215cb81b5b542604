/** Distillation from start to end: batches, steps, schedule, events. */
import * as z from 'zod';
import { EpochBatches } from '../data/epoch-batches.ts';
import type { TextDataset } from '../data/text-dataset.ts';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import { parseOptions } from '../strategies/options.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { CheckpointFile, checkpointOptionsSchema } from './checkpoint.ts';
import { type OptimizerInput, parseOptimizer } from './optimizers/index.ts';
import { scheduleFactor, scheduleOptions } from './schedule.ts';
import type { Step, StepResult } from './step.ts';
import { ThreePassStep } from './three-pass-step.ts';
import { TrainingStep } from './training-step.ts';

/** Every number that steers a run, with default and bounds; a description completes "expected …". */
export const trainingOptionsSchema = z.object({
  epochs: z.int().min(1).default(10).describe('a whole number ≥ 1'),
  batchSize: z.int().min(2).default(256).describe('a whole number ≥ 2'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0'),
  ...scheduleOptions,
  microBatchSize: z
    .int()
    .min(1)
    .optional()
    .describe('a whole number ≥ 1: samples that the student embeds at once; by default the whole batch'),
});

export interface DistillOptions<S extends TrainableStudent> extends z.input<typeof trainingOptionsSchema> {
  /** A teacher, asked once for all rows before training; or its rows, one for each text. */
  readonly teacher: Teacher | Matrix;
  /** Trained in place. */
  readonly student: S;
  readonly data: TextDataset;
  readonly strategy: DistillationStrategy;
  /** Options of AdamW, or with `method` of another optimizer. */
  readonly optimizer?: OptimizerInput;
  /** Give the labels of the data to the strategy. Default false. */
  readonly useLabels?: boolean;
  /**
   * Saves where the run is, and goes on from there when it is started again with the same data and options: the bits are those of a
   * run without a break. The last step, and an interrupted one, are saved too.
   */
  readonly checkpoint?: z.input<typeof checkpointOptionsSchema>;
  readonly onEvent?: (event: TrainingEvent) => void;
  /** Stops between two steps; the promise is then rejected with ABORTED, the student holding the parameters so far. */
  readonly signal?: AbortSignal;
}

/** After every step. */
export interface TrainingEvent extends StepResult {
  /** Steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Epochs done, with fraction. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Since the start of training. */
  readonly seconds: number;
}

export interface DistillResult<S> {
  readonly student: S;
  readonly steps: number;
  readonly seconds: number;
  /** Mean loss over the last epoch. */
  readonly loss: number;
}

/**
 * Trains a student on a teacher's embeddings.
 *
 * The same seed on the same machine with the same number of threads gives the same bits.
 *
 * @throws LimbeckError INVALID_OPTION, SHAPE_MISMATCH (rows and texts), MISSING_LAYER (the strategy reads a layer that the
 *   student does not have), DIVERGED, ABORTED, CHECKPOINT_MISMATCH
 *
 * @example
 * const strategy = new ContrastiveDistillationStrategy({ temperature: 0.05, negativesSampleSize: rows.rows });
 * strategy.bank = new TeacherBank(rows);
 * await distill({ teacher: rows, student, data, strategy, epochs: 10, batchSize: 256, optimizer: { learningRate: 0.005 } });
 */
export async function distill<S extends TrainableStudent>(options: DistillOptions<S>): Promise<DistillResult<S>> {
  const {
    teacher,
    student,
    data,
    strategy,
    optimizer,
    useLabels = false,
    checkpoint,
    onEvent,
    signal,
    ...numbers
  } = options;
  const training = parseOptions(trainingOptionsSchema, numbers, 'distill');
  const { epochs, batchSize, seed, microBatchSize } = training;
  const saving = checkpoint && parseOptions(checkpointOptionsSchema, checkpoint, 'distill: checkpoint');
  const optimizerOptions = parseOptimizer(optimizer ?? {}, 'distill: optimizer');
  const given = teacher instanceof Matrix ? teacher : await teacher.embed(data.texts, signal ? { signal } : {});
  const rows = given.as('float32'); // the precision of training
  checkParts(rows, student, data, strategy, useLabels);

  const encoded = student.encode(data.texts);
  const batches = new EpochBatches(data.texts.length, batchSize, seed);
  const { perEpoch } = batches;
  const steps = epochs * perEpoch;
  const sameTexts = firstOfEqual(data.texts);
  const StepKind = microBatchSize === undefined ? TrainingStep : ThreePassStep;
  const step: Step = new StepKind(student, strategy, optimizerOptions, rows.columns);
  const run = JSON.stringify({
    data: data.fingerprint,
    useLabels,
    ...training,
    optimizer: optimizerOptions,
    strategy: [strategy.constructor.name, strategy.settings()],
  });
  const file = saving && new CheckpointFile(saving.directory, run);
  const started = performance.now();
  const elapsed = (): number => (performance.now() - started) / 1000;
  let lastEpochLoss = 0;
  try {
    const saved = await file?.read();
    if (saved) {
      step.restore(saved.state);
      lastEpochLoss = saved.lastEpochLoss;
    }
    const save = (done: number) => file?.write({ step: done, lastEpochLoss, state: step.state() });
    for (let done = saved?.step ?? 0; done < steps; done++) {
      if (signal?.aborted) {
        await save(done);
        const kept = file ? ` The checkpoint ${file.path} says where; start again to go on.` : '';
        throw new LimbeckError(
          'ABORTED',
          `Training was interrupted on request after ${done} of ${steps} steps.${kept}`,
        );
      }
      const epoch = Math.floor(done / perEpoch);
      const sampleIds = batches.batch(epoch, done % perEpoch);
      const learningRate = optimizerOptions.learningRate * scheduleFactor(training, done, steps);
      const result = await step.run(
        {
          student: microBatches(sampleIds, microBatchSize).map((samples) =>
            student.prepareBatch(Array.from(samples, (i) => encoded[i])),
          ),
          teacher: rows.gather(sampleIds),
          sampleIds: sameTexts ? sampleIds.map((i) => sameTexts[i]) : sampleIds,
          duplicateOf: sameTexts,
          classIndices: useLabels ? sampleIds.map((i) => (data.labels as Int32Array)[i]) : undefined,
        },
        learningRate,
      );
      if (epoch === epochs - 1) lastEpochLoss += result.loss / perEpoch;
      if (saving && ((done + 1) % saving.every === 0 || done + 1 === steps)) await save(done + 1);
      onEvent?.({ ...result, step: done + 1, steps, epoch: (done + 1) / perEpoch, learningRate, seconds: elapsed() });
    }
  } finally {
    step.writeBack();
    await step.release();
  }
  return { student, steps, seconds: elapsed(), loss: lastEpochLoss };
}

/** For every text the first that is the same; undefined when all differ. */
function firstOfEqual(texts: readonly string[]): Int32Array | undefined {
  const first = new Map<string, number>();
  for (const [i, text] of texts.entries()) if (!first.has(text)) first.set(text, i);
  return first.size === texts.length ? undefined : Int32Array.from(texts, (text) => first.get(text) as number);
}

/** The samples of a batch in parts of at most `size`. */
function microBatches(samples: Int32Array, size = samples.length): Int32Array[] {
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, k) => samples.subarray(k * size, (k + 1) * size));
}

function checkParts(
  rows: Matrix,
  student: TrainableStudent,
  data: TextDataset,
  strategy: DistillationStrategy,
  useLabels: boolean,
): void {
  if (rows.rows !== data.texts.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected one teacher row for each of the ${data.texts.length} texts, got ${rows.rows}.`,
    );
  }
  if (rows.rows < 2) {
    throw new LimbeckError('EMPTY_BATCH', `distill: expected at least two texts to train on, got ${rows.rows}.`);
  }
  rows.assertFinite('teacher rows');
  if (useLabels && !data.labels) {
    throw new LimbeckError('INVALID_ARGUMENT', 'distill: expected data with labels for useLabels: true, got none.');
  }
  for (const name of strategy.layerNames()) {
    const width = student.layers.get(name);
    if (width === undefined) {
      const known = [...student.layers.keys()].map((layer) => `"${layer}"`).join(', ');
      throw new LimbeckError(
        'MISSING_LAYER',
        `distill: expected the student to have the layer "${name}" that the strategy reads; it has ${known}. ` +
          'Set embeddingLayerName to one of them.',
      );
    }
    if (strategy.equalWidths() && width !== rows.columns) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `distill: expected layer "${name}" to be as wide as the teacher's rows (${rows.columns}), got ${width}. ` +
          strategy.widthAdvice(),
      );
    }
  }
}
