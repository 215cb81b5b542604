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

interface ProjectionOptions {
  readonly seed: number;
  readonly neighbours?: number;
}

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
export function projectTogether(a: Matrix, b: Matrix, options: ProjectionOptions): { a: XY[]; b: XY[] } {
  const [first, second] = projectSets([a, b], options);
  return { a: first, b: second };
}

/**
 * {@link projectTogether} of any number of sets.
 *
 * @param sets at least one, all of one width
 */
export function projectSets(sets: readonly Matrix[], { seed, neighbours = 15 }: ProjectionOptions): XY[][] {
  if (!Number.isInteger(neighbours) || neighbours < 2) {
    throw new LimbeckError('INVALID_ARGUMENT', `projectTogether: expected neighbours ≥ 2, got ${show(neighbours)}.`);
  }
  const [{ columns }] = sets;
  const other = sets.find((set) => set.columns !== columns);
  if (other) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `projectTogether: expected sets of one width, got ${columns} and ${other.columns}. ` +
        'Only embeddings of one space share a map.',
    );
  }
  const rows = sets.reduce((sum, set) => sum + set.rows, 0);
  if (rows < 3) {
    throw new LimbeckError('EMPTY_BATCH', `projectTogether: expected at least three rows to draw, got ${rows}.`);
  }
  const stacked = new Matrix(rows, columns, new Float32Array(rows * columns));
  const starts = sets.map((_, i) => sets.slice(0, i).reduce((sum, set) => sum + set.rows, 0));
  for (const [i, { data }] of sets.entries()) stacked.data.set(data, starts[i] * columns);

  const k = Math.min(neighbours, rows - 1);
  const umap = new UMAP({
    nNeighbors: k,
    nEpochs: EPOCHS,
    random: randomOf(seed),
  });
  umap.setPrecomputedKNN(...neighbourLists(stacked, k));
  // With the neighbours given, UMAP only counts the rows of its input.
  const points = umap.fit(Array.from({ length: rows }, () => []));
  return sets.map((set, i) => points.slice(starts[i], starts[i] + set.rows).map(([x, y]): XY => [x, y]));
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
