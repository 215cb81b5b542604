/**
 * What every teacher is, wherever its vectors come from: an ONNX file, a Hugging Face model, a file of embeddings, a function.
 * Only the contract; caching is in teacher-cache.ts, and batching is each teacher's own business.
 */
import type { Dataset } from '../data/dataset.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';

export interface EmbedOptions<Input> {
  /** Stops the work; the promise is then rejected. */
  readonly signal?: AbortSignal;
  /**
   * Which samples of which data set the inputs are, where they come from one: `numbers[i]` is `inputs[i]`. For teachers that know
   * samples by place or name and not by what they hold.
   */
  readonly samples?: { readonly data: Dataset<Input>; readonly numbers: ArrayLike<number> };
}

/** What a teacher says of some inputs, row by row. */
export interface TeacherPrediction {
  /** float32, [inputs, dimension] */
  readonly embeddings: Matrix;
  /** Logits, float32, [inputs, classes]; of teachers that classify. */
  readonly outputs?: Matrix | undefined;
}

/**
 * A frozen model that turns inputs into vectors. It is deterministic: the same inputs give the same rows, so that rows can be
 * computed once and kept.
 *
 * @example
 * const teacher: Teacher = {
 *   fingerprint: 'length-and-words/1',
 *   dimension: 2,
 *   embed: async (texts) => Matrix.from(texts.map((text) => [text.length, text.split(' ').length])),
 * };
 */
export interface Teacher<Input = string> {
  /**
   * Names the function that this teacher computes: weights, tokenizer, pooling, normalisation, precision, prompt. Whatever
   * changes a row changes the fingerprint; caches are keyed by it.
   */
  readonly fingerprint: string;
  /**
   * The fingerprint where it depends on the data: of teachers that know samples by place or name, and would give the same samples other
   * rows if they stood elsewhere. Default {@link fingerprint}.
   */
  fingerprintFor?(data: Dataset<Input>): string;
  /** The rows of a data set, read as they are needed, of teachers that have them already: nothing has to be computed or kept. */
  rowsOf?(data: Dataset<Input>): RowSource;
  /** The width of a row. */
  readonly dimension: number;
  /** Number of classes, for teachers that also have outputs; they then have {@link predict}. */
  readonly classes?: number | undefined;
  /**
   * @param inputs any number of inputs, none included
   * @returns float32, [inputs.length, dimension]; row `i` belongs to `inputs[i]`; all entries finite
   */
  embed(inputs: readonly Input[], options?: EmbedOptions<Input>): Promise<Matrix>;
  /** Embeddings and outputs in one pass. */
  predict?(inputs: readonly Input[], options?: EmbedOptions<Input>): Promise<TeacherPrediction>;
  /** Frees what the teacher holds. */
  release?(): Promise<void>;
}
