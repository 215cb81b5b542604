/** What the trainer needs of an optimizer: the arrays that it keeps, the numbers that change with the step, and one symbolic step. */
import * as z from 'zod';
import type { SymbolicTensor } from '../../graph/index.ts';

export type Slots = Readonly<Record<string, SymbolicTensor>>;

export interface UpdateTerms {
  readonly parameter: SymbolicTensor;
  readonly gradient: SymbolicTensor;
  /** The optimizer's own arrays for this parameter, by the names of {@link Optimizer.slots}. */
  readonly slots: Slots;
  /** Scalar. */
  readonly learningRate: SymbolicTensor;
  /** By the names of {@link Optimizer.scalars}. */
  readonly scalars: Slots;
  /** 0 for parameters without decay (biases, gains). */
  readonly weightDecay: number;
}

export interface Optimizer {
  /** Arrays beside each parameter, of its shape, zeros at the start. */
  readonly slots: readonly string[];
  /** Those whose smallest numbers may be taken for 0, and what a number of theirs is multiplied by in a step without gradient. */
  readonly fading: Readonly<Record<string, number>>;
  /** Numbers of a step, counted from 1. */
  scalars(step: number): Readonly<Record<string, number>>;
  /**
   * One step. For sparse parameters the tensors hold only the touched rows: other rows keep their slots as they were, like
   * PyTorch's SparseAdam, and are not decayed.
   */
  update(terms: UpdateTerms): { readonly parameter: SymbolicTensor; readonly slots: Slots };
}

/** Options that every optimizer has; a description completes "expected …". */
export const commonOptions = (defaults: { readonly learningRate: number; readonly weightDecay: number }) => ({
  learningRate: z.number().positive().finite().default(defaults.learningRate).describe('a finite number > 0'),
  weightDecay: z.number().min(0).finite().default(defaults.weightDecay).describe('a finite number ≥ 0'),
  clipNorm: z
    .number()
    .positive()
    .finite()
    .optional()
    .describe('a finite number > 0: the largest norm of the gradient over all parameters; by default none'),
  averaging: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      'a number in (0, 1): how much of the moving average of the weights stays at a step; by default no average',
    ),
  learningRateFactors: z
    .record(z.string(), z.number().min(0).finite())
    .default({})
    .describe('an object of parameter names, or beginnings that end in *, and finite factors ≥ 0'),
});

/** A number in [0, 1) that says how much of a running average stays. */
export const momentumOption = (value: number) => z.number().min(0).lt(1).default(value).describe('a number in [0, 1)');
