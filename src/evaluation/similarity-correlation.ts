/** Whether two spaces order pairs of samples alike, from the most similar to the least. */
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { assertAtLeast, assertOneEach, assertWhole } from './checks.ts';
import { spearman } from './correlation.ts';
import { rowProduct } from './similarity-tiles.ts';

/** Pairs that are looked at by default; of more, so many are drawn. */
export const MOST_PAIRS = 200_000;

/**
 * Spearman's correlation of the cosine similarities of pairs of rows in two spaces, which may differ in width. All pairs of different
 * rows, or where those are more than `pairs` as many drawn ones.
 *
 * @param a n × d
 * @param b n × e, of the same samples
 * @param options `pairs`: default 200 000; `seed`: default 0, decides which pairs are drawn
 * @returns the correlation, 0 where a space makes all pairs alike; how many pairs it is of, and whether they were drawn
 * @throws LimbeckError SHAPE_MISMATCH for another number of rows; EMPTY_BATCH for fewer than three; NON_FINITE; INVALID_ARGUMENT
 * @source Kriegeskorte et al., "Representational similarity analysis", 2008
 *
 * @example
 * const a = Matrix.from([[1, 0], [1, 1], [0, 1]]);
 * similarityCorrelation(a, Matrix.from([[1, 0], [2, 1], [0, 1]])); // { spearman: 0.866, pairs: 3, drawn: false }
 */
export function similarityCorrelation(
  a: Matrix,
  b: Matrix,
  { pairs = MOST_PAIRS, seed = 0 }: { readonly pairs?: number; readonly seed?: number } = {},
): { readonly spearman: number; readonly pairs: number; readonly drawn: boolean } {
  assertWhole('similarityCorrelation', 'pairs', pairs, 2);
  assertOneEach('similarityCorrelation', a.rows, 'row in the other space', b.rows);
  assertAtLeast('similarityCorrelation', 3, a.rows);
  const [x, y] = [unitRows(a, 'first matrix'), unitRows(b, 'second matrix')];
  const { count, drawn, visit } = pairsOf(a.rows, pairs, seed);
  const [ours, theirs] = [new Float64Array(count), new Float64Array(count)];
  visit((i, j, place) => {
    ours[place] = rowProduct(x.data, i, x.data, j, x.columns);
    theirs[place] = rowProduct(y.data, i, y.data, j, y.columns);
  });
  return { spearman: spearman(ours, theirs), pairs: count, drawn };
}

/** Pairs of different rows: each once, or where those are more than `most` as many drawn ones, which may meet again. */
export function pairsOf(
  rows: number,
  most: number,
  seed: number,
): {
  readonly count: number;
  readonly drawn: boolean;
  readonly visit: (each: (i: number, j: number, place: number) => void) => void;
} {
  const all = (rows * (rows - 1)) / 2;
  if (all <= most) {
    return {
      count: all,
      drawn: false,
      visit: (each) => {
        for (let i = 0, place = 0; i < rows; i++) for (let j = i + 1; j < rows; j++) each(i, j, place++);
      },
    };
  }
  const random = Random.forPurpose(seed, 'pairs');
  return {
    count: most,
    drawn: true,
    visit: (each) => {
      for (let place = 0; place < most; place++) {
        const i = random.integer(rows);
        const other = random.integer(rows - 1);
        each(i, other < i ? other : other + 1, place);
      }
    },
  };
}
