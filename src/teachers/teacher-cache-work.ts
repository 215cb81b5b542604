/** In what order a teacher cache takes the samples of a data set, and how much work each is. */

import type { Dataset, InMemoryDataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';

/** What work is counted in: UTF-16 code units of texts, the data's own lengths, or samples alone. */
export type WorkUnit = 'characters' | 'lengths' | 'rows';

export interface Work {
  /** Numbers of the samples: longest first, equal lengths in the order of the data. */
  readonly order: Int32Array;
  readonly unit: WorkUnit;
  /** The work of some samples together. */
  sum(numbers: Int32Array): number;
}

/**
 * Texts in memory count by their characters, whatever lengths the data give besides, so that order follows from the samples.
 *
 * @throws LimbeckError SHAPE_MISMATCH when there is not one length per sample, INVALID_ARGUMENT for one that is no number ≥ 0
 */
export function workOf<Sample>(data: Dataset<Sample>): Work {
  const { samples } = data as Partial<InMemoryDataset<Sample>>;
  const texts = samples?.every((sample) => typeof sample === 'string') ? (samples as readonly string[]) : undefined;
  const unit = texts ? 'characters' : data.lengths ? 'lengths' : 'rows';
  const lengths = texts ? Float64Array.from(texts, (text) => text.length) : data.lengths && checked(data.lengths, data);
  const order = everyNumber(data.size);
  if (!lengths) return { order, unit, sum: (numbers) => numbers.length };
  return {
    order: order.sort((a, b) => lengths[b] - lengths[a] || a - b),
    unit,
    sum: (numbers) => numbers.reduce((total, i) => total + lengths[i], 0),
  };
}

function checked(lengths: ArrayLike<number>, { size }: Dataset<unknown>): Float64Array {
  if (lengths.length !== size) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Lengths: expected one per sample, ${size} in all, got ${lengths.length}.`,
    );
  }
  return Float64Array.from(lengths, (length, i) => {
    if (length >= 0 && Number.isFinite(length)) return length;
    throw new LimbeckError('INVALID_ARGUMENT', `Length ${i}: expected a finite number ≥ 0, got ${show(length)}.`);
  });
}
