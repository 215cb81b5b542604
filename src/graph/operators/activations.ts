/**
 * Activation functions. Those that ONNX Runtime runs in float32 and float64 are one node; the others are written out of
 * nodes that exist in both, so that their gradients can be checked in float64.
 */
import { LimbeckError } from '../../errors.ts';
import { apply1, type Operator, type SymbolicTensor } from '../tensor.ts';
import { emitEntrywise } from './blocked-layout.ts';
import { add, cast, div, equal, erf, exp, greater, mul, sub, where } from './elementwise.ts';
import { unary, unaryOperator } from './unary.ts';

/** max(x, 0), with gradient 0 at 0. */
export const relu: (x: SymbolicTensor) => SymbolicTensor = unary('Relu', (g, _, y) =>
  // A product takes a third of the time of where(); a gradient that is not finite stays so also where y = 0.
  mul(g, apply1(isPositiveOperator, [y], undefined)),
);

/** The largest float32. */
const STEEPEST = (2 - 2 ** -23) * 2 ** 127;

/**
 * 1 where y > 0, else 0, for y ≥ 0; without gradient. In float32 as min(1, y · 3.4e38), one pass instead of a comparison and a cast; of
 * y below 2.9e-39, which only denormal numbers are, it gives a part of 1.
 */
const isPositiveOperator: Operator = {
  name: 'IsPositive',
  infer: ([y]) => [{ dtype: y.dtype, shape: y.shape }],
  emit(emitter, operation) {
    const {
      inputs: [y],
      outputNames,
    } = operation;
    if (y.dtype === 'float32') {
      return emitEntrywise(emitter, operation, 'HardSigmoid', {
        attributes: { alpha: { float: STEEPEST }, beta: { float: 0 } },
      });
    }
    emitter.node('Identity', [emitter.expression(cast(greater(y, 0), y.dtype))], outputNames);
  },
  vjp: () => [],
};

/**
 * 1 / (1 + e⁻ˣ), absolute error below 1e-7 in float32 and 1e-15 in float64. In float32 no relative accuracy below x = −18,
 * where ONNX Runtime's kernel stays put; {@link softplus} and its gradient do not use it.
 */
export const sigmoid: (x: SymbolicTensor) => SymbolicTensor = unary('Sigmoid', (g, _, y) => mul(g, mul(y, sub(1, y))));

export const tanh: (x: SymbolicTensor) => SymbolicTensor = unary('Tanh', (g, _, y) => mul(g, sub(1, mul(y, y))));

const leakyReluOperator = unaryOperator<number>(
  'LeakyRelu',
  (g, x, _, slope) => where(greater(x, 0), g, mul(g, slope)),
  (emitter, { inputs: [x], inputNames: [name], outputNames, attributes: slope }) => {
    const positive = emitter.temporary('Greater', [name, emitter.scalar(0, x.dtype)]);
    const leak = emitter.temporary('Mul', [name, emitter.scalar(slope, x.dtype)]);
    emitter.node('Where', [positive, name, leak], outputNames);
  },
);

/** x where x > 0, else slope · x; at 0 the gradient is the slope. */
export function leakyRelu(x: SymbolicTensor, slope = 0.01): SymbolicTensor {
  return apply1(leakyReluOperator, [x], slope);
}

/**
 * x · Φ(x) with the exact normal distribution Φ (through erf, not through tanh). One operator for the sake of its gradient,
 * Φ(x) + x·φ(x) = Φ(x) + z·e^(−z² − ln(π)/2) with z = x/√2: fewer passes over the numbers than the rules of its parts make.
 */
export const gelu: (x: SymbolicTensor) => SymbolicTensor = unary(
  'Gelu',
  (g, x) => {
    // A product, not the quotient below: ONNX Runtime would take both for one, and that would keep it from fusing the pattern.
    const z = mul(x, Math.SQRT1_2);
    const distribution = mul(add(erf(z), 1), 0.5);
    return mul(g, add(distribution, mul(z, exp(sub(-Math.log(Math.PI) / 2, mul(z, z))))));
  },
  (emitter, { inputs: [x], outputNames }) => {
    // In this order of operations ONNX Runtime recognises the pattern and runs it as one kernel.
    const twice = emitter.expression(mul(x, add(erf(div(x, Math.SQRT2)), 1)));
    emitter.node('Mul', [twice, emitter.scalar(0.5, x.dtype)], outputNames);
  },
);

