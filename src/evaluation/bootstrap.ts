/**
 * How far a mean may be off by the luck of what was measured: intervals from drawing the measured values again, with replacement.
 *
 * Not for a handful of seeds: with fewer than about ten values such intervals are too narrow, because the values drawn from are all there
 * is to vary. For those see report/verdict.ts, which uses Student's t.
 */
import { LimbeckError, show } from '../errors.ts';
import { Random } from '../matrix/random.ts';
import { normalQuantile, normalShareBelow } from './normal-distribution.ts';

export interface BootstrapOptions {
  /** How often the values are drawn again. Default 2000. */
  readonly samples?: number;
  /** How often an interval made so holds the true mean, in (0, 1). Default 0.95. */
  readonly confidence?: number;
  /** The same seed gives the same interval. Default 0. */
  readonly seed?: number;
  /**
   * `bca`: corrected for bias and for a spread that changes with the mean (the default); `percentile`: quantiles of the drawn means as
   * they are.
   */
  readonly method?: 'bca' | 'percentile';
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/**
 * The mean of values, with its bootstrap interval. Values that are all equal have the interval of that one point.
 *
 * @param values one for each sample (a hit or a miss, a cosine), at least two
 * @throws LimbeckError INVALID_OPTION; EMPTY_BATCH for fewer than two values; NON_FINITE naming the place
 * @source Efron, "Better bootstrap confidence intervals", 1987
 *
 * @example
 * bootstrapMean([0, 1, 1, 1, 0, 1, 1, 0, 1, 1]); // { mean: 0.7, low: 0.4, high: 0.9 }
 */
export function bootstrapMean(
  values: ArrayLike<number>,
  options: BootstrapOptions = {},
): Interval & { readonly mean: number } {
  const { samples = 2000, confidence = 0.95, seed = 0, method = 'bca' } = options;
  checkOptions({ samples, confidence, seed, method });
  checkValues(values, 'bootstrap');
  const mean = meanOf(values);
  const means = drawnMeans(values, samples, Random.forPurpose(seed, 'bootstrap'));
  return { mean, ...bootstrapInterval(values, means, { confidence, method }) };
}

/**
 * The mean difference of two methods that were measured on the same samples (or seeds), with its bootstrap interval. Pairs are drawn, so
 * that what both have in common cancels. An interval that holds zero means: no difference seen.
 *
 * @param task `a`, `b`: one value each for every sample, in the same order; see {@link BootstrapOptions} for the rest
 * @returns `difference`: the mean of a − b
 * @throws LimbeckError SHAPE_MISMATCH when the two differ in length; as {@link bootstrapMean}
 *
 * @example
 * pairedBootstrap({ a: [0.9, 0.8, 0.7], b: [0.5, 0.4, 0.3] }).low > 0; // true
 */
export function pairedBootstrap({
  a,
  b,
  ...options
}: BootstrapOptions & { readonly a: ArrayLike<number>; readonly b: ArrayLike<number> }): Interval & {
  readonly difference: number;
} {
  if (a.length !== b.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `pairedBootstrap: expected as many values of both, in the same order, got ${a.length} and ${b.length}.`,
    );
  }
  checkValues(a, 'pairedBootstrap, a');
  checkValues(b, 'pairedBootstrap, b');
  const { mean, low, high } = bootstrapMean(
    Float64Array.from(a, (value, i) => value - b[i]),
    options,
  );
  return { difference: mean, low, high };
}

/**
 * The interval that given bootstrap means stand for.
 *
 * @param values what was measured
 * @param means means of values drawn from those, in any order; sorted in place
 */
export function bootstrapInterval(
  values: ArrayLike<number>,
  means: Float64Array,
  { confidence, method }: Required<Pick<BootstrapOptions, 'confidence' | 'method'>>,
): Interval {
  means.sort();
  const outside = (1 - confidence) / 2;
  const shares = method === 'percentile' ? [outside, 1 - outside] : correctedShares(values, means, outside);
  const [low, high] = shares.map((share) => quantile(means, share));
  return { low, high };
}

/** Where the quantiles are taken, corrected for the bias of the drawn means and for the skewness of the values. */
function correctedShares(values: ArrayLike<number>, means: Float64Array, outside: number): number[] {
  const mean = meanOf(values);
  let cubes = 0;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    squares += (values[i] - mean) ** 2;
    cubes += (values[i] - mean) ** 3;
  }
  // The jackknife means of a mean differ from it as the values do, by a factor that cancels.
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  let below = 0;
  for (const drawn of means) below += drawn < mean ? 1 : drawn === mean ? 0.5 : 0;
  // Not all the way to 0 or 1: that no draw was on one side does not say that none can be.
  const half = 0.5 / means.length;
  const bias = normalQuantile(Math.min(1 - half, Math.max(half, below / means.length)));
  return [normalQuantile(outside), -normalQuantile(outside)].map((z) =>
    normalShareBelow(bias + (bias + z) / (1 - acceleration * (bias + z))),
  );
}

function drawnMeans(values: ArrayLike<number>, samples: number, random: Random): Float64Array {
  const count = values.length;
  const times = new Int32Array(count);
  return Float64Array.from({ length: samples }, () => {
    times.fill(0);
    for (let i = 0; i < count; i++) times[random.integer(count)]++;
    // Summed in the order of the values, so that a draw of each value once has exactly their mean.
    let sum = 0;
    for (let i = 0; i < count; i++) sum += times[i] * values[i];
    return sum / count;
  });
}

function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Between the two nearest of sorted values, in a straight line. */
function quantile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const first = Math.floor(place);
  const next = Math.min(first + 1, sorted.length - 1);
  return sorted[first] + (place - first) * (sorted[next] - sorted[first]);
}

function checkOptions({ samples, confidence, seed, method }: Required<BootstrapOptions>): void {
  const wrong = !(Number.isInteger(samples) && samples >= 1)
    ? (['samples', 'a whole number ≥ 1', samples] as const)
    : !(confidence > 0 && confidence < 1)
      ? (['confidence', 'a number between 0 and 1', confidence] as const)
      : !(Number.isSafeInteger(seed) && seed >= 0)
        ? (['seed', 'a whole number ≥ 0', seed] as const)
        : method !== 'bca' && method !== 'percentile'
          ? (['method', "'bca' or 'percentile'", method] as const)
          : undefined;
  if (!wrong) return;
  const [name, expected, got] = wrong;
  throw new LimbeckError('INVALID_OPTION', `bootstrap, ${name}: expected ${expected}, got ${show(got)}.`);
}

function checkValues(values: ArrayLike<number>, name: string): void {
  if (values.length < 2) {
    throw new LimbeckError('EMPTY_BATCH', `${name}: expected at least two values, got ${values.length}.`);
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new LimbeckError('NON_FINITE', `${name}: expected finite numbers, got ${show(values[i])} at place ${i}.`);
  }
}
