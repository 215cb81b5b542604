/**
 * What strategies need of a source of keys from beyond the batch, whatever it is: an exact bank of the teacher's rows, the
 * momentum banks of the CRD paper, or a queue.
 */
import type { Matrix } from '../matrix/matrix.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';

/** Whose rows. Student anchors look for their keys among the teacher's rows, and the other way round. */
export type Side = 'student' | 'teacher';

/** A batch as far as a bank is concerned. */
export interface BankQuery {
  /** Number of anchors B. */
  readonly anchors: number;
  /** Sample of every anchor; of samples that are the same, the first. */
  readonly sampleIds?: Int32Array | undefined;
  /** The teacher's rows [B, D] of the batch, by which banks of such rows recognise samples without a number. */
  readonly teacher?: Matrix | undefined;
  /** For every sample of the data set the first one that is the same (equal texts); undefined when all differ. */
  readonly duplicateOf?: Int32Array | undefined;
}

/** The keys that a bank has for one batch. */
export interface BankView {
  /** Number of rows. */
  readonly size: number;
  /** Class of every row, −1 where none was given. */
  readonly labels: Int32Array | undefined;
  /** For every anchor the row that holds its sample, or −1. */
  readonly rowOfAnchor: Int32Array;
  /**
   * Rows that are an anchor's own sample once more, beside the one that holds it: those of its group, never its negatives. Undefined
   * when there are none.
   */
  readonly groups?:
    | {
        /** The group of every anchor, −1 for none. */
        readonly ofAnchor: Int32Array;
        readonly ofRow: Int32Array;
      }
    | undefined;
  /** True when the row of an anchor's sample is another vector than the batch's own, and takes its place as the positive. */
  readonly holdsPositives: boolean;
  /** All rows [size, D] in the asked precision. */
  rows(dtype: 'float32' | 'float64'): Matrix;
}

/** What a bank takes in after a training step. */
export interface BankUpdate {
  /** [B, D], as the loss saw them: projected and of norm 1. */
  readonly student: Matrix;
  readonly teacher: Matrix;
  readonly sampleIds?: Int32Array | undefined;
  readonly classIndices?: Int32Array | undefined;
  /** As in {@link BankQuery}. */
  readonly duplicateOf?: Int32Array | undefined;
}

export abstract class KeyBank {
  /** Width D of a row. */
  abstract readonly dimension: number;
  /** Whether rows live in the teacher's own space, and not in one that heads for both networks make. */
  abstract readonly inTeacherSpace: boolean;
  /** Whether the bank changes with every step, so that it has to be told of them. */
  abstract readonly updates: boolean;

  /** What tells this bank from others before any training, as plain JSON: part of what a checkpoint must agree with. */
  abstract settings(): unknown;

  /** The keys for anchors of one side; undefined when the bank has none for them. */
  abstract view(anchors: Side, query: BankQuery): BankView | undefined;

  /** Takes in a batch, after the step whose loss was computed over the rows so far. */
  takeIn(_update: BankUpdate): void {}

  /** What a checkpoint has to hold; copies. Empty for banks that never change. */
  state(): StateArrays {
    return {};
  }

  /**
   * Goes back to a {@link state}.
   *
   * @throws LimbeckError SHAPE_MISMATCH for the state of another bank
   */
  restore(_state: StateArrays): void {}
}
