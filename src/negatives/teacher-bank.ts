/**
 * A bank of teacher rows: negatives from beyond the batch. The teacher is frozen, so its rows never go stale, and a bank of
 * the whole training set is exact: no momentum, no staleness (mathematics.md, section 2, last paragraph but one).
 */

import { LimbeckError, show } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import { RowIndex } from '../matrix/row-index.ts';
import { unitRows, ZERO_NORM } from '../matrix/unit-rows.ts';
import { type BankQuery, type BankView, KeyBank, type Side } from './key-bank.ts';

export interface TeacherBankOptions {
  /** Class of every row; needed when the strategy is given labels. */
  readonly labels?: Int32Array;
  /** Which sample each row is; by default row k is sample k. Rows of one number are one sample. */
  readonly sampleIds?: Int32Array;
}

/**
 * Teacher rows [M, D], kept L2-normalised. Rows of one direction, of one sample number or (in `distill()`) of one text are the same
 * sample, and none of them is a negative of it.
 *
 * @example
 * strategy.bank = new TeacherBank(teacherRows);
 */
export class TeacherBank extends KeyBank {
  readonly labels: Int32Array | undefined;
  readonly dimension: number;
  readonly inTeacherSpace = true;
  readonly updates = false;
  readonly #rows: { float32?: Matrix; float64?: Matrix } = {};
  readonly #size: number;
  readonly #sampleIds: Int32Array | undefined;
  /** Sample → its first row; undefined when row k is sample k. */
  readonly #rowOfSample: ReadonlyMap<number, number> | undefined;
  /** The first row of every direction. */
  readonly #index: RowIndex;
  /** Which rows are the same sample, for a data set with equal texts and for one without. */
  #groups: { readonly duplicateOf: Int32Array | undefined; readonly groups: Groups } | undefined;

  /** @throws LimbeckError EMPTY_BATCH, NON_FINITE, SHAPE_MISMATCH, INVALID_ARGUMENT */
  constructor(rows: Matrix, { labels, sampleIds }: TeacherBankOptions = {}) {
    super();
    if (!(rows instanceof Matrix)) {
      throw new LimbeckError('INVALID_ARGUMENT', `TeacherBank: expected a Matrix of teacher rows, got ${show(rows)}.`);
    }
    if (rows.rows === 0) throw new LimbeckError('EMPTY_BATCH', 'TeacherBank: expected at least one row, got none.');
    const unit = unitRows(rows, 'bank', ZERO_NORM);
    for (const [name, array] of Object.entries({ labels, sampleIds })) {
      if (array && array.length !== rows.rows) {
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `TeacherBank ${name}: expected one for each of the ${rows.rows} rows, got ${array.length}.`,
        );
      }
    }
    this.labels = labels;
    this.dimension = rows.columns;
    this.#size = rows.rows;
    this.#rows[rows.dtype] = unit;
    this.#sampleIds = sampleIds;
    // Backwards, so that of rows of one sample the first stays.
    this.#rowOfSample =
      sampleIds && new Map(Array.from(sampleIds, (sample, row): [number, number] => [sample, row]).reverse());
    this.#index = new RowIndex(unit);
    for (let row = 0; row < unit.rows; row++) if (this.#index.find(unit.row(row)) < 0) this.#index.add(row);
  }

  /** Number of rows M. */
  get size(): number {
    return this.#size;
  }

  /** All rows in the asked precision, each of norm 1 (or 0). */
  rows(dtype: 'float32' | 'float64'): Matrix {
    const any = this.#rows[dtype] ?? this.#given().as(dtype);
    this.#rows[dtype] = any;
    return any;
  }

