/** The standard normal distribution in float64: what intervals are made with. */

/** Terms of the continued fraction: enough for 1e-15 from where it is used. */
const FRACTIONS = 160;

/**
 * Φ(x): the share of the distribution below `x`, to a relative 1e-12. Near zero by the series of Φ, in the tails by the continued fraction of
 * Mills' ratio, because the series would cancel there.
 *
 * @source Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.2.11 and 26.2.14
 */
export function normalShareBelow(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  const size = Math.abs(x);
  if (size > 38.6) return x > 0 ? 1 : 0; // the density is below the smallest number
  const density = Math.exp((-size * size) / 2) / Math.sqrt(2 * Math.PI);
  let tail: number;
  if (size < 3) {
    let term = size;
    let sum = size;
    for (let k = 3; term > sum * 1e-17; k += 2) {
      term *= (size * size) / k;
      sum += term;
    }
    tail = 0.5 - density * sum;
  } else {
    let ratio = size;
    for (let k = FRACTIONS; k > 0; k--) ratio = size + k / ratio;
    tail = density / ratio;
  }
  return x > 0 ? 1 - tail : tail;
}

/**
 * Φ⁻¹(share): the place below which that share of the distribution lies; −∞ and ∞ for 0 and 1. By Newton's method (Halley's form) on
 * {@link normalShareBelow}, in the lower half, where shares are exact.
 */
export function normalQuantile(share: number): number {
  if (!(share >= 0 && share <= 1)) return Number.NaN;
  if (share > 0.5) return -normalQuantile(1 - share);
  if (share === 0) return Number.NEGATIVE_INFINITY;
  // A start that is within 0.05 everywhere: Abramowitz and Stegun 26.2.22.
  const t = Math.sqrt(-2 * Math.log(share));
  let x = -(t - (2.30753 + 0.27061 * t) / (1 + t * (0.99229 + 0.04481 * t)));
  for (let step = 0; step < 4; step++) {
    const newton = (normalShareBelow(x) - share) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2);
    x -= newton / (1 + (x * newton) / 2);
  }
  return x;
}
