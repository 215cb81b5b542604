/** Which samples make up which batch: seeded, shuffled anew every epoch, the same for the same seed. */
import { Random } from '../matrix/random.ts';
import { type BatchPlan, partStart, partsWithoutSingles } from './batch-plan.ts';

/**
 * Splits `samples` numbers into batches of at most `batchSize`, as equal as they come: 10 in batches of 4 are 3 + 3 + 4, so that no
 * tiny last batch gets a step of its own. No batch is a single row, which has nothing to contrast with: an odd number in batches
 * of 2 ends with one of 3.
 *
 * @example
 * const batches = new EpochBatches(10, 4, 0);
 * batches.perEpoch;     // 3
 * batches.batch(0, 0);  // Int32Array of 3 or 4 sample numbers
 */
export class EpochBatches implements BatchPlan {
  /** Batches in an epoch. */
  readonly perEpoch: number;
  readonly #samples: number;
  readonly #seed: number;
  #epoch = -1;
  #order: Int32Array;

  constructor(samples: number, batchSize: number, seed: number) {
    this.#samples = samples;
    this.#seed = seed;
    this.perEpoch = partsWithoutSingles(samples, batchSize);
    this.#order = new Int32Array(0);
  }

  /** The sample numbers of batch `index` of an epoch. */
  batch(epoch: number, index: number): Int32Array {
    if (epoch !== this.#epoch) {
      this.#order = shuffledNumbers(this.#samples, this.#seed, epoch);
      this.#epoch = epoch;
    }
    const boundary = (k: number): number => partStart(k, this.#samples, this.perEpoch);
    return this.#order.slice(boundary(index), boundary(index + 1));
  }
}

/** 0 … samples − 1 in the order of an epoch. */
export function shuffledNumbers(samples: number, seed: number, epoch: number): Int32Array {
  const numbers = new Int32Array(samples);
  for (let i = 0; i < samples; i++) numbers[i] = i;
  return Random.forPurpose(seed, `epoch ${epoch}`).shuffle(numbers);
}
