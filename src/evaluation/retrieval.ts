/**
 * Retrieval from one embedding space into another: does query i find index row i among all index rows? This is the job a
 * student has when it searches an index that its teacher built.
 */
import { LimbeckError, show } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { forEachSimilarityTile, pairedSimilarities } from './similarity-tiles.ts';

export interface RetrievalResult {
  /** For every k: the share of queries whose own row has a rank of at most k. */
  readonly recallAt: Record<number, number>;
  /** Mean of 1 / rank. */
  readonly meanReciprocalRank: number;
}

/**
 * Recall and mean reciprocal rank by cosine similarity, where the only relevant row of query i is index row i. For more relevant rows than
 * one see {@link rankedRetrieval}.
 *
 * Ties are not given away: rank = 1 + (rows strictly more similar) + (other rows exactly as similar) / 2, the expected rank
 * when ties are broken at random. An embedding that maps everything to one point therefore ranks every query in the
 * middle, which is chance, and not first.
 *
 * @param queries n × d, rows of any length
 * @param index m × d with m ≥ n; rows beyond n are distractors. A matrix, or rows from files, which are then read block by block
 * @param options `ks`: the cut-offs of recall, default [1, 10]; `own`: for every query the number of its own index row, where those are
 *   not the first n
 * @throws LimbeckError SHAPE_MISMATCH for fewer index rows than queries or unequal widths, EMPTY_BATCH, NON_FINITE,
 *   INVALID_ARGUMENT for a cut-off below 1
 *
 * @example
 * const teacher = Matrix.from([[1, 0], [0, 1]]);
 * retrieval(Matrix.from([[2, 1], [1, 3]]), teacher); // { recallAt: { 1: 1, 10: 1 }, meanReciprocalRank: 1 }
 */
export function retrieval(
  queries: RowSource,
  index: RowSource,
  {
    ks = [1, 10],
    own = everyNumber(queries.rows),
  }: { readonly ks?: readonly number[]; readonly own?: ArrayLike<number> } = {},
): RetrievalResult {
  for (const k of ks) {
    if (!Number.isInteger(k) || k < 1) {
      throw new LimbeckError('INVALID_ARGUMENT', `Retrieval: expected whole cut-offs ≥ 1 in ks, got ${show(k)}.`);
    }
  }
  if (queries.rows === 0) throw new LimbeckError('EMPTY_BATCH', 'Retrieval: expected at least one query, got none.');
  if (index.rows < queries.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Retrieval: expected an index row for each of the ${queries.rows} queries, got ${index.rows} rows. ` +
        'The relevant row of query i is index row i.',
    );
  }
  const ranks = ownRanks(queries, index, own);
  const mean = (value: (rank: number) => number) => ranks.reduce((sum, rank) => sum + value(rank), 0) / ranks.length;
  return {
    recallAt: Object.fromEntries(ks.map((k) => [k, mean((rank) => (rank <= k ? 1 : 0))])),
    meanReciprocalRank: mean((rank) => 1 / rank),
  };
}

/** For every query the rank of its own index row, as {@link retrieval} counts it. */
export function ownRanks(queries: RowSource, index: RowSource, own: ArrayLike<number>): Float64Array {
  const relevant = pairedSimilarities(queries, index, own);
  const ranks = new Float64Array(queries.rows);
  forEachSimilarityTile(queries, index, (query, _first, count, scores) => {
    let greater = 0;
    let equal = 0;
    for (let j = 0; j < count; j++) {
      if (scores[j] > relevant[query]) greater++;
      else if (scores[j] === relevant[query]) equal++;
    }
    ranks[query] += greater + equal / 2;
  });
  // The relevant row has counted as equal to itself: 1 + greater + (equal − 1) / 2.
  return ranks.map((rank) => rank + 0.5);
}
