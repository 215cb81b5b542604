/** Batch, instance and group normalisation: statistics per channel of [N, C, ...spatial], or per group of channels. */
import { LimbeckError } from '../../errors.ts';
import { apply, apply1, constant, type Dimension, type Operator, type SymbolicTensor } from '../tensor.ts';
import { add, div, mul, neg, sqrt, sub } from './elementwise.ts';
import { sum } from './reduce.ts';
import { reshape, reshapeLike, squeeze } from './shape.ts';
import { multiplySizes } from './sizes.ts';
import { standardizeOperator } from './standardize.ts';

/** [C] → [C, 1, …], so that it broadcasts against [N, C, ...spatial]. */
function perChannel(values: SymbolicTensor, x: SymbolicTensor, operator: string): SymbolicTensor {
  if (x.rank < 2 || values.rank !== 1 || values.shape[0] !== x.shape[1]) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${operator}: expected [N, C, ...spatial] and one number for each channel, got ${x} and ${values}.`,
    );
  }
  return reshape(values, [values.shape[0], ...x.shape.slice(2).map((): Dimension => 1)]);
}

export interface BatchNormalization {
  /** The normalised batch, of the shape of `x`. */
  readonly y: SymbolicTensor;
  /** Of the batch, per channel, [C]; data for running averages, without gradient. */
  readonly mean: SymbolicTensor;
  /** Of the batch as a population (divided by n, not n − 1), per channel, [C]; without gradient. */
  readonly variance: SymbolicTensor;
}

/**
 * Batch normalisation in training: every channel of `x` [N, C, ...spatial] with the statistics of the batch itself
 * (Ioffe & Szegedy 2015, arXiv:1502.03167).
 *
 * @param scale [C]
 * @param bias [C]
 *
 * @example
 * const { y, mean, variance } = batchNormalization(x, scale, bias);
 * const running = add(mul(runningMean, 0.9), mul(mean, 0.1));
 */
export function batchNormalization(
  x: SymbolicTensor,
  scale: SymbolicTensor,
  bias: SymbolicTensor,
  epsilon = 1e-5,
): BatchNormalization {
  const parameters = [scale, bias].map((values) => perChannel(values, x, 'batchNormalization'));
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  const [y, average, variance] = apply(standardizeOperator, [x, ...parameters], { axes, epsilon });
  return { y, mean: squeeze(average, axes), variance: squeeze(variance, axes) };
}

const inferenceOperator: Operator<number> = {
  name: 'BatchNormalization',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (emitter, { inputNames, outputNames, attributes: epsilon }) =>
    emitter.node('BatchNormalization', inputNames, outputNames, { epsilon: { float: epsilon } }),
  vjp({ inputs: [x, scale, , average, variance], attributes: epsilon }, [g]) {
    if (!g) return [];
    const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
    const inverse = div(1, sqrt(add(variance, epsilon)));
    const factor = mul(scale, inverse);
    const wide = (values: SymbolicTensor) => perChannel(values, x, 'batchNormalizationInference');
    const total = sum(g, axes);
    const projection = sum(mul(g, mul(sub(x, wide(average)), wide(inverse))), axes);
    const ofVariance = mul(mul(mul(factor, inverse), projection), -0.5);
    return [mul(g, wide(factor)), projection, total, neg(mul(factor, total)), ofVariance];
  },
};

/**
 * Batch normalisation with given statistics, all [C]: ONNX's BatchNormalization, which runtimes merge into the convolution before
 * it. Differentiable by all.
 *
 * @example
 * batchNormalizationInference(x, scale, bias, runningMean, runningVariance);
 */
export function batchNormalizationInference(
  x: SymbolicTensor,
  scale: SymbolicTensor,
  bias: SymbolicTensor,
  average: SymbolicTensor,
  variance: SymbolicTensor,
  epsilon = 1e-5,
): SymbolicTensor {
  const values = [scale, bias, average, variance];
  for (const each of values) perChannel(each, x, 'batchNormalizationInference');
  return apply1(inferenceOperator, [x, ...values], epsilon);
}

/** Every channel of every sample by its own statistics; `scale` and `bias` are [C]. */
export function instanceNormalization(
  x: SymbolicTensor,
  scale: SymbolicTensor,
  bias: SymbolicTensor,
  epsilon = 1e-5,
): SymbolicTensor {
  const parameters = [scale, bias].map((values) => perChannel(values, x, 'instanceNormalization'));
  const axes = x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));
  return apply(standardizeOperator, [x, ...parameters], { axes, epsilon })[0];
}

/**
 * So many groups of neighbouring channels of every sample, each by its own statistics; `scale` and `bias` are [C]
 * (Wu & He 2018, arXiv:1803.08494).
 */
export function groupNormalization(
  x: SymbolicTensor,
  groups: number,
  scale: SymbolicTensor,
  bias: SymbolicTensor,
  epsilon = 1e-5,
): SymbolicTensor {
  const [factor, summand] = [scale, bias].map((values) => perChannel(values, x, 'groupNormalization'));
  const [n, channels, ...spatial] = x.shape;
  if (typeof channels !== 'number' || !(groups >= 1) || channels % groups !== 0) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `groupNormalization: expected channels that ${groups} groups divide, got ${x}.`,
    );
  }
  const grouped = reshape(x, [n, groups, multiplySizes([channels / groups, ...spatial])]);
  const [one, zero] = [constant(1, x.dtype), constant(0, x.dtype)];
  const [normal] = apply(standardizeOperator, [grouped, one, zero], { axes: [2], epsilon });
  return add(mul(reshapeLike(normal, x), factor), summand);
}
