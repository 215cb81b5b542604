/** Cosine similarity, safely: mathematics.md, section 1. */
import { mean, mul, type SymbolicTensor, sub, sum, unitRows } from '../graph/index.ts';
import { ZERO_NORM } from '../matrix/unit-rows.ts';

const kept = { keepDimensions: true };

/**
 * Rows [B, D] divided by their Euclidean norms. A row with a norm below 1e-12 becomes a zero row and gets gradient 0, so every
 * cosine with it is 0. Entries of 1e30 do not overflow.
 *
 * The gradient is (g − u(u·g)) / ‖x‖, orthogonal to x.
 */
export function l2Normalize(x: SymbolicTensor): SymbolicTensor {
  return unitRows(x, ZERO_NORM);
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
