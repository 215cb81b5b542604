/** Which samples make up which batch: seeded, shuffled anew every epoch, the same for the same seed. */
import { Random } from '../matrix/random.ts';

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
export class EpochBatches {
  /** Batches in an epoch. */
  readonly perEpoch: number;
  readonly #samples: number;
  readonly #seed: number;
  #epoch = -1;
  #order: Int32Array;

  constructor(samples: number, batchSize: number, seed: number) {
    this.#samples = samples;
    this.#seed = seed;
    this.perEpoch = Math.max(1, Math.min(Math.ceil(samples / batchSize), Math.floor(samples / 2)));
    this.#order = new Int32Array(0);
  }

  /** The sample numbers of batch `index` of an epoch. */
  batch(epoch: number, index: number): Int32Array {
    if (epoch !== this.#epoch) {
      const numbers = Int32Array.from({ length: this.#samples }, (_, i) => i);
      this.#order = Random.forPurpose(this.#seed, `epoch ${epoch}`).shuffle(numbers);
      this.#epoch = epoch;
    }
    const boundary = (k: number): number => Math.floor((k * this.#samples) / this.perEpoch);
    return this.#order.slice(boundary(index), boundary(index + 1));
  }
}
