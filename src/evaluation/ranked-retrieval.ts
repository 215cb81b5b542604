/**
 * Retrieval where a query may have several relevant rows, more and less relevant ones: all samples of its class, or what people judged.
 * Where only its own row is relevant, `retrieval` does less work.
 */
import { LimbeckError } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { assertOneEach, assertWhole } from './checks.ts';
import { bestRelevantSimilarities, gainsOf, type Relevance } from './relevance.ts';
import { forEachSimilarityTile } from './similarity-tiles.ts';

export interface RankedRetrievalTask {
  /** n × d, rows of any length. */
  readonly queries: RowSource;
  /** m × d: of the same model, or of its teacher; from memory or from files, which are then read block by block. */
  readonly index: RowSource;
  readonly relevance: Relevance;
  /** For every query the index row that is the query itself and does not count. */
  readonly own?: ArrayLike<number> | undefined;
  /** The cut-offs; default [1, 10]. */
  readonly ks?: readonly number[];
}

export interface RankedRetrievalResult {
  /** For every k: the mean of the discounted gain of the first k rows over the highest that k rows can have. */
  readonly ndcgAt: Record<number, number>;
  /** For every k: the share of queries with a relevant row of a rank of at most k. */
  readonly recallAt: Record<number, number>;
  /** Mean of 1 / rank of the first relevant row. */
  readonly meanReciprocalRank: number;
  /** Queries that the means are of. */
  readonly queries: number;
  /** Queries without a relevant row, of which nothing can be said. */
  readonly leftOut: number;
}

/**
 * Normalized discounted cumulative gain (gain g at rank r counts g / log2(r + 1)), recall of the first relevant row and its mean
 * reciprocal rank, by cosine similarity.
 *
 * Ties are not given away: rows that are exactly as similar share the mean gain of their places, and the first of r relevant rows among n
 * that tie ranks (n + 1) / (r + 1) places after those before them; both are what is expected when ties are broken at random.
 *
 * @throws LimbeckError SHAPE_MISMATCH for labels, judgments or widths that do not fit; EMPTY_BATCH without rows, and where no query has a
 *   relevant row; NON_FINITE; INVALID_ARGUMENT for a cut-off below 1, and for a gain that is not above 0 or of a row that is not there
 * @source Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; McSherry and Najork, "Computing Information
 *   Retrieval Performance Measures Efficiently in the Presence of Tied Scores", 2008
 *
 * @example
 * const rows = Matrix.from([[1, 0], [3, 1], [0, 1]]);
 * const relevance = { queryLabels: [0, 0, 1], indexLabels: [0, 0, 1] };
 * rankedRetrieval({ queries: rows, index: rows, relevance, own: [0, 1, 2] }).ndcgAt[10]; // 1, of two queries
 */
export function rankedRetrieval(task: RankedRetrievalTask): RankedRetrievalResult {
  const { queries, index, relevance, own, ks = [1, 10] } = task;
  for (const k of ks) assertWhole('rankedRetrieval', 'cut-offs in ks', k);
  if (own) assertOneEach('rankedRetrieval', queries.rows, 'own row', own.length);
  const { gainOf, idealGains } = gainsOf(relevance, queries.rows, index.rows, own);
  const firsts = bestRelevantSimilarities(task);
  const ranking = new Ranking(queries.rows, Math.min(index.rows, Math.max(1, ...ks)), gainOf, firsts, own);
  forEachSimilarityTile(queries, index, (query, first, count, scores) => ranking.see(query, first, count, scores));
  const asked = everyNumber(queries.rows).filter((query) => firsts[query] > Number.NEGATIVE_INFINITY);
  if (asked.length === 0) {
    throw new LimbeckError(
      'EMPTY_BATCH',
      `rankedRetrieval: expected a relevant row for at least one of the ${queries.rows} queries, got none for any.`,
    );
  }
  const ranks = Float64Array.from(asked, (query) => ranking.firstRank(query));
  const ndcg = new Float64Array(ks.length);
  for (const query of asked) {
    const [gained, ideal] = [ranking.gains(query), idealGains(query, Math.max(1, ...ks))];
    for (const [i, k] of ks.entries()) ndcg[i] += discounted(gained, k) / discounted(ideal, k) / asked.length;
  }
  const mean = (value: (rank: number) => number) => ranks.reduce((sum, rank) => sum + value(rank), 0) / ranks.length;
  return {
    ndcgAt: Object.fromEntries(ks.map((k, i) => [k, ndcg[i]])),
    recallAt: Object.fromEntries(ks.map((k) => [k, mean((rank) => (rank <= k ? 1 : 0))])),
    meanReciprocalRank: mean((rank) => 1 / rank),
    queries: asked.length,
    leftOut: queries.rows - asked.length,
  };
}

