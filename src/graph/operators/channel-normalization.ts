/** Batch, instance and group normalisation: statistics per channel of [N, C, ...spatial], or per group of channels. */
import { LimbeckError } from '../../errors.ts';
import { gradients } from '../gradients.ts';
import {
  apply,
  apply1,
  constant,
  type Dimension,
  type EmittedOperation,
  type Emitter,
  isKnown,
  type Operator,
  type SymbolicTensor,
  type TensorType,
} from '../tensor.ts';
import { blockedMeans, inBlocks, ofChannels, ones, pendingForm, writeConv } from './blocked-layout.ts';
import { add, div, mul, neg, sqrt, stopGradient, sub, unbroadcast } from './elementwise.ts';
import { count, mean, sum } from './reduce.ts';
import { reshape, reshapeLike, squeeze } from './shape.ts';
import { multiplySizes } from './sizes.ts';

const kept = { keepDimensions: true };

interface Standardization {
  readonly axes: readonly number[];
  readonly epsilon: number;
}

/** Mean, x − mean, and variance of the batch as a population, along `axes`, which are kept with size 1. */
function statisticsOf(x: SymbolicTensor, axes: readonly number[]) {
  const average = mean(x, axes, kept);
  const centred = sub(x, average);
  return { average, centred, variance: mean(mul(centred, centred), axes, kept) };
}

/** 1 / standard deviation. */
function precision(variance: SymbolicTensor, epsilon: number): SymbolicTensor {
  return div(1, sqrt(add(variance, epsilon)));
}

/** The shape of statistics along `axes`. */
function statisticsType({ dtype, shape }: SymbolicTensor, axes: readonly number[]): TensorType {
  return { dtype, shape: shape.map((d, i) => (axes.includes(i) ? 1 : d)) };
}

/**
 * (x − mean) / √(variance + epsilon) · scale + bias with statistics over `axes`, along which scale and bias have size 1. Also
 * gives the mean, the variance and x − mean, for running averages and the gradient: as data, no gradient flows back through them.
 */
const standardizeOperator: Operator<Standardization> = {
  name: 'Standardize',
  infer([x], { axes }) {
    const statistics = statisticsType(x, axes);
    return [x, statistics, statistics, x];
  },
  emit(emitter, operation) {
    if (emitBlockedStandardize(emitter, operation)) return;
    const {
      inputs: [x, scale, bias],
      outputNames,
      attributes: { axes, epsilon },
    } = operation;
    const { average, centred, variance } = statisticsOf(x, axes);
    const y = add(mul(centred, mul(scale, precision(variance, epsilon))), bias);
    for (const [i, tensor] of [y, average, variance, centred].entries()) {
      emitter.node('Identity', [emitter.expression(tensor)], [outputNames[i]]);
    }
  },
  vjp({ inputs: [x, scale, bias], outputs: [, , variance, centred], attributes }, [g]) {
    if (!g) return [];
    const [gx, projection, total] = apply(standardizeGradient, [g, x, scale, variance, centred], attributes);
    return [gx, unbroadcast(projection, scale.shape), unbroadcast(total, bias.shape)];
  },
};

/**
 * ∂L/∂x, and along the axes Σ g · (x − mean) / deviation and Σ g, of which the gradients of scale and bias are made. Inputs: g, x and
 * scale, and the variance and x − mean, which follow from x. Two sums over the data serve all three, and ∂L/∂x is g and x − mean, each
 * times a factor, and a summand.
 */
const standardizeGradient: Operator<Standardization> = {
  name: 'StandardizeGradient',
  infer([, x], { axes }) {
    const statistics = statisticsType(x, axes);
    return [x, statistics, statistics];
  },
  emit(emitter, operation) {
    if (emitBlockedGradient(emitter, operation)) return;
    const {
      inputs: [g, , scale, variance, centred],
      outputNames,
      attributes,
    } = operation;
    for (const [i, tensor] of gradientOf(g, scale, variance, centred, attributes).entries()) {
      emitter.node('Identity', [emitter.expression(tensor)], [outputNames[i]]);
    }
  },
  vjp({ inputs, attributes }, cotangents) {
    const leaves = inputs.slice(0, 3).map(stopGradient);
    const [g, x, scale] = leaves;
    const { centred, variance } = statisticsOf(x, attributes.axes);
    const parts = gradientOf(g, scale, variance, centred, attributes).flatMap((tensor, i) => {
      const cotangent = cotangents[i];
      return cotangent ? [sum(mul(tensor, stopGradient(cotangent)))] : [];
    });
    return parts.length === 0 ? [] : gradients(parts.reduce(add), leaves);
  },
};

