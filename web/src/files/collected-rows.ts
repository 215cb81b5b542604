/** Lists of numbers, one after another, to a matrix: each is checked against the first. */
import { LimbeckError, Matrix } from 'limbeck';

/** Numbers in a block; blocks are joined once, at the end. */
const BLOCK = 1 << 20;

export class CollectedRows {
  readonly #blocks: Float32Array[] = [];
  #columns = 0;
  #rows = 0;
  /** Numbers in the last block. */
  #filled = BLOCK;

  /**
   * @param place "texts.jsonl, line 17"
   * @throws LimbeckError SHAPE_MISMATCH for what is no list of numbers, or not as long as the first; NON_FINITE
   */
  add(value: unknown, place: string): void {
    const mismatch = (expected: string, got: string): LimbeckError =>
      new LimbeckError(
        'SHAPE_MISMATCH',
        `${place}: expected ${expected}, got ${got}. All embeddings of a file are lists of one length.`,
      );
    if (!Array.isArray(value) && !(ArrayBuffer.isView(value) && !(value instanceof DataView))) {
      throw mismatch('a list of numbers as embedding', value === undefined ? 'nothing' : typeof value);
    }
    const numbers = value as ArrayLike<unknown>;
    if (numbers.length === 0) throw mismatch('a list of numbers as embedding', 'an empty one');
    if (this.#rows === 0) this.#columns = numbers.length;
    if (numbers.length !== this.#columns) {
      throw mismatch(`${this.#columns} numbers like in the first row`, String(numbers.length));
    }
    for (let k = 0; k < numbers.length; k++) {
      const number = numbers[k];
      if (typeof number !== 'number' && typeof number !== 'bigint') {
        throw mismatch(`a number in column ${k}`, number === null ? 'null' : typeof number);
      }
      this.#push(Number(number), k, place);
    }
    this.#rows++;
  }

  #push(number: number, column: number, place: string): void {
    if (this.#filled === BLOCK) {
      this.#blocks.push(new Float32Array(BLOCK));
      this.#filled = 0;
    }
    const block = this.#blocks[this.#blocks.length - 1];
    block[this.#filled] = number;
    if (!Number.isFinite(block[this.#filled])) {
      throw new LimbeckError(
        'NON_FINITE',
        `${place}: expected finite numbers (in single precision), got ${number} in column ${column}. ` +
          'Compute the row again, or take it and its text out.',
      );
    }
    this.#filled++;
  }

  /** float32 */
  finish(): Matrix {
    const data = new Float32Array(this.#rows * this.#columns);
    for (const [i, block] of this.#blocks.entries()) {
      data.set(block.subarray(0, Math.min(BLOCK, data.length - i * BLOCK)), i * BLOCK);
    }
    return new Matrix(this.#rows, this.#columns, data);
  }
}
