/**
 * The two memory banks of the CRD paper: for every sample of the training set one row of the student and one of the teacher, as
 * their heads last projected it, moved a part of the way towards what the current step says (mathematics.md, section 2).
 *
 * For heads that learn. With a frozen teacher and no head on it a `TeacherBank` is exact, and better.
 */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import { ZERO_NORM } from '../matrix/unit-rows.ts';
import { type BankQuery, type BankUpdate, type BankView, KeyBank, type Side } from './key-bank.ts';

export interface MomentumBanksOptions {
  /** Samples of the training set, M. */
  readonly samples: number;
  /** Width of a row: that of the heads. Default 128. */
  readonly dimension?: number;
  /** How much of a row stays at an update, in [0, 1). Default 0.5. */
  readonly momentum?: number;
  /** Class of every sample; needed when the strategy is given labels. */
  readonly labels?: Int32Array;
  /** Seeds the first rows. Default 0. */
  readonly seed?: number;
}

/**
 * Two banks [M, D], uniform in ±1/√(D/3) at the start, so that rows have a norm near 1.
 *
 * @throws LimbeckError INVALID_OPTION, SHAPE_MISMATCH (labels)
 *
 * @example
 * const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', positives: 'instance', negativesSampleSize: 16384 });
 * strategy.bank = new MomentumBanks({ samples: 50_000, labels });
 * await strategy.computeContrastiveLoss(studentRows, teacherRows, batchLabels, { sampleIds });
 *
 * Source: Tian, Krishnan & Isola, "Contrastive Representation Distillation", ICLR 2020; Wu et al., CVPR 2018 (the bank).
 */
export class MomentumBanks extends KeyBank {
  readonly samples: number;
  readonly dimension: number;
  readonly momentum: number;
  readonly labels: Int32Array | undefined;
  readonly inTeacherSpace = false;
  readonly updates = true;
  readonly #banks: Readonly<Record<Side, Matrix>>;
  #repetitions: { readonly duplicateOf: Int32Array; readonly of: ReadonlyMap<number, readonly number[]> } | undefined;

