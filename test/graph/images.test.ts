/**
 * Pools, normalisation per channel and resizing in float32: values and gradients against loops in float64, and against ONNX
 * Runtime's own operators where the engine writes something else. Tolerance: 1e-5 of the largest entry.
 */
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { caught } from '../caught.ts';
import { Block, eachWindow, type NaivePool } from './naive-windows.ts';

const TOLERANCE = 1e-5;

function expectClose(
  actual: { dims: readonly number[]; data: ArrayLike<unknown> },
  expected: Block,
  name: string,
): void {
  expect(actual.dims, name).toEqual(expected.shape);
  const scale = Math.max(...Array.from(expected.data, Math.abs));
  const worst = Math.max(...Array.from(expected.data, (value, i) => Math.abs(Number(actual.data[i]) - value)));
  expect(worst / scale, name).toBeLessThan(TOLERANCE);
}

/** Values in float32, and the gradient by x of Σ weights · y. */
async function run(build: (x: g.SymbolicTensor) => g.SymbolicTensor, x: Block, weights: Block, open = false) {
  const symbolic = g.input('x', 'float32', open ? ['batch', x.shape[1], 'height', 'width'] : x.shape);
  const y = build(symbolic);
  const weight = g.input('weight', 'float32', y.shape);
  const [gx] = g.gradients(g.sum(g.mul(y, weight)), [symbolic]);
  const program = await compile({ inputs: [symbolic, weight], outputs: { y, gx } });
  const results = await program.run({
    x: floatTensor(Float32Array.from(x.data), x.shape),
    weight: floatTensor(Float32Array.from(weights.data), weights.shape),
  });
  await program.release();
  return results;
}

/** One node of ONNX, run as it is by ONNX Runtime. */
async function runNode(
  type: string,
  x: Block,
  attributes: onnxProto.onnx.IAttributeProto[],
  constants: ort.Tensor[] = [],
) {
  const names = constants.map((_, i) => `constant${i}`);
  const shape = { dim: x.shape.map((dimValue) => ({ dimValue })) };
  const model = onnxProto.onnx.ModelProto.encode({
    irVersion: 8,
    opsetImport: [{ domain: '', version: g.OPSET }],
    graph: {
      name: type,
      node: [{ opType: type, input: ['x', ...names], output: ['y'], attribute: attributes }],
      input: [{ name: 'x', type: { tensorType: { elemType: 1, shape } } }],
      output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
      initializer: constants.map(({ data, dims, type: kind }, i) => ({
        name: names[i],
        dims: [...dims],
        dataType: kind === 'int64' ? 7 : 1,
        rawData: new Uint8Array((data as Float32Array).buffer),
      })),
    },
  }).finish();
  const session = await ort.InferenceSession.create(model, { logSeverityLevel: 3 });
  const { y } = await session.run({ x: new ort.Tensor('float32', Float32Array.from(x.data), x.shape) });
  await session.release();
  return new Block(y.dims, Float64Array.from(y.data as Float32Array));
}

const { AttributeType } = onnxProto.onnx.AttributeProto;
const ints = (name: string, values: readonly number[]) => ({ name, type: AttributeType.INTS, ints: [...values] });
const int = (name: string, i: number) => ({ name, type: AttributeType.INT, i });
const text = (name: string, value: string) => ({
  name,
  type: AttributeType.STRING,
  s: new TextEncoder().encode(value),
});

interface PoolCase {
  readonly name: string;
  readonly x: readonly number[];
  readonly kernel: readonly [number, number];
  readonly strides?: readonly [number, number];
  readonly dilations?: readonly [number, number];
  readonly pads?: readonly [number, number, number, number];
  readonly y: readonly number[];
  readonly ceil?: boolean;
}

const POOLS: PoolCase[] = [
  { name: 'disjoint', x: [2, 3, 6, 4], kernel: [2, 2], strides: [2, 2], y: [2, 3, 3, 2] },
  { name: 'overlapping, pads', x: [2, 3, 7, 6], kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], y: [2, 3, 4, 3] },
  {
    name: 'unequal, pads before only',
    x: [1, 2, 5, 7],
    kernel: [2, 3],
    strides: [1, 2],
    pads: [1, 2, 0, 0],
    y: [1, 2, 5, 4],
  },
  { name: 'dilations', x: [1, 2, 7, 7], kernel: [2, 3], dilations: [3, 2], y: [1, 2, 4, 3] },
  { name: 'rounded up', x: [2, 2, 6, 7], kernel: [3, 2], strides: [2, 2], ceil: true, y: [2, 2, 3, 4] },
  {
    name: 'rounded up, no window beyond the end',
    x: [1, 1, 4, 4],
    kernel: [2, 2],
    strides: [3, 3],
    ceil: true,
    y: [1, 1, 2, 2],
  },
  {
    name: 'rounded up, pads',
    x: [1, 1, 6, 5],
    kernel: [3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    ceil: true,
    y: [1, 1, 4, 3],
  },
  {
    name: 'rounded up, windows that begin beyond the end left out',
    x: [1, 1, 3, 6],
    kernel: [2, 2],
    strides: [3, 3],
    ceil: true,
    y: [1, 1, 1, 2],
  },
  {
    name: 'rounded up, the last window would begin on a pad',
    x: [1, 1, 2, 2],
    kernel: [3, 3],
    strides: [3, 3],
    pads: [1, 1, 1, 1],
    ceil: true,
    y: [1, 1, 1, 1],
  },
];

