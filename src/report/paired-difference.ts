/**
 * How much better one method is than another, from runs of the same seeds on the same samples, with an interval for both kinds of luck:
 * which seeds were drawn, and which samples were measured.
 *
 * Seeds are few, and drawing three of them again says next to nothing, so their share of the interval is Student's; samples are many, and
 * their share is a bootstrap. The two are independent: half-widths add up by their squares.
 */
import { pairedBootstrap } from '../evaluation/bootstrap.ts';
import { summary } from '../evaluation/summary.ts';
import { studentQuantile } from './verdict.ts';

/** Two runs of one seed. */
export interface ScoredPair {
  readonly seed: number;
  readonly challenger: number;
  readonly baseline: number;
  /** One score a sample, in the same order for both, whose means are the two scores; undefined where the metric is none of samples. */
  readonly challengerScores?: ArrayLike<number> | undefined;
  readonly baselineScores?: ArrayLike<number> | undefined;
}

export type DifferenceOutcome = 'better' | 'worse' | 'no difference seen' | 'not judged';

export interface PairedDifference {
  /** Mean of (challenger − baseline) over the seeds. */
  readonly mean: number;
  /** The ends of the 95 % interval; null where there is neither a second seed nor scores of samples. */
  readonly low: number | null;
  readonly high: number | null;
  /** 'not judged' with one seed, whatever the interval over samples says. */
  readonly outcome: DifferenceOutcome;
  readonly seeds: number;
  /** Samples that the interval is over too; null where it is over seeds alone. */
  readonly samples: number | null;
  /** Seeds on which the challenger is strictly better. */
  readonly wins: number;
}

/** For readers of a table. */
export const DIFFERENCE_RULE =
  'Differences are of runs of one seed, in pairs, and their 95 % intervals cover the luck of the seeds (Student’s t) and, where a metric is ' +
  'a mean over samples, that of the measured samples (paired bootstrap). An interval that holds 0 is “no difference seen”; one seed is not ' +
  'judged. Each interval is for one difference: of twenty without any, one will look like a difference.';

/** Differences up to this are rounding in the subtraction, not a result. */
const ROUNDING = 1e-12;

/**
 * @param pairs at least one
 * @param better which way of the metric is the better one
 * @source Student, "The probable error of a mean", 1908; Efron, "Better bootstrap confidence intervals", 1987
 *
 * @example
 * pairedDifference([{ seed: 0, challenger: 0.8, baseline: 0.7 }, { seed: 1, challenger: 0.82, baseline: 0.71 }], 'higher').outcome; // 'no difference seen'
 */
export function pairedDifference(pairs: readonly ScoredPair[], better: 'higher' | 'lower'): PairedDifference {
  const differences = pairs.map(({ challenger, baseline }) => challenger - baseline);
  const { mean, standardDeviation, count } = summary(differences);
  const ahead = better === 'higher' ? 1 : -1;
  const ofSeeds =
    standardDeviation === null ? null : (studentQuantile(count - 1) * standardDeviation) / Math.sqrt(count);
  const ofSamples = overSamples(pairs);
  const [low, high] = [ofSamples?.below, ofSamples?.above].map((half) =>
    half === undefined && ofSeeds === null ? null : Math.hypot(half ?? 0, ofSeeds ?? 0),
  );
  const judged = count > 1 && low !== null && high !== null;
  const clear = judged && (mean - low > ROUNDING || mean + high < -ROUNDING);
  return {
    mean,
    low: low === null ? null : mean - low,
    high: high === null ? null : mean + high,
    outcome: !judged ? 'not judged' : !clear ? 'no difference seen' : mean * ahead > 0 ? 'better' : 'worse',
    seeds: count,
    samples: ofSamples?.samples ?? null,
    wins: differences.filter((difference) => difference * ahead > ROUNDING).length,
  };
}

/** How far the interval over samples reaches on both sides of the difference of the seeds' mean scores. */
function overSamples(
  pairs: readonly ScoredPair[],
): { readonly below: number; readonly above: number; readonly samples: number } | undefined {
  const [a, b] = [
    meanScores(pairs.map((pair) => pair.challengerScores)),
    meanScores(pairs.map((pair) => pair.baselineScores)),
  ];
  if (!a || !b || a.length !== b.length || a.length < 2) return undefined;
  const { difference, low, high } = pairedBootstrap({ a, b });
  return { below: Math.max(0, difference - low), above: Math.max(0, high - difference), samples: a.length };
}

/** The mean over seeds for every sample; undefined where a seed has none. */
function meanScores(scores: readonly (ArrayLike<number> | undefined)[]): Float64Array | undefined {
  const [first] = scores;
  if (!first || scores.some((one) => one?.length !== first.length)) return undefined;
  return Float64Array.from(
    first,
    (_, i) => scores.reduce((sum, one) => sum + (one as ArrayLike<number>)[i], 0) / scores.length,
  );
}
