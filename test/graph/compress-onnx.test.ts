/** Compressed models: the same interface, weights within half a step, outputs near, and ONNX Runtime runs them. */
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { compressOnnx } from '../../src/graph/compress-onnx.ts';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { openModel } from '../../src/runtime/model.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

const random = new Random(8);
const normal = (...shape: number[]) =>
  g.constant(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.normal()),
    'float32',
    shape,
  );

const table = normal(50, 16);
const kernel = normal(8, 4, 3, 3);
const product = normal(16, 40);
const transposed = normal(24, 40);
const bias = normal(24);

/** Every kind of use of a weight: looked up, convolved, multiplied, multiplied transposed with a bias. */
function model(): Uint8Array {
  const ids = g.input('ids', 'int64', ['batch']);
  const images = g.input('images', 'float32', ['batch', 4, 5, 5]);
  const rows = g.matmul(g.gather(table, ids), product);
  const outputs = {
    rows,
    convolved: g.conv(images, kernel),
    both: g.add(g.matmul(rows, transposed, { transposeB: true }), bias),
  };
  return g.writeOnnx({ inputs: [ids, images], outputs });
}

/** The same with the bias as an input of its product, as other exporters write it. */
function fused(): Uint8Array {
  const whole = onnxProto.onnx.ModelProto.decode(model());
  const { node: nodes } = whole.graph as onnxProto.onnx.IGraphProto as { node: onnxProto.onnx.INodeProto[] };
  const sum = nodes.find(({ opType }) => opType === 'Add') as onnxProto.onnx.INodeProto;
  const product = nodes.find(({ output }) => output?.[0] === sum.input?.[0]) as onnxProto.onnx.INodeProto;
  product.input?.push(sum.input?.[1] as string);
  product.output = sum.output as string[];
  nodes.splice(nodes.indexOf(sum), 1);
  return onnxProto.onnx.ModelProto.encode(whole).finish();
}

async function run(bytes: Uint8Array): Promise<Record<string, Float32Array>> {
  const own = new Random(3);
  const session = await openModel(bytes, 'model');
  const images = floatTensor(
    Float32Array.from({ length: 3 * 100 }, () => own.normal()),
    [3, 4, 5, 5],
  );
  const ids = { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 49n, 7n) } as const;
  const results = await session.run({ ids, images }, ['rows', 'convolved', 'both']);
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

/** ‖a − b‖ / ‖b‖. */
const relative = (a: Float32Array, b: Float32Array) => Math.hypot(...a.map((x, k) => x - b[k])) / Math.hypot(...b);

const decode = (bytes: Uint8Array) => onnxProto.onnx.ModelProto.decode(bytes).graph as onnxProto.onnx.IGraphProto;
const interfaceOf = (bytes: Uint8Array) => {
  const { input, output } = decode(bytes);
  return JSON.stringify([input, output]);
};

describe.each([
  ['float16', 2, 1e-3],
  ['int8', 3.5, 2e-2],
] as const)('%s', (precision, factor, tolerance) => {
  it.each([
    ['bias added', model],
    ['bias in the product', fused],
  ])(`%s: at most 1/${factor} of the size, the same interface, outputs within ${tolerance}`, async (_, build) => {
    const whole = build();
    const small = compressOnnx(whole, precision);
    expect(interfaceOf(small)).toBe(interfaceOf(whole));
    const weights = (bytes: Uint8Array) =>
      (decode(bytes).initializer ?? []).reduce((sum, { rawData }) => sum + (rawData?.length ?? 0), 0);
    expect(weights(small)).toBeLessThan(weights(whole) / factor + 600); // scales and what is too small to compress
    const [expected, actual] = [await run(whole), await run(small)];
    for (const name of Object.keys(expected)) {
      expect(relative(actual[name], expected[name]), name).toBeLessThan(tolerance);
      expect(relative(actual[name], expected[name]), name).toBeGreaterThan(0);
    }
  });

  it('small tensors stay float32, to the bit', () => {
    const floats = (decode(compressOnnx(model(), precision)).initializer ?? []).filter(
      ({ dataType }) => dataType === 1,
    );
    const data = floats.map(({ rawData }) => Buffer.from(rawData as Uint8Array).toString('hex'));
    expect(data).toContain(Buffer.from((bias.source as { data: Float32Array }).data.buffer).toString('hex'));
  });
});

