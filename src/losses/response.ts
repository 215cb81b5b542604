/** Distillation of outputs: soft targets (Hinton, Vinyals & Dean 2015) mixed with hard labels; mathematics.md, section 3. */
import { add, div, exp, logSoftmax, mean, mul, type SymbolicTensor, sub, sum } from '../graph/index.ts';
import { crossEntropy } from './cross-entropy.ts';

export interface ResponseTerms {
  /** Logits [B, C]. */
  readonly student: SymbolicTensor;
  /** Logits [B, C]. */
  readonly teacher: SymbolicTensor;
  /** Scalar T > 0 that softens both. */
  readonly temperature: SymbolicTensor;
  /** Scalar in [0, 1]: the share of the hard loss when there are labels. */
  readonly alpha: SymbolicTensor;
  /** Probabilities [B, C], one-hot or soft. Without labels only the soft loss counts. */
  readonly labels?: SymbolicTensor | undefined;
}

/**
 * mean over rows of α·hard + (1 − α)·soft, or of soft alone without labels, where
 * soft = T²·KL(softmax(teacher/T) ‖ softmax(student/T)) and hard = −Σ_c y_c log softmax(student)_c.
 *
 * @returns a scalar ≥ 0
 */
export function responseLoss({ student, teacher, temperature, alpha, labels }: ResponseTerms): SymbolicTensor {
  const soft = mul(softTargetDivergence(student, teacher, temperature), mul(temperature, temperature));
  if (!labels) return mean(soft);
  const hard = crossEntropy(student, labels);
  return mean(add(mul(hard, alpha), mul(soft, sub(1, alpha))));
}

/** KL(softmax(teacher/T) ‖ softmax(student/T)) for each row, [B]. */
function softTargetDivergence(student: SymbolicTensor, teacher: SymbolicTensor, temperature: SymbolicTensor) {
  const p = logSoftmax(div(teacher, temperature));
  const q = logSoftmax(div(student, temperature));
  return sum(mul(exp(p), sub(p, q)), [-1]);
}
