/**
 * What every teacher is, wherever its vectors come from: an ONNX file, a Hugging Face model, a file of embeddings, a function.
 * Only the contract; caching is in teacher-cache.ts, and batching is each teacher's own business.
 */
import type { Matrix } from '../matrix/matrix.ts';

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
  /** The width of a row. */
  readonly dimension: number;
  /**
   * @param inputs any number of inputs, none included
   * @param options.signal stops the work; the promise is then rejected
   * @returns float32, [inputs.length, dimension]; row `i` belongs to `inputs[i]`; all entries finite
   */
  embed(inputs: readonly Input[], options?: { signal?: AbortSignal }): Promise<Matrix>;
}
