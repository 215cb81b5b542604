/**
 * A dense row-major matrix: how batches of outputs, embeddings and bank rows are passed around outside the graph.
 * It holds numbers and checks them; arithmetic is the engine's business.
 */
import { LimbeckError, show } from '../errors.ts';

export type FloatArray = Float32Array | Float64Array;

/**
 * `rows × columns` numbers in row-major order. Float64 data means float64 arithmetic wherever the matrix goes.
 *
 * @example
 * const m = Matrix.from([[1, 2], [3, 4]]);
 * m.rows;      // 2
 * m.get(1, 0); // 3
 */
export class Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly data: FloatArray;

  /**
   * @param data exactly `rows * columns` entries, kept without copying
   * @throws LimbeckError SHAPE_MISMATCH when the length does not fit, INVALID_ARGUMENT for sizes that are not counts
   */
  constructor(rows: number, columns: number, data: FloatArray) {
    for (const [name, size] of [['rows', rows] as const, ['columns', columns] as const]) {
      if (!Number.isInteger(size) || size < 0) {
        throw new LimbeckError('INVALID_ARGUMENT', `Matrix ${name}: expected a whole number ≥ 0, got ${show(size)}.`);
      }
    }
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Matrix data: expected a Float32Array or Float64Array, got ${show(data)}. Use Matrix.from for nested arrays.`,
      );
    }
    if (data.length !== rows * columns) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Matrix data: expected ${rows} × ${columns} = ${rows * columns} entries, got ${data.length}.`,
      );
    }
    this.rows = rows;
    this.columns = columns;
    this.data = data;
  }

  /**
   * Builds a matrix from nested arrays or typed arrays, all rows of one length.
   *
   * @param dtype element type; by default float64 when every row is a Float64Array, else float32
   * @throws LimbeckError SHAPE_MISMATCH when rows differ in length
   */
  static from(rows: ArrayLike<ArrayLike<number>>, dtype?: 'float32' | 'float64'): Matrix {
    const count = rows.length;
    const columns = count === 0 ? 0 : rows[0].length;
    const double = dtype ? dtype === 'float64' : count > 0 && Array.from(rows).every((r) => r instanceof Float64Array);
    const data = double ? new Float64Array(count * columns) : new Float32Array(count * columns);
    for (let i = 0; i < count; i++) {
      if (rows[i].length !== columns) {
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `Matrix.from: expected every row to have ${columns} entries like row 0, got ${rows[i].length} in row ${i}.`,
        );
      }
      data.set(rows[i], i * columns);
    }
    return new Matrix(count, columns, data);
  }

  /** A matrix of zeros. */
  static zeros(rows: number, columns: number, dtype: 'float32' | 'float64' = 'float32'): Matrix {
    const length = Math.max(0, rows * columns) || 0; // what is no size at all, the constructor refuses
    return new Matrix(rows, columns, dtype === 'float64' ? new Float64Array(length) : new Float32Array(length));
  }

  get dtype(): 'float32' | 'float64' {
    return this.data instanceof Float64Array ? 'float64' : 'float32';
  }

  /** The entry in row `i`, column `j`. */
  get(i: number, j: number): number {
    const inside = Number.isInteger(i) && Number.isInteger(j) && i >= 0 && i < this.rows && j >= 0 && j < this.columns;
    if (!inside) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Matrix.get: expected a place inside ${this.rows} × ${this.columns}, got (${i}, ${j}).`,
      );
    }
    return this.data[i * this.columns + j];
  }

  /** Row `i` as a view: writing to it writes to the matrix. */
  row(i: number): FloatArray {
    if (!(Number.isInteger(i) && i >= 0 && i < this.rows)) {
      throw new LimbeckError('INVALID_ARGUMENT', `Matrix.row: expected 0 … ${this.rows - 1}, got ${show(i)}.`);
    }
    return this.data.subarray(i * this.columns, (i + 1) * this.columns);
  }

  /** The rows at `indices`, copied in that order. */
  gather(indices: ArrayLike<number>): Matrix {
    const result = Matrix.zeros(indices.length, this.columns, this.dtype);
    for (let i = 0; i < indices.length; i++) result.data.set(this.row(indices[i]), i * this.columns);
    return result;
  }

  /** Nested plain arrays, for printing and JSON. */
  toArray(): number[][] {
    return Array.from({ length: this.rows }, (_, i) => Array.from(this.row(i)));
  }

  /** The same numbers in the other precision; the matrix itself when it already has it. */
  as(dtype: 'float32' | 'float64'): Matrix {
    if (dtype === this.dtype) return this;
    return new Matrix(
      this.rows,
      this.columns,
      dtype === 'float64' ? Float64Array.from(this.data) : Float32Array.from(this.data),
    );
  }

  /**
   * Refuses NaN and ±Infinity.
   *
   * @param name how the matrix is called in the message
   * @throws LimbeckError NON_FINITE naming the matrix, the row and the column
   */
  assertFinite(name: string): this {
    const { data, columns } = this;
    if (allFinite(data)) return this;
    for (let k = 0; k < data.length; k++) {
      if (!Number.isFinite(data[k])) {
        throw new LimbeckError(
          'NON_FINITE',
          `${name}: expected finite numbers, got ${data[k]} in row ${Math.floor(k / columns)}, column ${k % columns}.`,
        );
      }
    }
    return this;
  }
}

/** x − x is 0 for finite x and NaN for any other; four sums at a time, since each waits for its last addition. */
function allFinite(data: FloatArray): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = data.length - (data.length % 4);
  for (let k = 0; k < whole; k += 4) {
    a += data[k] - data[k];
    b += data[k + 1] - data[k + 1];
    c += data[k + 2] - data[k + 2];
    d += data[k + 3] - data[k + 3];
  }
  for (let k = whole; k < data.length; k++) a += data[k] - data[k];
  return a + b + c + d === 0;
}
