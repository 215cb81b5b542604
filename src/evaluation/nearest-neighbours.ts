/**
 * The k index rows of highest cosine similarity, exactly: partial selection over similarity tiles, no sorting and no
 * matrix of all pairs. Not an approximate index: for millions of rows use a search library on the exported embeddings.
 */
import { LimbeckError, show } from '../errors.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { forEachSimilarityTile } from './similarity-tiles.ts';

/** Row-major `queries × k`: for each query its nearest index rows, most similar first. */
export interface Neighbours {
  readonly k: number;
  readonly indices: Int32Array;
  /** Cosine similarities, in [−1, 1] up to rounding. */
  readonly scores: Float64Array;
}

/**
 * The `k` nearest index rows of every query. Of equally similar rows the one that comes first in the index wins. With
 * fewer than `k` rows in the index all of them are returned, and `k` of the result says how many.
 *
 * @param queries n × d, rows of any length; a zero row has similarity 0 to everything
 * @param index m × d: a matrix, or rows from files, which are then read block by block
 * @throws LimbeckError INVALID_ARGUMENT for a k that is not a count, SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE
 *
 * @example
 * nearestNeighbours(Matrix.from([[1, 0]]), Matrix.from([[0, 1], [2, 0]]), 1).indices; // Int32Array [1]
 */
export function nearestNeighbours(queries: RowSource, index: RowSource, k: number): Neighbours {
  if (!Number.isInteger(k) || k < 1) {
    throw new LimbeckError('INVALID_ARGUMENT', `Nearest neighbours: expected k as a whole number ≥ 1, got ${show(k)}.`);
  }
  const kept = Math.min(k, index.rows);
  const indices = new Int32Array(queries.rows * kept);
  const best = new Float64Array(queries.rows * kept).fill(Number.NEGATIVE_INFINITY);
  forEachSimilarityTile(queries, index, (query, first, count, scores) => {
    const start = query * kept;
    const last = start + kept - 1;
    for (let j = 0; j < count; j++) {
      const score = scores[j];
      // Nearly every score fails this comparison, which is why insertion is quicker here than any heap.
      if (score <= best[last]) continue;
      let place = last;
      for (; place > start && best[place - 1] < score; place--) {
        best[place] = best[place - 1];
        indices[place] = indices[place - 1];
      }
      best[place] = score;
      indices[place] = first + j;
    }
  });
  return { k: kept, indices, scores: best };
}

/**
 * The `k` nearest rows of rows of one set among all its other rows: what {@link nearestNeighbours} gives without the row itself, of which
 * a duplicate is another row.
 *
 * @param rows m × d, m ≥ 2
 * @param numbers whose neighbours are asked for; by default all rows'
 * @throws LimbeckError as {@link nearestNeighbours}; EMPTY_BATCH for fewer than two rows
 *
 * @example
 * otherNeighbours(Matrix.from([[1, 0], [2, 1], [0, 1]]), 1).indices; // Int32Array [1, 0, 1]
 */
export function otherNeighbours(rows: RowSource, k: number, numbers?: ArrayLike<number>): Neighbours {
  if (rows.rows < 2) {
    throw new LimbeckError('EMPTY_BATCH', `Nearest neighbours: expected at least two rows, got ${rows.rows}.`);
  }
  const wanted = Math.min(k, rows.rows - 1);
  const near = nearestNeighbours(numbers ? rows.gather(numbers) : rows, rows, wanted + 1);
  const count = near.indices.length / near.k;
  const indices = new Int32Array(count * wanted);
  const scores = new Float64Array(count * wanted);
  for (let i = 0; i < count; i++) {
    const own = numbers ? numbers[i] : i;
    let place = i * wanted;
    // Among many duplicates a row may not find itself; then its last neighbour is one too many.
    for (let n = i * near.k; n < (i + 1) * near.k && place < (i + 1) * wanted; n++) {
      if (near.indices[n] === own) continue;
      indices[place] = near.indices[n];
      scores[place++] = near.scores[n];
    }
  }
  return { k: wanted, indices, scores };
}

/**
 * The `k` nearest index rows of one query, most similar first: what a search prints.
 *
 * @param query d numbers, of any length
 * @param index m × d
 * @throws LimbeckError as {@link nearestNeighbours}
 *
 * @example
 * nearestRows([1, 0], Matrix.from([[0, 1], [2, 0]]), 2); // { indices: Int32Array [1, 0], scores: Float64Array [1, 0] }
 */
export function nearestRows(
  query: ArrayLike<number>,
  index: Matrix,
  k: number,
): { indices: Int32Array; scores: Float64Array } {
  const row: FloatArray = query instanceof Float32Array ? query : Float64Array.from(query);
  const { indices, scores } = nearestNeighbours(new Matrix(1, row.length, row), index, k);
  return { indices, scores };
}
