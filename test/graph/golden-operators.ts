/** What the cases of test/goldens/operators.json are here, and their computation: in Node, and in a browser (test/web). */
import * as g from '../../src/graph/index.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

interface Stored {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

export interface Golden {
  readonly name: string;
  readonly inputs: readonly Stored[];
  readonly weights: readonly number[];
  readonly y: Stored;
  readonly gradients: readonly (readonly number[])[];
}

const int64 = (values: number[], shape: number[]) => g.constant(BigInt64Array.from(values, BigInt), 'int64', shape);
const kept = { keepDimensions: true };
const repeated = int64([0, 0, 2, 2], [2, 2]);
const picked = int64([1, 2, 0, 0, 1, 2], [3, 2]);

export type Build = (...inputs: g.SymbolicTensor[]) => g.SymbolicTensor;

/** What each case of operators.py is here. */
export const BUILDS: Record<string, Build> = {
  relu: g.relu,
  'leakyRelu, slope 0.1': (x) => g.leakyRelu(x, 0.1),
  gelu: g.gelu,
  sigmoid: g.sigmoid,
  'hardSigmoid, slope 1/6': (x) => g.hardSigmoid(x, 1 / 6),
  hardSwish: g.hardSwish,
  tanh: g.tanh,
  softplus: g.softplus,
  'clip, -0.5 to 1': (x) => g.clip(x, -0.5, 1),
  'pow, exponent 3': (x) => g.pow(x, 3),
  'pow, broadcast': g.pow,
  reciprocal: g.reciprocal,
  sin: g.sin,
  cos: g.cos,
  exp: g.exp,
  log: g.log,
  sqrt: g.sqrt,
  abs: g.abs,
  erf: g.erf,
  'add, broadcast': g.add,
  'sub, broadcast': g.sub,
  'mul, broadcast': g.mul,
  'div, broadcast': g.div,
  'maximum, broadcast': g.maximum,
  'minimum, broadcast': g.minimum,
  'where, first greater': (a, b) => g.where(g.greater(a, b), g.mul(a, b), b),
  'sum, axis 1': (x) => g.sum(x, [1]),
  'mean, axes 0 and 2': (x) => g.mean(x, [0, 2]),
  'max, axis 1': (x) => g.max(x, [1]),
  'min, axis 0, kept': (x) => g.min(x, [0], kept),
  'prod, axis 1': (x) => g.prod(x, [1]),
  'logSumExp, axis 1': (x) => g.logSumExp(x, [1]),
  'l2Norm, axis -1': (x) => g.l2Norm(x, [-1]),
  'softmax, axis 1': (x) => g.softmax(x, 1),
  'logSoftmax, axis 0': (x) => g.logSoftmax(x, 0),
  'matmul, stacks': (a, b) => g.matmul(a, b),
  'einsum, bik,bjk,k->bij': (...inputs) => g.einsum('bik,bjk,k->bij', inputs),
  'transpose, 2 0 1': (x) => g.transpose(x, [2, 0, 1]),
  'reshape, 4 3': (x) => g.reshape(x, [4, 3]),
  'concat, axis 1': (a, b) => g.concat([a, b, a], 1),
  'split, 1 3 2, first times last': (x) => {
    const [first, , last] = g.split(x, 1, [1, 3, 2]);
    return g.mul(first, last);
  },
  'expand, 2 3 4': (x) => g.expandTo(x, [2, 3, 4]),
  'slice, 1 to 6 by 2': (x) => g.slice(x, 1, 1, 6, 2),
  'slice, turned round': (x) => g.slice(x, 1, -1, undefined, -1),
  'pad, 2 and 1 of 0.5': (x) => g.pad(x, 1, 2, 1, { value: 0.5 }),
  'pad, reflect': (x) => g.pad(x, 2, 3, 2, { mode: 'reflect' }),
  'pad, edge': (x) => g.pad(x, 2, 2, 1, { mode: 'edge' }),
  'tile, 2 3': (x) => g.tile(x, [2, 3]),
  'gather, 2 0 2 of axis 1': (x) => g.gather(x, int64([2, 0, 2], [3]), 1),
  'gatherElements, axis 0, repeated': (x) => g.gatherElements(x, repeated, 0),
  'scatterElements, axis 1': (x, updates) => g.scatterElements(x, int64([3, 0, 1, 2], [2, 2]), updates, 1),
  'scatterElements, added, axis 0': (x, updates) => g.scatterElements(x, repeated, updates, 0, 'add'),
  gatherND: (x) => g.gatherND(x, picked),
  'scatterND, added': (x, updates) => g.scatterND(x, picked, updates, 'add'),
  layerNormalization: (x, scale, bias) => g.layerNormalization(x, scale, bias, 1e-5),
  batchNormalization: (x, scale, bias) => g.batchNormalization(x, scale, bias, 1e-3).y,
  batchNormalizationInference: (x, scale, bias, mean, variance) =>
    g.batchNormalizationInference(x, scale, bias, mean, variance),
  instanceNormalization: (x, scale, bias) => g.instanceNormalization(x, scale, bias, 1e-3),
  'groupNormalization, 2 groups': (x, scale, bias) => g.groupNormalization(x, 2, scale, bias, 1e-3),
  'conv, one axis': (x, w, bias) => g.conv(x, w, { bias, pads: [1, 1] }),
  'conv, groups 2, stride 2 1, dilation 1 2, pads 1 0': (x, w, bias) =>
    g.conv(x, w, { bias, strides: [2, 1], pads: [1, 0, 1, 0], dilations: [1, 2], groups: 2 }),
  'conv, depthwise, stride 2': (x, w) => g.conv(x, w, { strides: [2, 2], pads: [1, 1, 1, 1], groups: 3 }),
  'convTranspose, stride 2, pads 1, output pads 1': (x, w, bias) =>
    g.convTranspose(x, w, { bias, strides: [2, 2], pads: [1, 1, 1, 1], outputPads: [1, 1] }),
  'convTranspose, groups 2, dilation 2': (x, w) => g.convTranspose(x, w, { groups: 2, dilations: [2, 2] }),
  'maxPool, 3, stride 2, pads 1': (x) => g.maxPool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  'maxPool, 2, stride 2, rounded up': (x) => g.maxPool(x, [2, 2], { strides: [2, 2], ceil: true }),
  'averagePool, 3, stride 2, pads 1': (x) => g.averagePool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }),
  'averagePool, 3, stride 2, pads 1 that count, rounded up': (x) =>
    g.averagePool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], countPads: true, ceil: true }),
  globalAveragePool: g.globalAveragePool,
  globalMaxPool: g.globalMaxPool,
  'resize, nearest, asymmetric, floor, 5 4': (x) =>
    g.resize(x, { sizes: [5, 4], coordinates: 'asymmetric', rounding: 'floor' }),
  'resize, linear, 5 4': (x) => g.resize(x, { sizes: [5, 4], mode: 'linear' }),
  'resize, linear, corners aligned, 5 4': (x) =>
    g.resize(x, { sizes: [5, 4], mode: 'linear', coordinates: 'alignCorners' }),
};

/** Result and gradients of one case, `y` and `g0`, `g1`, …, in the number type asked for. */
export async function compute(golden: Golden, build: Build, dtype: g.FloatType) {
  const inputs = golden.inputs.map(({ shape }, i) => g.input(`x${i}`, dtype, shape));
  const y = build(...inputs);
  const weights = g.input('weights', dtype, y.shape);
  const gradients = g.gradients(g.sum(g.mul(y, weights)), inputs);
  const program = await compile({
    inputs: [...inputs, weights],
    outputs: { y, ...Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient])) },
  });
  const array = (values: readonly number[]) => g.ARRAY_TYPES[dtype].from(values);
  const results = await program.run({
    ...Object.fromEntries(golden.inputs.map(({ values, shape }, i) => [`x${i}`, floatTensor(array(values), shape)])),
    weights: floatTensor(array(golden.weights), golden.y.shape),
  });
  await program.release();
  return results;
}
