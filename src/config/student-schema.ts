/** The section `student` of a run's configuration: what is trained. The options are those of the classes. */
import * as z from 'zod';
import { mlpOptionsSchema } from '../students/images/mlp.ts';
import { mobilenetOptionsSchema } from '../students/images/mobilenet.ts';
import { resnetOptionsSchema } from '../students/images/resnet.ts';
import { wideResnetOptionsSchema } from '../students/images/wide-resnet.ts';
import { onnxStudentOptionsSchema } from '../students/onnx/onnx-student.ts';
import { staticEmbeddingOptionsSchema } from '../students/static-embedding-student.ts';
import { transformerOptionsSchema } from '../students/transformer/transformer-options.ts';
import { path } from './data-schema.ts';

// Not offered: what the data say (channels, size, normalisation), the one name of the embedding layer, and the seed, which is
// training.seed.
const OF_TEXTS = { seed: true, layerName: true } as const;
const OF_IMAGES = { ...OF_TEXTS, channels: true, size: true, normalize: true } as const;

const dimension = {
  dimension: staticEmbeddingOptionsSchema.shape.dimension
    .optional()
    .describe(
      "a whole number ≥ 1: the width of the embedding; by default the teacher's where the strategy compares rows",
    ),
};
const classes = {
  classes: z
    .int()
    .min(1)
    .optional()
    .describe(
      'a whole number ≥ 1; by default those of the data or of the teacher, where the strategy has a use for them',
    ),
};

/** How texts become tokens. */
const tokens = {
  tokenizer: path(
    "the path of a tokenizer.json, 'teacher' for the teacher's own, or 'train' for one made from the training texts; by default " +
      "'teacher' where it has one",
  ).optional(),
  vocabularySize: z
    .int()
    .min(64)
    .optional()
    .describe("a whole number ≥ 64: tokens of a tokenizer that is made, with tokenizer: 'train'; by default 8192"),
  maxTokens: z
    .int()
    .min(3)
    .optional()
    .describe("a whole number ≥ 3: longer texts are cut; by default as in the tokenizer's teacher, else 512"),
  pruned: z
    .boolean()
    .default(true)
    .describe('true or false: keep of the vocabulary only what the training texts use, and single characters'),
};

const { fromTeacher: _, ...transformer } = transformerOptionsSchema.omit(OF_TEXTS).shape;

export const STUDENTS = {
  static: z.strictObject({
    kind: z.literal('static').default('static').describe("'static': a vector for every token; for texts"),
    width: staticEmbeddingOptionsSchema.shape.width
      .default(144)
      .describe(staticEmbeddingOptionsSchema.shape.width.description ?? ''),
    initialization: z
      .enum(['teacher', 'random'])
      .optional()
      .describe(
        "'teacher': a token's vector starts as the principal components of the teacher's embedding of it, weighted by rarity; or 'random'; by " +
          "default 'teacher' where it can be asked",
      ),
    precision: staticEmbeddingOptionsSchema.shape.precision
      .removeDefault()
      .default('int8')
      .describe(staticEmbeddingOptionsSchema.shape.precision.description ?? ''),
    ...dimension,
    ...tokens,
  }),
  transformer: z.strictObject({
    kind: z.literal('transformer').describe("'transformer': an encoder of the BERT kind; for texts"),
    ...transformer,
    fromTeacher: z
      .array(z.int().min(0))
      .min(1)
      .optional()
      .describe(
        'a list of whole numbers ≥ 0: layers of a bert teacher to start from, instead of layers, heads and hidden',
      ),
    ...dimension,
    ...classes,
    ...tokens,
  }),
  resnet: z.strictObject({
    kind: z.literal('resnet').describe("'resnet': a residual network; for small images"),
    ...resnetOptionsSchema.omit(OF_IMAGES).shape,
    depth: resnetOptionsSchema.shape.depth.default(20).describe(resnetOptionsSchema.shape.depth.description ?? ''),
    ...dimension,
    ...classes,
  }),
  wideResnet: z.strictObject({
    kind: z.literal('wideResnet').describe("'wideResnet': a wide residual network; for small images"),
    ...wideResnetOptionsSchema.omit(OF_IMAGES).shape,
    ...dimension,
    ...classes,
  }),
  mobilenet: z.strictObject({
    kind: z.literal('mobilenet').describe("'mobilenet': MobileNetV2; for images of any size"),
    ...mobilenetOptionsSchema.omit(OF_IMAGES).shape,
    ...dimension,
    ...classes,
  }),
  mlp: z.strictObject({
    kind: z.literal('mlp').describe("'mlp': a perceptron of several layers; for images"),
    ...mlpOptionsSchema.omit(OF_IMAGES).shape,
    ...dimension,
    ...classes,
  }),
  onnx: z.strictObject({
    kind: z.literal('onnx').describe("'onnx': a model that another tool exported, trained on"),
    file: path('the path of an .onnx file'),
    ...onnxStudentOptionsSchema.omit({ layerName: true }).shape,
    tokenizer: path('the path of the tokenizer.json that belongs to the model; needed for texts').optional(),
    maxTokens: tokens.maxTokens,
  }),
} as const;

/** Which data a kind of student takes. */
export const STUDENTS_OF_TEXTS: readonly StudentConfig['kind'][] = ['static', 'transformer', 'onnx'];
export const STUDENTS_OF_IMAGES: readonly StudentConfig['kind'][] = [
  'resnet',
  'wideResnet',
  'mobilenet',
  'mlp',
  'onnx',
];

/** A description completes "expected …". */
export const studentSchema = z
  .union([
    STUDENTS.static,
    STUDENTS.transformer,
    STUDENTS.resnet,
    STUDENTS.wideResnet,
    STUDENTS.mobilenet,
    STUDENTS.mlp,
    STUDENTS.onnx,
  ])
  .prefault({});

export type StudentConfig = z.output<typeof studentSchema>;
