/** How ONNX's elementwise operators, reductions and products read: opset 13 on. */
import { LimbeckError } from '../../errors.ts';
import {
  clip,
  gelu,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  relu,
  sigmoid,
  softplus,
  tanh,
} from '../operators/activations.ts';
import { einsum } from '../operators/einsum.ts';
import * as e from '../operators/elementwise.ts';
import * as logic from '../operators/logic.ts';
import { matmul } from '../operators/matmul.ts';
import { layerNormalization, logSoftmax, softmax } from '../operators/normalization.ts';
import * as r from '../operators/reduce.ts';
import { reshape, reshapeLike, squeeze, transpose, unsqueeze } from '../operators/shape.ts';
import { multiplySizes } from '../operators/sizes.ts';
import { type DataType, isFloat, normalizeAxis, type SymbolicTensor } from '../tensor.ts';
import type { NodeReader } from './node.ts';
import { dataType } from './stored-tensors.ts';

/** Makes the outputs of a node. */
export type Build = (node: NodeReader) => SymbolicTensor | readonly SymbolicTensor[];

const unary =
  (f: (x: SymbolicTensor) => SymbolicTensor): Build =>
  (node) =>
    f(node.tensor(0));

const binary =
  (f: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor): Build =>
  (node) =>
    f(node.tensor(0), node.tensor(1));

const variadic =
  (f: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor): Build =>
  (node) =>
    node.tensors().reduce(f);

/** Axes are an input since opset 18 (ReduceSum: 13), an attribute before; none means all, or nothing on request. */
const reduction =
  (f: typeof r.sum): Build =>
  (node) => {
    const x = node.tensor(0);
    const axes = node.list(1, 'axes');
    const whenNone = node.int('noop_with_empty_axes', 0) === 1 ? [] : undefined;
    return f(x, axes?.length ? axes : whenNone, { keepDimensions: node.int('keepdims', 1) === 1 });
  };

function castTarget(node: NodeReader): DataType {
  const dtype = dataType(node.int('to', 0));
  if (!dtype)
    throw new LimbeckError(
      'UNSUPPORTED',
      `expected a cast to float, int32, int64 or bool, got type ${node.int('to', 0)}`,
    );
  return dtype;
}

function unlessGiven(node: NodeReader, i: number, otherwise: number): number {
  return node.numbers(i)?.[0] ?? otherwise;
}

/** Vectors take part in a product as a row or a column, which is taken out again. */
function product(a: SymbolicTensor, b: SymbolicTensor): SymbolicTensor {
  const [row, column] = [a.rank === 1, b.rank === 1];
  const y = matmul(row ? unsqueeze(a, 0) : a, column ? unsqueeze(b, 1) : b);
  return squeeze(y, [...(row ? [-2] : []), ...(column ? [-1] : [])]);
}

function gemm(node: NodeReader): SymbolicTensor {
  const options = { transposeA: node.int('transA', 0) === 1, transposeB: node.int('transB', 0) === 1 };
  const scaled = (x: SymbolicTensor, factor: number) => (factor === 1 ? x : e.mul(x, factor));
  const y = scaled(matmul(node.tensor(0), node.tensor(1), options), node.float('alpha', 1));
  const c = node.optional(2);
  return c ? e.add(y, scaled(c, node.float('beta', 1))) : y;
}

function pow(node: NodeReader): SymbolicTensor {
  const [x, exponent] = [node.tensor(0), node.tensor(1)];
  return e.pow(x, e.cast(exponent, x.dtype));
}

/** Before opset 13 the softmax was over all axes from its own on, which for the last is the same. */
function softmaxAxis(node: NodeReader): number {
  const axis = node.int('axis', node.opset < 13 ? 1 : -1);
  const { rank } = node.tensor(0);
  if (node.opset < 13 && normalizeAxis(axis, rank, 'Softmax') !== rank - 1) {
    throw new LimbeckError(
      'UNSUPPORTED',
      'expected the last axis: before opset 13 it is over all axes from its own on',
    );
  }
  return axis;
}

/** Over the last axes, from `axis` on, which are one axis to the engine's operator. */
function layerNorm(node: NodeReader): SymbolicTensor {
  const [x, scale] = [node.tensor(0), node.tensor(1)];
  const axis = normalizeAxis(node.int('axis', -1), x.rank, 'LayerNormalization');
  const size = multiplySizes(x.shape.slice(axis));
  const row = (values: SymbolicTensor) => reshape(values, [size]);
  const bias = node.optional(2) ?? e.mul(scale, 0);
  const rows = reshape(x, [...x.shape.slice(0, axis), size]);
  return reshapeLike(layerNormalization(rows, row(scale), row(bias), node.float('epsilon', 1e-5)), x);
}

