/**
 * A table of which every step needs some rows: they are gathered for it, it writes their next values, and these are put back. Table,
 * gathered rows and next rows are one array, since `copyWithin` moves a row without making a view of it first, which costs more than
 * the row; and both rooms are kept from step to step, since fresh memory costs more than filling it.
 */
export class TableRows {
  readonly #length: number;
  readonly #width: number;
  /** The table, then room for the gathered rows, then room for the next ones. */
  #whole: Float32Array;
  /** Rows that each room holds. */
  #capacity = 0;

  /** @param table [rows, width], row-major; taken over */
  constructor(table: Float32Array, width: number) {
    this.#whole = table;
    this.#length = table.length;
    this.#width = width;
  }

  /** The table as it is now; a later {@link gather} may move it to another array. */
  get table(): Float32Array {
    return this.#whole.subarray(0, this.#length);
  }

  /** The rows' values, [rows, width], until the next call. */
  gather(rows: Int32Array): Float32Array {
    this.#makeRoom(rows.length);
    const [whole, width, start] = [this.#whole, this.#width, this.#length];
    if (width === 1) for (let i = 0; i < rows.length; i++) whole[start + i] = whole[rows[i]];
    else {
      for (let i = 0; i < rows.length; i++) {
        const from = rows[i] * width;
        whole.copyWithin(start + i * width, from, from + width);
      }
    }
    return whole.subarray(start, start + rows.length * width);
  }

  /** Where the next values of so many rows are to be written. */
  next(count: number): Float32Array {
    this.#makeRoom(count);
    return this.#whole.subarray(this.#nextStart, this.#nextStart + count * this.#width);
  }

  /** Puts what was written to {@link next} into the table. */
  scatter(rows: Int32Array): void {
    const [whole, width, start] = [this.#whole, this.#width, this.#nextStart];
    if (width === 1) for (let i = 0; i < rows.length; i++) whole[rows[i]] = whole[start + i];
    else {
      for (let i = 0; i < rows.length; i++) {
        const from = start + i * width;
        whole.copyWithin(rows[i] * width, from, from + width);
      }
    }
  }

  get #nextStart(): number {
    return this.#length + this.#capacity * this.#width;
  }

  /** Batches differ in size: a quarter more than is asked for saves most of the moves. */
  #makeRoom(rows: number): void {
    if (rows <= this.#capacity) return;
    this.#capacity = Math.ceil(1.25 * rows);
    const whole = new Float32Array(this.#length + 2 * this.#capacity * this.#width);
    whole.set(this.table);
    this.#whole = whole;
  }
}
