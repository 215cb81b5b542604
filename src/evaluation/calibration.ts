/** Whether a classifier knows how sure it may be: of what it says with 80 % probability, 80 % should be right. */
import { LimbeckError } from '../errors.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import { assertAtLeast, assertClasses, assertOneEach, assertWhole } from './checks.ts';

/**
 * The expected calibration error: samples are put into bins by the probability of their likeliest class, and in each bin the mean of
 * those probabilities is held against the share that is right. Bins are of equal width over (0, 1], a border belonging to the bin beneath;
 * their gaps are weighted by their samples. Of equally likely classes the first is taken. 0 is best.
 *
 * It depends on the number of bins: compare only figures of the same number.
 *
 * @param logits [samples, classes]; their softmax is what is measured
 * @param labels class index of every sample
 * @param options `bins`: default 15
 * @returns a number in [0, 1]
 * @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE; INVALID_ARGUMENT for a label that is no class, and for bins
 * @source Guo et al., "On Calibration of Modern Neural Networks", 2017, equation 3
 *
 * @example
 * expectedCalibrationError(Matrix.from([[0, 0], [0, 0]]), [0, 1]); // 0: half sure, and half of them right
 */
export function expectedCalibrationError(
  logits: Matrix,
  labels: ArrayLike<number>,
  { bins = 15 }: { readonly bins?: number } = {},
): number {
  assertWhole('expectedCalibrationError', 'bins', bins);
  check('expectedCalibrationError', logits, labels);
  const right = new Float64Array(bins);
  const confidence = new Float64Array(bins);
  for (let i = 0; i < logits.rows; i++) {
    const row = logits.row(i);
    let best = 0;
    for (let c = 1; c < row.length; c++) if (row[c] > row[best]) best = c;
    const probability = Math.exp(row[best] - logSumExp(row));
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(probability * bins) - 1));
    confidence[bin] += probability;
    if (best === labels[i]) right[bin]++;
  }
  return right.reduce((sum, count, bin) => sum + Math.abs(count - confidence[bin]), 0) / logits.rows;
}

/**
 * The mean of −ln p, p being the probability that the softmax of the logits gives to a sample's label: natural logarithm, 0 is best, and
 * ln(classes) is what knowing nothing gives.
 *
 * @param logits [samples, classes]
 * @param labels class index of every sample
 * @throws LimbeckError as {@link expectedCalibrationError}
 *
 * @example
 * negativeLogLikelihood(Matrix.from([[0, 0]]), [1]); // ln 2
 */
export function negativeLogLikelihood(logits: Matrix, labels: ArrayLike<number>): number {
  check('negativeLogLikelihood', logits, labels);
  let sum = 0;
  for (let i = 0; i < logits.rows; i++) sum += logSumExp(logits.row(i)) - logits.row(i)[labels[i]];
  return sum / logits.rows;
}

function check(measure: string, logits: Matrix, labels: ArrayLike<number>): void {
  assertOneEach(measure, logits.rows, 'label', labels.length);
  assertAtLeast(measure, 1, logits.rows);
  if (logits.columns === 0)
    throw new LimbeckError('SHAPE_MISMATCH', `${measure}: expected at least one class, got none.`);
  logits.assertFinite('logits');
  assertClasses(measure, labels, logits.columns);
}

/** ln Σ exp, from the largest entry, so that nothing overflows. */
function logSumExp(row: FloatArray): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (const value of row) largest = Math.max(largest, value);
  let sum = 0;
  for (const value of row) sum += Math.exp(value - largest);
  return largest + Math.log(sum);
}
