/**
 * Rows that stay in a file of fixed-width numbers, read by their place, so that a file of any size takes little memory. The file is
 * opened for each call and must not change.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { assertUnchanged, type FileStatus } from './file-identity.ts';
import { assertFiniteRows } from './finite-rows.ts';

export class StoredRows implements RowSource {
  readonly rows: number;
  readonly columns: number;
  readonly #path: string;
  readonly #status: FileStatus;
  readonly #begin: number;
  readonly #rowBytes: number;
  readonly #decode: (bytes: Uint8Array) => ArrayLike<number | bigint>;

  constructor(parts: {
    path: string;
    status: FileStatus;
    shape: readonly number[];
    /** First byte of the first row. */
    begin: number;
    /** Bytes of one number. */
    size: number;
    decode: (bytes: Uint8Array) => ArrayLike<number | bigint>;
  }) {
    const { path, shape } = parts;
    if (shape.length !== 2 || shape[1] < 1) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `${path}: expected rows of numbers, [rows, width], got the shape [${shape.join(', ')}].`,
      );
    }
    [this.rows, this.columns] = shape;
    this.#path = path;
    this.#status = parts.status;
    this.#begin = parts.begin;
    this.#rowBytes = parts.size * this.columns;
    this.#decode = parts.decode;
  }

  /** float32. @throws LimbeckError INVALID_ARGUMENT, FILE_UNREADABLE, DATA_MISMATCH when the file has changed, NON_FINITE */
  gather(numbers: ArrayLike<number>): Matrix {
    const result = Matrix.zeros(numbers.length, this.columns);
    for (let i = 0; i < numbers.length; i++) checkRowNumber(this.#path, numbers[i], this.rows);
    const file = this.#open();
    try {
      assertUnchanged(this.#path, this.#status, fstatSync(file));
      for (let i = 0; i < numbers.length; ) {
        let count = 1;
        while (i + count < numbers.length && numbers[i + count] === numbers[i] + count) count++;
        const bytes = new Uint8Array(count * this.#rowBytes);
        this.#read(file, bytes, this.#begin + numbers[i] * this.#rowBytes);
        const values = this.#decode(bytes);
        for (let k = 0; k < values.length; k++) result.data[i * this.columns + k] = Number(values[k]);
        i += count;
      }
    } finally {
      closeSync(file);
    }
    assertFiniteRows(this.#path, result, (i) => `row ${numbers[i]}`);
    return result;
  }

  #open(): number {
    try {
      return openSync(this.#path, 'r');
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  #read(file: number, bytes: Uint8Array, begin: number): void {
    for (let done = 0; done < bytes.length; ) {
      let count: number;
      try {
        count = readSync(file, bytes, done, bytes.length - done, begin + done);
      } catch (error) {
        throw this.#unreadable(error);
      }
      if (count === 0) assertUnchanged(this.#path, this.#status, { size: begin + done, mtimeMs: Date.now() });
      done += count;
    }
  }

  #unreadable(error: unknown): LimbeckError {
    return new LimbeckError(
      'FILE_UNREADABLE',
      `${this.#path}: expected to read rows, got this from the system: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/** @throws LimbeckError INVALID_ARGUMENT */
export function checkRowNumber(path: string, number: number, rows: number): void {
  if (Number.isInteger(number) && number >= 0 && number < rows) return;
  throw new LimbeckError('INVALID_ARGUMENT', `${path}: expected the number of a row, 0 … ${rows - 1}, got ${number}.`);
}
