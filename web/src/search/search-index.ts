/**
 * An index that is searched as one types: rows are brought to norm 1 once, and a query costs one pass over them. The same hits as `nearestRows`,
 * which prepares its rows anew for every call.
 */
import { LimbeckError, type Matrix } from 'limbeck';

export interface Hit {
  /** Number of the row. */
  readonly row: number;
  /** Cosine similarity. */
  readonly score: number;
}

export class SearchIndex {
  readonly rows: number;
  readonly columns: number;
  readonly #data: Float32Array;

  /** @param matrix m × d; a zero row has similarity 0 to everything */
  constructor(matrix: Matrix) {
    this.rows = matrix.rows;
    this.columns = matrix.columns;
    this.#data = new Float32Array(matrix.data.length);
    for (let row = 0; row < this.rows; row++) {
      const numbers = matrix.row(row);
      const scale = inverseNorm(numbers);
      for (let k = 0; k < this.columns; k++) this.#data[row * this.columns + k] = numbers[k] * scale;
    }
  }

  /**
   * The rows nearest to a query, nearest first; of equally near ones the first.
   *
   * @param query d numbers of any length
   * @throws LimbeckError SHAPE_MISMATCH for a query of another width
   *
   * @example
   * new SearchIndex(Matrix.from([[0, 1], [2, 0]])).nearest([1, 0], 1); // [{ row: 1, score: 1 }]
   */
  nearest(query: ArrayLike<number>, most: number): Hit[] {
    if (query.length !== this.columns) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Search: expected a query of ${this.columns} numbers, as wide as the index, got ${query.length}.`,
      );
    }
    const scale = inverseNorm(query);
    const hits: Hit[] = [];
    for (let row = 0; row < this.rows; row++) {
      let product = 0;
      for (let k = 0, at = row * this.columns; k < this.columns; k++, at++) product += query[k] * this.#data[at];
      const score = product * scale;
      if (hits.length === most && score <= hits[most - 1].score) continue;
      let place = hits.length;
      while (place > 0 && hits[place - 1].score < score) place--;
      hits.splice(place, 0, { row, score });
      if (hits.length > most) hits.pop();
    }
    return hits;
  }
}

/** 0 for a row of zeros. */
function inverseNorm(numbers: ArrayLike<number>): number {
  let square = 0;
  for (let k = 0; k < numbers.length; k++) square += numbers[k] * numbers[k];
  return square > 0 ? 1 / Math.sqrt(square) : 0;
}
