/**
 * Means kept as sums with weights, so that a loss over many anchors can be computed in tiles of anchors: totals and weights of
 * tiles add up, means do not.
 */
import {
  cast,
  constant,
  count,
  div,
  type FloatType,
  maximum,
  mul,
  type SymbolicTensor,
  stopGradient,
  sum,
} from '../graph/index.ts';

export interface WeightedTotal {
  /** Scalar: Σ weight · value. */
  readonly total: SymbolicTensor;
  /** Scalar: Σ weight, treated as data. Weights are counts: whole numbers ≥ 0. */
  readonly weight: SymbolicTensor;
}

/** Σ weight · value / Σ weight, or 0 when there is nothing to weigh. */
export function weightedMean({ total, weight }: WeightedTotal): SymbolicTensor {
  return div(total, maximum(stopGradient(weight), 1));
}

/** Σ values over anchors [B, 1], each of weight 1. */
export function overAnchors(values: SymbolicTensor): WeightedTotal {
  const anchors = count(values, [0]);
  return { total: sum(values), weight: typeof anchors === 'number' ? constant(anchors, values.dtype) : anchors };
}

/** Σ weights · values for weights of 0 and 1. Values of weight 0 must be finite. */
export function overChosen(values: SymbolicTensor, weights: SymbolicTensor): WeightedTotal {
  return { total: sum(mul(values, weights)), weight: sum(stopGradient(cast(weights, values.dtype as FloatType))) };
}
