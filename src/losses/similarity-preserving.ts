/**
 * Similarity-preserving distillation: inputs that the teacher finds alike should be alike to the student; widths may differ
 * (Tung & Mori, "Similarity-Preserving Knowledge Distillation", ICCV 2019, equations 1–4).
 */
import { matmul, mean, mul, type SymbolicTensor, sub } from '../graph/index.ts';
import { l2Normalize } from './cosine.ts';

/**
 * ‖G_student − G_teacher‖²_F / B², where G is the B × B matrix of dot products of the activations with each row divided by its
 * norm.
 *
 * @param student [B, D]
 * @param teacher [B, E]
 * @returns a scalar ≥ 0
 */
export function similarityPreservingLoss(student: SymbolicTensor, teacher: SymbolicTensor): SymbolicTensor {
  const difference = sub(similarities(student), similarities(teacher));
  return mean(mul(difference, difference));
}

function similarities(x: SymbolicTensor): SymbolicTensor {
  return l2Normalize(matmul(x, x, { transposeB: true }));
}
