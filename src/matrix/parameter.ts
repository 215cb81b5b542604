/** A trained array of numbers: what students and projection heads consist of, and what optimizers move. */

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Row-major; the trainer writes to it in place. */
  readonly data: Float32Array;
  /**
   * True for tables of which a batch touches only some rows (first axis): only those rows, with their optimizer state, enter the
   * graph, so that a step costs tokens and not vocabulary.
   */
  readonly sparse: boolean;
  /** Whether decoupled weight decay applies; biases and gains go without. */
  readonly decay: boolean;
}
