/** Plain regression onto the teacher's embeddings: the baseline that every contrastive result is compared with. */
import * as z from 'zod';
import { cosineLoss } from '../losses/cosine.ts';
import { squaredErrorLoss } from '../losses/squared-error.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { LayerWidths, LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, embeddingLayerName, parseOptions } from './options.ts';
import { PROJECTION_ADVICE, ProjectionHeads, projected } from './projection-heads.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const featureOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
  distance: z.enum(['cosine', 'squared']).default('cosine').describe("'cosine' or 'squared'"),
  projection: z
    .enum(['none', 'student'])
    .default('none')
    .describe("'none' or 'student': whether the student has a trained linear head into the teacher's space"),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0: seeds the head'),
});

export type FeatureOptions = z.output<typeof featureOptionsSchema>;

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface FeatureDistillationStrategy extends FeatureOptions {}

interface Structure {
  readonly layer: string;
  readonly distance: FeatureOptions['distance'];
}

/**
 * Mean over the batch of 1 − cos(student, teacher), or of the squared error per entry. With `projection: 'student'` widths may differ, as
 * with the regressor of FitNets.
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
export class FeatureDistillationStrategy extends DistillationStrategy<Structure> {
  readonly #options: FeatureOptions;
  readonly #heads = new ProjectionHeads();

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

  override equalWidths(): boolean {
    return this.projection === 'none';
  }

  override widthAdvice(): string {
    return PROJECTION_ADVICE;
  }

  override parametersFor(layers: ReadonlyMap<string, LayerWidths>): readonly Parameter[] {
    const layer = layers.get(this.embeddingLayerName);
    return layer ? this.#heads.parameters(this, layer) : [];
  }

  override prepare(): Prepared<Structure> {
    return { data: {}, structure: { layer: this.embeddingLayerName, distance: this.distance } };
  }

  override symbolicLoss({ layers, parameters, structure }: SymbolicBatch<Structure>): LossComponents {
    const embeddings = layers.get(structure.layer);
    if (!embeddings) return {};
    const { student, teacher } = projected(embeddings, parameters);
    const loss = structure.distance === 'cosine' ? cosineLoss : squaredErrorLoss;
    return { [structure.distance]: loss(student, teacher) };
  }
}
