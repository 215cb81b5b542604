/**
 * Relational knowledge distillation: what is kept is not where samples lie but how they lie to each other, so student and teacher
 * may differ in width (Park, Kim, Lu & Cho, "Relational Knowledge Distillation", CVPR 2019).
 */
import {
  abs,
  add,
  div,
  greaterOrEqual,
  matmul,
  mean,
  mul,
  type SymbolicTensor,
  sub,
  sum,
  unsqueeze,
  where,
} from '../graph/index.ts';
import { l2Normalize, rowDot } from './cosine.ts';

/**
 * Distance-wise loss (equations 3–5): the Huber loss between the pairwise distances of student and teacher, each divided by its
 * mean over the pairs of different samples, averaged over all B² pairs.
 *
 * @param student [B, D]
 * @param teacher [B, E]
 * @param pairs scalar B·(B − 1)
 */
export function relationalDistanceLoss(
  student: SymbolicTensor,
  teacher: SymbolicTensor,
  pairs: SymbolicTensor,
): SymbolicTensor {
  return mean(huber(sub(relativeDistances(student, pairs), relativeDistances(teacher, pairs))));
}

/**
 * Angle-wise loss (equations 6–8): the Huber loss between the cosines of the angles at every vertex j of every triple (i, j, k),
 * averaged over all B³ triples; those with a repeated sample have cosine 0 or 1 on both sides and add nothing.
 *
 * @param student [B, D]
 * @param teacher [B, E]
 */
export function relationalAngleLoss(student: SymbolicTensor, teacher: SymbolicTensor): SymbolicTensor {
  return mean(huber(sub(angleCosines(student), angleCosines(teacher))));
}

/** x_i − x_j at [j, i], as [B, B, D]: one vertex j a matrix. */
function differences(x: SymbolicTensor): SymbolicTensor {
  return sub(unsqueeze(x, 0), unsqueeze(x, 1));
}

/** Pairwise distances over their mean, [B, B, 1]; a batch whose rows are all equal has distances 0. */
function relativeDistances(x: SymbolicTensor, pairs: SymbolicTensor): SymbolicTensor {
  const difference = differences(x);
  // ‖d‖ = d·d/‖d‖, whose derivative at d = 0 is 0 where that of a square root is infinite.
  const distances = rowDot(difference, l2Normalize(difference));
  const average = div(sum(distances), pairs);
  return div(distances, where(greaterOrEqual(average, 1e-12), average, 1));
}

/** Cosine of the angle between x_i − x_j and x_k − x_j at [j, i, k]. */
function angleCosines(x: SymbolicTensor): SymbolicTensor {
  const directions = l2Normalize(differences(x));
  return matmul(directions, directions, { transposeB: true });
}

/** x²/2 up to |x| = 1, |x| − 1/2 beyond. */
function huber(x: SymbolicTensor): SymbolicTensor {
  const size = abs(x);
  return where(greaterOrEqual(1, size), mul(mul(x, x), 0.5), add(size, -0.5));
}
