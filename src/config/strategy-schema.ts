/** The section `strategy` of a run's configuration: what the student is trained to do. The options are those of the classes. */
import * as z from 'zod';
import { contrastiveOptionsSchema } from '../strategies/contrastive-options.ts';
import { featureOptionsSchema } from '../strategies/feature-distillation-strategy.ts';
import { relationalOptionsSchema } from '../strategies/relational-distillation-strategy.ts';
import { responseOptionsSchema } from '../strategies/response-distillation-strategy.ts';
import { supervisedOptionsSchema } from '../strategies/supervised-strategy.ts';

// Not offered: the name of the embedding layer, since layers have one name in a run, and the seed, which is training.seed.
const LEFT_OUT = { embeddingLayerName: true, seed: true } as const;
const contrastive = contrastiveOptionsSchema.omit(LEFT_OUT).shape;

export const STRATEGIES = {
  contrastive: z.strictObject({
    kind: z.literal('contrastive').default('contrastive').describe("'contrastive': contrast with other samples"),
    ...contrastive,
    temperature: contrastive.temperature
      .unwrap()
      .default(0.05)
      .describe(contrastive.temperature.description ?? ''),
    negativesSampleSize: contrastive.negativesSampleSize
      .unwrap()
      .default(16_384)
      .describe(contrastive.negativesSampleSize.description ?? ''),
    bank: z
      .union([z.boolean(), z.int().min(1), z.literal('momentum')])
      .optional()
      .describe(
        "true, false, a whole number ≥ 1 or 'momentum': whether negatives also come from a bank of all training rows of the teacher, or of " +
          'so many of them, or from the two banks of the CRD paper; by default at most 100,000, where the mode allows a bank and data are not augmented',
      ),
  }),
  response: z.strictObject({
    kind: z.literal('response').describe("'response': soft targets of a teacher that classifies"),
    ...responseOptionsSchema.shape,
  }),
  feature: z.strictObject({
    kind: z.literal('feature').describe("'feature': regression onto the teacher's rows"),
    ...featureOptionsSchema.omit(LEFT_OUT).shape,
  }),
  relational: z.strictObject({
    kind: z.literal('relational').describe("'relational': distances and angles between samples"),
    ...relationalOptionsSchema.omit({ embeddingLayerName: true }).shape,
  }),
  similarity: z.strictObject({
    kind: z.literal('similarity').describe("'similarity': the similarities inside a batch"),
  }),
  supervised: z.strictObject({
    kind: z.literal('supervised').describe("'supervised': labels alone, with teacher: none"),
    ...supervisedOptionsSchema.shape,
  }),
} as const;

const weight = {
  weight: z.number().min(0).finite().default(1).describe('a finite number ≥ 0: the weight of this part in the sum'),
};
const part = z.union([
  STRATEGIES.contrastive.extend(weight),
  STRATEGIES.response.extend(weight),
  STRATEGIES.feature.extend(weight),
  STRATEGIES.relational.extend(weight),
  STRATEGIES.similarity.extend(weight),
  STRATEGIES.supervised.extend(weight),
]);

/** A description completes "expected …". */
export const strategySchema = z
  .union([
    STRATEGIES.contrastive,
    STRATEGIES.response,
    STRATEGIES.feature,
    STRATEGIES.relational,
    STRATEGIES.similarity,
    STRATEGIES.supervised,
    z.strictObject({
      kind: z.literal('hybrid').describe("'hybrid': a weighted sum of several"),
      parts: z.array(part).min(1).describe('a list of strategies, each with kind, weight and its own options'),
    }),
  ])
  .prefault({});

export type StrategyConfig = z.output<typeof strategySchema>;
export type SingleStrategyConfig = Exclude<StrategyConfig, { kind: 'hybrid' }>;
