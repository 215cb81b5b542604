/** Rows by number, wherever they are kept: a matrix in memory, shards on a disk. */
import type { Matrix } from './matrix.ts';

export interface RowSource {
  readonly rows: number;
  readonly columns: number;
  /**
   * Names the numbers without reading them, for sources that know (a cache knows its teacher and its data). Without one the numbers
   * themselves are digested where identity matters.
   */
  readonly fingerprint?: string;
  /** The rows of these numbers, in that order, float32 or float64; all entries finite. */
  gather(numbers: ArrayLike<number>): Matrix;
}
