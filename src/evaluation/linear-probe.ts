/** The linear probe: how well a linear classifier reads the classes off frozen features. */
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { assertAtLeast, assertOneEach, assertWhole } from './checks.ts';
import { type LogisticOptions, LogisticRegression, predictClasses } from './logistic-regression.ts';

export interface LinearProbeTask extends LogisticOptions {
  /** n × d: the features the classifier is fitted on. */
  readonly rows: Matrix;
  /** n class numbers. */
  readonly labels: ArrayLike<number>;
  /** m × d: the features it is tried on. */
  readonly testRows: Matrix;
  /** m class numbers; of classes that were not fitted none is right. */
  readonly testLabels: ArrayLike<number>;
}

export interface LinearProbeResult {
  /** Share of the test rows whose class is found. */
  readonly accuracy: number;
  /** Whether every fit reached its tolerance. */
  readonly converged: boolean;
}

/**
 * Fits multinomial logistic regression on features of mean 0 and deviation 1 (of the rows it is fitted on; constant features are 0), so
 * that models of other scales and widths are probed alike.
 *
 * @throws LimbeckError as `LogisticRegression.fit`
 * @source Alain and Bengio, "Understanding intermediate layers using linear classifier probes", 2016
 *
 * @example
 * const [rows, testRows] = [Matrix.from([[0, 1], [1, 0]]), Matrix.from([[0, 3]])];
 * (await linearProbe({ rows, labels: [4, 7], testRows, testLabels: [4] })).accuracy; // 1
 */
export async function linearProbe(task: LinearProbeTask): Promise<LinearProbeResult> {
  const regression = await LogisticRegression.open();
  try {
    const { right, converged } = await probe(regression, task);
    return { accuracy: right / task.testRows.rows, converged };
  } finally {
    await regression.release();
  }
}

/**
 * The linear probe where there is one set of data: every row is classified by a probe that was fitted on the other folds. Rows of each
 * class are dealt to the folds one after another in seeded order.
 *
 * @param task `folds`: default 5, at most one a row; `seed`: default 0
 * @throws LimbeckError as {@link linearProbe}; EMPTY_BATCH for fewer than two rows
 *
 * @example
 * const rows = Matrix.from([[0, 1], [0, 2], [1, 0], [2, 0]]);
 * (await crossValidatedProbe({ rows, labels: [0, 0, 1, 1], folds: 2 })).accuracy; // 1
 */
export async function crossValidatedProbe({
  rows,
  labels,
  folds = 5,
  seed = 0,
  ...options
}: LogisticOptions & {
  readonly rows: Matrix;
  readonly labels: ArrayLike<number>;
  readonly folds?: number;
  readonly seed?: number;
}): Promise<LinearProbeResult> {
  assertOneEach('crossValidatedProbe', rows.rows, 'label', labels.length);
  assertAtLeast('crossValidatedProbe', 2, rows.rows);
  assertWhole('crossValidatedProbe', 'folds', folds, 2);
  const dealt = dealFolds(labels, Math.min(folds, rows.rows), seed);
  const regression = await LogisticRegression.open();
  try {
    let right = 0;
    let converged = true;
    for (const [fold, test] of dealt.entries()) {
      const training = dealt.flatMap((numbers, other) => (other === fold ? [] : numbers));
      const found = await probe(regression, {
        rows: rows.gather(training),
        labels: training.map((i) => labels[i]),
        testRows: rows.gather(test),
        testLabels: test.map((i) => labels[i]),
        ...options,
      });
      right += found.right;
      converged &&= found.converged;
    }
    return { accuracy: right / rows.rows, converged };
  } finally {
    await regression.release();
  }
}

async function probe(
  regression: LogisticRegression,
  { rows, labels, testRows, testLabels, ...options }: LinearProbeTask,
): Promise<{ readonly right: number; readonly converged: boolean }> {
  assertOneEach('linearProbe, test', testRows.rows, 'label', testLabels.length);
  assertAtLeast('linearProbe, test', 1, testRows.rows);
  assertAtLeast('linearProbe', 1, rows.rows);
  if (testRows.columns !== rows.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `linearProbe: expected test rows of ${rows.columns} features, as it is fitted on, got ${testRows.columns}.`,
    );
  }
  const scale = standardization(rows.assertFinite('linearProbe, rows'));
  const model = await regression.fit(scale(rows), labels, options);
  const found = predictClasses(model, scale(testRows));
  return { right: found.filter((label, i) => label === testLabels[i]).length, converged: model.converged };
}

/** Makes columns of mean 0 and deviation 1 (divisor n) as they are in the given rows. */
function standardization({ rows, columns, data }: Matrix): (matrix: Matrix) => Matrix {
  const means = new Float64Array(columns);
  const squares = new Float64Array(columns);
  for (let k = 0; k < data.length; k++) means[k % columns] += data[k] / rows;
  for (let k = 0; k < data.length; k++) squares[k % columns] += (data[k] - means[k % columns]) ** 2 / rows;
  // What rounding alone spreads is constant.
  const factors = squares.map((square, j) =>
    Math.sqrt(square) > 1e-12 * Math.abs(means[j]) ? 1 / Math.sqrt(square) : 0,
  );
  return (matrix) =>
    new Matrix(
      matrix.rows,
      columns,
      Float64Array.from(matrix.data, (value, k) => (value - means[k % columns]) * factors[k % columns]),
    );
}

function dealFolds(labels: ArrayLike<number>, folds: number, seed: number): number[][] {
  const order = Random.forPurpose(seed, 'folds').shuffle(Array.from({ length: labels.length }, (_, i) => i));
  const result: number[][] = Array.from({ length: folds }, () => []);
  // By class, and within it in seeded order; the next class goes on where the last has ended.
  for (const [place, i] of order.sort((a, b) => labels[a] - labels[b]).entries()) result[place % folds].push(i);
  return result;
}
