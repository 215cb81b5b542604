/** What the trainer needs from a student, whatever its architecture. */
import type { Shape, SymbolicTensor } from '../graph/index.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { TensorData } from '../runtime/backend.ts';

/** One batch as the student's graph wants it. */
export interface StudentBatch {
  /** Inputs of the graph by name. */
  readonly feeds: Readonly<Record<string, { readonly shape: Shape; readonly tensor: TensorData }>>;
  /** For every group of sparse parameters: the rows that the batch touches, ascending, without repetition. */
  readonly rows: Int32Array;
}

/** The symbolic tensors of one batch: inputs by name, parameters by name (sparse ones: only the touched rows). */
export interface StudentInputs {
  readonly feeds: Readonly<Record<string, SymbolicTensor>>;
  readonly parameters: Readonly<Record<string, SymbolicTensor>>;
  /** The running statistics as they are, by name; empty for students without. */
  readonly buffers: Readonly<Record<string, SymbolicTensor>>;
}

/** What a student makes of a batch. The run-time size of the batch is called "batch". */
export interface StudentOutputs {
  /** Layer name → activations [batch, width]. */
  readonly layers: ReadonlyMap<string, SymbolicTensor>;
  /** Class logits [batch, classes]; for students that classify. */
  readonly outputs?: SymbolicTensor | undefined;
  /** The running statistics after the batch, by name; those that are not named stay. */
  readonly buffers?: Readonly<Record<string, SymbolicTensor>>;
}

/** Numbers that a forward pass moves and no gradient: running means and variances. */
export interface ModelBuffer {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; the trainer writes to it in place. */
  readonly data: Float32Array;
}

/** The run-time size that counts the touched rows of sparse parameters. */
export const TOUCHED_ROWS = 'touched rows';

/**
 * A model in training. `Encoded` is what a sample looks like to it after tokenization or decoding, done once before training.
 */
export interface TrainableStudent<Sample = string, Encoded = Int32Array> {
  readonly parameters: readonly Parameter[];
  /** Running statistics; none by default. */
  readonly buffers?: readonly ModelBuffer[];
  /** Layer names that {@link forward} returns, with their widths. */
  readonly layers: ReadonlyMap<string, number>;
  /** Number of classes, for students that classify. */
  readonly classes?: number | undefined;
  encode(samples: readonly Sample[]): readonly Encoded[];
  prepareBatch(samples: readonly Encoded[]): StudentBatch;
  /** The student in training mode: normalisation by the batch's own statistics. */
  forward(inputs: StudentInputs): StudentOutputs;
}