function discounted(gains: ArrayLike<number>, k: number): number {
  let sum = 0;
  for (let i = 0; i < Math.min(k, gains.length); i++) sum += gains[i] / Math.log2(i + 2);
  return sum;
}

/** What has to be remembered of each query's similarities: the first `kept` gains, and how many rows rank before its first relevant one. */
class Ranking {
  readonly #kept: number;
  readonly #gainOf: (query: number, row: number) => number;
  readonly #firsts: Float64Array;
  readonly #own: ArrayLike<number> | undefined;
  /** queries × kept, most similar first. */
  readonly #scores: Float64Array;
  readonly #gains: Float64Array;
  /** Rows that found no place though as similar as the last that did. */
  readonly #tied: Int32Array;
  readonly #tiedGain: Float64Array;
  readonly #before: Int32Array;
  readonly #equal: Int32Array;
  readonly #relevantEqual: Int32Array;

  constructor(
    queries: number,
    kept: number,
    gainOf: (query: number, row: number) => number,
    firsts: Float64Array,
    own: ArrayLike<number> | undefined,
  ) {
    this.#kept = kept;
    this.#gainOf = gainOf;
    this.#firsts = firsts;
    this.#own = own;
    this.#scores = new Float64Array(queries * kept).fill(Number.NEGATIVE_INFINITY);
    this.#gains = new Float64Array(queries * kept);
    this.#tied = new Int32Array(queries);
    this.#tiedGain = new Float64Array(queries);
    this.#before = new Int32Array(queries);
    this.#equal = new Int32Array(queries);
    this.#relevantEqual = new Int32Array(queries);
  }

  see(query: number, first: number, count: number, scores: Float64Array): void {
    const last = (query + 1) * this.#kept - 1;
    const relevant = this.#firsts[query];
    const own = this.#own ? this.#own[query] - first : -1;
    for (let j = 0; j < count; j++) {
      const score = scores[j];
      if (j === own) continue;
      if (score > relevant) this.#before[query]++;
      else if (score === relevant) {
        this.#equal[query]++;
        if (this.#gainOf(query, first + j) > 0) this.#relevantEqual[query]++;
      }
      if (score >= this.#scores[last]) this.#insert(query, score, this.#gainOf(query, first + j));
    }
  }

  #insert(query: number, score: number, gain: number): void {
    const start = query * this.#kept;
    const last = start + this.#kept - 1;
    const [least, leastGain] = [this.#scores[last], this.#gains[last]];
    if (score === least) {
      this.#tied[query]++;
      this.#tiedGain[query] += gain;
      return;
    }
    let place = last;
    for (; place > start && this.#scores[place - 1] < score; place--) {
      this.#scores[place] = this.#scores[place - 1];
      this.#gains[place] = this.#gains[place - 1];
    }
    this.#scores[place] = score;
    this.#gains[place] = gain;
    if (this.#scores[last] === least) {
      this.#tied[query]++;
      this.#tiedGain[query] += leastGain;
    } else {
      this.#tied[query] = 0;
      this.#tiedGain[query] = 0;
    }
  }

  /** The gain that is expected at each of the first places. */
  gains(query: number): Float64Array {
    const start = query * this.#kept;
    const scores = this.#scores.subarray(start, start + this.#kept);
    const gains = this.#gains.slice(start, start + this.#kept);
    for (let first = 0, next = 0; first < gains.length; first = next) {
      while (next < gains.length && scores[next] === scores[first]) next++;
      const inside = gains.subarray(first, next).reduce((sum, gain) => sum + gain, 0);
      const [tied, tiedGain] = next === gains.length ? [this.#tied[query], this.#tiedGain[query]] : [0, 0];
      gains.fill((inside + tiedGain) / (next - first + tied), first, next);
    }
    return gains;
  }

  firstRank(query: number): number {
    return this.#before[query] + (this.#equal[query] + 1) / (this.#relevantEqual[query] + 1);
  }
}