describe('pools in float32 against loops in float64, error < 1e-5 of the largest entry', () => {
  for (const { name, x: shape, kernel, y, ceil = false, ...given } of POOLS) {
    const { strides = [1, 1], dilations = [1, 1], pads = [0, 0, 0, 0] } = given;
    const windows: NaivePool = { kernel, strides, dilations, pads: [pads[0], pads[1]] };
    const x = Block.random(shape, 3);
    const weights = Block.random(y, 4);
    const options = { strides, dilations, pads, ceil };
    const needsKnownSizes = ceil && strides.some((stride, i) => pads[i + 2] + stride - 1 >= kernel[i]);

    it(`maxPool, ${name}`, async () => {
      const [value, gradient] = [new Block(y), new Block(shape)];
      eachWindow(y, x, windows, (out, inside) => {
        const [top] = inside.toSorted((a, b) => x.get(...b) - x.get(...a)); // stable: of equal entries the first
        value.add(...out, x.get(...top));
        gradient.add(...top, weights.get(...out));
      });
      for (const open of needsKnownSizes ? [false] : [false, true]) {
        const result = await run((s) => g.maxPool(s, kernel, options), x, weights, open);
        expectClose(result.y, value, 'y');
        expectClose(result.gx, gradient, '∂/∂x');
      }
    });

    it(`averagePool, ${name}`, async () => {
      const [value, gradient] = [new Block(y), new Block(shape)];
      eachWindow(y, x, windows, (out, inside) => {
        for (const at of inside) {
          value.add(...out, x.get(...at) / inside.length);
          gradient.add(...at, weights.get(...out) / inside.length);
        }
      });
      for (const open of needsKnownSizes ? [false] : [false, true]) {
        const result = await run((s) => g.averagePool(s, kernel, options), x, weights, open);
        expectClose(result.y, value, 'y');
        expectClose(result.gx, gradient, '∂/∂x');
      }
    });

    it(`ONNX Runtime's own, ${name}`, async () => {
      const attributes = [
        ints('kernel_shape', kernel),
        ints('strides', strides),
        ints('pads', pads),
        int('ceil_mode', ceil ? 1 : 0),
      ];
      const largest = await runNode('MaxPool', x, [...attributes, ints('dilations', dilations)]);
      expectClose((await run((s) => g.maxPool(s, kernel, options), x, weights)).y, largest, 'MaxPool');
      if (dilations.some((d) => d !== 1)) return; // ONNX's AveragePool has none before opset 19
      for (const countPads of [false, true]) {
        const average = await runNode('AveragePool', x, [...attributes, int('count_include_pad', countPads ? 1 : 0)]);
        const { y: actual } = await run((s) => g.averagePool(s, kernel, { ...options, countPads }), x, weights);
        expectClose(actual, average, `AveragePool, count_include_pad ${countPads}`);
      }
    });
  }

  it('global pools', async () => {
    const x = Block.random([2, 3, 4, 5], 3);
    const channels = Array.from({ length: 6 }, (_, i) => x.data.subarray(i * 20, (i + 1) * 20));
    const weights = Block.random([2, 3, 1, 1], 4);
    const average = channels.map((channel) => channel.reduce((total, value) => total + value, 0) / 20);
    const mean = await run(g.globalAveragePool, x, weights, true);
    expectClose(mean.y, new Block([2, 3, 1, 1], Float64Array.from(average)), 'mean');
    expectClose(
      mean.gx,
      new Block(
        x.shape,
        x.data.map((_, i) => weights.data[Math.floor(i / 20)] / 20),
      ),
      '∂/∂x',
    );
    const largest = await run(g.globalMaxPool, x, weights, true);
    expectClose(
      largest.y,
      new Block(
        [2, 3, 1, 1],
        Float64Array.from(channels, (channel) => Math.max(...channel)),
      ),
      'max',
    );
  });

  it('of equal entries the first gets the gradient', async () => {
    const x = new Block([1, 1, 2, 2], Float64Array.of(1, 1, 1, 1));
    const { gx } = await run((s) => g.maxPool(s, [2, 2]), x, new Block([1, 1, 1, 1], Float64Array.of(5)));
    expect(Array.from(gx.data, Number)).toEqual([5, 0, 0, 0]);
  });

  it('an entry below zero wins over pads', async () => {
    const x = new Block([1, 1, 1, 2], Float64Array.of(-3, -2));
    const options = { pads: [1, 1, 1, 1], strides: [1, 1] };
    const { y } = await run((s) => g.maxPool(s, [2, 2], options), x, new Block([1, 1, 2, 3]));
    expect(Array.from(y.data, Number)).toEqual([-3, -2, -2, -3, -2, -2]);
  });

  it('what does not fit', () => {
    const x = g.input('x', 'float32', [1, 1, 4, 4]);
    const open = g.input('x', 'float32', [1, 1, 'height', 4]);
    const code = (act: () => unknown) => caught(act).code;
    expect(code(() => g.maxPool(x, [2]))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.maxPool(x, [2, 2], { pads: [2, 0, 0, 0] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.maxPool(x, [5, 2]))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.averagePool(open, [2, 2], { strides: [3, 3], ceil: true }))).toBe('UNSUPPORTED');
  });
});

