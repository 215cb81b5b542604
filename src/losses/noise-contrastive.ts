/**
 * The objective of the CRD paper: telling the pair apart from noise, key by key (Tian, Krishnan & Isola, ICLR 2020, equations 10
 * to 19 with the practice of its code; noise-contrastive estimation: Gutmann & Hyvärinen, 2010).
 *
 *   ℓᵢⱼ = aᵢ·kⱼ/τ − log(Z·Kᵢ/M)
 *   L = 1/B Σᵢ [ Σⱼ yᵢⱼ softplus(−ℓᵢⱼ) + Σ over negatives j of softplus(ℓᵢⱼ) ]
 *
 * softplus(−ℓ) is −log of the probability P/(P + K/M), P = exp(a·k/τ)/Z, that a key is the pair's and not noise. Nothing is added
 * inside a logarithm. Unlike a softmax over the keys, every key is judged by itself, so Z has to be known: see
 * {@link logMeanScore}.
 */
import {
  add,
  boundedSoftplus,
  cast,
  concat,
  exp,
  type FloatType,
  greater,
  log,
  max,
  maximum,
  mul,
  type SymbolicTensor,
  softplus,
  stopGradient,
  sub,
  sum,
  where,
} from '../graph/index.ts';
import { type ContrastiveTerms, scaledLogits, targetLogit } from './contrastive.ts';
import { overAnchors, type WeightedTotal } from './weighted-total.ts';

export interface NoiseContrastiveTerms extends Omit<ContrastiveTerms, 'teacherAnchors'> {
  /** Scalar log(Z/M): the logarithm of the mean score exp(a·k/τ), frozen. */
  readonly logMeanScore: SymbolicTensor;
  /** Whether every e^ℓ is a finite number of the element type; that saves passes over the logits. See {@link withinRange}. */
  readonly bounded: boolean;
  /** [B, 1]: Kᵢ, how many negatives the anchor sees. Without any its loss is 0: nothing could be mistaken for its pair. */
  readonly negatives: SymbolicTensor;
}

const kept = { keepDimensions: true };

/** Of float32 about 88; the rest is room for rounding. */
const LARGEST_EXPONENT = 80;

/** Whether ℓ stays where exponentials are finite: cosines are at most 1, and mean scores at least e^(−1/τ), so ℓ ≤ 2/τ. */
export function withinRange(temperature: number): boolean {
  return 2 / temperature <= LARGEST_EXPONENT;
}

/** The loss as a sum over anchors, each of weight 1. */
export function noiseContrastiveTotal(terms: NoiseContrastiveTerms): WeightedTotal {
  const { blocks, ownApart, ownTarget, logMeanScore, bounded, negatives } = terms;
  const loss = bounded ? boundedSoftplus : softplus;
  const { ownLogit, logits } = scaledLogits(terms);
  const noise = add(log(maximum(negatives, 1)), logMeanScore);
  // Σ y softplus(−ℓ) + Σ softplus(ℓ) over negatives, by softplus(−ℓ) = softplus(ℓ) − ℓ: every seen key enters as
  // softplus(ℓ), positives in their shares, and Σ y ℓ is taken off.
  const sums = logits.map(({ seen }, i) => {
    const each = loss(sub(seen, noise));
    const { targets } = blocks[i];
    return sum(targets ? mul(each, where(greater(targets, 0), targets, 1)) : each, [-1], kept);
  });
  if (ownApart) {
    const own = loss(sub(ownLogit, noise));
    sums.push(ownTarget ? mul(own, ownTarget) : own);
  }
  const target = targetLogit(
    terms,
    ownLogit,
    logits.map(({ product }) => product),
  );
  const hasNegatives = cast(greater(negatives, 0), negatives.dtype as FloatType);
  return overAnchors(mul(sub(sums.reduce(add), sub(target, noise)), hasNegatives));
}

/**
 * log of the mean of exp(aᵢ·kⱼ/τ) over everything that the anchors see, positives included; a scalar, treated as data. The paper
 * freezes M times the mean of the first batch as Z.
 */
export function logMeanScore(terms: Omit<ContrastiveTerms, 'teacherAnchors'>): SymbolicTensor {
  const { logTotal, entries } = scoreTotal(terms);
  return sub(logTotal, log(entries));
}

/** log Σ exp(aᵢ·kⱼ/τ) over what the anchors see, and how many scores that are. */
export function scoreTotal(terms: Omit<ContrastiveTerms, 'teacherAnchors'>): {
  readonly logTotal: SymbolicTensor;
  readonly entries: SymbolicTensor;
} {
  const { ownLogit, logits } = scaledLogits(terms);
  const scores = logits.map(({ seen }) => seen);
  if (terms.ownApart) scores.push(ownLogit);
  // Rows first: a row sees its own key, so its maximum is finite.
  const highest = max(
    concat(
      scores.map((score) => max(score, [-1], kept)),
      1,
    ),
  );
  const totals = scores.map((score) => sum(exp(sub(score, highest))));
  const visible = scores.map((score) => sum(cast(greater(score, HIDDEN), score.dtype as FloatType)));
  return { logTotal: stopGradient(add(highest, log(totals.reduce(add)))), entries: stopGradient(visible.reduce(add)) };
}

/** Below any logit: cosines over τ ≥ 1e-30. */
const HIDDEN = -1e37;
