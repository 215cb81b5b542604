/**
 * Does one method beat another? Answered per metric from the differences between runs of the same seed, because both runs
 * then share the data and its order, and what they share cancels.
 *
 * Not a claim beyond the held-out texts: the spread is over training seeds, not over the choice of texts.
 */

import { METRICS, type MetricKey } from '../evaluation/metrics.ts';
import { summary } from '../evaluation/summary.ts';
import { formatDifference, formatSpread } from './format.ts';
import type { MethodResult } from './run-record.ts';

export interface Verdict {
  readonly metric: MetricKey;
  readonly label: string;
  /** 'not judged' with one seed: without a spread there is nothing to hold a difference against. */
  readonly outcome: 'beats' | 'loses to' | 'no clear difference' | 'not judged';
  /** Mean of (challenger − baseline) over the shared seeds. */
  readonly difference: number;
  /** Sample standard deviation of those differences; null with one seed. */
  readonly standardDeviation: number | null;
  /** Seeds on which the challenger is strictly ahead. */
  readonly wins: number;
  readonly seeds: number;
  /** The difference, its spread and the wins, as text. */
  readonly detail: string;
}

/** How the outcome is decided, for readers of a table. */
export const VERDICT_RULE =
  'Rule: runs are compared in pairs of one seed (mean difference ± sample standard deviation); “beats” and “loses to” ' +
  'mean that the 95 % confidence interval of the mean difference (Student’s t) excludes zero, anything else is “no ' +
  'clear difference”, and one seed is not judged (--seeds 3 trains three). The spread is over training seeds, not over ' +
  'the choice of held-out texts.';

/** Two-sided 95 % quantiles of Student's t for 1 … 30 degrees of freedom. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/**
 * The two-sided 95 % quantile of Student's t. Beyond the table its last entry serves: a little too wide, never too narrow.
 *
 * @param degrees of freedom, at least 1
 */
export function studentQuantile(degrees: number): number {
  return T_95[Math.min(degrees, T_95.length) - 1];
}

/** Differences up to this are rounding in the subtraction, not a result. */
const ROUNDING = 1e-12;

/**
 * One verdict a metric on `challenger` against `baseline`; none when they share no seed. With one seed there is no spread
 * to hold a difference against, so no outcome is judged.
 *
 * @param challenger results of one method, one a seed
 * @param baseline results of the other method
 * @source Student, "The probable error of a mean", 1908 (the paired t interval)
 *
 * @example
 * compareMethods(bank, cosine)[0].detail; // '+0.011 ± 0.002, ahead on 3 of 3'
 */
export function compareMethods(challenger: readonly MethodResult[], baseline: readonly MethodResult[]): Verdict[] {
  const pairs = challenger.flatMap((result) => {
    const partner = baseline.find((other) => other.seed === result.seed);
    return partner ? [[result.metrics, partner.metrics] as const] : [];
  });
  if (pairs.length === 0) return [];
  const measured = METRICS.filter(
    ({ key }) => key !== 'loss' && pairs.every((pair) => pair.every((one) => key in one)),
  );
  return measured.map(({ key, label, better }) => {
    const sign = better === 'higher' ? 1 : -1;
    const differences = pairs.map(([mine, theirs]) => mine[key] - theirs[key]);
    const { mean, standardDeviation, count } = summary(differences);
    const wins = differences.filter((difference) => sign * difference > ROUNDING).length;
    const clear =
      standardDeviation !== null &&
      Math.abs(mean) > Math.max(ROUNDING, (studentQuantile(count - 1) * standardDeviation) / Math.sqrt(count));
    const spread = standardDeviation === null ? '' : ` ± ${formatSpread(standardDeviation)}`;
    return {
      metric: key,
      label,
      outcome: count === 1 ? 'not judged' : !clear ? 'no clear difference' : sign * mean > 0 ? 'beats' : 'loses to',
      difference: mean,
      standardDeviation,
      wins,
      seeds: count,
      detail: `${formatDifference(mean)}${spread}, ahead on ${wins} of ${count}`,
    };
  });
}
