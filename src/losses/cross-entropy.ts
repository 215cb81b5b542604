/** Cross-entropy of logits with label probabilities. */
import { logSoftmax, mul, neg, type SymbolicTensor, sum } from '../graph/index.ts';

/**
 * −Σ_c y_c log softmax(logits)_c for each row.
 *
 * @param logits [B, C]
 * @param labels [B, C], probabilities
 * @returns [B]
 */
export function crossEntropy(logits: SymbolicTensor, labels: SymbolicTensor): SymbolicTensor {
  return neg(sum(mul(labels, logSoftmax(logits)), [-1]));
}
