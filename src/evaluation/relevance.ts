/** Which rows of an index are relevant to a query, and how much: by class, or as judged. */
import { LimbeckError, show } from '../errors.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { assertOneEach } from './checks.ts';
import { forEachSimilarityTile, pairedSimilarities } from './similarity-tiles.ts';

/**
 * Rows of the query's class, with a gain of 1; or for every query the gains, above 0, of its relevant rows by their numbers in the index,
 * all others having 0.
 */
export type Relevance =
  | { readonly queryLabels: ArrayLike<number>; readonly indexLabels: ArrayLike<number> }
  | readonly ReadonlyMap<number, number>[];

export interface Gains {
  readonly gainOf: (query: number, row: number) => number;
  /** The gains of the relevant rows, highest first, at least so many of them. */
  readonly idealGains: (query: number, count: number) => ArrayLike<number>;
}

/** @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT for what does not fit */
export function gainsOf(
  relevance: Relevance,
  queries: number,
  rows: number,
  own: ArrayLike<number> | undefined,
): Gains {
  if ('queryLabels' in relevance) {
    const { queryLabels, indexLabels } = relevance;
    assertOneEach('rankedRetrieval, queries', queries, 'label', queryLabels.length);
    assertOneEach('rankedRetrieval, index', rows, 'label', indexLabels.length);
    const counts = new Map<number, number>();
    for (let row = 0; row < rows; row++) counts.set(indexLabels[row], (counts.get(indexLabels[row]) ?? 0) + 1);
    return {
      gainOf: (query, row) => (queryLabels[query] === indexLabels[row] ? 1 : 0),
      idealGains: (query, count) => {
        const label = queryLabels[query];
        const itself = own && indexLabels[own[query]] === label ? 1 : 0;
        return new Uint8Array(Math.min(count, (counts.get(label) ?? 0) - itself)).fill(1);
      },
    };
  }
  assertOneEach('rankedRetrieval, queries', queries, 'map of judgments', relevance.length);
  for (const [query, judged] of relevance.entries()) {
    for (const [row, gain] of judged) {
      if (Number.isInteger(row) && row >= 0 && row < rows && Number.isFinite(gain) && gain > 0) continue;
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `rankedRetrieval, query ${query}: expected gains above 0 of rows in 0 … ${rows - 1}, got ${show(gain)} of row ${show(row)}. ` +
          'Leave rows out that are not relevant.',
      );
    }
  }
  return {
    gainOf: (query, row) => relevance[query].get(row) ?? 0,
    idealGains: (query) =>
      Float64Array.from([...relevance[query]].filter(([row]) => row !== own?.[query]).map(([, gain]) => gain))
        .sort()
        .reverse(),
  };
}

/** For every query the similarity of its most similar relevant row; −∞ without one. */
export function bestRelevantSimilarities({
  queries,
  index,
  relevance,
  own,
}: {
  readonly queries: RowSource;
  readonly index: RowSource;
  readonly relevance: Relevance;
  readonly own?: ArrayLike<number> | undefined;
}): Float64Array {
  const best = new Float64Array(queries.rows).fill(Number.NEGATIVE_INFINITY);
  if ('queryLabels' in relevance) {
    const known = numbersByLabel(relevance.indexLabels);
    for (const [label, asking] of numbersByLabel(relevance.queryLabels)) {
      const rows = known.get(label);
      if (!rows) continue;
      forEachSimilarityTile(selected(queries, asking), selected(index, rows), (q, first, count, scores) => {
        const query = asking[q];
        for (let j = 0; j < count; j++) {
          if (scores[j] > best[query] && rows[first + j] !== own?.[query]) best[query] = scores[j];
        }
      });
    }
    return best;
  }
  const pairs = relevance.flatMap((judged, query) =>
    [...judged.keys()].filter((row) => row !== own?.[query]).map((row) => [query, row] as const),
  );
  if (pairs.length === 0) return best;
  const asking = pairs.map(([query]) => query);
  const partners = pairs.map(([, row]) => row);
  for (const [i, similarity] of pairedSimilarities(selected(queries, asking), index, partners).entries()) {
    best[asking[i]] = Math.max(best[asking[i]], similarity);
  }
  return best;
}

function numbersByLabel(labels: ArrayLike<number>): Map<number, number[]> {
  const result = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const numbers = result.get(labels[i]);
    if (numbers) numbers.push(i);
    else result.set(labels[i], [i]);
  }
  return result;
}

/** Some rows of a source, gathered when they are asked for. */
function selected(source: RowSource, numbers: ArrayLike<number>): RowSource {
  return {
    rows: numbers.length,
    columns: source.columns,
    gather: (places) => source.gather(Int32Array.from(places, (place) => numbers[place])),
  };
}