interface Bounds {
  readonly low: number;
  readonly high: number;
}

const clipOperator = unaryOperator<Bounds>(
  'Clip',
  (g, x, y) => where(equal(x, y), g, 0),
  (emitter, operation) => {
    const { low, high } = operation.attributes;
    const [{ dtype }] = operation.inputs;
    emitEntrywise(emitter, operation, 'Clip', { more: [low, high].map((bound) => emitter.scalar(bound, dtype)) });
  },
);

/**
 * x held between `low` and `high`; at the bounds themselves the gradient passes.
 *
 * @throws LimbeckError INVALID_ARGUMENT when low > high
 */
export function clip(x: SymbolicTensor, low: number, high: number): SymbolicTensor {
  if (!(low <= high)) {
    throw new LimbeckError('INVALID_ARGUMENT', `clip: expected low ≤ high, got ${low} and ${high}.`);
  }
  return apply1(clipOperator, [x], { low, high });
}

/** slope · x + offset, held between 0 and 1. ONNX's defaults; PyTorch's slope is 1/6. */
export function hardSigmoid(x: SymbolicTensor, slope = 0.2, offset = 0.5): SymbolicTensor {
  return clip(add(mul(x, slope), offset), 0, 1);
}

/** x · hardSigmoid(x, 1/6, 1/2): x above 3, 0 below −3. */
export function hardSwish(x: SymbolicTensor): SymbolicTensor {
  return mul(x, hardSigmoid(x, 1 / 6));
}

/**
 * log(1 + eˣ) = max(x, 0) + log1p(e^(−|x|)), relative error below 1e-6 in float32 and 1e-14 in float64 over the whole range,
 * also for very negative x, where it is eˣ. log1p u is log w + (u − (w − 1)) with w = 1 + u rounded: the
 * parenthesis is exactly what the rounding of w lost, and d/dw log w differs from 1 only where that is nothing. ONNX Runtime's own Softplus has no float64 kernel and computes
 * log(1 + eˣ), 0 below x = −17.
 *
 * The gradient, the sigmoid, is exp(x − y): with relative accuracy on both sides.
 */
export const softplus: (x: SymbolicTensor) => SymbolicTensor = unary(
  'Softplus',
  (g, x, y) => mul(g, exp(sub(x, y))),
  (emitter, { inputs: [x], inputNames: [name], outputNames }) => {
    const one = emitter.scalar(1, x.dtype);
    const u = emitter.temporary('Exp', [emitter.temporary('Neg', [emitter.temporary('Abs', [name])])]);
    const w = emitter.temporary('Add', [u, one]);
    const lost = emitter.temporary('Sub', [u, emitter.temporary('Sub', [w, one])]);
    const log1p = emitter.temporary('Add', [emitter.temporary('Log', [w]), lost]);
    emitter.node('Add', [emitter.temporary('Relu', [name]), log1p], outputNames);
  },
);

/** Inputs: x, which is there for the gradient alone, u = eˣ and w = 1 + u rounded. */
const log1pExpOperator: Operator = {
  name: 'Log1pExp',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit(emitter, { inputs: [x], inputNames: [, u, w], outputNames }) {
    const lost = emitter.temporary('Sub', [u, emitter.temporary('Sub', [w, emitter.scalar(1, x.dtype)])]);
    emitter.node('Add', [emitter.temporary('Log', [w]), emitter.temporary('Div', [lost, w])], outputNames);
  },
  vjp: ({ inputs: [, u, w] }, [g]) => (g ? [mul(g, div(u, w)), undefined, undefined] : []),
};

/**
 * {@link softplus} for x whose eˣ is a finite number of the type (below 88 in float32, 709 in float64): one exponential for value and
 * gradient, and two thirds of the passes. The same accuracy: log w + (u − (w − 1)) / w is log1p u for every size of u, with what the
 * rounding of w lost; the gradient is u / w.
 *
 * @example
 * boundedSoftplus(logits); // where |logits| ≤ 1/τ, and τ ≥ 0.02
 */
export function boundedSoftplus(x: SymbolicTensor): SymbolicTensor {
  const u = exp(x);
  return apply1(log1pExpOperator, [x, u, add(u, 1)], undefined);
}
