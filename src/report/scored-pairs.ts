/**
 * Runs of a comparison in pairs of one seed, as {@link pairedDifference} takes them: of two methods, or of what two methods differ by here
 * and there. Summaries and whatever judges a claim take pairs from here, so that there is one definition of what is held against what.
 */
import type { ComparisonResult } from './comparison-record.ts';
import type { ScoredPair } from './paired-difference.ts';

/** Scores of single samples by digest of the run, then by metric. */
export type ScoresOfRuns = ReadonlyMap<string, Readonly<Record<string, ArrayLike<number>>>>;

/**
 * @param metric its key
 * @param challenger runs of one method on one student
 * @param baseline those of the other method
 * @returns a pair for each seed for which both have the metric, in the order of the challenger
 *
 * @example
 * pairedDifference(scoredPairs('recallAt1', bank, cosine, scores), 'higher').outcome;
 */
export function scoredPairs(
  metric: string,
  challenger: readonly ComparisonResult[],
  baseline: readonly ComparisonResult[],
  scores: ScoresOfRuns,
): ScoredPair[] {
  return challenger.flatMap((mine) => {
    const other = baseline.find(({ seed }) => seed === mine.seed);
    if (!other || !(metric in mine.metrics) || !(metric in other.metrics)) return [];
    return {
      seed: mine.seed,
      challenger: mine.metrics[metric],
      baseline: other.metrics[metric],
      challengerScores: scores.get(mine.digest)?.[metric],
      baselineScores: scores.get(other.digest)?.[metric],
    };
  });
}

/**
 * Pairs of gains: is what one method is ahead of another by here (on one student, say) more than what it is ahead by there?
 *
 * @param options `sameSamples`: here and there the same samples were measured, in the same order; else scores of samples are left out
 * @returns a pair for each seed that both have: the gain here as challenger, the gain there as baseline
 *
 * @example
 * pairedDifference(gainPairs(ofSmall, ofLarge, { sameSamples: true }), 'higher').mean; // how much more the small student gains
 */
export function gainPairs(
  here: readonly ScoredPair[],
  there: readonly ScoredPair[],
  { sameSamples }: { readonly sameSamples: boolean },
): ScoredPair[] {
  return here.flatMap((pair) => {
    const other = there.find(({ seed }) => seed === pair.seed);
    if (!other) return [];
    return {
      seed: pair.seed,
      challenger: pair.challenger - pair.baseline,
      baseline: other.challenger - other.baseline,
      challengerScores: sameSamples ? gainOfSamples(pair) : undefined,
      baselineScores: sameSamples ? gainOfSamples(other) : undefined,
    };
  });
}

function gainOfSamples({ challengerScores, baselineScores }: ScoredPair): Float64Array | undefined {
  if (!challengerScores || challengerScores.length !== baselineScores?.length) return undefined;
  return Float64Array.from(challengerScores, (score, i) => score - baselineScores[i]);
}