it('int8: each weight within half a step of its row, output channel or column, the largest on ±127', () => {
  const initializers = decode(compressOnnx(model(), 'int8')).initializer ?? [];
  const bytes = (dataType: number, entries: number) =>
    initializers.find((tensor) => tensor.dataType === dataType && tensor.rawData?.length === entries)
      ?.rawData as Uint8Array;
  const signed = (size: number) => new Int8Array(new Uint8Array(bytes(3, size)).buffer);
  // Matrices of integer products are unsigned, 128 for 0: what processors without VNNI do with signed ones overflows.
  const unsigned = (size: number) => Int8Array.from(bytes(2, size), (value) => value - 128);
  const check = (weight: g.SymbolicTensor, slices: number, sliceOf: (k: number) => number, read = signed) => {
    const { data } = weight.source as { data: Float32Array };
    const values = read(data.length);
    const scales = new Float32Array(new Uint8Array(bytes(1, 4 * slices)).buffer);
    const largest = new Float32Array(slices);
    for (const [k, value] of values.entries()) {
      const scale = scales[sliceOf(k)];
      expect(Math.abs(value * scale - data[k])).toBeLessThanOrEqual(0.5 * scale * 1.0001);
      largest[sliceOf(k)] = Math.max(largest[sliceOf(k)], Math.abs(value));
    }
    expect([...largest]).toEqual(Array(slices).fill(127));
  };
  check(table, 50, (k) => Math.floor(k / 16));
  check(kernel, 8, (k) => Math.floor(k / 36));
  check(product, 40, (k) => k % 40, unsigned);
});

it.each(['float16', 'int8', 'int8-tables'] as const)(
  '%s: rows of a table are looked up before they are widened, and are what the whole table would give',
  async (precision) => {
    const small = compressOnnx(model(), precision);
    const { node: nodes, initializer } = decode(small);
    const lookups = (nodes ?? []).filter(({ opType }) => opType === 'Gather');
    expect(lookups).toHaveLength(precision === 'float16' ? 1 : 2);
    const stored = (initializer ?? []).find(({ name }) => name === lookups[0].input?.[0]);
    expect(stored?.dims?.map(Number)).toEqual([50, 16]);
    expect(stored?.dataType).toBe(precision === 'float16' ? 10 : 3);
    const rows = g.input('ids', 'int64', ['batch']);
    const session = await openModel(
      compressOnnx(g.writeOnnx({ inputs: [rows], outputs: { rows: g.gather(table, rows) } }), precision),
      'model',
    );
    const { rows: found } = await session.run(
      { ids: { dtype: 'int64', dims: [3], data: BigInt64Array.of(0n, 49n, 7n) } },
      ['rows'],
    );
    await session.release();
    const { data } = table.source as { data: Float32Array };
    const expected = [0, 49, 7].flatMap((id) => {
      const row = [...data.slice(16 * id, 16 * id + 16)];
      const scale = Math.fround(Math.max(...row.map(Math.abs)) / 127);
      return row.map((x) => (precision === 'float16' ? x : Math.round(x / scale) * scale));
    });
    for (const [k, value] of expected.entries()) {
      expect(Number(found.data[k])).toBeCloseTo(value, precision === 'float16' ? 2 : 6);
    }
  },
);

it('int8-tables: everything but the table stays float32, to the bit', () => {
  const { initializer: whole } = decode(model());
  const { initializer: small } = decode(compressOnnx(model(), 'int8-tables'));
  const hex = (list: onnxProto.onnx.ITensorProto[] | null | undefined) =>
    (list ?? []).map(({ name, rawData }) => `${name} ${Buffer.from(rawData as Uint8Array).toString('hex')}`);
  expect(hex(small).filter((one) => hex(whole).includes(one))).toHaveLength((whole ?? []).length - 1);
});

it('a weight that is used both ways, rows of zeros, and files that list weights as inputs', async () => {
  const zeros = new Float32Array(16 * 16);
  zeros.fill(0.5, 16);
  const weight = g.constant(zeros, 'float32', [16, 16]);
  const x = g.input('x', 'float32', ['batch', 16]);
  const bytes = g.writeOnnx({ inputs: [x], outputs: { y: g.matmul(g.matmul(x, weight), g.add(weight, 1)) } });
  const listed = onnxProto.onnx.ModelProto.decode(bytes);
  const graph = listed.graph as onnxProto.onnx.IGraphProto;
  for (const { name, dims } of graph.initializer ?? []) {
    const dim = (dims ?? []).map((dimValue) => ({ dimValue }));
    graph.input?.push({ name: name ?? null, type: { tensorType: { elemType: 1, shape: { dim } } } });
  }
  for (const precision of ['float16', 'int8'] as const) {
    const session = await openModel(
      compressOnnx(onnxProto.onnx.ModelProto.encode(listed).finish(), precision),
      'model',
    );
    const data = Float32Array.from({ length: 16 }, (_, k) => Math.cos(k));
    const { y } = await session.run({ x: floatTensor(data, [1, 16]) }, ['y']);
    await session.release();
    const inner = data.slice(1).reduce((sum, value) => sum + 0.5 * value, 0);
    for (const value of y.data) expect(Number(value)).toBeCloseTo(inner * (1 + 15 * 1.5), 1);
  }
});
