/** Relational knowledge distillation: distances and angles between samples, whatever the widths. */
import * as z from 'zod';
import { mul, type SymbolicTensor } from '../graph/index.ts';
import { relationalAngleLoss, relationalDistanceLoss } from '../losses/relational.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, embeddingLayerName, parseOptions } from './options.ts';

const weight = (value: number, what: string) =>
  z.number().min(0).finite().default(value).describe(`a finite number ≥ 0: the weight of ${what}`);

/** Every option with its default and bounds; a description completes "expected …". */
export const relationalOptionsSchema = z.object({
  embeddingLayerName: embeddingLayerName(),
  distanceWeight: weight(25, 'distances'),
  angleWeight: weight(50, 'angles'),
});

export type RelationalOptions = z.output<typeof relationalOptionsSchema>;

interface Structure {
  readonly layer: string;
  readonly distances: boolean;
  readonly angles: boolean;
}

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface RelationalDistillationStrategy extends RelationalOptions {}

/**
 * distanceWeight · distances + angleWeight · angles between the samples of a batch. A part of weight 0 is not computed.
 *
 * Needs B·B·D numbers of memory, and B³ more with angles: meant for batches of up to a few hundred.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const strategy = new RelationalDistillationStrategy({ angleWeight: 0 });
 * await strategy.computeIntermediateLoss(studentActivations, teacherActivations); // widths may differ
 *
 * Source: Park, Kim, Lu & Cho, "Relational Knowledge Distillation", CVPR 2019; default weights as in its code.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class RelationalDistillationStrategy extends DistillationStrategy<Structure> {
  readonly #options: RelationalOptions;

  static {
    defineOptionAccessors(
      RelationalDistillationStrategy.prototype,
      relationalOptionsSchema,
      'RelationalDistillationStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof relationalOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(relationalOptionsSchema, options, 'RelationalDistillationStrategy');
  }

  override layerNames(): readonly string[] {
    return [this.embeddingLayerName];
  }

  override equalWidths(): boolean {
    return false;
  }

  override prepare({ rows, dtype }: BatchFacts): Prepared<Structure> {
    const { embeddingLayerName: layer, distanceWeight, angleWeight } = this;
    const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, dtype) });
    const data = {
      // One sample has no distances; 1 instead of 0 keeps their mean finite, and 0.
      pairs: scalar(Math.max(1, rows * (rows - 1))),
      distanceWeight: scalar(distanceWeight),
      angleWeight: scalar(angleWeight),
    };
    return { data, structure: { layer, distances: distanceWeight > 0, angles: angleWeight > 0 } };
  }

  override symbolicLoss({ layers, data, structure }: SymbolicBatch<Structure>): LossComponents {
    const embeddings = layers.get(structure.layer);
    if (!embeddings) return {};
    const { student, teacher } = embeddings;
    const components: Record<string, SymbolicTensor> = {};
    if (structure.distances) {
      components.distances = mul(relationalDistanceLoss(student, teacher, data.pairs), data.distanceWeight);
    }
    if (structure.angles) components.angles = mul(relationalAngleLoss(student, teacher), data.angleWeight);
    return components;
  }
}
