/**
 * All cosine similarities between two sets of rows, tile by tile: what retrieval and nearest neighbours are both made of.
 * Memory stays at a block of each set however long they are, in memory or in files; the caller keeps only what it needs of each tile.
 *
 * Not a matrix product for training: that is the engine's. This one runs anywhere, without a runtime to load.
 */
import { LimbeckError } from '../errors.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { unitRows } from '../matrix/unit-rows.ts';

/** Receives the similarities of query `query` to index rows `first … first + count − 1`, in `scores[0 … count − 1]`. */
export type TileVisitor = (query: number, first: number, count: number, scores: Float64Array) => void;

/** Index rows a tile: at width 384 in float32 a tile is 96 KiB, which stays in the second-level cache. */
const TILE_ROWS = 63;

/** Rows that are in memory, scaled to length one, at a time. */
const QUERY_BLOCK = 4096;
const INDEX_BLOCK = 16 * TILE_ROWS;

/**
 * Visits every (query, index tile) pair. For each query the tiles come in ascending order of index rows. Products of rows of length one
 * are summed in float64 and in one fixed order, so equal rows have exactly equal similarities.
 *
 * @param queries n × d, rows of any length; a zero row has similarity 0 to everything
 * @param index m × d
 * @throws LimbeckError SHAPE_MISMATCH when the widths differ, EMPTY_BATCH when either has no rows, NON_FINITE
 */
export function forEachSimilarityTile(queries: RowSource, index: RowSource, visit: TileVisitor): void {
  checkPair(queries, index);
  const scores = [0, 1, 2].map(() => new Float64Array(TILE_ROWS));
  for (const [firstQuery, q] of unitBlocks(queries, 'queries', QUERY_BLOCK)) {
    for (const [firstRow, x] of unitBlocks(index, 'index', INDEX_BLOCK)) {
      for (let first = 0; first < x.rows; first += TILE_ROWS) {
        const count = Math.min(TILE_ROWS, x.rows - first);
        for (let query = 0; query < q.rows; query += 3) {
          const group = Math.min(3, q.rows - query);
          for (let row = 0; row < count; row += 3) {
            multiply3x3(q.data, query, q.rows - 1, x.data, first, row, count - 1, q.columns, scores);
          }
          for (let i = 0; i < group; i++) visit(firstQuery + query + i, firstRow + first, count, scores[i]);
        }
      }
    }
  }
}

/**
 * The similarity of row i of one set and the row of number `partners[i]` of the other, exactly as {@link forEachSimilarityTile} gives it.
 *
 * @param queries n × d
 * @param index m × d
 * @param partners n row numbers of the index
 * @throws LimbeckError as {@link forEachSimilarityTile}
 */
export function pairedSimilarities(queries: RowSource, index: RowSource, partners: ArrayLike<number>): Float64Array {
  checkPair(queries, index);
  const result = new Float64Array(queries.rows);
  for (const [first, q] of unitBlocks(queries, 'queries', QUERY_BLOCK)) {
    const own = index.gather(Int32Array.from({ length: q.rows }, (_, i) => partners[first + i]));
    const x = unitRows(own, 'index');
    for (let i = 0; i < q.rows; i++) result[first + i] = rowProduct(q.data, i, x.data, i, q.columns);
  }
  return result;
}

/** The dot product of two rows, in the order of the tiles, because a row must tie exactly with its duplicates. */
export function rowProduct(a: FloatArray, i: number, b: FloatArray, j: number, width: number): number {
  let sum = 0;
  for (let k = 0; k < width; k++) sum += a[i * width + k] * b[j * width + k];
  return sum;
}

/** Rows of length one, block by block, with the number of the first. */
export function* unitBlocks(source: RowSource, name: string, size: number): Generator<readonly [number, Matrix]> {
  for (let first = 0; first < source.rows; first += size) {
    const count = Math.min(size, source.rows - first);
    const block =
      source instanceof Matrix
        ? new Matrix(
            count,
            source.columns,
            source.data.subarray(first * source.columns, (first + count) * source.columns),
          )
        : source.gather(Int32Array.from({ length: count }, (_, i) => first + i));
    yield [first, unitRows(block, name)];
  }
}

function checkPair(queries: RowSource, index: RowSource): void {
  if (queries.columns !== index.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Similarity: expected queries and index of one width, got ${queries.columns} and ${index.columns}. ` +
        'Embed both into the same space first.',
    );
  }
  for (const [name, source] of [['queries', queries] as const, ['index', index] as const]) {
    if (source.rows === 0) {
      throw new LimbeckError('EMPTY_BATCH', `Similarity: expected at least one row of ${name}, got none.`);
    }
    // By their numbers in the whole, and before anything is computed.
    if (source instanceof Matrix) source.assertFinite(name);
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
