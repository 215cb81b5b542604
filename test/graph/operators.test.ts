import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import type { Random } from '../../src/matrix/random.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor, int32Tensor } from '../../src/runtime/tensors.ts';
import { checkGradient, type GradientCase } from './check-gradient.ts';

const positive = (random: Random) => 0.2 + random.uniform() * 3;

const integers = (values: number[], shape: number[]) => g.constant(Int32Array.from(values), 'int32', shape);

/** Every differentiable operator, each with broadcasting, odd sizes and run-time sizes where it has them. */
const CASES: Record<string, GradientCase> = {
  'add, broadcast both ways': {
    shapes: [
      [3, 1],
      [1, 5],
    ],
    build: ([a, b]) => g.add(a, b),
  },
  'add, a tensor used twice': { shapes: [[4]], build: ([a]) => g.mul(g.add(a, a), a) },
  'add, scalar operand': { shapes: [[2, 3]], build: ([a]) => g.add(2, g.mul(a, a)) },
  'sub, lower rank': { shapes: [[2, 3], [3]], build: ([a, b]) => g.sub(a, b) },
  'mul, run-time sizes': {
    shapes: [[2, 3], [3]],
    symbolic: [['batch', 'width'], ['width']],
    build: ([a, b]) => g.mul(a, b),
  },
  'div, broadcast': {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: ([a, b]) => g.div(a, b),
    values: positive,
  },
  maximum: {
    shapes: [
      [3, 4],
      [3, 4],
    ],
    build: ([a, b]) => g.maximum(a, b),
  },
  minimum: { shapes: [[3, 4], [4]], build: ([a, b]) => g.minimum(a, b) },
  neg: { shapes: [[3]], build: ([a]) => g.neg(a) },
  exp: { shapes: [[2, 3]], build: ([a]) => g.exp(a) },
  log: { shapes: [[2, 3]], build: ([a]) => g.log(a), values: positive },
  sqrt: { shapes: [[2, 3]], build: ([a]) => g.sqrt(a), values: positive },
  abs: { shapes: [[2, 3]], build: ([a]) => g.abs(a) },
  sign: { shapes: [[5]], build: ([a]) => g.sign(a) },
  'erf, inside and outside ±6': { shapes: [[4, 5]], build: ([a]) => g.erf(a), values: (r) => 3 * r.normal() },
  where: {
    shapes: [
      [3, 4],
      [1, 4],
    ],
    build: ([a, b]) => g.where(g.greater(a, b), g.mul(a, b), g.mul(b, b)),
  },
  'where, greaterOrEqual, a constant side': { shapes: [[6]], build: ([a]) => g.where(g.greaterOrEqual(a, 0), a, 0.5) },
  'cast, float64 to float64 through float32': {
    shapes: [[3]],
    build: ([a]) => g.add(g.mul(a, a), g.mul(0, g.cast(g.cast(a, 'float32'), 'float64'))),
  },
  expand: {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    build: ([a, b]) => g.add(g.neg(g.expand(a, b)), b),
  },
  'expand, run-time size': {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    symbolic: [
      ['batch', 1],
      ['batch', 'n'],
    ],
    build: ([a, b]) => g.mul(g.exp(g.expand(a, b)), b),
  },
  'sum, all': { shapes: [[2, 3]], build: ([a]) => g.sum(g.mul(a, a)) },
  'sum, one axis': { shapes: [[2, 3, 2]], build: ([a]) => g.sum(g.mul(a, a), [1]) },
  'sum, kept': { shapes: [[2, 3]], build: ([a]) => g.mul(g.sum(a, [-1], { keepDimensions: true }), a) },
  'mean, run-time size': {
    shapes: [[3, 4]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.mean(g.mul(a, a)),
  },
  'mean, one axis': { shapes: [[3, 4]], build: ([a]) => g.mean(g.exp(a), [0]) },
  max: { shapes: [[3, 5]], build: ([a]) => g.max(a, [1]) },
  'max, kept, all': { shapes: [[3, 5]], build: ([a]) => g.mul(g.max(a, [0, 1], { keepDimensions: true }), a) },
  reshape: { shapes: [[2, 6]], build: ([a]) => g.exp(g.reshape(a, [3, 4])) },
  'reshape, run-time sizes': {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 4]],
    build: ([a]) => g.exp(g.reshape(a, ['batch', 'length', 2, 2])),
  },
  flattenRows: {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 4]],
    build: ([a]) => g.exp(g.flattenRows(a)),
  },
  transpose: { shapes: [[2, 3, 4]], build: ([a]) => g.exp(g.transpose(a, [2, 0, 1])) },
  'unsqueeze and squeeze, run-time sizes': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'width']],
    build: ([a]) => g.squeeze(g.exp(g.squeeze(g.unsqueeze(g.unsqueeze(a, 1), -1), -1)), 1),
  },
  concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    build: ([a, b]) => g.exp(g.concat([a, b, a], 1)),
  },
  slice: { shapes: [[2, 5]], build: ([a]) => g.exp(g.slice(a, -1, 1, 4)) },
  pad: { shapes: [[2, 3]], build: ([a]) => g.exp(g.pad(a, 0, 1, 2)) },
  'matmul, plain': {
    shapes: [
      [2, 3],
      [3, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b)),
  },
  'matmul, aᵀ': {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeA: true })),
  },
  'matmul, bᵀ': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeB: true })),
  },
  'matmul, aᵀbᵀ': {
    shapes: [
      [3, 2],
      [4, 3],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeA: true, transposeB: true })),
  },
  'matmul, a linear layer over run-time rows': {
    shapes: [
      [2, 3, 4],
      [4, 2],
    ],
    symbolic: [
      ['batch', 'length', 4],
      [4, 2],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b)),
  },
  'matmul, stacks, broadcast and transposed': {
    shapes: [
      [2, 1, 3, 4],
      [5, 2, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeB: true })),
  },
  'gather, repeated rows': { shapes: [[5, 2]], build: ([a]) => g.exp(g.gather(a, integers([4, 0, 4, 2], [2, 2]))) },
  scatterAdd: {
    shapes: [
      [4, 2],
      [3, 2],
    ],
    build: ([rows, table]) => g.add(g.exp(g.scatterAdd(rows, integers([2, 0, 2, 2], [4]), table)), table),
  },
  softmax: { shapes: [[3, 4]], build: ([a]) => g.softmax(a) },
  logSoftmax: { shapes: [[3, 4]], build: ([a]) => g.logSoftmax(a) },
  layerNormalization: {
    shapes: [[2, 3, 5], [5], [5]],
    build: ([x, scale, bias]) => g.layerNormalization(x, scale, bias, 1e-5),
  },
};

