/**
 * All dot products between two sets of rows, tile by tile: what retrieval and nearest neighbours are both made of.
 * Memory stays at one tile however long the index is; the caller keeps only what it needs of each tile.
 *
 * Not a matrix product for training: that is the engine's. This one runs anywhere, without a runtime to load.
 */
import { LimbeckError } from '../errors.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';

/** Receives the similarities of query `query` to index rows `first … first + count − 1`, in `scores[0 … count − 1]`. */
export type TileVisitor = (query: number, first: number, count: number, scores: Float64Array) => void;

/** Index rows a tile: at width 384 in float32 a tile is 96 KiB, which stays in the second-level cache. */
const TILE_ROWS = 63;

/**
 * Visits every (query, index tile) pair. For each query the tiles come in ascending order of index rows. Products are
 * summed in float64 and in one fixed order, so equal rows have exactly equal similarities.
 *
 * @param queries n × d
 * @param index m × d
 * @throws LimbeckError SHAPE_MISMATCH when the widths differ, EMPTY_BATCH when either has no rows
 */
export function forEachSimilarityTile(queries: Matrix, index: Matrix, visit: TileVisitor): void {
  const width = queries.columns;
  if (width !== index.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Similarity: expected queries and index of one width, got ${width} and ${index.columns}. ` +
        'Embed both into the same space first.',
    );
  }
  for (const [name, matrix] of [['queries', queries] as const, ['index', index] as const]) {
    if (matrix.rows === 0) {
      throw new LimbeckError('EMPTY_BATCH', `Similarity: expected at least one row of ${name}, got none.`);
    }
  }
  const scores = [0, 1, 2].map(() => new Float64Array(TILE_ROWS));
  for (let first = 0; first < index.rows; first += TILE_ROWS) {
    const count = Math.min(TILE_ROWS, index.rows - first);
    for (let query = 0; query < queries.rows; query += 3) {
      const group = Math.min(3, queries.rows - query);
      for (let row = 0; row < count; row += 3) {
        multiply3x3(queries.data, query, queries.rows - 1, index.data, first, row, count - 1, width, scores);
      }
      for (let i = 0; i < group; i++) visit(query + i, first, count, scores[i]);
    }
  }
}

/**
 * Nine dot products at once, because each entry loaded then serves three of them. At the edges the last row stands in
 * for the missing ones: it is computed again and written again, which is cheaper than a second kernel for the rest.
 */
function multiply3x3(
  q: FloatArray,
  query: number,
  lastQuery: number,
  x: FloatArray,
  first: number,
  row: number,
  lastRow: number,
  width: number,
  scores: Float64Array[],
): void {
  const row1 = Math.min(row + 1, lastRow);
  const row2 = Math.min(row + 2, lastRow);
  let a = query * width;
  let b = Math.min(query + 1, lastQuery) * width;
  let c = Math.min(query + 2, lastQuery) * width;
  let u = (first + row) * width;
  let v = (first + row1) * width;
  let w = (first + row2) * width;
  let au = 0;
  let av = 0;
  let aw = 0;
  let bu = 0;
  let bv = 0;
  let bw = 0;
  let cu = 0;
  let cv = 0;
  let cw = 0;
  for (const end = a + width; a < end; a++, b++, c++, u++, v++, w++) {
    const qa = q[a];
    const qb = q[b];
    const qc = q[c];
    const xu = x[u];
    const xv = x[v];
    const xw = x[w];
    au += qa * xu;
    av += qa * xv;
    aw += qa * xw;
    bu += qb * xu;
    bv += qb * xv;
    bw += qb * xw;
    cu += qc * xu;
    cv += qc * xv;
    cw += qc * xw;
  }
  const [scoresA, scoresB, scoresC] = scores;
  scoresA[row] = au;
  scoresA[row1] = av;
  scoresA[row2] = aw;
  scoresB[row] = bu;
  scoresB[row1] = bv;
  scoresB[row2] = bw;
  scoresC[row] = cu;
  scoresC[row1] = cv;
  scoresC[row2] = cw;
}
