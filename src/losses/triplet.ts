/**
 * The triplet loss: a positive has to be nearer to the anchor than a negative, by a margin
 * (Schroff, Kalenichenko & Philbin, "FaceNet", CVPR 2015; hard mining per anchor: Hermans, Beyer & Leibe, 2017).
 *
 * Which keys are positives and negatives is decided in `negatives/`, not here.
 */
import {
  add,
  cast,
  type FloatType,
  greater,
  matmul,
  max,
  maximum,
  mul,
  neg,
  type SymbolicTensor,
  sqrt,
  stopGradient,
  sub,
  sum,
  unsqueeze,
  where,
} from '../graph/index.ts';
import { rowDot } from './cosine.ts';
import { overChosen, type WeightedTotal, weightedMean } from './weighted-total.ts';

/** How triplets are chosen among all (anchor, positive, negative). */
export type TripletMining = 'hard' | 'semihard' | 'all';

export interface TripletTerms {
  /** [B, D] */
  readonly anchors: SymbolicTensor;
  /** [N, D] */
  readonly keys: SymbolicTensor;
  /** [B, N]: 1 where the key is a positive of the anchor, else 0. */
  readonly positives: SymbolicTensor;
  /** [B, N]: 1 where the key is a negative of the anchor, else 0. */
  readonly negatives: SymbolicTensor;
  /** Scalar ≥ 0. */
  readonly margin: SymbolicTensor;
  readonly mining: TripletMining;
}

const kept = { keepDimensions: true };

/** Farther than any distance between finite float32 rows that a margin could matter for. */
const FAR = 1e30;

/** Squared distances below this are rounding, and count as 0 with gradient 0. */
const SAME = 1e-12;

/**
 * With d(a, k) the Euclidean distance and h = max(0, d(a, p) − d(a, n) + margin):
 *
 * - hard: the mean over anchors of h for the farthest positive and the closest negative;
 * - semihard: the mean over (anchor, positive) of h for the closest negative that is farther than the positive, or the farthest
 *   negative when none is;
 * - all: the mean of h over all triplets with h > 0.
 *
 * Anchors without a negative are left out; without any other anchor the loss is 0, with gradient 0. Memory: B·N numbers for hard
 * mining, B·N² for the others.
 */
export function tripletLoss(terms: TripletTerms): SymbolicTensor {
  return weightedMean(tripletTotal(terms));
}

/** {@link tripletLoss} as a weighted sum over anchors, pairs or triplets. */
export function tripletTotal({ anchors, keys, positives, negatives, margin, mining }: TripletTerms): WeightedTotal {
  const distances = pairwiseDistances(anchors, keys);
  const isPositive = greater(positives, 0);
  const isNegative = greater(negatives, 0);
  const usable = max(negatives, [-1], kept); // 1 for anchors that have a negative
  if (mining === 'hard') {
    const farthest = max(where(isPositive, distances, -FAR), [-1], kept);
    const closest = smallest(where(isNegative, distances, FAR));
    return overChosen(hinge(farthest, closest, margin), usable);
  }
  // One axis for positives, one for negatives: [B, N, 1] against [B, 1, N].
  const positiveDistances = unsqueeze(distances, 2);
  const negativeDistances = unsqueeze(distances, 1);
  const pairs = mul(unsqueeze(positives, 2), unsqueeze(usable, 2));
  const candidates = unsqueeze(negatives, 1);
  if (mining === 'semihard') {
    const farther = mul(cast(greater(negativeDistances, positiveDistances), anchors.dtype as FloatType), candidates);
    const closestFarther = smallest(where(greater(farther, 0), negativeDistances, FAR));
    const farthest = unsqueeze(max(where(isNegative, distances, -FAR), [-1], kept), 2);
    const chosen = where(greater(max(farther, [-1], kept), 0), closestFarther, farthest);
    return overChosen(hinge(positiveDistances, chosen, margin), pairs);
  }
  const hinges = mul(mul(hinge(positiveDistances, negativeDistances, margin), pairs), candidates);
  const active = stopGradient(cast(greater(hinges, 0), anchors.dtype as FloatType));
  return overChosen(hinges, active);
}

/** Euclidean distances [B, N], by ‖a‖² + ‖k‖² − 2 a·k. */
function pairwiseDistances(anchors: SymbolicTensor, keys: SymbolicTensor): SymbolicTensor {
  const keyNorms = unsqueeze(sum(mul(keys, keys), [-1]), 0);
  const squares = sub(add(rowDot(anchors, anchors), keyNorms), mul(matmul(anchors, keys, { transposeB: true }), 2));
  // The bound keeps the derivative of the root finite; what lies below it gets value and gradient 0.
  return where(greater(squares, SAME), sqrt(maximum(squares, SAME)), 0);
}

function hinge(positive: SymbolicTensor, negative: SymbolicTensor, margin: SymbolicTensor): SymbolicTensor {
  // max(x, 0) with the tie given to 0: a triplet exactly at the margin moves nothing.
  const gap = add(sub(positive, negative), margin);
  return where(greater(gap, 0), gap, 0);
}

/** Smallest entry along the last axis, kept. */
function smallest(x: SymbolicTensor): SymbolicTensor {
  return neg(max(neg(x), [-1], kept));
}
