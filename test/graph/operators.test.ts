import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor, int32Tensor } from '../../src/runtime/tensors.ts';
import { activations } from './cases/activations.ts';
import { convolution } from './cases/convolution.ts';
import { elementwise } from './cases/elementwise.ts';
import { images } from './cases/images.ts';
import { linear } from './cases/linear.ts';
import { reduce } from './cases/reduce.ts';
import { shape } from './cases/shape.ts';
import { checkGradient } from './check-gradient.ts';

/** Every differentiable operator, each with broadcasting, odd sizes and run-time sizes where it has them. */
const CASES = { ...activations, ...elementwise, ...reduce, ...shape, ...linear, ...convolution, ...images };

describe('gradients against central differences in float64, relative error < 1e-6', () => {
  for (const [name, test] of Object.entries(CASES)) it(name, () => checkGradient(test).then(() => undefined));

  it('covers every exported operator', () => {
    const notOperators = new Set([
      ...['apply', 'apply1', 'broadcastShapes', 'unbroadcast', 'constant', 'input', 'gradients', 'topologicalOrder'],
      ...[
        'writeOnnx',
        'readOnnx',
        'addOutputs',
        'onnxTensorNames',
        'surveyOnnx',
        'SymbolicTensor',
        'isFloat',
        'isKnown',
        'normalizeAxis',
        'showShape',
        'typedArray',
        'count',
      ],
      ...['equal', 'and', 'or', 'not', 'notANumber', 'argMax', 'stopGradient'], // no gradient by definition; see below
    ]);
    const operators = Object.entries(g).flatMap(([name, value]) =>
      typeof value === 'function' && !notOperators.has(name) ? [name] : [],
    );
    const named = new Set(Object.keys(CASES).flatMap((name) => name.split(/\W+/)));
    expect(operators.filter((operator) => !named.has(operator))).toEqual([]);
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

  it('min shares ties; the norm of a zero row has gradient 0', async () => {
    const x = g.input('x', 'float64', [4]);
    const [shared] = g.gradients(g.min(x), [x]);
    const [zero] = g.gradients(g.sum(g.l2Norm(g.reshape(x, [2, 2]), [1])), [x]);
    expect(await evaluate({ shared, zero }, [x], [0, 0, 0, 4])).toEqual({
      shared: [1 / 3, 1 / 3, 1 / 3, 0],
      zero: [0, 0, 0, 1],
    });
  });

  it('reductions and softmax against loops, error < 1e-14', async () => {
    const x = g.input('x', 'float64', [2, 3]);
    const outputs = {
      min: g.min(x, [0]),
      prod: g.prod(x, [1]),
      logSumExp: g.logSumExp(x, [1]),
      l2Norm: g.l2Norm(x),
      softmax: g.softmax(x, 0),
      logSoftmax: g.logSoftmax(x, 0),
    };
    const rows = [
      [3, -1, 2],
      [0.5, 4, 1000],
    ];
    const columns = [0, 1, 2].map((j) => [rows[0][j], rows[1][j]]);
    const logSum = (values: number[]) => {
      const top = Math.max(...values);
      return top + Math.log(values.reduce((total, value) => total + Math.exp(value - top), 0));
    };
    const logShares = rows.flatMap((row) => row.map((value, j) => value - logSum(columns[j])));
    const expected: Record<string, number[]> = {
      min: columns.map((column) => Math.min(...column)),
      prod: rows.map((row) => row.reduce((product, value) => product * value)),
      logSumExp: rows.map(logSum),
      l2Norm: [Math.hypot(...rows.flat())],
      softmax: logShares.map(Math.exp),
      logSoftmax: logShares,
    };
    for (const [name, values] of Object.entries(await evaluate(outputs, [x], rows.flat()))) {
      for (const [i, value] of values.entries()) {
        const scale = Math.max(1, Math.abs(expected[name][i]));
        expect(Math.abs(value - expected[name][i]) / scale, name).toBeLessThan(1e-14);
      }
    }
  });

  it('logSumExpParts against loops, at logits of ±1000 and with hidden entries, absolute error < 1e-6 in float32', async () => {
    const x = g.input('x', 'float32', ['rows', 'n']);
    const { highest, excess } = g.logSumExpParts(x);
    const [gx] = g.gradients(g.sum(excess), [x]);
    const program = await compile({ inputs: [x], outputs: { highest, excess, gx } });
    const hidden = Number.NEGATIVE_INFINITY;
    const rows = [
      [1000, 999.5, -1000, 998],
      [hidden, -3, hidden, -3],
      [hidden, hidden, 7, hidden],
      [-1000, -1000, -1000, -1000],
    ];
    const results = await program.run({ x: floatTensor(Float32Array.from(rows.flat()), [4, 4]) });
    for (const [i, row] of rows.entries()) {
      const top = Math.max(...row);
      const terms = row.map((value) => Math.exp(value - top));
      const total = terms.reduce((a, b) => a + b);
      expect(results.highest.data[i]).toBe(top);
      expect(Math.abs(Number(results.excess.data[i]) - Math.log(total))).toBeLessThan(1e-6);
      for (const [j, term] of terms.entries()) {
        expect(Math.abs(Number(results.gx.data[4 * i + j]) - term / total)).toBeLessThan(1e-6);
      }
    }
    await program.release();
  });

  it('a factor for each row passes through the gradient of a product, transposed or not (1e-12)', async () => {
    const [a, b] = [g.input('a', 'float64', [2, 3]), g.input('b', 'float64', [3, 2])];
    const [factor, plain] = [g.input('factor', 'float64', [2, 1]), g.input('plain', 'float64', [2, 2])];
    const outputs: Record<string, g.SymbolicTensor> = {};
    for (const transposeB of [false, true]) {
      const right = transposeB ? g.transpose(b, [1, 0]) : b;
      const y = g.matmul(a, right, { transposeB });
      // The cotangent of y once as a product with a factor for each row, once as a sum that hides it.
      const product = g.sum(g.mul(g.mul(y, factor), plain));
      const hidden = g.sum(g.mul(y, g.add(g.mul(plain, factor), 0)));
      for (const [name, loss] of Object.entries({ product, hidden })) {
        for (const [i, gradient] of g.gradients(loss, [a, b]).entries()) {
          outputs[`${name} ${transposeB} ${i}`] = gradient;
        }
      }
    }
    const data = [
      [1, -2, 3, 0.5, 4, -1],
      [2, 0.25, -1, 3, 5, -0.5],
      [3, -7],
      [1, 2, -3, 4],
    ];
    const found = await evaluate(outputs, [a, b, factor, plain], ...data);
    for (const transposeB of [false, true]) {
      for (const i of [0, 1]) {
        for (const [k, value] of found[`product ${transposeB} ${i}`].entries()) {
          expect(Math.abs(value - found[`hidden ${transposeB} ${i}`][k])).toBeLessThan(1e-12);
        }
      }
    }
  });

  it('stopGradient is the identity, with gradient 0', async () => {
    const x = g.input('x', 'float64', [2]);
    const y = g.stopGradient(g.mul(x, 3));
    const [gx] = g.gradients(g.sum(g.mul(y, x)), [x]);
    expect(await evaluate({ y, gx }, [x], [1, -2])).toEqual({ y: [3, -6], gx: [3, -6] });
  });

  it('truth values, rounding and cumulative sums', async () => {
    const x = g.input('x', 'float64', [4]);
    const [positive, large] = [g.greater(x, 0), g.greater(x, 2)];
    const number = (condition: g.SymbolicTensor) => g.cast(condition, 'float64');
    const outputs = {
      and: number(g.and(positive, large)),
      or: number(g.or(positive, large)),
      not: number(g.not(positive)),
      notANumber: number(g.notANumber(g.sqrt(x))),
      floor: g.floor(x),
      ceil: g.ceil(x),
      round: g.round(x),
      cumSum: g.cumSum(x, 0),
      after: g.cumSum(x, 0, { reverse: true, exclusive: true }),
    };
    expect(await evaluate(outputs, [x], [-1.5, 0.5, 1.5, 3])).toEqual({
      and: [0, 0, 0, 1],
      or: [0, 1, 1, 1],
      not: [1, 0, 0, 0],
      notANumber: [1, 0, 0, 0],
      floor: [-2, 0, 1, 3],
      ceil: [-1, 1, 2, 3],
      round: [-2, 0, 2, 3],
      cumSum: [-1.5, -1, 0.5, 3.5],
      after: [5, 4.5, 3, 0],
    });
    const place = g.cast(g.argMax(g.reshape(x, [2, 2]), 0, { keepDimensions: true }), 'float64');
    expect(place.shape).toEqual([1, 2]);
    expect(await evaluate({ place }, [x], [3, 1, 2, 1])).toEqual({ place: [0, 0] });
    expect(() => g.and(x, positive)).toThrow(/And: expected two bool tensors/);
  });

  it('a tensor that the loss does not use gets zeros of its own shape', async () => {
    const [x, unused] = [g.input('x', 'float64', [2]), g.input('unused', 'float64', [1, 3])];
    const [, gu] = g.gradients(g.sum(x), [x, unused]);
    expect(await evaluate({ gu }, [x, unused], [1, 2], [7, 8, 9])).toEqual({ gu: [0, 0, 0] });
  });

  // As many numbers as several threads share among them: ScatterND lost some of the sums then.
  it.each<[string, (rows: g.SymbolicTensor, places: g.SymbolicTensor, table: g.SymbolicTensor) => g.SymbolicTensor]>([
    ['scatterAdd', (rows, places, table) => g.scatterAdd(rows, places, table)],
    ['the gradient of gather', (rows, places, table) => g.gradients(g.sum(g.mul(g.gather(table, places), rows)), [table])[0]], // biome-ignore format: one line
    [
      'scatterAdd, last axis',
      (rows, places, table) => g.transpose(g.scatterAdd(g.transpose(rows), places, g.transpose(table), 1)),
    ],
    ['scatterND, added', (rows, places, table) => g.scatterND(table, g.unsqueeze(places, [1]), rows, 'add')],
    [
      'the gradient of gatherND',
      (rows, places, table) => {
        const picked = g.gatherND(table, g.unsqueeze(places, [1]));
        return g.gradients(g.sum(g.mul(picked, rows)), [table])[0];
      },
    ],
  ])('%s: repeated rows add up to the last one, every time', async (_, build) => {
    const [n, width, size] = [8192, 128, 7];
    const rows = g.input('rows', 'float32', ['n', width]);
    const places = g.input('places', 'int32', ['n']);
    const table = g.input('table', 'float32', [size, width]);
    const program = await compile({ inputs: [rows, places, table], outputs: { y: build(rows, places, table) } });
    // Whole numbers, whose sums are exact in any order.
    const data = Float32Array.from({ length: n * width }, (_, k) => ((k * 7919) % 17) - 8);
    const indices = Int32Array.from({ length: n }, (_, i) => ((i * i) % size) - (i % 3 === 0 ? size : 0));
    const expected = new Float32Array(size * width);
    for (let i = 0; i < n; i++) {
      const row = (indices[i] + size) % size;
      for (let j = 0; j < width; j++) expected[row * width + j] += data[i * width + j];
    }
    const feeds = {
      rows: floatTensor(data, [n, width]),
      places: int32Tensor(indices, [n]),
      table: floatTensor(new Float32Array(size * width), [size, width]),
    };
    for (let k = 0; k < 10; k++) expect((await program.run(feeds)).y.data).toEqual(expected);
    await program.release();
  });
});
