/** Classic distillation of outputs: soft targets mixed with hard labels, and nothing else. */
import * as z from 'zod';
import { responseLoss } from '../losses/response.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, LossComponents, Prepared, SymbolicBatch } from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';
import { defineOptionAccessors, parseOptions } from './options.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const responseOptionsSchema = z.object({
  temperature: z.number().positive().finite().default(4).describe('a finite number > 0: softens the logits'),
  alpha: z.number().min(0).max(1).default(0.2).describe('a number in [0, 1]: the share of hard labels'),
});

export type ResponseOptions = z.output<typeof responseOptionsSchema>;

// The accessors come from the schema; defineOptionAccessors defines each of them.
export interface ResponseDistillationStrategy extends ResponseOptions {}

/**
 * mean of α·CE(student, labels) + (1 − α)·T²·KL(teacher ‖ student) over the batch; without labels the soft part alone.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * const strategy = new ResponseDistillationStrategy({ temperature: 4 });
 * const { loss, gradient } = await strategy.computeLossAndGradient(studentLogits, teacherLogits, classIndices);
 *
 * Source: Hinton, Vinyals & Dean, "Distilling the Knowledge in a Neural Network", 2015.
 */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: see the interface
export class ResponseDistillationStrategy extends DistillationStrategy<undefined> {
  readonly #options: ResponseOptions;

  static {
    defineOptionAccessors(
      ResponseDistillationStrategy.prototype,
      responseOptionsSchema,
      'ResponseDistillationStrategy',
      (strategy) => strategy.#options,
    );
  }

  constructor(options: z.input<typeof responseOptionsSchema> = {}) {
    super();
    this.#options = parseOptions(responseOptionsSchema, options, 'ResponseDistillationStrategy');
  }

  override prepare({ dtype }: BatchFacts): Prepared<undefined> {
    const scalar = (value: number) => ({ shape: [], tensor: scalarTensor(value, dtype) });
    return { data: { temperature: scalar(this.temperature), alpha: scalar(this.alpha) }, structure: undefined };
  }

  override symbolicLoss({ outputs, labels, data }: SymbolicBatch<undefined>): LossComponents {
    if (!outputs?.teacher) return {};
    const { student, teacher } = outputs;
    return { output: responseLoss({ student, teacher, labels, temperature: data.temperature, alpha: data.alpha }) };
  }
}
