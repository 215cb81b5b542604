/** The section `training` of a run's configuration: how long, how fast, in what batches, and what is kept on the way. */
import * as z from 'zod';
import { checkpointOptionsSchema } from '../training/checkpoint.ts';
import { earlyStoppingSchema, trainingOptionsSchema, validationOptionsSchema } from '../training/distill-options.ts';
import { adamWOptionsSchema } from '../training/optimizers/adamw.ts';
import { lionOptionsSchema } from '../training/optimizers/lion.ts';
import { sgdOptionsSchema } from '../training/optimizers/sgd.ts';

const learningRate = adamWOptionsSchema.shape.learningRate.unwrap();

export const OPTIMIZERS = {
  adamw: z.strictObject({
    ...adamWOptionsSchema.shape,
    method: z.literal('adamw').default('adamw').describe("'adamw'"),
    learningRate: learningRate
      .optional()
      .describe(
        'a finite number > 0: the highest; by default 0.005 for static students, 0.0005 for transformers, else 0.001',
      ),
  }),
  sgd: z.strictObject({ ...sgdOptionsSchema.shape, method: z.literal('sgd').describe("'sgd'") }),
  lion: z.strictObject({ ...lionOptionsSchema.shape, method: z.literal('lion').describe("'lion'") }),
} as const;

const { epochs, batchSize, ...others } = trainingOptionsSchema.shape;

/** A description completes "expected …". */
export const trainingSchema = z
  .strictObject({
    epochs: epochs.describe('a whole number ≥ 1: passes over the data'),
    batchSize: batchSize.describe('a whole number ≥ 2: samples in a batch'),
    ...others,
    seed: others.seed.describe(
      'a whole number ≥ 0: seeds initial weights, shuffles and draws; the same seed gives the same bits',
    ),
    optimizer: z.union([OPTIMIZERS.adamw, OPTIMIZERS.sgd, OPTIMIZERS.lion]).prefault({}),
    useLabels: z
      .boolean()
      .optional()
      .describe(
        'true or false: give the labels of the data to the strategy; by default where the student classifies and the data have labels',
      ),
    validation: z.strictObject(validationOptionsSchema.shape).prefault({}),
    earlyStopping: z
      .strictObject(earlyStoppingSchema.shape)
      .optional()
      .describe('when training ends before its last epoch; by default never'),
    checkpoint: z.strictObject(checkpointOptionsSchema.omit({ directory: true }).shape).prefault({}),
    device: z.enum(['cpu', 'webgpu', 'cuda']).default('cpu').describe("'cpu', 'webgpu' or 'cuda': where training runs"),
  })
  .prefault({});

export type TrainingConfig = z.output<typeof trainingSchema>;
