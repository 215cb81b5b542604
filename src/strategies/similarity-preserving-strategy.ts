/** Similarity-preserving distillation: samples that the teacher finds alike, whatever the widths. */
import * as z from 'zod';
import { similarityPreservingLoss } from '../losses/similarity-preserving.ts';
import type { LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, embeddingLayerName, parseOptions } from './options.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const similarityPreservingOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
});

export type SimilarityPreservingOptions = z.output<typeof similarityPreservingOptionsSchema>;

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface SimilarityPreservingStrategy extends SimilarityPreservingOptions {}

/**
 * ‖G_student − G_teacher‖²_F / B² between the row-normalised Gram matrices of the batch.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const strategy = new SimilarityPreservingStrategy({ embeddingLayerName: 'pooled' });
 * await strategy.computeIntermediateLoss(studentActivations, teacherActivations); // widths may differ
 *
 * Source: Tung & Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class SimilarityPreservingStrategy extends DistillationStrategy<SimilarityPreservingOptions> {
  readonly #options: SimilarityPreservingOptions;

  static {
    defineOptionAccessors(
      SimilarityPreservingStrategy.prototype,
      similarityPreservingOptionsSchema,
      'SimilarityPreservingStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof similarityPreservingOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(similarityPreservingOptionsSchema, options, 'SimilarityPreservingStrategy');
  }

  override layerNames(): readonly string[] {
    return [this.embeddingLayerName];
  }

  override equalWidths(): boolean {
    return false;
  }

  override prepare(): Prepared<SimilarityPreservingOptions> {
    return { data: {}, structure: { embeddingLayerName: this.embeddingLayerName } };
  }

  override symbolicLoss({ layers, structure }: SymbolicBatch<SimilarityPreservingOptions>): LossComponents {
    const embeddings = layers.get(structure.embeddingLayerName);
    if (!embeddings) return {};
    return { similarities: similarityPreservingLoss(embeddings.student, embeddings.teacher) };
  }
}
