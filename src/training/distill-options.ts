/** What `distill()` takes, says on the way, and gives back. */
import * as z from 'zod';
import type { Dataset } from '../data/dataset.ts';
import type { Device } from '../runtime/backend.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { TeacherCacheProgress } from '../teachers/teacher-cache-progress.ts';
import type { checkpointOptionsSchema } from './checkpoint.ts';
import type { OptimizerInput } from './optimizers/index.ts';
import { scheduleOptions } from './schedule.ts';
import type { StepResult } from './step.ts';
import type { TeacherInput } from './teacher-answers.ts';

/** Every number that steers a run, with default and bounds; a description completes "expected …". */
export const trainingOptionsSchema = z.object({
  epochs: z.int().min(1).default(10).describe('a whole number ≥ 1'),
  batchSize: z.int().min(2).default(256).describe('a whole number ≥ 2'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0'),
  ...scheduleOptions,
  batching: z
    .enum(['shuffled', 'length', 'balanced'])
    .default('shuffled')
    .describe(
      "'shuffled', 'length' or 'balanced': batches drawn at random, of samples of like length, or with as many samples of each class",
    ),
  microBatchSize: z
    .int()
    .min(1)
    .optional()
    .describe('a whole number ≥ 1: samples that the student embeds at once; by default the whole batch'),
  accumulate: z.int().min(1).default(1).describe('a whole number ≥ 1: batches whose mean loss makes one step'),
  findLearningRate: z
    .boolean()
    .default(false)
    .describe('true or false: try rising learning rates before training, and train with the one that is found'),
});

/** Where a teacher's rows are kept between runs; a description completes "expected …". */
export const cacheOptionsSchema = z.object({
  directory: z
    .string()
    .refine((path) => path.trim() !== '')
    .describe('the path of a directory'),
  dtype: z
    .enum(['float32', 'float16'])
    .default('float32')
    .describe("'float32' or 'float16': what rows are stored as; half the size, three digits"),
  shardRows: z
    .int()
    .min(1)
    .optional()
    .describe('a whole number ≥ 1: rows in a file; by default 1024, and more where that would be too many files'),
});

/** When training ends before its last epoch; a description completes "expected …". */
export const earlyStoppingSchema = z.object({
  metric: z
    .string()
    .min(1)
    .describe("the name of a validation metric, for instance 'recallAt1', 'meanCosine' or 'accuracy'"),
  patience: z.int().min(1).default(3).describe('a whole number ≥ 1: validations without a gain'),
  minimumGain: z.number().min(0).default(0).describe('a number ≥ 0: what counts as a gain'),
});

/** How often, and on how much, training is measured; a description completes "expected …". */
export const validationOptionsSchema = z.object({
  every: z
    .int()
    .min(1)
    .default(1)
    .describe('a whole number ≥ 1: epochs between two validations; the last epoch always has one'),
  samples: z
    .int()
    .min(2)
    .default(1000)
    .describe('a whole number ≥ 2: samples that are measured, drawn once from the validation data'),
});

/** What training is measured on, and never trained on. */
export interface Validation<Sample> extends z.input<typeof validationOptionsSchema> {
  readonly data: Dataset<Sample>;
  /** What the teacher says of it; by default the teacher of the training, where that can be asked. */
  readonly teacher?: TeacherInput<Sample>;
}

export interface DistillOptions<S extends TrainableStudent<Sample, unknown>, Sample = string>
  extends z.input<typeof trainingOptionsSchema> {
  /**
   * A teacher, asked once for all rows before training (for augmented data: asked at every batch); or its embeddings; or embeddings and
   * outputs. None for training by labels alone.
   */
  readonly teacher?: TeacherInput<Sample>;
  /** Keeps the rows of a teacher on disk, and reads them from there as they are needed. */
  readonly cache?: z.input<typeof cacheOptionsSchema>;
  /** Trained in place. */
  readonly student: S;
  readonly data: Dataset<Sample>;
  readonly strategy: DistillationStrategy;
  /** Options of AdamW, or with `method` of another optimizer. */
  readonly optimizer?: OptimizerInput;
  /** Give the labels of the data to the strategy. Default false. */
  readonly useLabels?: boolean;
  readonly validation?: Validation<Sample>;
  /** Ends training when a metric of the validation has stopped rising; the student is left as it was at the best validation. */
  readonly earlyStopping?: z.input<typeof earlyStoppingSchema>;
  /**
   * Saves where the run is, and goes on from there when it is started again with the same data and options: the bits are those of a
   * run without a break. The last step, and an interrupted one, are saved too.
   */
  readonly checkpoint?: z.input<typeof checkpointOptionsSchema>;
  /** Where training runs. Default 'cpu'. */
  readonly device?: Device;
  /** Told of everything that happens, steps included. */
  readonly onEvent?: (event: DistillEvent) => void;
  /** Told of every step. */
  readonly onStep?: (event: StepEvent) => void;
  /** Stops between two steps; the promise is then rejected with ABORTED, the student holding the parameters so far. */
  readonly signal?: AbortSignal;
}

/** What happens in a run, as it happens. */
export type DistillEvent =
  | TeacherEvent
  | LearningRateEvent
  | ResumeEvent
  | StepEvent
  | ValidationEvent
  | CheckpointEvent
  | WarningEvent;

/** The teacher's rows are being computed or read. */
export interface TeacherEvent extends TeacherCacheProgress {
  readonly type: 'teacher';
  readonly what: 'training' | 'validation';
}

/** One trial of the learning-rate finder, and at its end what it found. */
export interface LearningRateEvent {
  readonly type: 'learning rate';
  readonly learningRate: number;
  /** Smoothed. */
  readonly loss: number;
  readonly found: boolean;
}

/** A checkpoint was found, and training goes on from it. */
export interface ResumeEvent {
  readonly type: 'resume';
  readonly path: string;
  /** Steps done before. */
  readonly step: number;
  readonly steps: number;
}

/** After every step. */
export interface StepEvent extends StepResult {
  readonly type: 'step';
  /** Steps done, from 1 to `steps`. */
  readonly step: number;
  readonly steps: number;
  /** Epochs done, with fraction. */
  readonly epoch: number;
  readonly learningRate: number;
  /** Time spent training, before a break included. */
  readonly seconds: number;
}

/** What a validation found. */
export interface ValidationPoint {
  readonly step: number;
  readonly epoch: number;
  /**
   * By name: `recallAt1`, `recallAt10`, `meanReciprocalRank` and `meanCosine` where there are teacher rows as wide as the student's
   * embedding; `accuracy` where there are labels and the student classifies.
   */
  readonly metrics: Readonly<Record<string, number>>;
}

export interface ValidationEvent extends ValidationPoint {
  readonly type: 'validation';
  /** Whether it is the best so far by the metric of early stopping or of the best checkpoint. */
  readonly best: boolean;
  readonly seconds: number;
}

/** A checkpoint was written. */
export interface CheckpointEvent {
  readonly type: 'checkpoint';
  readonly path: string;
  readonly step: number;
}

/** Something that the user should know, and that does not stop the run. */
export interface WarningEvent {
  readonly type: 'warning';
  readonly message: string;
}

export interface DistillResult<S> {
  readonly student: S;
  /** Steps taken, before a break included; fewer than planned after early stopping. */
  readonly steps: number;
  readonly stoppedEarly: boolean;
  readonly seconds: number;
  /** Mean loss over the last epoch. */
  readonly loss: number;
  /** In order; empty without validation. */
  readonly validation: readonly ValidationPoint[];
  /** The best validation by the metric of early stopping or of the best checkpoint, where there is one. */
  readonly best?: ValidationPoint | undefined;
  /** How the teacher's rows came about, where a teacher was asked. */
  readonly teacher?: { readonly reused: number; readonly computed: number; readonly seconds: number } | undefined;
}
