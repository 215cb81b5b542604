/** Rows that come one after another, kept in memory in float32, in blocks, so that growing never copies them. */
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { assertFiniteRows } from './finite-rows.ts';
import { showValue } from './source-row.ts';
import { checkRowNumber } from './stored-rows.ts';

const BLOCK_NUMBERS = 1 << 20;

export class CollectedRows implements RowSource {
  rows = 0;
  /** Of the first row; 0 before. */
  columns = 0;
  readonly #path: string;
  readonly #blocks: Float32Array[] = [];
  #blockRows = 1;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * @param place "line 17"
   * @throws LimbeckError SHAPE_MISMATCH for what is no list of numbers, or not as wide as the first; NON_FINITE
   */
  add(values: unknown, place: string): void {
    if (!(Array.isArray(values) || (ArrayBuffer.isView(values) && !(values instanceof DataView)))) {
      throw this.#mismatch(place, 'a list of numbers', values === undefined ? 'nothing' : showValue(values));
    }
    const numbers = values as ArrayLike<unknown>;
    if (this.columns === 0) {
      if (numbers.length === 0) throw this.#mismatch(place, 'a list of numbers', 'an empty one');
      this.columns = numbers.length;
      this.#blockRows = Math.max(1, Math.floor(BLOCK_NUMBERS / this.columns));
    }
    if (numbers.length !== this.columns) {
      throw this.#mismatch(place, `${this.columns} numbers like in the first row`, `${numbers.length}`);
    }
    const within = this.rows % this.#blockRows;
    if (within === 0) this.#blocks.push(new Float32Array(this.#blockRows * this.columns));
    const begin = within * this.columns;
    const row = this.#blocks[this.#blocks.length - 1].subarray(begin, begin + this.columns);
    for (let j = 0; j < this.columns; j++) {
      const value = numbers[j];
      if (typeof value !== 'number' && typeof value !== 'bigint') {
        throw this.#mismatch(place, `a number in column ${j}`, showValue(value));
      }
      row[j] = Number(value);
    }
    assertFiniteRows(this.#path, new Matrix(1, this.columns, row), () => place);
    this.rows++;
  }

  gather(numbers: ArrayLike<number>): Matrix {
    const result = Matrix.zeros(numbers.length, this.columns);
    for (let i = 0; i < numbers.length; i++) {
      checkRowNumber(this.#path, numbers[i], this.rows);
      const begin = (numbers[i] % this.#blockRows) * this.columns;
      const block = this.#blocks[Math.floor(numbers[i] / this.#blockRows)];
      result.data.set(block.subarray(begin, begin + this.columns), i * this.columns);
    }
    return result;
  }

  #mismatch(place: string, expected: string, got: string): LimbeckError {
    return new LimbeckError(
      'SHAPE_MISMATCH',
      `${this.#path}, ${place}: expected ${expected}, got ${got}. All rows of a file are lists of one length.`,
    );
  }
}