describe('gradients against central differences in float64, relative error < 1e-6', () => {
  for (const [name, test] of Object.entries(CASES)) it(name, () => checkGradient(test).then(() => undefined));

  it('covers every exported operator', () => {
    const notOperators = new Set([
      ...['apply', 'apply1', 'broadcastShapes', 'unbroadcast', 'constant', 'input', 'gradients', 'topologicalOrder'],
      ...['writeOnnx', 'SymbolicTensor', 'isFloat', 'normalizeAxis', 'showShape', 'typedArray', 'count'],
      ...['equal', 'stopGradient'], // no gradient by definition; see below
    ]);
    const operators = Object.entries(g).flatMap(([name, value]) =>
      typeof value === 'function' && !notOperators.has(name) ? [name] : [],
    );
    const named = Object.keys(CASES).join(' ');
    expect(operators.filter((operator) => !named.includes(operator))).toEqual([]);
  });

  it('fails on a wrong gradient', async () => {
    // A function whose stated gradient is deliberately not its own: sin's derivative given for exp.
    const wrong: g.Operator = {
      name: 'Exp',
      infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
      emit: (emitter, { inputNames, outputNames }) => emitter.node('Exp', inputNames, outputNames),
      vjp: ({ inputs: [x] }, [cotangent]) => (cotangent ? [g.mul(cotangent, x)] : []),
    };
    await expect(checkGradient({ shapes: [[3]], build: ([x]) => g.apply1(wrong, [x], undefined) })).rejects.toThrow();
  });
});

