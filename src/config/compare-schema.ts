/**
 * What a comparison is, as one schema: methods × students × seeds over one base. Sections that a run has too are those of the run, less
 * what would make a comparison unequal: a seed of its own, early stopping, the best of several checkpoints.
 */
import * as z from 'zod';
import { METHOD_NAMES } from './compare-methods.ts';
import { dataSchema, path } from './data-schema.ts';
import { configSchema } from './schema.ts';
import { studentSchema } from './student-schema.ts';
import { trainingSchema } from './training-schema.ts';

/** Names become folders. */
const name = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N}._+ -]{0,59}$/u)
  .describe('a name of letters, digits and . _ + - with a letter or digit in front, at most 60 characters');

const training = trainingSchema.unwrap().omit({ seed: true, earlyStopping: true, checkpoint: true, validation: true });
const { checkpoint } = trainingSchema.unwrap().shape;

const method = z
  .strictObject({
    method: z
      .enum(METHOD_NAMES)
      .optional()
      .describe(
        `one of ${METHOD_NAMES.join(', ')}: what it begins with; by default the one of its own name, where there is one`,
      ),
    // Which keys it may have depends on what the method begins with: it is checked when the two are one, run by run.
    strategy: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('the strategy, or of a method that begins with another one what it has different'),
    sum: z
      .record(name, z.number().positive().finite().describe('a finite number > 0: the weight'))
      .optional()
      .describe('names of methods with their weights: the method trains on the weighted sum of their losses'),
    training: training
      .partial()
      .optional()
      .describe('keys of training that are other than for the rest; tables say so'),
    students: z.array(name).min(1).optional().describe('a list of names: the students that it trains; by default all'),
  })
  .prefault({});

/** A description completes "expected …". */
export const compareSchema = z.strictObject({
  name: configSchema.shape.name.describe('a name for the comparison, without slashes; by default that of its file'),
  data: dataSchema
    .extend({
      validation: dataSchema.shape.validation
        .unwrap()
        .default(0)
        .describe(`${dataSchema.shape.validation.description}`),
    })
    .describe('what to train on: texts or images'),
  test: z
    .strictObject({
      share: z
        .number()
        .gt(0)
        .lt(1)
        .default(0.1)
        .describe(
          'a number between 0 and 1: the share of the data that is taken away before anything else, chosen by a digest of each sample',
        ),
      file: path('the path of test data of the same kind, instead of a share of the data').optional(),
      labels: path('the path of the IDX file of labels that belongs to a test file of pixels').optional(),
      classes: z
        .enum(['same', 'other'])
        .default('same')
        .describe(
          "'same' or 'other': whether labels of the test file are classes of the training data; of other classes rows are measured, by neighbours, probes and few-shot episodes, and outputs are not",
        ),
    })
    .prefault({}),
  measureOn: z
    .enum(['test', 'validation'])
    .default('test')
    .describe(
      "'test' or 'validation': what results are figures of; to choose among methods measure on data.validation, and leave the test part untouched",
    ),
  teacher: configSchema.shape.teacher,
  cache: configSchema.shape.cache,
  students: z.record(name, studentSchema).describe('names, each with a student as in a run'),
  methods: z
    .union([z.array(z.union([z.enum(METHOD_NAMES), z.record(name, method)])), z.record(name, method)])
    .describe('a list of names, or names with what they are'),
  seeds: z
    .union([z.int().min(1), z.array(z.int().min(0)).min(1)])
    .default(3)
    .describe('a whole number ≥ 1, or a list of whole numbers ≥ 0: how many seeds, from 0, or which'),
  baseline: z
    .string()
    .min(1)
    .optional()
    .describe(
      'the name of a method: what the others are held against; by default cosine, or the first that is trained',
    ),
  full: z
    .boolean()
    .default(false)
    .describe(
      'true or false: measure also what takes longer: probes, few-shot episodes, agreement of spaces of any width, retrieval by class',
    ),
  metrics: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('a list of names of metrics: those that tables and reports show, in that order; by default all'),
  training: training
    .extend({ checkpoint: z.strictObject(checkpoint.unwrap().omit({ best: true }).shape).prefault({}) })
    .prefault({}),
  output: z
    .strictObject({
      directory: path('the path of the directory of the comparison; by default runs/<name>').optional(),
      students: z
        .boolean()
        .default(true)
        .describe('true or false: keep every trained student, to be loaded and looked at'),
    })
    .prefault({}),
});

/** A comparison as its file says it, with defaults, and methods by name. */
export type ParsedComparison = Omit<z.output<typeof compareSchema>, 'methods'> & {
  readonly methods: Readonly<Record<string, MethodConfig>>;
};
/** As it was written: defaults would hide what a method has different from the rest. */
export type MethodConfig = z.input<typeof method> & object;

/** Sections whose keys are names. */
export const NAMED_SECTIONS = ['students', 'methods'] as const;