function gradientOf(
  g: SymbolicTensor,
  scale: SymbolicTensor,
  variance: SymbolicTensor,
  centred: SymbolicTensor,
  { axes, epsilon }: Standardization,
): SymbolicTensor[] {
  const inverse = precision(variance, epsilon);
  const total = sum(g, axes, kept);
  const projection = mul(sum(mul(g, centred), axes, kept), inverse);
  const { ofG, ofCentred, summand } = coefficients(scale, inverse, total, projection, count(centred, axes));
  return [add(add(mul(g, ofG), mul(centred, ofCentred)), summand), projection, total];
}

/** ∂L/∂x = ofG · g + ofCentred · (x − mean) + summand. */
function coefficients(
  scale: SymbolicTensor,
  inverse: SymbolicTensor,
  total: SymbolicTensor,
  projection: SymbolicTensor,
  n: SymbolicTensor | number,
) {
  const ofG = mul(scale, inverse);
  return {
    ofG,
    ofCentred: neg(div(mul(ofG, mul(projection, inverse)), n)),
    summand: neg(div(mul(ofG, total), n)),
  };
}

/** Batch normalisation of images in blocks: means by the runtime's pooling, the rest by maps of every channel. */
function emitBlockedStandardize(emitter: Emitter, operation: EmittedOperation<Standardization>): boolean {
  const {
    inputs: [x, scale],
    inputNames: [name, , biasName],
    outputNames: [y, averageName, varianceName, centredName],
    outputs: [, average, variance],
    attributes: { axes, epsilon },
  } = operation;
  if (!emitter.blocked(name) || !isBatchNormalization(x, scale, axes)) return false;
  const channels = x.shape[1] as number;
  const images = inBlocks(emitter, name, channels);
  const averageOf = (tensor: string, into: string) =>
    emitter.node('ReduceMean', [blockedMeans(emitter, tensor), emitter.int64s([0])], [into], { keepdims: { int: 1 } });
  averageOf(images, averageName);
  const bias = emitter.expression(reshape(neg(average), [channels]));
  const attributes = ofChannels(channels);
  const centring = pendingForm(emitter, channels, { x: images, filters: ones(emitter, channels), bias, attributes });
  const centred = centring.name();
  averageOf(emitter.temporary('Mul', [centred, centred]), varianceName);
  const scaling = {
    filters: emitter.expression(filtersOf(mul(scale, precision(variance, epsilon)), channels)),
    bias: emitter.temporary('Reshape', [biasName, emitter.int64s([channels])]),
  };
  emitter.setBlocked(y, pendingForm(emitter, channels, { x: centred, ...scaling, attributes }));
  emitter.setBlocked(centredName, centring);
  return true;
}

function emitBlockedGradient(emitter: Emitter, operation: EmittedOperation<Standardization>): boolean {
  const {
    inputs: [, x, scale, variance],
    inputNames: [gName, , , , centredName],
    outputs: [, projection, total],
    outputNames: [gxName, projectionName, totalName],
    attributes: { axes, epsilon },
  } = operation;
  if (!emitter.blocked(centredName) || !isBatchNormalization(x, scale, axes)) return false;
  const channels = x.shape[1] as number;
  const [g, centred] = [gName, centredName].map((name) => inBlocks(emitter, name, channels));
  const positions = emitter.scalar((x.shape[2] as number) * (x.shape[3] as number), 'float32');
  const sumOf = (tensor: string, factor: string, into: string) => {
    const means = emitter.temporary('ReduceSum', [blockedMeans(emitter, tensor), emitter.int64s([0])]);
    emitter.node('Mul', [means, factor], [into]);
  };
  const inverse = precision(variance, epsilon);
  sumOf(g, positions, totalName);
  const ofPositions = emitter.temporary('Mul', [emitter.expression(inverse), positions]);
  sumOf(emitter.temporary('Mul', [g, centred]), ofPositions, projectionName);
  const { ofG, ofCentred, summand } = coefficients(scale, inverse, total, projection, count(x, axes));
  const attributes = ofChannels(channels);
  const added = writeConv(emitter, {
    x: centred,
    filters: emitter.expression(filtersOf(ofCentred, channels)),
    attributes,
  });
  const form = pendingForm(emitter, channels, {
    x: g,
    filters: emitter.expression(filtersOf(ofG, channels)),
    bias: emitter.expression(reshape(summand, [channels])),
    added,
    attributes,
  });
  emitter.setBlocked(gxName, form);
  return true;
}

function isBatchNormalization(x: SymbolicTensor, scale: SymbolicTensor, axes: readonly number[]): boolean {
  const ofImages = x.rank === 4 && x.dtype === 'float32' && isKnown(x.shape.slice(1));
  return ofImages && axes.join() === '0,2,3' && scale.shape.join() === `${x.shape[1]},1,1`;
}

/** One number for each channel as weights of a convolution of every channel by itself. */
function filtersOf(values: SymbolicTensor, channels: number): SymbolicTensor {
  return reshape(values, [channels, 1, 1, 1]);
}

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