describe('normalisation in float32 against loops in float64, error < 1e-5 of the largest entry', () => {
  const x = Block.random([3, 4, 2, 5], 1);
  const scale = [0.5, -1, 2, 1.5];
  const bias = [1, 0, -2, 0.25];
  const parameter = (values: number[]) => g.constant(Float32Array.from(values), 'float32');
  const [s, b] = [parameter(scale), parameter(bias)];
  const epsilon = 1e-3;
  const channel = (i: number) => Math.floor(i / 10) % 4;

  /** y by the statistics of the entries that share a key, and the statistics. */
  function normalized(key: (i: number) => number) {
    const members = new Map<number, number[]>();
    for (const [i, value] of x.data.entries()) members.set(key(i), [...(members.get(key(i)) ?? []), value]);
    const average = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
    const means = new Map([...members].map(([k, values]) => [k, average(values)]));
    const variances = new Map(
      [...members].map(([k, values]) => [k, average(values.map((v) => (v - means.get(k)!) ** 2))]),
    );
    const y = x.data.map((value, i) => {
      const normal = (value - means.get(key(i))!) / Math.sqrt(variances.get(key(i))! + epsilon);
      return normal * scale[channel(i)] + bias[channel(i)];
    });
    return { y: new Block(x.shape, y), means: [...means.values()], variances: [...variances.values()] };
  }
  const sample = (i: number) => Math.floor(i / 40);
  const weights = Block.random(x.shape, 2);

  it('batchNormalization, with the statistics of the batch', async () => {
    const expected = normalized(channel);
    const { y } = await run((t) => g.batchNormalization(t, s, b, epsilon).y, x, weights);
    expectClose(y, expected.y, 'y');
    const statistics = async (of: 'mean' | 'variance') =>
      (await run((t) => g.batchNormalization(t, s, b, epsilon)[of], x, new Block([4]))).y;
    expectClose(await statistics('mean'), new Block([4], Float64Array.from(expected.means)), 'mean');
    expectClose(await statistics('variance'), new Block([4], Float64Array.from(expected.variances)), 'variance');
  });

  it('the statistics carry no gradient', async () => {
    const { gx } = await run((t) => g.batchNormalization(t, s, b).mean, x, new Block([4], Float64Array.of(1, 1, 1, 1)));
    expect(Array.from(gx.data, Number).every((value) => value === 0)).toBe(true);
  });

  it('a channel that is constant comes out as its bias', async () => {
    const flat = new Block([2, 1, 1, 3], new Float64Array(6).fill(7));
    const [one, two] = [parameter([3]), parameter([2])];
    const { y, gx } = await run((t) => g.batchNormalization(t, one, two).y, flat, Block.random([2, 1, 1, 3], 5));
    expect(Array.from(y.data, Number)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(Array.from(gx.data, Number).every(Number.isFinite)).toBe(true);
  });

  it('batchNormalizationInference with the statistics of the batch is batchNormalization', async () => {
    const { means, variances, y } = normalized(channel);
    const inference = (t: g.SymbolicTensor) =>
      g.batchNormalizationInference(t, s, b, parameter(means), parameter(variances), epsilon);
    expectClose((await run(inference, x, weights)).y, y, 'y');
  });

  it('instanceNormalization', async () => {
    const { y } = await run((t) => g.instanceNormalization(t, s, b, epsilon), x, weights, true);
    expectClose(y, normalized((i) => sample(i) * 4 + channel(i)).y, 'y');
  });

  it('groupNormalization', async () => {
    const { y } = await run((t) => g.groupNormalization(t, 2, s, b, epsilon), x, weights, true);
    expectClose(y, normalized((i) => sample(i) * 2 + Math.floor(channel(i) / 2)).y, 'y');
  });

  it('what does not fit', () => {
    const t = g.input('x', 'float32', [2, 4, 3]);
    const three = parameter([1, 2, 3]);
    expect(caught(() => g.batchNormalization(t, three, b)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.instanceNormalization(t, s, three)).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => g.groupNormalization(t, 3, s, b)).code).toBe('SHAPE_MISMATCH');
  });
});

