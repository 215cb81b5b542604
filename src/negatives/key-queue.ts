/**
 * A first-in-first-out queue of teacher rows: negatives for streams that no bank could hold. The rows of the latest batches, the
 * oldest leaving first (He et al., "MoCo", CVPR 2020; there the keys are a momentum encoder's, here a frozen teacher's).
 */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { RowIndex } from '../matrix/row-index.ts';
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import { unitRows, ZERO_NORM } from '../matrix/unit-rows.ts';
import { type BankQuery, type BankUpdate, type BankView, KeyBank, type Side } from './key-bank.ts';

export interface KeyQueueOptions {
  /** Rows at most. */
  readonly capacity: number;
  /** Width of a row: the teacher's, or with heads for both networks that of the heads. */
  readonly dimension: number;
}

/**
 * The last `capacity` teacher rows, in the space in which the loss compares. It begins empty: the first batch sees its own rows
 * alone. Each sample counts once: entries of a sample that comes again make way, and those of the batch at hand are left out. A sample
 * is known by its number where numbers are given, and by its row.
 *
 * @throws LimbeckError INVALID_OPTION
 *
 * @example
 * strategy.bank = new KeyQueue({ capacity: 65_536, dimension: 384 });
 * const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(studentRows, teacherRows);
 * await strategy.updateBank(studentRows, teacherRows); // in your own loop, after the step; distill() does it itself
 */
export class KeyQueue extends KeyBank {
  readonly capacity: number;
  readonly dimension: number;
  readonly inTeacherSpace = false;
  readonly updates = true;
  readonly #rows: Matrix;
  /** Sample of every entry, −1 where it has no number; −2 where there is no entry. */
  readonly #samples: Int32Array;
  /** Class of every entry, −1 where none was given. */
  readonly #labels: Int32Array;
  /** The place of the next entry, and whether classes were given. */
  readonly #state = new Int32Array(2);
  #index: RowIndex;
  readonly #placeOfSample = new Map<number, number>();

  constructor({ capacity, dimension }: KeyQueueOptions) {
    super();
    for (const [name, size] of Object.entries({ capacity, dimension })) {
      if (Number.isInteger(size) && size >= 1) continue;
      throw new LimbeckError(
        'INVALID_OPTION',
        `KeyQueue: option ${name}: expected a whole number ≥ 1, got ${show(size)}.`,
      );
    }
    this.capacity = capacity;
    this.dimension = dimension;
    this.#rows = Matrix.zeros(capacity, dimension);
    this.#samples = new Int32Array(capacity).fill(EMPTY);
    this.#labels = new Int32Array(capacity).fill(-1);
    this.#index = new RowIndex(this.#rows);
  }

  /** Entries now. */
  get size(): number {
    return this.#samples.reduce((count, sample) => (sample === EMPTY ? count : count + 1), 0);
  }

  override settings(): unknown {
    return ['KeyQueue', this.capacity, this.dimension];
  }

  override view(anchors: Side, { anchors: count, sampleIds, teacher }: BankQuery): BankView | undefined {
    if (anchors === 'teacher') return undefined; // its keys would be student rows
    const inBatch = new Set<number>();
    const unit = teacher?.columns === this.dimension ? unitRows(teacher, 'teacher rows', ZERO_NORM) : undefined;
    for (let i = 0; i < count; i++) {
      for (const place of this.#placesOf(sampleIds?.[i] ?? NUMBERLESS, unit?.row(i))) inBatch.add(place);
    }
    const places = Int32Array.from(this.#samples.keys()).filter(
      (place) => this.#samples[place] !== EMPTY && !inBatch.has(place),
    );
    if (places.length === 0) return undefined;
    return {
      size: places.length,
      labels: this.#state[1] === 1 ? places.map((place) => this.#labels[place]) : undefined,
      rowOfAnchor: new Int32Array(count).fill(-1),
      holdsPositives: false,
      rows: (dtype) => (places.length === this.capacity ? this.#rows : this.#rows.gather(places)).as(dtype),
    };
  }

  override takeIn({ teacher, sampleIds, classIndices }: BankUpdate): void {
    if (teacher.columns !== this.dimension) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `KeyQueue: expected rows of width ${this.dimension}, got ${teacher.columns}.`,
      );
    }
    if (classIndices) this.#state[1] = 1;
    for (let i = 0; i < teacher.rows; i++) {
      const sample = sampleIds?.[i] ?? NUMBERLESS;
      for (const place of this.#placesOf(sample, teacher.row(i))) this.#drop(place);
      const place = this.#state[0];
      this.#drop(place);
      this.#rows.row(place).set(teacher.row(i));
      this.#samples[place] = sample;
      this.#labels[place] = classIndices?.[i] ?? -1;
      this.#register(place);
      this.#state[0] = (place + 1) % this.capacity;
    }
  }

  override state(): StateArrays {
    return {
      'queue rows': this.#rows.data.slice() as Float32Array,
      'queue samples': this.#samples.slice(),
      'queue labels': this.#labels.slice(),
      'queue position': this.#state.slice(),
    };
  }

  override restore(state: StateArrays): void {
    const own = {
      'queue rows': this.#rows.data as Float32Array,
      'queue samples': this.#samples,
      'queue labels': this.#labels,
      'queue position': this.#state,
    };
    restoreArrays(own, state, 'KeyQueue');
    this.#index = new RowIndex(this.#rows);
    this.#placeOfSample.clear();
    for (const [place, sample] of this.#samples.entries()) if (sample !== EMPTY) this.#register(place);
  }

  /** The entries of a sample: by its number, and by its row. */
  #placesOf(sample: number, row: Matrix['data'] | undefined): number[] {
    const byNumber = sample >= 0 ? this.#placeOfSample.get(sample) : undefined;
    const byRow = row?.some((value) => value !== 0) ? this.#index.find(row) : -1;
    return [byNumber ?? -1, byRow].filter((place) => place >= 0);
  }

  #register(place: number): void {
    this.#index.add(place);
    if (this.#samples[place] >= 0) this.#placeOfSample.set(this.#samples[place], place);
  }

  #drop(place: number): void {
    if (this.#samples[place] === EMPTY) return;
    this.#index.remove(place);
    if (this.#samples[place] >= 0) this.#placeOfSample.delete(this.#samples[place]);
    this.#samples[place] = EMPTY;
  }
}

const EMPTY = -2;
const NUMBERLESS = -1;
