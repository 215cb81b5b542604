/** Which samples make up which batch, whoever decides it: a function of seed, epoch and place, so that nothing has to be saved. */

export interface BatchPlan {
  /** Batches in an epoch. */
  readonly perEpoch: number;
  /** The sample numbers of batch `index` (0 … perEpoch − 1) of an epoch (0, 1, …); the caller's own copy. */
  batch(epoch: number, index: number): Int32Array;
}

/**
 * How many parts `count` things make when each should hold at most `size`, and none may hold a single one: parts as equal as they
 * come are `⌊k · count / parts⌋ … ⌊(k + 1) · count / parts⌋`. Two things in parts of two, and an odd one, are a part of three.
 */
export function partsWithoutSingles(count: number, size: number): number {
  return Math.max(1, Math.min(Math.ceil(count / size), Math.floor(count / 2)));
}

/** Where part `k` begins; see {@link partsWithoutSingles}. */
export function partStart(k: number, count: number, parts: number): number {
  return Math.floor((k * count) / parts);
}
