/** Values of the activation functions where they are hard: far out, at their kinks, and outside their domains. */
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { caught } from '../caught.ts';

type Unary = (x: g.SymbolicTensor) => g.SymbolicTensor;

/** f and its derivative at some points. */
async function evaluate(f: Unary, points: readonly number[], dtype: g.FloatType = 'float64') {
  const x = g.input('x', dtype, [points.length]);
  const y = f(x);
  const [gradient] = g.gradients(g.sum(y), [x]);
  const program = await compile({ inputs: [x], outputs: { y, gradient } });
  const results = await program.run({ x: floatTensor(g.ARRAY_TYPES[dtype].from(points), [points.length]) });
  await program.release();
  return { y: Array.from(results.y.data, Number), gradient: Array.from(results.gradient.data, Number) };
}

const relativeError = (actual: readonly number[], expected: readonly number[]) =>
  Math.max(...actual.map((value, i) => Math.abs(value - expected[i]) / (Math.abs(expected[i]) || 1)));

const exactSoftplus = (x: number) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const exactSigmoid = (x: number) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)));

describe.each([
  ['softplus', g.softplus, 1e30],
  ['boundedSoftplus', g.boundedSoftplus, 88],
] as const)('%s', (_, softplus, largest) => {
  const points = [-700, -100, -40, -37, -36, -20, -1, -1e-3, 0, 1e-9, 0.5, 3, 20, 36, 100, 700];
  const points32 = [-80, -30, -17, -16, -15, -3, -1, 0, 0.5, 3, 7, 10, 16, 17, 80, largest, Number.NEGATIVE_INFINITY];

  it('float64: relative error < 1e-14, also where 1 + e^x rounds to 1', async () => {
    const { y } = await evaluate(softplus, points);
    expect(relativeError(y, points.map(exactSoftplus))).toBeLessThan(1e-14);
  });

  it('float32: relative error < 1e-6', async () => {
    const { y } = await evaluate(softplus, points32, 'float32');
    expect(relativeError(y, points32.map(exactSoftplus))).toBeLessThan(1e-6);
  });

  it('its gradient: relative error < 1e-12 in float64, 1e-5 in float32', async () => {
    const { gradient } = await evaluate(softplus, points);
    expect(relativeError(gradient, points.map(exactSigmoid))).toBeLessThan(1e-12);
    const single = await evaluate(softplus, points32, 'float32');
    expect(relativeError(single.gradient, points32.map(exactSigmoid))).toBeLessThan(1e-5);
  });
});

describe('sigmoid', () => {
  it('absolute error < 1e-7 in float32, 1e-15 in float64', async () => {
    const points = [-1000, -50, -20, -18, -3, 0, 1, 18, 50, 1000];
    for (const [dtype, bound] of [['float32', 1e-7] as const, ['float64', 1e-15] as const]) {
      const { y } = await evaluate(g.sigmoid, points, dtype);
      for (const [i, value] of y.entries()) expect(Math.abs(value - exactSigmoid(points[i]))).toBeLessThan(bound);
    }
  });
});

/** Φ by Simpson's rule from 0: nothing in common with the series that computes erf in the graph. */
function normalDistribution(x: number): number {
  const density = (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI);
  const [n, h] = [2000, x / 2000];
  let total = density(0) + density(x);
  for (let k = 1; k < n; k++) total += (k % 2 === 1 ? 4 : 2) * density(k * h);
  return 0.5 + (total * h) / 3;
}

describe('values against their definitions, float64 error < 1e-12, float32 < 1e-6', () => {
  const points = [-9, -4, -3, -2.9, -1, -0.3, 0, 0.2, 1, 2.9, 3, 5];
  const definitions: [string, Unary, (x: number) => number][] = [
    ['relu', g.relu, (x) => Math.max(x, 0)],
    ['leakyRelu', g.leakyRelu, (x) => (x > 0 ? x : 0.01 * x)],
    ['leakyRelu, slope', (x) => g.leakyRelu(x, 0.3), (x) => (x > 0 ? x : 0.3 * x)],
    ['gelu', g.gelu, (x) => x * normalDistribution(x)],
    ['tanh', g.tanh, Math.tanh],
    ['hardSigmoid', g.hardSigmoid, (x) => Math.min(1, Math.max(0, 0.2 * x + 0.5))],
    ['hardSigmoid, slope', (x) => g.hardSigmoid(x, 0.3, 0.4), (x) => Math.min(1, Math.max(0, 0.3 * x + 0.4))],
    ['hardSwish', g.hardSwish, (x) => (x * Math.min(6, Math.max(0, x + 3))) / 6],
    ['clip', (x) => g.clip(x, -1, 2), (x) => Math.min(2, Math.max(-1, x))],
    ['pow', (x) => g.pow(x, 3), (x) => x ** 3],
    ['reciprocal', (x) => g.reciprocal(g.add(x, 10)), (x) => 1 / (x + 10)],
    ['sin', g.sin, Math.sin],
    ['cos', g.cos, Math.cos],
  ];
  for (const [name, f, definition] of definitions) {
    it(name, async () => {
      for (const [dtype, bound] of [['float32', 1e-6] as const, ['float64', 1e-12] as const]) {
        const { y } = await evaluate(f, points, dtype);
        for (const [i, value] of y.entries()) {
          const expected = definition(dtype === 'float32' ? Math.fround(points[i]) : points[i]);
          expect(Math.abs(value - expected) / Math.max(1, Math.abs(expected))).toBeLessThan(bound);
        }
      }
    });
  }
});

