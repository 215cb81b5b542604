/** AdamW as part of the graph (Loshchilov & Hutter, ICLR 2019, with the bias correction of Kingma & Ba, ICLR 2015). */
import * as z from 'zod';
import { add, div, mul, type SymbolicTensor, sqrt, sub } from '../graph/index.ts';

const momentum = (value: number) => z.number().min(0).lt(1).default(value).describe('a number in [0, 1)');

/** Every option with its default and bounds; a description completes "expected …". */
export const adamWOptionsSchema = z.object({
  learningRate: z.number().positive().finite().default(1e-3).describe('a finite number > 0'),
  beta1: momentum(0.9),
  beta2: momentum(0.999),
  epsilon: z.number().positive().finite().default(1e-8).describe('a finite number > 0'),
  weightDecay: z.number().min(0).finite().default(0.01).describe('a finite number ≥ 0'),
});

export type AdamWOptions = z.output<typeof adamWOptionsSchema>;

/** One parameter and its state, all of one shape. */
export interface AdamWState {
  readonly parameter: SymbolicTensor;
  readonly firstMoment: SymbolicTensor;
  readonly secondMoment: SymbolicTensor;
}

/** Scalars that change from step to step. */
export interface AdamWStep {
  readonly learningRate: SymbolicTensor;
  /** 1 − beta1^step and 1 − beta2^step, with steps counted from 1. */
  readonly correction1: SymbolicTensor;
  readonly correction2: SymbolicTensor;
}

/**
 * The parameter and its state after one step.
 *
 * For sparse parameters the tensors hold only the touched rows: other rows keep their moments as they were, like
 * PyTorch's SparseAdam, and are not decayed.
 */
export function adamW(
  { parameter, firstMoment, secondMoment }: AdamWState,
  gradient: SymbolicTensor,
  { learningRate, correction1, correction2 }: AdamWStep,
  { beta1, beta2, epsilon, weightDecay }: Pick<AdamWOptions, 'beta1' | 'beta2' | 'epsilon' | 'weightDecay'>,
): AdamWState {
  const first = add(mul(firstMoment, beta1), mul(gradient, 1 - beta1));
  const second = add(mul(secondMoment, beta2), mul(mul(gradient, gradient), 1 - beta2));
  const direction = div(div(first, correction1), add(sqrt(div(second, correction2)), epsilon));
  const decayed = weightDecay === 0 ? parameter : sub(parameter, mul(parameter, mul(learningRate, weightDecay)));
  return { parameter: sub(decayed, mul(direction, learningRate)), firstMoment: first, secondMoment: second };
}