describe('resize against the Resize of ONNX Runtime, error < 1e-5 of the largest entry', () => {
  const x = Block.random([2, 3, 5, 4], 6);
  const onnxNames = {
    ...{ halfPixel: 'half_pixel', pytorchHalfPixel: 'pytorch_half_pixel', asymmetric: 'asymmetric' },
    ...{ alignCorners: 'align_corners', roundPreferFloor: 'round_prefer_floor', roundPreferCeil: 'round_prefer_ceil' },
    ...{ floor: 'floor', ceil: 'ceil' },
  } as const;
  const onnxAttributes = (mode: string, coordinates: keyof typeof onnxNames, rounding: keyof typeof onnxNames) => [
    text('mode', mode),
    text('coordinate_transformation_mode', onnxNames[coordinates]),
    text('nearest_mode', onnxNames[rounding]),
  ];
  const none = new ort.Tensor('float32', new Float32Array(0), [0]);

  for (const coordinates of ['halfPixel', 'pytorchHalfPixel', 'asymmetric', 'alignCorners'] as const) {
    for (const [mode, rounding] of [
      ...(['roundPreferFloor', 'roundPreferCeil', 'floor', 'ceil'] as const).map((r) => ['nearest', r] as const),
      ['linear', 'roundPreferFloor'] as const,
    ]) {
      it(`${mode}, ${coordinates}, ${rounding}`, async () => {
        for (const sizes of [
          [10, 8],
          [3, 7],
          [1, 4],
          [5, 3],
        ]) {
          const whole = new ort.Tensor('int64', BigInt64Array.from([2, 3, ...sizes].map(BigInt)), [4]);
          const attributes = onnxAttributes(mode, coordinates, rounding);
          const expected = await runNode('Resize', x, attributes, [none, none, whole]);
          const options = { sizes, mode, coordinates, rounding };
          expectClose((await run((t) => g.resize(t, options), x, new Block(expected.shape))).y, expected, `${sizes}`);
        }
      });
    }
  }

  it('scales: the new size is rounded down', async () => {
    for (const scales of [
      [2, 3],
      [0.7, 1.3],
    ]) {
      const factors = new ort.Tensor('float32', Float32Array.of(1, 1, ...scales), [4]);
      const expected = await runNode('Resize', x, onnxAttributes('linear', 'halfPixel', 'floor'), [none, factors]);
      const { y } = await run((t) => g.resize(t, { scales, mode: 'linear' }), x, new Block(expected.shape));
      expectClose(y, expected, `${scales}`);
    }
  });

  it('run-time sizes: entries repeated', async () => {
    const factors = new ort.Tensor('float32', Float32Array.of(1, 1, 3, 2), [4]);
    const expected = await runNode('Resize', x, onnxAttributes('nearest', 'halfPixel', 'roundPreferFloor'), [
      none,
      factors,
    ]);
    const { y } = await run((t) => g.resize(t, { scales: [3, 2] }), x, new Block(expected.shape), true);
    expectClose(y, expected, 'y');
  });

  it('what does not fit', () => {
    const t = g.input('x', 'float32', [2, 3, 5, 4]);
    const open = g.input('x', 'float32', [2, 3, 'height', 4]);
    const code = (act: () => unknown) => caught(act).code;
    expect(code(() => g.resize(t, { sizes: [4] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.resize(t, { sizes: [4, 0] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.resize(t, { scales: [0.1, 1] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.resize(t, { sizes: [4, 4], scales: [1, 1] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.resize(open, { sizes: [4, 4] }))).toBe('UNSUPPORTED');
    expect(code(() => g.resize(open, { scales: [2, 2], mode: 'linear' }))).toBe('UNSUPPORTED');
    expect(code(() => g.resize(open, { scales: [3, 3], coordinates: 'asymmetric' }))).toBe('UNSUPPORTED');
    expect(g.resize(open, { scales: [3, 3], coordinates: 'asymmetric', rounding: 'floor' }).shape).toEqual([
      2,
      3,
      '3·height',
      12,
    ]);
  });
});