describe('kinks', () => {
  it('relu, leakyRelu and clip at their kinks', async () => {
    expect(await evaluate(g.relu, [-1, 0, 1])).toEqual({ y: [0, 0, 1], gradient: [0, 0, 1] });
    const small = await evaluate(g.relu, [-1, -1e-30, 0, 2e-38, 1e-30, 3e38], 'float32');
    expect(small.gradient).toEqual([0, 0, 0, 1, 1, 1]);
    expect(await evaluate((x) => g.leakyRelu(x, 0.5), [-2, 0, 2])).toEqual({ y: [-1, 0, 2], gradient: [0.5, 0.5, 1] });
    const clipped = await evaluate((x) => g.clip(x, -1, 1), [-2, -1, 0, 1, 2]);
    expect(clipped).toEqual({ y: [-1, -1, 0, 1, 1], gradient: [0, 1, 1, 1, 0] });
  });

  it('hardSwish and hardSigmoid reach their ends', async () => {
    expect((await evaluate(g.hardSwish, [-4, -3, 4])).y).toEqual([-0, -0, 4]);
    expect((await evaluate(g.hardSigmoid, [-2.5, 0, 2.5])).y).toEqual([0, 0.5, 1]);
  });

  it('clip: bounds the wrong way round are INVALID_ARGUMENT', () => {
    const x = g.input('x', 'float32', [2]);
    const error = caught(() => g.clip(x, 1, -1));
    expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', 'clip: expected low ≤ high, got 1 and -1.']);
    expect(caught(() => g.clip(x, Number.NaN, 1)).code).toBe('INVALID_ARGUMENT');
  });
});

describe('pow', () => {
  it('at 0: the limits of the gradient, never NaN', async () => {
    expect(await evaluate((x) => g.pow(x, 2), [0, -3])).toEqual({ y: [0, 9], gradient: [0, -6] });
    expect(await evaluate((x) => g.pow(x, 0), [0, 2])).toEqual({ y: [1, 1], gradient: [0, 0] });
    expect(await evaluate((x) => g.pow(0, x), [2, 1])).toEqual({ y: [0, 0], gradient: [0, 0] });
  });
});

describe('dropout', () => {
  it('keeps what the mask keeps, divided by the share that is kept; the mask may be bool or numbers', async () => {
    const bool = g.constant(Uint8Array.of(1, 0, 1), 'bool');
    const numbers = g.constant(Float32Array.of(1, 0, 1), 'float32');
    for (const mask of [bool, numbers]) {
      const result = await evaluate((x) => g.dropout(x, mask, 0.2), [4, 8, -2]);
      expect(result).toEqual({ y: [5, 0, -2.5], gradient: [1.25, 0, 1.25] });
    }
  });
});

describe('cast', () => {
  it('to whole numbers rounds towards zero; to bool asks for ≠ 0; neither carries a gradient', async () => {
    const there = (dtype: g.DataType) => (x: g.SymbolicTensor) => g.cast(g.cast(x, dtype), 'float64');
    const points = [-1.7, 0, 0.4, 2.5];
    const none = [0, 0, 0, 0];
    expect(await evaluate(there('int64'), points)).toEqual({ y: [-1, 0, 0, 2], gradient: none });
    expect(await evaluate(there('int32'), points)).toEqual({ y: [-1, 0, 0, 2], gradient: none });
    expect(await evaluate(there('bool'), points)).toEqual({ y: [1, 0, 1, 1], gradient: none });
  });
});
