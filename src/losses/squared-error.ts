/** Mean squared error between activations. */
import { mean, mul, type SymbolicTensor, sub } from '../graph/index.ts';

/**
 * Mean over all entries of (student − teacher)².
 *
 * @param student [B, D]
 * @param teacher [B, D]
 * @returns a scalar ≥ 0
 */
export function squaredErrorLoss(student: SymbolicTensor, teacher: SymbolicTensor): SymbolicTensor {
  const difference = sub(student, teacher);
  return mean(mul(difference, difference));
}