async function evaluate(outputs: Record<string, g.SymbolicTensor>, inputs: g.SymbolicTensor[], ...data: number[][]) {
  const program = await compile({ inputs, outputs });
  const feeds = Object.fromEntries(
    inputs.map((x, i) => [
      (x.source as { name: string }).name,
      floatTensor(Float64Array.from(data[i]), x.shape as number[]),
    ]),
  );
  const results = await program.run(feeds);
  await program.release();
  return Object.fromEntries(Object.entries(results).map(([name, t]) => [name, Array.from(t.data as Float64Array)]));
}

describe('values', () => {
  it('erf in float64, absolute error < 2e-15', async () => {
    const x = g.input('x', 'float64', [7]);
    const { y } = await evaluate({ y: g.erf(x) }, [x], [0, 0.5, 1, 2, -3, 5.5, 40]);
    // Reference digits: Python's math.erf.
    const expected = [
      0, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, -0.9999779095030014, 0.9999999999999927, 1,
    ];
    for (const [i, value] of y.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(2e-15);
  });

  it('ties: maximum gives the gradient to its first operand, max shares it', async () => {
    const x = g.input('x', 'float64', [3]);
    const [first] = g.gradients(g.sum(g.maximum(x, 2)), [x]);
    const [shared] = g.gradients(g.max(x), [x]);
    expect(await evaluate({ first, shared }, [x], [2, 2, 1])).toEqual({ first: [1, 1, 0], shared: [0.5, 0.5, 0] });
  });

  it('stopGradient is the identity, with gradient 0', async () => {
    const x = g.input('x', 'float64', [2]);
    const y = g.stopGradient(g.mul(x, 3));
    const [gx] = g.gradients(g.sum(g.mul(y, x)), [x]);
    expect(await evaluate({ y, gx }, [x], [1, -2])).toEqual({ y: [3, -6], gx: [3, -6] });
  });

  it('a tensor that the loss does not use gets zeros of its own shape', async () => {
    const [x, unused] = [g.input('x', 'float64', [2]), g.input('unused', 'float64', [1, 3])];
    const [, gu] = g.gradients(g.sum(x), [x, unused]);
    expect(await evaluate({ gu }, [x, unused], [1, 2], [7, 8, 9])).toEqual({ gu: [0, 0, 0] });
  });

  it('scatterAdd adds repeated rows exactly, the same bits every time', async () => {
    const [n, width, table] = [5000, 8, 7];
    const rows = g.input('rows', 'float32', [n, width]);
    const places = g.input('places', 'int32', [n]);
    const like = g.input('like', 'float32', [table, width]);
    const program = await compile({ inputs: [rows, places, like], outputs: { y: g.scatterAdd(rows, places, like) } });
    const data = Float32Array.from({ length: n * width }, (_, i) => Math.sin(i) * 1000);
    const indices = Int32Array.from({ length: n }, (_, i) => (i * i) % table);
    const expected = new Float64Array(table * width);
    for (let i = 0; i < n; i++) for (let j = 0; j < width; j++) expected[indices[i] * width + j] += data[i * width + j];
    const feeds = {
      rows: floatTensor(data, [n, width]),
      places: int32Tensor(indices, [n]),
      like: floatTensor(new Float32Array(table * width), [table, width]),
    };
    const first = (await program.run(feeds)).y.data as Float32Array;
    for (const [i, value] of first.entries()) expect(Math.abs(value - expected[i])).toBeLessThan(0.5);
    for (let k = 0; k < 20; k++) expect((await program.run(feeds)).y.data).toEqual(first);
    await program.release();
  });
});
