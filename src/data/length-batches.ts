/**
 * Batches of samples of like length: texts are padded to the longest of their batch, and what is padding is work for nothing. Still
 * shuffled: which samples are near each other changes from epoch to epoch, and so does the order of the batches.
 */
import { everyNumber } from '../matrix/every-number.ts';
import { Random } from '../matrix/random.ts';
import { type BatchPlan, partStart, partsWithoutSingles } from './batch-plan.ts';
import { shuffledNumbers } from './epoch-batches.ts';

/** Batches that are sorted together: enough for like lengths, few enough that a batch is not the same in every epoch. */
const WINDOW = 50;

/**
 * Shuffles the samples as `EpochBatches` does, sorts windows of 50 batches by length, cuts them, and shuffles the batches. Sizes are
 * those of `EpochBatches`, and every sample is in exactly one batch of an epoch.
 *
 * @example
 * const batches = new LengthBatches([5, 90, 6, 80], 2, 0);
 * batches.batch(0, 0);  // samples 0 and 2, or 1 and 3
 */
export class LengthBatches implements BatchPlan {
  readonly perEpoch: number;
  readonly #lengths: ArrayLike<number>;
  readonly #seed: number;
  #epoch = -1;
  #order: Int32Array = new Int32Array(0);
  /** Which part of the order a batch is. */
  #parts: Int32Array = new Int32Array(0);

  /** @param lengths finite numbers, one per sample */
  constructor(lengths: ArrayLike<number>, batchSize: number, seed: number) {
    this.#lengths = lengths;
    this.#seed = seed;
    this.perEpoch = partsWithoutSingles(lengths.length, batchSize);
  }

  batch(epoch: number, index: number): Int32Array {
    if (epoch !== this.#epoch) this.#arrange(epoch);
    const part = this.#parts[index];
    return this.#order.slice(this.#start(part), this.#start(part + 1));
  }

  #start(part: number): number {
    return partStart(part, this.#lengths.length, this.perEpoch);
  }

  #arrange(epoch: number): void {
    const lengths = this.#lengths;
    this.#order = shuffledNumbers(lengths.length, this.#seed, epoch);
    for (let first = 0; first < this.perEpoch; first += WINDOW) {
      const end = Math.min(first + WINDOW, this.perEpoch);
      this.#order.subarray(this.#start(first), this.#start(end)).sort((a, b) => lengths[a] - lengths[b]);
    }
    const parts = everyNumber(this.perEpoch);
    this.#parts = Random.forPurpose(this.#seed, `order of batches ${epoch}`).shuffle(parts);
    this.#epoch = epoch;
  }
}
