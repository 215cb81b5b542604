/**
 * Two sets of embeddings on one map: a joint UMAP, so that teacher and student are drawn in the same coordinates and a
 * student that has drifted away lies elsewhere. Two separate projections could not be compared at all.
 *
 * For looking at, not for measuring: distances on such a map mean little beyond "near" and "apart".
 */
import { UMAP } from 'umap-js';
import { LimbeckError, show } from '../errors.ts';
import { nearestNeighbours } from '../evaluation/nearest-neighbours.ts';
import { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';

/** Coordinates on the map. */
export type XY = readonly [x: number, y: number];

/** UMAP's own default for sets this small is 500: the clusters stand by 200, and later epochs only tighten them. */
const EPOCHS = 200;

/**
 * A 2-D UMAP of the rows of `a` and `b` together, by cosine distance, returned split. Neighbours are found exactly, not by
 * nearest-neighbour descent: at this size that is quicker, and it leaves the layout as the only use of random numbers.
 *
 * @param a n × d
 * @param b m × d
 * @param options `seed`; `neighbours` that a row is tied to, itself included (default 15, fewer when there are fewer rows)
 * @throws LimbeckError SHAPE_MISMATCH for unequal widths, EMPTY_BATCH for fewer than three rows in all, NON_FINITE,
 *   INVALID_ARGUMENT for fewer than two neighbours
 * @source McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection", 2018, arXiv:1802.03426
 *
 * @example
 * const { a, b } = projectTogether(teacherRows, studentRows, { seed: 0 });
 * a[0]; // [3.1, -7.4]
 */
export function projectTogether(
  a: Matrix,
  b: Matrix,
  { seed, neighbours = 15 }: { readonly seed: number; readonly neighbours?: number },
): { a: XY[]; b: XY[] } {
  if (!Number.isInteger(neighbours) || neighbours < 2) {
    throw new LimbeckError('INVALID_ARGUMENT', `projectTogether: expected neighbours ≥ 2, got ${show(neighbours)}.`);
  }
  if (a.columns !== b.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `projectTogether: expected two sets of one width, got ${a.columns} and ${b.columns}. ` +
        'Only embeddings of one space share a map.',
    );
  }
  const rows = a.rows + b.rows;
  if (rows < 3) {
    throw new LimbeckError('EMPTY_BATCH', `projectTogether: expected at least three rows to draw, got ${rows}.`);
  }
  const stacked = new Matrix(rows, a.columns, new Float32Array(rows * a.columns));
  stacked.data.set(a.data);
  stacked.data.set(b.data, a.data.length);

  const k = Math.min(neighbours, rows - 1);
  const umap = new UMAP({
    nNeighbors: k,
    nEpochs: EPOCHS,
    random: randomOf(seed),
  });
  umap.setPrecomputedKNN(...neighbourLists(stacked, k));
  // With the neighbours given, UMAP only counts the rows of its input.
  const points = umap.fit(Array.from({ length: rows }, () => []));
  const pair = ([x, y]: number[]): XY => [x, y];
  return { a: points.slice(0, a.rows).map(pair), b: points.slice(a.rows).map(pair) };
}

function randomOf(seed: number): () => number {
  const random = Random.forPurpose(seed, 'projection');
  return () => random.uniform();
}

/** Neighbours and cosine distances in the form that UMAP expects: the row itself first, even among its duplicates. */
function neighbourLists(rows: Matrix, k: number): [number[][], number[][]] {
  const found = nearestNeighbours(rows, rows, k);
  const indices: number[][] = [];
  const distances: number[][] = [];
  for (let i = 0; i < rows.rows; i++) {
    const others = Array.from({ length: k }, (_, n) => i * k + n)
      .filter((n) => found.indices[n] !== i)
      .slice(0, k - 1);
    indices.push([i, ...others.map((n) => found.indices[n])]);
    distances.push([0, ...others.map((n) => Math.max(0, 1 - found.scores[n]))]);
  }
  return [indices, distances];
}