  /** The row that holds a sample, or −1. */
  rowOf(sampleId: number): number {
    if (this.#rowOfSample) return this.#rowOfSample.get(sampleId) ?? -1;
    return sampleId >= 0 && sampleId < this.#size ? sampleId : -1;
  }

  override settings(): unknown {
    return ['TeacherBank', this.#size, this.dimension, this.#index.digest];
  }

  override view(anchors: Side, { anchors: count, sampleIds, duplicateOf, teacher }: BankQuery): BankView | undefined {
    if (anchors === 'teacher') return undefined; // its keys would be student rows
    const rowOfAnchor = Int32Array.from({ length: count }, (_, i) => this.rowOf(sampleIds?.[i] ?? -1));
    return {
      size: this.#size,
      labels: this.labels,
      rowOfAnchor,
      groups: this.#groupsOfBatch(rowOfAnchor, teacher, duplicateOf),
      holdsPositives: false,
      rows: (dtype) => this.rows(dtype),
    };
  }

  #given(): Matrix {
    return this.#rows.float64 ?? (this.#rows.float32 as Matrix);
  }

  /** The first row of a direction; −1 when there is none, and for rows of no direction. */
  #find(unit: FloatArray): number {
    return unit.some((value) => value !== 0) ? this.#index.find(unit) : -1;
  }

  /** Rows that are an anchor's sample beside the one that holds it; an anchor whose number the bank does not hold is known by its direction. */
  #groupsOfBatch(
    rowOfAnchor: Int32Array,
    teacher: Matrix | undefined,
    duplicateOf: Int32Array | undefined,
  ): BankView['groups'] {
    const { groupOf, repeated } = this.#groupsOf(duplicateOf);
    const unit =
      teacher?.columns === this.dimension && rowOfAnchor.includes(-1)
        ? unitRows(teacher, 'teacher rows', ZERO_NORM)
        : undefined;
    const known = rowOfAnchor.map((row, i) => (row >= 0 || !unit ? row : this.#find(unit.row(i))));
    // Beside an anchor that is known by its direction alone, every other may be the same sample.
    const all = known.some((row, i) => row !== rowOfAnchor[i]);
    const ofAnchor = known.map((row) => (row >= 0 && (all || repeated.has(groupOf[row])) ? groupOf[row] : -1));
    return ofAnchor.some((group) => group >= 0) ? { ofAnchor, ofRow: groupOf } : undefined;
  }

  #groupsOf(duplicateOf: Int32Array | undefined): Groups {
    if (!this.#groups || this.#groups.duplicateOf !== duplicateOf) {
      const sampleOf = (row: number): number => {
        const sample = this.#sampleIds?.[row] ?? row;
        return duplicateOf?.[sample] ?? sample;
      };
      const rows = this.#given();
      const groups = groupRows(this.#size, sampleOf, (row) => this.#find(rows.row(row)));
      this.#groups = { duplicateOf, groups };
    }
    return this.#groups.groups;
  }
}

interface Groups {
  /** For every row the first that is the same sample. */
  readonly groupOf: Int32Array;
  /** The groups of more than one row. */
  readonly repeated: ReadonlySet<number>;
}

/** Rows are the same sample when their numbers or their directions are equal, at once or through others. */
function groupRows(size: number, sampleOf: (row: number) => number, firstOfDirection: (row: number) => number): Groups {
  const first = everyNumber(size);
  const root = (row: number): number => {
    let top = row;
    while (first[top] !== top) top = first[top];
    return top;
  };
  const join = (a: number, b: number): void => {
    const [x, y] = [root(a), root(b)];
    first[Math.max(x, y)] = Math.min(x, y);
  };
  const rowOfSample = new Map<number, number>();
  for (let row = 0; row < size; row++) {
    const same = rowOfSample.get(sampleOf(row));
    if (same === undefined) rowOfSample.set(sampleOf(row), row);
    else join(row, same);
    const equal = firstOfDirection(row);
    if (equal >= 0) join(row, equal);
  }
  const groupOf = first.map((_, row) => root(row));
  return { groupOf, repeated: new Set(groupOf.filter((group, row) => group !== row)) };
}
