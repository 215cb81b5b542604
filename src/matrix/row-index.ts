/** Finds rows by their numbers: which rows of a matrix are equal, entry by entry. */
import type { FloatArray, Matrix } from './matrix.ts';

/**
 * An index over rows of one matrix, whose numbers may change as long as rows are removed before and added after.
 *
 * Rows are compared in the matrix's own precision; 0 and −0 are equal.
 *
 * @example
 * const index = new RowIndex(matrix);
 * index.add(0);
 * index.find(matrix.row(1)); // 0 when rows 0 and 1 are equal, else −1
 */
export class RowIndex {
  readonly #matrix: Matrix;
  readonly #rows = new Map<number, number[]>();

  constructor(matrix: Matrix) {
    this.#matrix = matrix;
  }

  add(row: number): void {
    const hash = hashOf(this.#matrix.row(row));
    const known = this.#rows.get(hash);
    if (known) known.push(row);
    else this.#rows.set(hash, [row]);
  }

  remove(row: number): void {
    const hash = hashOf(this.#matrix.row(row));
    const rest = this.#rows.get(hash)?.filter((other) => other !== row) ?? [];
    if (rest.length > 0) this.#rows.set(hash, rest);
    else this.#rows.delete(hash);
  }

  /** A number that tells these rows from others, whatever their order: 40 bits. */
  get digest(): number {
    let digest = 0;
    for (const [hash, rows] of this.#rows) digest = (digest + (hash % 2 ** 40) * rows.length) % 2 ** 40;
    return digest;
  }

  /** The first added row with exactly these numbers, rounded to the index's precision; −1 when there is none. */
  find(values: FloatArray): number {
    const own = this.#matrix.dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
    for (const row of this.#rows.get(hashOf(own)) ?? []) {
      if (this.#matrix.row(row).every((value, k) => value === own[k])) return row;
    }
    return -1;
  }
}

/** 53 bits of two multiplicative hashes over the bytes, four at a time. */
function hashOf(values: FloatArray): number {
  const words = new Uint32Array(values.buffer, values.byteOffset, values.byteLength / 4);
  const wordsEach = values.BYTES_PER_ELEMENT / 4;
  let a = 0x811c9dc5;
  let b = 0x9e3779b9;
  for (let k = 0; k < values.length; k++) {
    for (let w = k * wordsEach; w < (k + 1) * wordsEach; w++) {
      const word = values[k] === 0 ? 0 : words[w]; // −0 has other bytes than 0
      a = Math.imul(a ^ word, 0x01000193);
      b = Math.imul((b ^ word) + ((b >>> 15) | 0), 0x85ebca6b);
    }
  }
  return (a >>> 0) * 2 ** 21 + (b >>> 11);
}
