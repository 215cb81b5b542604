/**
 * Batches with as many samples of each class, for losses that take samples of one class as alike: with classes of very unequal size,
 * batches drawn at random hold few positives of the small ones. Small classes come up more often than their size; large ones are
 * walked through without repetition.
 */
import { everyNumber } from '../matrix/every-number.ts';
import { Random } from '../matrix/random.ts';
import { type BatchPlan, partStart, partsWithoutSingles } from './batch-plan.ts';

/**
 * A batch is P classes with K samples each. All classes when they fit with at least two samples each: then K = ⌊batchSize / classes⌋.
 * Otherwise K = 2, and the classes are dealt out in rounds: shuffled, cut into batches as equal as they come, never one class alone
 * where there are more; every class is in one batch of a round. A class of fewer than K samples gives all it has: no sample is twice
 * in one batch.
 *
 * The samples of a class are walked through in passes, each shuffled anew: no sample comes a second time before the class is
 * exhausted. The last draw of a pass is filled up from its beginning. Passes and rounds go on over the end of an epoch, which is as
 * many batches as hold about as many samples as there are.
 *
 * @example
 * const batches = new BalancedBatches(Int32Array.of(0, 0, 0, 0, 0, 0, 1, 1), 4, 0);
 * batches.perEpoch;     // 2
 * batches.batch(0, 0);  // two of samples 0 … 5, and samples 6 and 7, shuffled
 */
export class BalancedBatches implements BatchPlan {
  readonly perEpoch: number;
  readonly #seed: number;
  /** Sample numbers, class by class: those of class `c` at `#starts[c] … #starts[c + 1]`. */
  readonly #members: Int32Array;
  readonly #starts: Int32Array;
  /** What the members of each class are shuffled to in the pass that `#passes` says. */
  readonly #shuffled: Int32Array;
  readonly #passes: Int32Array;
  /** K: samples of a class in a batch. */
  readonly #perClass: number;
  /** Batches in which every class is once. */
  readonly #perRound: number;
  #round = -1;
  #classes: Int32Array = new Int32Array(0);

  /** @param labels the class of each sample; classes without samples do not count */
  constructor(labels: Int32Array, batchSize: number, seed: number) {
    this.#seed = seed;
    const { members, starts } = byClass(labels);
    const classes = starts.length - 1;
    this.#members = members;
    this.#starts = starts;
    this.#shuffled = new Int32Array(members.length);
    this.#passes = new Int32Array(classes).fill(-1);
    this.#perClass = Math.max(2, Math.floor(batchSize / classes));
    this.#perRound = partsWithoutSingles(classes, Math.max(1, Math.floor(batchSize / this.#perClass)));
    let inRound = 0;
    for (let c = 0; c < classes; c++) inRound += this.#drawn(c);
    this.perEpoch = Math.max(1, Math.round((labels.length * this.#perRound) / Math.max(1, inRound)));
  }

  batch(epoch: number, index: number): Int32Array {
    const place = epoch * this.perEpoch + index;
    const round = Math.floor(place / this.#perRound);
    const part = place - round * this.#perRound;
    const classes = this.#classesOf(round);
    const start = partStart(part, classes.length, this.#perRound);
    const chosen = classes.subarray(start, partStart(part + 1, classes.length, this.#perRound));
    const batch = new Int32Array(chosen.reduce((sum, c) => sum + this.#drawn(c), 0));
    let filled = 0;
    for (const c of chosen) filled = this.#draw(c, round, batch, filled);
    // Classes side by side would make micro-batches of one class.
    return Random.forPurpose(this.#seed, `balanced batch ${place}`).shuffle(batch);
  }

  #size(c: number): number {
    return this.#starts[c + 1] - this.#starts[c];
  }

  /** How many samples of a class are in a batch that it is in. */
  #drawn(c: number): number {
    return Math.min(this.#perClass, this.#size(c));
  }

  #classesOf(round: number): Int32Array {
    if (round !== this.#round) {
      const classes = everyNumber(this.#starts.length - 1);
      this.#classes = Random.forPurpose(this.#seed, `classes of round ${round}`).shuffle(classes);
      this.#round = round;
    }
    return this.#classes;
  }

  /** Writes the samples of a class for a round into a batch; a class is drawn from once in a round. */
  #draw(c: number, round: number, batch: Int32Array, at: number): number {
    const size = this.#size(c);
    const count = this.#drawn(c);
    const draws = Math.ceil(size / count);
    const pass = Math.floor(round / draws);
    const start = this.#starts[c];
    if (this.#passes[c] !== pass) {
      const order = this.#shuffled.subarray(start, start + size);
      order.set(this.#members.subarray(start, start + size));
      Random.forPurpose(this.#seed, `class ${c}, pass ${pass}`).shuffle(order);
      this.#passes[c] = pass;
    }
    const first = (round - pass * draws) * count;
    for (let k = 0; k < count; k++) batch[at + k] = this.#shuffled[start + ((first + k) % size)];
    return at + count;
  }
}

/** Sample numbers sorted by class, and where each class that has any begins; classes in order of their labels. */
function byClass(labels: Int32Array): { members: Int32Array; starts: Int32Array } {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const known = [...counts.keys()].sort((a, b) => a - b);
  const starts = new Int32Array(known.length + 1);
  for (const [c, label] of known.entries()) starts[c + 1] = starts[c] + (counts.get(label) as number);
  const next = new Map(known.map((label, c) => [label, starts[c]]));
  const members = new Int32Array(labels.length);
  for (let i = 0; i < labels.length; i++) {
    const place = next.get(labels[i]) as number;
    members[place] = i;
    next.set(labels[i], place + 1);
  }
  return { members, starts };
}
