/** The written bytes as other programs see them: read by onnx-proto, run by plain onnxruntime-node. */
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';

const code = (code: string, message: RegExp) =>
  expect.objectContaining({ name: 'LimbeckError', code, message: expect.stringMatching(message) });

const parsed = (graph: g.Graph, name?: string) =>
  onnxProto.onnx.ModelProto.decode(g.writeOnnx(graph, name === undefined ? {} : { name }));

async function run(graph: g.Graph, feeds: Record<string, ort.Tensor>): Promise<ort.InferenceSession.OnnxValueMapType> {
  const session = await ort.InferenceSession.create(g.writeOnnx(graph));
  try {
    return await session.run(feeds);
  } finally {
    await session.release();
  }
}
const float32 = (values: number[], dims: number[]) => new ort.Tensor('float32', Float32Array.from(values), dims);
const numbers = (tensor: ort.OnnxValue) => Array.from((tensor as ort.Tensor).data as Float32Array);

describe('writeOnnx', () => {
  it('writes a model that plain onnxruntime-node runs to the right numbers', async () => {
    const x = g.input('x', 'float32', ['batch', 3]);
    const ids = g.input('ids', 'int64', ['batch']);
    const table = g.constant(Float32Array.of(1, 2, 3, 4), 'float32', [2, 2]);
    const graph: g.Graph = {
      inputs: [x, ids],
      outputs: { scaled: g.mul(x, 2), mean: g.mean(x, [1]), rows: g.gather(table, ids) },
    };
    const result = await run(graph, {
      x: float32([1, 2, 3, 4, 5, 6], [2, 3]),
      ids: new ort.Tensor('int64', BigInt64Array.of(1n, 0n), [2]),
    });
    expect(Object.keys(result)).toEqual(['scaled', 'mean', 'rows']);
    expect(numbers(result.scaled)).toEqual([2, 4, 6, 8, 10, 12]);
    expect(numbers(result.mean)).toEqual([2, 5]);
    expect(numbers(result.rows)).toEqual([3, 4, 1, 2]);
    expect(result.rows.dims).toEqual([2, 2]);
  });

  it('declares names, element types and sizes, run-time sizes by name', () => {
    const x = g.input('x', 'float64', ['batch', 3]);
    const ids = g.input('ids', 'int32', ['length']);
    const { graph, opsetImport, producerName } = parsed({ inputs: [x, ids], outputs: { y: g.mul(x, 2) } }, 'double');
    const declared = (values: onnxProto.onnx.IValueInfoProto[]) =>
      values.map(({ name, type }) => [
        name,
        type?.tensorType?.elemType,
        type?.tensorType?.shape?.dim?.map(({ dimValue, dimParam }) => dimParam || Number(dimValue)),
      ]);
    const { DataType } = onnxProto.onnx.TensorProto;
    expect(declared(graph?.input ?? [])).toEqual([
      ['x', DataType.DOUBLE, ['batch', 3]],
      ['ids', DataType.INT32, ['length']],
    ]);
    expect(declared(graph?.output ?? [])).toEqual([['y', DataType.DOUBLE, ['batch', 3]]]);
    expect([graph?.name, producerName]).toEqual(['double', 'limbeck']);
    expect(opsetImport?.map(({ domain, version }) => [domain, Number(version)])).toEqual([['', g.OPSET]]);
  });

  it('an output may be an input, a constant, or given out twice', async () => {
    const x = g.input('x', 'float32', [2]);
    const doubled = g.add(x, x);
    const graph: g.Graph = {
      inputs: [x],
      outputs: { same: x, fixed: g.constant(Float32Array.of(7, 8), 'float32'), one: doubled, two: doubled },
    };
    const result = await run(graph, { x: float32([1, 2], [2]) });
    expect(numbers(result.same)).toEqual([1, 2]);
    expect(numbers(result.fixed)).toEqual([7, 8]);
    expect([numbers(result.one), numbers(result.two)]).toEqual([
      [2, 4],
      [2, 4],
    ]);
    expect(parsed(graph).graph?.node?.filter(({ opType }) => opType === 'Add')).toHaveLength(1);
  });

  it('a node gives its result the name of the output, without a copy', () => {
    const x = g.input('x', 'float32', [2]);
    const y = g.mul(x, 2);
    const { graph } = parsed({ inputs: [x], outputs: { y, z: g.add(y, 1), again: y, x2: x } });
    const nodes = graph?.node?.map(({ opType, output }) => `${opType} ${output?.join()}`);
    expect(nodes).toEqual(['Mul y', 'Add z', 'Identity again', 'Identity x2']);
  });

  it('keeps an input that no output needs', async () => {
    const [x, unused] = [g.input('x', 'float32', [1]), g.input('unused', 'float32', [1])];
    const result = await run(
      { inputs: [x, unused], outputs: { y: g.neg(x) } },
      { x: float32([3], [1]), unused: float32([0], [1]) },
    );
    expect(numbers(result.y)).toEqual([-3]);
  });

  it('names: one for two things is refused, and generated names stay clear of given ones', async () => {
    const [x, twin] = [g.input('x', 'float32', [1]), g.input('x', 'float32', [1])];
    expect(() => g.writeOnnx({ inputs: [x, twin], outputs: { y: x } })).toThrow(code('INVALID_ARGUMENT', /"x"/));
    expect(() => g.writeOnnx({ inputs: [x], outputs: { x: g.add(x, 1) } })).toThrow(code('INVALID_ARGUMENT', /"x"/));
    const clash = g.input('Add_1', 'float32', [1]);
    const session = await ort.InferenceSession.create(
      g.writeOnnx({ inputs: [clash], outputs: { y: g.add(clash, 1) } }),
    );
    const { y } = await session.run({ Add_1: new ort.Tensor('float32', Float32Array.of(2), [1]) });
    expect(y.data[0]).toBe(3);
    await session.release();
  });

  it('an input that is not listed: MISSING_INPUT with its name', () => {
    const [x, y] = [g.input('x', 'float32', [1]), g.input('y', 'float32', [1])];
    expect(() => g.writeOnnx({ inputs: [x], outputs: { out: g.add(x, y) } })).toThrow(code('MISSING_INPUT', /"y"/));
    expect(() => g.writeOnnx({ inputs: [x], outputs: { out: y } })).toThrow(code('MISSING_INPUT', /"y"/));
  });

  it('writes equal scalars and axes once, and tells 0 from −0 and types apart', async () => {
    const x = g.input('x', 'float32', ['batch', 2]);
    const terms = Array.from({ length: 5 }, () => g.sum(g.mul(x, 0.25), [1]));
    const many = { inputs: [x], outputs: { y: terms.reduce(g.add) } };
    expect(parsed(many).graph?.initializer).toHaveLength(2); // 0.25 and the axes
    expect(numbers((await run(many, { x: float32([1, 3], [1, 2]) })).y)).toEqual([5]);

    const zeros: g.Graph = {
      inputs: [x],
      outputs: { plus: g.div(x, g.constant(0, 'float32')), minus: g.div(x, g.constant(-0, 'float32')) },
    };
    const signs = await run(zeros, { x: float32([1, 1], [1, 2]) });
    expect([numbers(signs.plus)[0], numbers(signs.minus)[0]]).toEqual([Infinity, -Infinity]);

    const double = g.input('double', 'float64', [1]);
    const types: g.Graph = { inputs: [x, double], outputs: { a: g.mul(x, 0.5), b: g.mul(double, 0.5) } };
    expect(parsed(types).graph?.initializer).toHaveLength(2);
  });

  it('writes one constant tensor once, however often it is used', () => {
    const x = g.input('x', 'float32', [2, 2]);
    const table = g.constant(Float32Array.of(1, 2, 3, 4), 'float32', [2, 2]);
    const graph = { inputs: [x], outputs: { y: g.add(g.mul(x, table), g.matmul(x, table)) } };
    expect(parsed(graph).graph?.initializer?.map(({ dims }) => (dims ?? []).map(Number))).toEqual([[2, 2]]);
  });

  it('gives equal graphs equal bytes', () => {
    const build = () => {
      const x = g.input('x', 'float32', ['batch', 2]);
      return g.writeOnnx({ inputs: [x], outputs: { y: g.softmax(g.mul(x, 3)) } });
    };
    expect(build()).toEqual(build());
  });

  it('writes a constant that is a window of a larger buffer', async () => {
    const x = g.input('x', 'float32', [2]);
    const window = Float32Array.of(9, 1, 2, 9).subarray(1, 3);
    const { y } = await run(
      { inputs: [x], outputs: { y: g.add(x, g.constant(window, 'float32')) } },
      { x: float32([0, 0], [2]) },
    );
    expect(numbers(y)).toEqual([1, 2]);
  });
});