  constructor({ samples, dimension = 128, momentum = 0.5, labels, seed = 0 }: MomentumBanksOptions) {
    super();
    for (const [name, size] of Object.entries({ samples, dimension })) {
      if (Number.isInteger(size) && size >= 1) continue;
      throw invalid(name, 'a whole number ≥ 1', size);
    }
    if (!(momentum >= 0 && momentum < 1)) throw invalid('momentum', 'a number in [0, 1)', momentum);
    if (!(Number.isInteger(seed) && seed >= 0)) throw invalid('seed', 'a whole number ≥ 0', seed);
    if (labels && labels.length !== samples) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `MomentumBanks labels: expected one for each of the ${samples} samples, got ${labels.length}.`,
      );
    }
    this.samples = samples;
    this.dimension = dimension;
    this.momentum = momentum;
    this.labels = labels;
    const bound = 1 / Math.sqrt(dimension / 3);
    const bank = (side: Side): Matrix => {
      const random = Random.forPurpose(seed, `${side} bank`);
      const data = new Float32Array(samples * dimension);
      for (let k = 0; k < data.length; k++) data[k] = (2 * random.uniform() - 1) * bound;
      return new Matrix(samples, dimension, data);
    };
    this.#banks = { student: bank('student'), teacher: bank('teacher') };
  }

  /** The rows [M, D] of one side, as they are now. */
  rows(side: Side): Matrix {
    return this.#banks[side];
  }

  override settings(): unknown {
    return ['MomentumBanks', this.samples, this.dimension, this.momentum];
  }

  override view(anchors: Side, { anchors: count, sampleIds, duplicateOf }: BankQuery): BankView {
    const rows = this.#banks[anchors === 'student' ? 'teacher' : 'student'];
    const rowOfAnchor = this.#rowsOf(sampleIds, count);
    const repetitions = this.#repetitionsOf(duplicateOf);
    const ofAnchor = rowOfAnchor.map((row) => (repetitions.has(row) ? row : -1));
    return {
      size: this.samples,
      labels: this.labels,
      rowOfAnchor,
      groups: duplicateOf && ofAnchor.some((row) => row >= 0) ? { ofAnchor, ofRow: duplicateOf } : undefined,
      holdsPositives: true,
      rows: (dtype) => rows.as(dtype),
    };
  }

  /** row ← normalise(momentum · row + (1 − momentum) · new), for both networks; rows of the same sample follow. */
  override takeIn({ student, teacher, sampleIds, duplicateOf }: BankUpdate): void {
    const places = this.#rowsOf(sampleIds, student.rows);
    const repetitions = this.#repetitionsOf(duplicateOf);
    for (const [side, given] of [['student', student] as const, ['teacher', teacher] as const]) {
      if (given.columns !== this.dimension) throw wrongWidth(this.dimension, given.columns);
      const bank = this.#banks[side];
      for (const [i, place] of places.entries()) {
        this.#move(bank.row(place), given.row(i));
        for (const repetition of repetitions.get(place) ?? []) bank.row(repetition).set(bank.row(place));
      }
    }
  }

  override state(): StateArrays {
    return {
      'student bank': this.#banks.student.data.slice() as Float32Array,
      'teacher bank': this.#banks.teacher.data.slice() as Float32Array,
    };
  }

  override restore(state: StateArrays): void {
    const own = {
      'student bank': this.#banks.student.data as Float32Array,
      'teacher bank': this.#banks.teacher.data as Float32Array,
    };
    restoreArrays(own, state, 'MomentumBanks');
  }

  /** For every sample that comes again under later numbers, those numbers. */
  #repetitionsOf(duplicateOf: Int32Array | undefined): ReadonlyMap<number, readonly number[]> {
    if (!duplicateOf) return new Map();
    if (this.#repetitions?.duplicateOf !== duplicateOf) {
      const of = new Map<number, number[]>();
      for (const [sample, first] of duplicateOf.subarray(0, this.samples).entries()) {
        if (first !== sample) of.set(first, [...(of.get(first) ?? []), sample]);
      }
      this.#repetitions = { duplicateOf, of };
    }
    return this.#repetitions.of;
  }

  #move(row: Matrix['data'], towards: Matrix['data']): void {
    const { momentum } = this;
    const mixed = new Float64Array(row.length);
    let squares = 0;
    for (let d = 0; d < row.length; d++) {
      mixed[d] = momentum * row[d] + (1 - momentum) * towards[d];
      squares += mixed[d] * mixed[d];
    }
    const norm = Math.sqrt(squares);
    // Opposite rows can cancel; a row of no direction stays as it is.
    if (norm >= ZERO_NORM) for (let d = 0; d < row.length; d++) row[d] = mixed[d] / norm;
  }

  #rowsOf(sampleIds: Int32Array | undefined, count: number): Int32Array {
    if (!sampleIds) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        'MomentumBanks: expected the sample of every row of the batch, whose bank rows are its positives, got none. ' +
          'Pass { sampleIds }.',
      );
    }
    if (sampleIds.length !== count) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `MomentumBanks sampleIds: expected one for each of the ${count} rows, got ${sampleIds.length}.`,
      );
    }
    return sampleIds.map((sample, i) => {
      if (sample >= 0 && sample < this.samples) return sample;
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `MomentumBanks: expected samples 0 … ${this.samples - 1}, got ${sample} in row ${i} of the batch. ` +
          'Make the banks with as many samples as the training set has.',
      );
    });
  }
}

function invalid(name: string, expected: string, given: unknown): LimbeckError {
  return new LimbeckError('INVALID_OPTION', `MomentumBanks: option ${name}: expected ${expected}, got ${show(given)}.`);
}

function wrongWidth(expected: number, given: number): LimbeckError {
  return new LimbeckError('SHAPE_MISMATCH', `MomentumBanks: expected rows of width ${expected}, got ${given}.`);
}
