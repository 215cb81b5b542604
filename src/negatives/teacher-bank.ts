/**
 * A bank of teacher rows: negatives from beyond the batch. The teacher is frozen, so its rows never go stale, and a bank of
 * the whole training set is exact: no momentum, no staleness (mathematics.md, section 2, last paragraph but one).
 */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { unitRows, ZERO_NORM } from '../matrix/unit-rows.ts';

export interface TeacherBankOptions {
  /** Class of every row; needed when the strategy is given labels. */
  readonly labels?: Int32Array;
  /** Which sample each row is; by default row k is sample k. */
  readonly sampleIds?: Int32Array;
}

/**
 * Teacher rows [M, D], kept L2-normalised.
 *
 * @example
 * strategy.bank = new TeacherBank(teacherRows);
 */
export class TeacherBank {
  readonly labels: Int32Array | undefined;
  readonly #rows: { float32?: Matrix; float64?: Matrix } = {};
  readonly #rowOfSample: ReadonlyMap<number, number> | undefined;
  readonly #size: number;
  readonly #dimension: number;

  /** @throws LimbeckError EMPTY_BATCH, NON_FINITE, SHAPE_MISMATCH, INVALID_ARGUMENT (a sample twice) */
  constructor(rows: Matrix, { labels, sampleIds }: TeacherBankOptions = {}) {
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
    if (sampleIds && new Set(sampleIds).size < sampleIds.length) {
      const twice = sampleIds.findIndex((sample, row) => sampleIds.indexOf(sample) !== row);
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `TeacherBank sampleIds: expected every sample once, got sample ${sampleIds[twice]} again in row ${twice}. ` +
          'A repeated row would be a negative of its own sample; leave it out.',
      );
    }
    this.labels = labels;
    this.#size = rows.rows;
    this.#dimension = rows.columns;
    this.#rows[rows.dtype] = unit;
    this.#rowOfSample = sampleIds && new Map(Array.from(sampleIds, (sample, row) => [sample, row]));
  }

  /** Number of rows M. */
  get size(): number {
    return this.#size;
  }

  /** Width D of a row. */
  get dimension(): number {
    return this.#dimension;
  }

  /** All rows in the asked precision, each of norm 1 (or 0). */
  rows(dtype: 'float32' | 'float64'): Matrix {
    const any = this.#rows[dtype] ?? (this.#rows.float32 ?? (this.#rows.float64 as Matrix)).as(dtype);
    this.#rows[dtype] = any;
    return any;
  }

  /** The row that holds a sample, or −1. */
  rowOf(sampleId: number): number {
    if (this.#rowOfSample) return this.#rowOfSample.get(sampleId) ?? -1;
    return sampleId >= 0 && sampleId < this.#size ? sampleId : -1;
  }
}
