/** From the option `batching` of a run to the batches. */
import { LimbeckError, show } from '../errors.ts';
import { BalancedBatches } from './balanced-batches.ts';
import type { BatchPlan } from './batch-plan.ts';
import type { Dataset } from './dataset.ts';
import { EpochBatches } from './epoch-batches.ts';
import { LengthBatches } from './length-batches.ts';

export interface BatchPlanOptions {
  /** Drawn at random, of samples of like length, or with as many samples of each class. */
  readonly batching: 'shuffled' | 'length' | 'balanced';
  /** A whole number ≥ 2; for several classes and 'balanced' ≥ 4. */
  readonly batchSize: number;
  readonly seed: number;
}

/**
 * The batches of a data set, the same for the same options.
 *
 * @throws LimbeckError INVALID_OPTION when the data lacks what the batching goes by, and for balanced batches that would hold a single
 *   class; SHAPE_MISMATCH when there is not one length or label per sample, NON_FINITE for a length that is no number
 *
 * @example
 * const plan = planBatches(data, { batching: 'balanced', batchSize: 256, seed: 0 });
 * for (let index = 0; index < plan.perEpoch; index++) await data.read(plan.batch(0, index));
 */
export function planBatches(
  { size, labels, lengths }: Pick<Dataset<unknown>, 'size' | 'labels' | 'lengths'>,
  { batching, batchSize, seed }: BatchPlanOptions,
): BatchPlan {
  switch (batching) {
    case 'shuffled':
      return new EpochBatches(size, batchSize, seed);
    case 'length':
      if (!lengths) throw lacking('length', 'lengths', "texts have them, images of one size do not; take 'shuffled'");
      checkLengths(lengths, size);
      return new LengthBatches(lengths, batchSize, seed);
    case 'balanced':
      if (!labels) throw lacking('balanced', 'labels', "give the data labels, or take 'shuffled'");
      if (labels.length !== size) throw notOnePerSample('labels', size, labels.length);
      if (batchSize < 4 && labels.some((label) => label !== labels[0])) {
        throw new LimbeckError(
          'INVALID_OPTION',
          `Batches: option batchSize: expected at least 4 with batching 'balanced', two classes of two samples, got ${batchSize}.`,
        );
      }
      return new BalancedBatches(labels, batchSize, seed);
    default:
      throw new LimbeckError(
        'INVALID_OPTION',
        `Batches: option batching: expected 'shuffled', 'length' or 'balanced', got ${show(batching)}.`,
      );
  }
}

function lacking(batching: string, what: string, advice: string): LimbeckError {
  return new LimbeckError(
    'INVALID_OPTION',
    `Batches: option batching: expected data with ${what} for '${batching}', got data without: ${advice}.`,
  );
}

function checkLengths(lengths: ArrayLike<number>, size: number): void {
  if (lengths.length !== size) throw notOnePerSample('lengths', size, lengths.length);
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(lengths[i])) {
      throw new LimbeckError(
        'NON_FINITE',
        `Lengths: expected a finite number for sample ${i}, got ${show(lengths[i])}.`,
      );
    }
  }
}

function notOnePerSample(what: string, size: number, count: number): LimbeckError {
  return new LimbeckError(
    'SHAPE_MISMATCH',
    `Batches: expected one of ${what} per sample, ${size} in all, got ${count}.`,
  );
}
