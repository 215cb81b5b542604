/** Multinomial logistic regression with an L2 penalty, solved to its end in float64: the classifier that probes frozen features. */
import { LimbeckError, show } from '../errors.ts';
import { declaring } from '../graph/declare.ts';
import { add, gradients, matmul, sum } from '../graph/index.ts';
import { crossEntropy } from '../losses/cross-entropy.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import { compile, type Program } from '../runtime/program.ts';
import { floatTensor, matrixTensor } from '../runtime/tensors.ts';
import { assertAboveZero, assertAtLeast, assertOneEach } from './checks.ts';
import { lbfgs } from './lbfgs.ts';

export interface LogisticOptions {
  /** How little large weights cost: the weight of the losses' sum against ½ ‖W‖². Default 1. */
  readonly c?: number;
  /** It ends where no entry of the gradient of (Σ loss + ½ ‖W‖² / c) / samples is larger. Default 1e-5. */
  readonly tolerance?: number;
  /** Default 500. */
  readonly maxIterations?: number;
}

/** What was fitted. */
export interface LogisticModel {
  /** The class numbers that were seen, ascending. */
  readonly classes: Int32Array;
  /** [features, classes] */
  readonly weights: Matrix;
  /** One a class. */
  readonly bias: Float64Array;
  readonly iterations: number;
  /** Whether the tolerance was reached. */
  readonly converged: boolean;
}

/**
 * Fits one model after another with one compiled program, whatever their sizes. It holds native memory: release it.
 *
 * The optimum is that of scikit-learn's `LogisticRegression(C=c)`: the bias is not penalized, and with two classes the penalty is that of
 * one vector of weights, w = W₁ − W₀. It does not depend on any random number.
 *
 * @example
 * const regression = await LogisticRegression.open();
 * const model = await regression.fit(Matrix.from([[0, 1], [1, 0], [1, 1]]), [0, 1, 1]);
 * predictClasses(model, Matrix.from([[0, 2]])); // Int32Array [0]
 * await regression.release();
 */
export class LogisticRegression {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async open(): Promise<LogisticRegression> {
    const { inputs, declare } = declaring();
    const rows = declare('rows', 'float64', ['samples', 'features']);
    const labels = declare('labels', 'float64', ['samples', 'classes']);
    const weights = declare('weights', 'float64', ['features', 'classes']);
    const bias = declare('bias', 'float64', ['classes']);
    const loss = sum(crossEntropy(add(matmul(rows, weights), bias), labels));
    const [weightGradient, biasGradient] = gradients(loss, [weights, bias]);
    return new LogisticRegression(await compile({ inputs, outputs: { loss, weightGradient, biasGradient } }));
  }

  /**
   * @param rows n × d features
   * @param labels n class numbers, whole and ≥ 0, of any classes; with a single class there is nothing to fit, and the model always says it
   * @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE; INVALID_ARGUMENT for a label or an option
   */
  async fit(rows: Matrix, labels: ArrayLike<number>, options: LogisticOptions = {}): Promise<LogisticModel> {
    const { c = 1, tolerance = 1e-5, maxIterations = 500 } = options;
    for (const [name, value] of Object.entries({ c, tolerance, maxIterations })) {
      assertAboveZero('Logistic regression', name, value);
    }
    assertOneEach('Logistic regression', rows.rows, 'label', labels.length);
    assertAtLeast('Logistic regression', 1, rows.rows);
    rows.assertFinite('Logistic regression, rows');
    const classes = distinctLabels(labels);
    const [samples, width, count] = [rows.rows, rows.columns, classes.length];
    const size = width * count;
    if (count === 1) {
      const weights = Matrix.zeros(width, 1, 'float64');
      return { classes, weights, bias: new Float64Array(1), iterations: 0, converged: true };
    }
    const feeds = { rows: matrixTensor(rows.as('float64')), labels: matrixTensor(oneHot(labels, classes)) };
    // W₁ = −W₀ at the optimum, so that w has twice their length: ½ ‖w‖² = ‖W₀‖² + ‖W₁‖².
    const penalty = (count === 2 ? 2 : 1) / (c * samples);
    const evaluate = async (at: Float64Array) => {
      const { loss, weightGradient, biasGradient } = await this.#program.run({
        ...feeds,
        weights: floatTensor(at.subarray(0, size), [width, count]),
        bias: floatTensor(at.subarray(size), [count]),
      });
      const gradient = new Float64Array(at.length);
      let squares = 0;
      for (let k = 0; k < size; k++) {
        squares += at[k] * at[k];
        gradient[k] = (weightGradient.data as FloatArray)[k] / samples + penalty * at[k];
      }
      for (let k = 0; k < count; k++) gradient[size + k] = (biasGradient.data as FloatArray)[k] / samples;
      return { value: Number(loss.data[0]) / samples + (penalty * squares) / 2, gradient };
    };
    const { at, ...facts } = await lbfgs(evaluate, new Float64Array(size + count), { tolerance, maxIterations });
    return { classes, weights: new Matrix(width, count, at.slice(0, size)), bias: at.slice(size), ...facts };
  }

  release(): Promise<void> {
    return this.#program.release();
  }
}

/**
 * The likeliest class of every row; of equally likely ones the lowest number.
 *
 * @param rows n × d
 * @throws LimbeckError SHAPE_MISMATCH for rows of another width than the model's, NON_FINITE
 */
export function predictClasses({ classes, weights, bias }: LogisticModel, rows: Matrix): Int32Array {
  if (rows.columns !== weights.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Logistic regression: expected rows of ${weights.rows} features, as it was fitted on, got ${rows.columns}.`,
    );
  }
  rows.assertFinite('Logistic regression, rows');
  const scores = new Float64Array(classes.length);
  return Int32Array.from({ length: rows.rows }, (_, i) => {
    scores.set(bias);
    for (let j = 0; j < rows.columns; j++) {
      const value = rows.data[i * rows.columns + j];
      for (let k = 0; k < scores.length; k++) scores[k] += value * weights.data[j * scores.length + k];
    }
    return classes[scores.indexOf(Math.max(...scores))];
  });
}

function distinctLabels(labels: ArrayLike<number>): Int32Array {
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < 2 ** 31) continue;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Logistic regression: expected labels as whole numbers ≥ 0, got ${show(labels[i])} at place ${i}.`,
    );
  }
  return Int32Array.from(new Set(Array.from(labels))).sort();
}

function oneHot(labels: ArrayLike<number>, classes: Int32Array): Matrix {
  const places = new Map(Array.from(classes, (label, place) => [label, place]));
  const result = Matrix.zeros(labels.length, classes.length, 'float64');
  for (let i = 0; i < labels.length; i++) result.data[i * classes.length + (places.get(labels[i]) as number)] = 1;
  return result;
}
