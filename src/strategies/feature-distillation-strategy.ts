/** Plain regression onto the teacher's embeddings: the baseline that every contrastive result is compared with. */
import * as z from 'zod';
import { cosineLoss } from '../losses/cosine.ts';
import { squaredErrorLoss } from '../losses/squared-error.ts';
import type { LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, embeddingLayerName, parseOptions } from './options.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const featureOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
  distance: z.enum(['cosine', 'squared']).default('cosine').describe("'cosine' or 'squared'"),
});

export type FeatureOptions = z.output<typeof featureOptionsSchema>;

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface FeatureDistillationStrategy extends FeatureOptions {}

/**
 * Mean over the batch of 1 − cos(student, teacher), or of the squared error per entry.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const strategy = new FeatureDistillationStrategy({ distance: 'cosine' });
 * const activations = new IntermediateActivations().set('embeddings', studentRows);
 * await strategy.computeIntermediateLoss(activations, teacherActivations);
 *
 * Source: Romero et al., "FitNets", ICLR 2015 (squared error).
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class FeatureDistillationStrategy extends DistillationStrategy<FeatureOptions> {
  readonly #options: FeatureOptions;

  static {
    defineOptionAccessors(
      FeatureDistillationStrategy.prototype,
      featureOptionsSchema,
      'FeatureDistillationStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof featureOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(featureOptionsSchema, options, 'FeatureDistillationStrategy');
  }

  override layerNames(): readonly string[] {
    return [this.embeddingLayerName];
  }

  override prepare(): Prepared<FeatureOptions> {
    return { data: {}, structure: { embeddingLayerName: this.embeddingLayerName, distance: this.distance } };
  }

  override symbolicLoss({ layers, structure }: SymbolicBatch<FeatureOptions>): LossComponents {
    const embeddings = layers.get(structure.embeddingLayerName);
    if (!embeddings) return {};
    const loss = structure.distance === 'cosine' ? cosineLoss : squaredErrorLoss;
    return { [structure.distance]: loss(embeddings.student, embeddings.teacher) };
  }
}
