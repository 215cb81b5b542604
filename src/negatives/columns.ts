/** Where the keys of a selection stand: columns of two blocks, rows of the batch and bank rows. */
import type { FloatArray } from '../matrix/matrix.ts';

/** The two blocks of keys. */
export type Which = 'batch' | 'bank';

/** Where keys stand: each block has a column for every row that any anchor sees. */
export class Columns {
  readonly rows: Readonly<Record<Which, Int32Array>>;
  readonly #sizes: Readonly<Record<Which, number>>;
  readonly #batchColumns: Int32Array;
  /** The column of every row, −1 for rows that nobody sees. */
  readonly #columnOf: Readonly<Record<Which, Int32Array>>;

  constructor(
    sizes: Readonly<Record<Which, number>>,
    batchColumns: Int32Array,
    used: readonly (Int32Array | readonly number[])[],
  ) {
    this.#sizes = sizes;
    this.#batchColumns = batchColumns;
    this.#columnOf = { batch: new Int32Array(sizes.batch).fill(-1), bank: new Int32Array(sizes.bank).fill(-1) };
    const inBatch = batchColumns.length;
    for (const keys of used) {
      for (let k = 0; k < keys.length; k++) {
        const key = keys[k];
        if (key < inBatch) this.#columnOf.batch[batchColumns[key]] = 0;
        else this.#columnOf.bank[key - inBatch] = 0;
      }
    }
    const numbered = (which: Which): Int32Array => {
      const columnOf = this.#columnOf[which];
      const rows = new Int32Array(sizes[which]);
      let count = 0;
      for (let row = 0; row < sizes[which]; row++) {
        if (columnOf[row] < 0) continue;
        columnOf[row] = count;
        rows[count++] = row;
      }
      return rows.slice(0, count);
    };
    this.rows = { batch: numbered('batch'), bank: numbered('bank') };
  }

  has(key: number): boolean {
    const [which, row] = this.#place(key);
    return this.#columnOf[which][row] >= 0;
  }

  /** The column of a key in one block; −1 where the block has none for it. */
  columnIn(which: Which, key: number): number {
    const [where, row] = this.#place(key);
    return where === which ? this.#columnOf[where][row] : -1;
  }

  /** The column of a key among those of both blocks, the batch's first. */
  column(key: number): number {
    const [which, row] = this.#place(key);
    return this.#columnOf[which][row] + (which === 'bank' ? this.rows.batch.length : 0);
  }

  /** How many columns both blocks have. */
  get count(): number {
    return this.rows.batch.length + this.rows.bank.length;
  }

  isWhole(which: Which): boolean {
    return this.rows[which].length === this.#sizes[which];
  }

  /** Numbers for both blocks, row-major [anchors, keys]. */
  matrices<A extends FloatArray>(type: new (length: number) => A, anchors: number): Readonly<Record<Which, A>> {
    return {
      batch: new type(anchors * this.rows.batch.length),
      bank: new type(anchors * this.rows.bank.length),
    };
  }

  set(matrices: Readonly<Record<Which, FloatArray>>, anchor: number, key: number, value: number): void {
    const [which, row] = this.#place(key);
    matrices[which][anchor * this.rows[which].length + this.#columnOf[which][row]] = value;
  }

  #place(key: number): [Which, number] {
    const inBatch = this.#batchColumns.length;
    return key < inBatch ? ['batch', this.#batchColumns[key]] : ['bank', key - inBatch];
  }
}
