/** Classification accuracy. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';

/**
 * The share of rows whose label is at the place of one of the `k` largest entries; of equal entries the first counts as larger.
 *
 * @param outputs logits or probabilities [samples, classes]
 * @param labels class index of every sample
 * @param options `k`: default 1, the largest entry alone
 * @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE
 *
 * @example
 * accuracy(Matrix.from([[0.1, 0.9], [2, 1]]), [1, 1]); // 0.5
 */
export function accuracy(outputs: Matrix, labels: ArrayLike<number>, { k = 1 }: { readonly k?: number } = {}): number {
  if (outputs.rows !== labels.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `accuracy: expected a label for each of the ${outputs.rows} rows, got ${labels.length}.`,
    );
  }
  if (outputs.rows === 0) throw new LimbeckError('EMPTY_BATCH', 'accuracy: expected at least one row, got none.');
  outputs.assertFinite('outputs');
  let right = 0;
  for (let i = 0; i < outputs.rows; i++) {
    const row = outputs.row(i);
    const label = labels[i];
    let before = 0;
    for (let c = 0; c < row.length; c++) if (row[c] > row[label] || (row[c] === row[label] && c < label)) before++;
    if (label in row && before < k) right++;
  }
  return right / outputs.rows;
}
