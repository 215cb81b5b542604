/**
 * Large arrays that outlive the evaluation they were made for: the next one of the same size takes them over. JavaScript frees what
 * nobody holds only after some tens of megabytes of it, and fresh memory is slower than memory that was used before.
 */
import { ARRAY_TYPES, type FloatType } from '../graph/index.ts';
import type { FloatArray } from '../matrix/matrix.ts';

export class SpareArrays {
  #spare: FloatArray[] = [];

  /** An array of this length whose numbers are arbitrary; nobody else has it until it is given back. */
  take(dtype: FloatType, length: number): FloatArray {
    const k = this.#spare.findIndex((array) => array.length === length && array instanceof ARRAY_TYPES[dtype]);
    return k < 0 ? new ARRAY_TYPES[dtype](length) : this.#spare.splice(k, 1)[0];
  }

  /** Those of other lengths are let go of: sizes have changed. */
  giveBack(arrays: readonly FloatArray[]): void {
    const lengths = new Set(arrays.map(({ length }) => length));
    this.#spare = [...this.#spare.filter(({ length }) => lengths.has(length)), ...arrays];
  }

  clear(): void {
    this.#spare = [];
  }
}