function geluOf(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  if (node.text('approximate', 'none') === 'none') return gelu(x);
  const inner = e.mul(e.add(x, e.mul(e.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
  return e.mul(e.mul(x, 0.5), e.add(tanh(inner), 1));
}

function elu(x: SymbolicTensor, alpha: number): SymbolicTensor {
  return e.where(e.greater(x, 0), x, e.mul(e.sub(e.exp(e.minimum(x, 0)), 1), alpha));
}

/** SELU and CELU are ELUs, scaled. */
function selu(node: NodeReader): SymbolicTensor {
  const [alpha, gamma] = [node.float('alpha', 1.6732631921768188), node.float('gamma', 1.0507010221481323)];
  return e.mul(elu(node.tensor(0), alpha), gamma);
}

function celu(node: NodeReader): SymbolicTensor {
  const alpha = node.float('alpha', 1);
  return e.mul(elu(e.div(node.tensor(0), alpha), 1), alpha);
}

function rmsNorm(node: NodeReader): SymbolicTensor {
  const [x, scale] = [node.tensor(0), node.tensor(1)];
  const first = normalizeAxis(node.int('axis', -1), x.rank, 'RMSNormalization');
  const axes = x.shape.flatMap((_, i) => (i < first ? [] : [i]));
  const square = r.mean(e.mul(x, x), axes, { keepDimensions: true });
  return e.mul(e.div(x, e.sqrt(e.add(square, node.float('epsilon', 1e-5)))), scale);
}

function placeOfMost(node: NodeReader, x: SymbolicTensor): SymbolicTensor {
  const options = { keepDimensions: node.int('keepdims', 1) === 1, last: node.int('select_last_index', 0) === 1 };
  return logic.argMax(x, node.int('axis', 0), options);
}

function clipped(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const [low, high] = [unlessGiven(node, 1, -Infinity), unlessGiven(node, 2, Infinity)];
  return isFloat(x.dtype) ? clip(x, low, high) : clipIntegers(x, low, high);
}

/** Integers have no infinity: a bound that is not given is no bound. */
function clipIntegers(x: SymbolicTensor, low: number, high: number): SymbolicTensor {
  const above = low === -Infinity ? x : e.maximum(x, low);
  return high === Infinity ? above : e.minimum(above, high);
}

/** Without training, dropout is the identity. */
function dropout(node: NodeReader): SymbolicTensor {
  const training = node.has(2) && unlessGiven(node, 2, 0) !== 0;
  if (training || node.outputs > 1) throw new LimbeckError('UNSUPPORTED', 'expected dropout as exported for inference');
  return node.tensor(0);
}

export const ELEMENTWISE: Record<string, Build> = {
  Add: binary(e.add),
  Sub: binary(e.sub),
  Mul: binary(e.mul),
  Div: binary(e.div),
  Pow: pow,
  Max: variadic(e.maximum),
  Min: variadic(e.minimum),
  Sum: variadic(e.add),
  Equal: binary(e.equal),
  Greater: binary(e.greater),
  GreaterOrEqual: binary(e.greaterOrEqual),
  Less: binary((a, b) => e.greater(b, a)),
  LessOrEqual: binary((a, b) => e.greaterOrEqual(b, a)),
  And: binary(logic.and),
  Or: binary(logic.or),
  Not: unary(logic.not),
  IsNaN: unary(logic.notANumber),
  Neg: unary(e.neg),
  Exp: unary(e.exp),
  Log: unary(e.log),
  Sqrt: unary(e.sqrt),
  Abs: unary(e.abs),
  Sign: unary(e.sign),
  Erf: unary(e.erf),
  Sin: unary(e.sin),
  Cos: unary(e.cos),
  Reciprocal: unary(e.reciprocal),
  Floor: unary(logic.floor),
  Ceil: unary(logic.ceil),
  Round: unary(logic.round),
  Identity: unary((x) => x),
  Cast: (node) => e.cast(node.tensor(0), castTarget(node)),
  CastLike: binary((x, like) => e.cast(x, like.dtype)),
  Where: (node) => e.where(node.tensor(0), node.tensor(1), node.tensor(2)),
  Relu: unary(relu),
  LeakyRelu: (node) => leakyRelu(node.tensor(0), node.float('alpha', 0.01)),
  PRelu: binary((x, slope) => e.where(e.greater(x, 0), x, e.mul(x, slope))),
  Elu: (node) => elu(node.tensor(0), node.float('alpha', 1)),
  Selu: selu,
  Celu: celu,
  Mish: unary((x) => e.mul(x, tanh(softplus(x)))),
  Swish: (node) => e.mul(node.tensor(0), sigmoid(e.mul(node.tensor(0), node.float('alpha', 1)))),
  ThresholdedRelu: (node) => e.where(e.greater(node.tensor(0), node.float('alpha', 1)), node.tensor(0), 0),
  Sigmoid: unary(sigmoid),
  HardSigmoid: (node) => hardSigmoid(node.tensor(0), node.float('alpha', 0.2), node.float('beta', 0.5)),
  HardSwish: unary(hardSwish),
  Tanh: unary(tanh),
  Softplus: unary(softplus),
  Softsign: unary((x) => e.div(x, e.add(e.abs(x), 1))),
  Gelu: geluOf,
  Clip: clipped,
  Dropout: dropout,
  ReduceSum: reduction(r.sum),
  ReduceMean: reduction(r.mean),
  ReduceMax: reduction(r.max),
  ReduceMin: reduction(r.min),
  ReduceProd: reduction(r.prod),
  ReduceLogSumExp: reduction(r.logSumExp),
  ReduceL2: reduction(r.l2Norm),
  ReduceL1: reduction((x, axes, options) => r.sum(e.abs(x), axes, options)),
  ReduceSumSquare: reduction((x, axes, options) => r.sum(e.mul(x, x), axes, options)),
  ReduceLogSum: reduction((x, axes, options) => e.log(r.sum(x, axes, options))),
  ArgMax: (node) => placeOfMost(node, node.tensor(0)),
  ArgMin: (node) => placeOfMost(node, e.neg(node.tensor(0))),
  CumSum: (node) => {
    const [axis] = node.numbers(1) ?? [0];
    const [reverse, exclusive] = [node.int('reverse', 0) === 1, node.int('exclusive', 0) === 1];
    return r.cumSum(node.tensor(0), axis, { reverse, exclusive });
  },
  Softmax: (node) => softmax(node.tensor(0), softmaxAxis(node)),
  LogSoftmax: (node) => logSoftmax(node.tensor(0), softmaxAxis(node)),
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  MatMul: binary(product),
  Gemm: gemm,
  Einsum: (node) => einsum(node.text('equation', ''), node.tensors()),
  Transpose: (node) => transpose(node.tensor(0), node.ints('perm')),
};
