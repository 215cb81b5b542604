/** Cosine similarity, safely: mathematics.md, section 1. */
import {
  abs,
  div,
  greater,
  greaterOrEqual,
  l2Norm,
  max,
  maximum,
  mean,
  mul,
  type SymbolicTensor,
  stopGradient,
  sub,
  sum,
  where,
} from '../graph/index.ts';
import { ZERO_NORM } from '../matrix/unit-rows.ts';

const kept = { keepDimensions: true };

/**
 * Rows [B, D] divided by their Euclidean norms. A row with a norm below 1e-12 becomes a zero row and gets gradient 0, so every
 * cosine with it is 0. Rows are scaled by their largest entry before squaring, so that 1e30 does not overflow.
 *
 * The gradient is (g − u(u·g)) / ‖x‖, orthogonal to x.
 */
export function l2Normalize(x: SymbolicTensor): SymbolicTensor {
  // The scale cancels in x/‖x‖, so its derivative does too: it may be treated as data.
  const largest = stopGradient(max(abs(x), [-1], kept));
  const scaled = div(x, where(greater(largest, 0), largest, 1));
  // The largest scaled entry is ±1, so the norm is at least 1 unless the row is zero; the bound keeps the quotient finite there,
  // and passes the gradient everywhere else (a tie goes to the first operand).
  const norm = maximum(l2Norm(scaled, [-1], kept), 1);
  const nonZero = stopGradient(greaterOrEqual(mul(largest, norm), ZERO_NORM));
  return mul(scaled, where(nonZero, div(1, norm), 0));
}

/** Dot products of matching rows, [B, D] · [B, D] → [B, 1]. */
export function rowDot(a: SymbolicTensor, b: SymbolicTensor): SymbolicTensor {
  return sum(mul(a, b), [-1], kept);
}

/**
 * Mean over the rows of 1 − cos(student, teacher): plain regression onto the teacher's directions, without any contrast.
 *
 * @param student [B, D]
 * @param teacher [B, D]
 * @returns a scalar in [0, 2]
 */
export function cosineLoss(student: SymbolicTensor, teacher: SymbolicTensor): SymbolicTensor {
  return mean(sub(1, rowDot(l2Normalize(student), l2Normalize(teacher))));
}
