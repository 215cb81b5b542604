/** Numbers brought to mean 0 and variance 1 along some axes, with scale and bias: what normalisations by channels have in common. */
import { gradients } from '../gradients.ts';
import { apply, type Operator, type SymbolicTensor, type TensorType } from '../tensor.ts';
import { emitBlockedGradient, emitBlockedStandardize } from './blocked-standardize.ts';
import { add, div, mul, neg, sqrt, stopGradient, sub, unbroadcast } from './elementwise.ts';
import { count, mean, sum } from './reduce.ts';

const kept = { keepDimensions: true };

export interface Standardization {
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
export function precision(variance: SymbolicTensor, epsilon: number): SymbolicTensor {
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
export const standardizeOperator: Operator<Standardization> = {
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
export function coefficients(
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
