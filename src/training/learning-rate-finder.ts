/**
 * Finds a learning rate by trying: a run of steps with rates that rise from very small to very large (Smith, "Cyclical Learning Rates for
 * Training Neural Networks", 2017); the rate at which the loss falls fastest is a good one to train with. Everything is as before
 * afterwards.
 */
import { LimbeckError } from '../errors.ts';
import type { Step, StepBatch } from './step.ts';

export interface LearningRateTrial {
  readonly learningRate: number;
  /** Running mean of the loss, corrected for its start. */
  readonly loss: number;
}

const LOWEST = 1e-6;
const HIGHEST = 1;
const TRIALS = 80;
/** Weight of the past in the running mean. */
const SMOOTHING = 0.8;
/** A loss this many times the lowest has left the valley for good. */
const LOST = 3;

/**
 * @param batchesOf the batches of a step by number
 * @param onTrial told of every trial
 * @returns the trial whose rate is to be taken
 * @throws LimbeckError DIVERGED when the loss falls at none of them
 */
export async function findLearningRate(
  step: Step,
  batchesOf: (step: number) => Promise<readonly StepBatch[]>,
  onTrial: (trial: LearningRateTrial) => void,
  stopped: () => boolean,
): Promise<LearningRateTrial> {
  const before = step.state();
  const trials: LearningRateTrial[] = [];
  try {
    let mean = 0;
    let lowest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < TRIALS && !stopped(); k++) {
      const learningRate = LOWEST * (HIGHEST / LOWEST) ** (k / (TRIALS - 1));
      const result = await run(step, await batchesOf(k), learningRate);
      if (result === undefined) break;
      mean = SMOOTHING * mean + (1 - SMOOTHING) * result;
      const loss = mean / (1 - SMOOTHING ** (k + 1));
      lowest = Math.min(lowest, loss);
      trials.push({ learningRate, loss });
      onTrial({ learningRate, loss });
      if (loss > LOST * lowest) break;
    }
  } finally {
    step.restore(before);
  }
  // Whoever stops it has no use for a rate.
  if (stopped()) return trials.at(-1) ?? { learningRate: LOWEST, loss: 0 };
  return steepest(trials);
}

/** The loss of one step; undefined when it is no longer finite. */
async function run(step: Step, batches: readonly StepBatch[], learningRate: number): Promise<number | undefined> {
  try {
    return (await step.run(batches, learningRate)).loss;
  } catch (error) {
    if (error instanceof LimbeckError && error.code === 'DIVERGED') return undefined;
    throw error;
  }
}

/**
 * The rate in the middle of the steepest fall over a fifth of the trials (of the loss against the logarithm of the rate): wide enough
 * that the noise between batches does not choose.
 */
export function steepest(trials: readonly LearningRateTrial[]): LearningRateTrial {
  const span = Math.max(1, Math.round(TRIALS / 5));
  let best: { trial: LearningRateTrial; fall: number } | undefined;
  for (let k = 0; k + span < trials.length; k++) {
    const fall = trials[k].loss - trials[k + span].loss;
    if (fall > (best?.fall ?? 0)) best = { trial: trials[k + Math.floor(span / 2)], fall };
  }
  if (best) return best.trial;
  throw new LimbeckError(
    'DIVERGED',
    `Learning-rate finder: expected a loss that falls somewhere between ${LOWEST} and ${HIGHEST}, got none in ${trials.length} trials. ` +
      'Set optimizer.learningRate yourself; if that fails too, look at the data and the strategy.',
  );
}
