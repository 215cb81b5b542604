/** The options of the contrastive strategy: one table of names, defaults, bounds and descriptions. */
import * as z from 'zod';
import { embeddingLayerName } from './options.ts';
import { projectionDimension } from './projection-heads.ts';

/** The form of the contrast. */
export const ContrastiveMode = {
  /** Student anchors, teacher keys. */
  NTXent: 'ntxent',
  /** Teacher anchors, student keys. */
  InfoNCE: 'infonce',
  /** Student anchors, teacher positives and negatives, a margin between distances. */
  Triplet: 'triplet',
  /** The CRD paper's objective: both directions, every key told apart from noise by itself. */
  CRD: 'crd',
} as const;
export type ContrastiveMode = (typeof ContrastiveMode)[keyof typeof ContrastiveMode];

const share = () => z.number().min(0).max(1);
const positive = () => z.number().positive().finite();

/** Every option with its default and bounds; a description completes "expected …". */
export const contrastiveOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
  contrastiveWeight: share().default(0.8).describe('a number in [0, 1]: the weight of the contrastive loss'),
  temperature: positive().default(0.07).describe('a finite number > 0: divides the cosines'),
  alpha: share().default(0.2).describe('a number in [0, 1]: the share of hard labels in the output loss'),
  negativesSampleSize: z.int().min(1).default(1024).describe('a whole number ≥ 1: negatives for each anchor'),
  mode: z.enum(ContrastiveMode).default('ntxent').describe("'ntxent', 'infonce', 'triplet' or 'crd'"),
  outputTemperature: positive().default(4).describe('a finite number > 0: softens logits in the output loss'),
  positives: z
    .enum(['class', 'instance'])
    .default('class')
    .describe("'class' or 'instance': what same-class samples are when labels are given"),
  targets: z
    .enum(['sample', 'teacher'])
    .default('sample')
    .describe("'sample' or 'teacher': targets on the own key (or class), or spread as the teacher's similarities"),
  symmetric: z.boolean().default(false).describe('true or false: average both anchor directions'),
  margin: z.number().min(0).finite().default(0.1).describe('a finite number ≥ 0: the margin of triplets'),
  mining: z
    .enum(['hard', 'semihard', 'all'])
    .default('hard')
    .describe("'hard', 'semihard' or 'all': which triplets count"),
  normalize: z.boolean().default(true).describe('true or false: triplet distances between rows of norm 1, or raw rows'),
  negativesDraw: z
    .enum(['batch', 'anchor'])
    .default('batch')
    .describe("'batch' or 'anchor': one draw of negatives shared by the batch, or one for each anchor"),
  projection: z
    .enum(['auto', 'none', 'student', 'both'])
    .default('auto')
    .describe(
      "'auto', 'none', 'student' or 'both': which networks have a trained linear head; 'auto': both in mode 'crd', else none",
    ),
  projectionDimension: projectionDimension(),
  maxLogits: z
    .int()
    .min(1)
    .default(5 * 2 ** 18)
    .describe('a whole number ≥ 1: logits held at once; larger batches are computed in tiles of anchors'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0: seeds the draw of negatives and the heads'),
});

export type ContrastiveOptions = z.output<typeof contrastiveOptionsSchema>;
