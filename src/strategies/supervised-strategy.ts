/** Training from labels alone, without a teacher: how a teacher is made, and what every distillation has to beat. */
import * as z from 'zod';
import { add, count, div, mean, mul, type SymbolicTensor } from '../graph/index.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, parseOptions } from './options.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const supervisedOptionsSchema = z.object({
  smoothing: z
    .number()
    .min(0)
    .lt(1)
    .default(0)
    .describe('a number in [0, 1): how much of each label is spread over all classes'),
});

export type SupervisedOptions = z.output<typeof supervisedOptionsSchema>;

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface SupervisedStrategy extends SupervisedOptions {}

/**
 * mean of CE(student, (1 − smoothing)·labels + smoothing/C). Outputs of a teacher play no part.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * await distill({ student: teacherToBe, data, strategy: new SupervisedStrategy({ smoothing: 0.1 }), useLabels: true, epochs: 5 });
 *
 * Source: label smoothing: Szegedy et al., CVPR 2016.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class SupervisedStrategy extends DistillationStrategy<undefined> {
  readonly #options: SupervisedOptions;

  static {
    defineOptionAccessors(
      SupervisedStrategy.prototype,
      supervisedOptionsSchema,
      'SupervisedStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof supervisedOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(supervisedOptionsSchema, options, 'SupervisedStrategy');
  }

  override prepare({ dtype }: BatchFacts): Prepared<undefined> {
    const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, dtype) });
    return { data: { kept: scalar(1 - this.smoothing), smoothing: scalar(this.smoothing) }, structure: undefined };
  }

  override symbolicLoss({ outputs, labels, data }: SymbolicBatch<undefined>): LossComponents {
    if (!outputs || !labels) return {};
    return { labels: mean(crossEntropy(outputs.student, smoothed(labels, data))) };
  }
}

function smoothed(
  labels: SymbolicTensor,
  { kept, smoothing }: Readonly<Record<string, SymbolicTensor>>,
): SymbolicTensor {
  return add(mul(labels, kept), div(smoothing, count(labels, [1])));
}
