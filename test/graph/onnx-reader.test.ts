/** Models of others, read: against what ONNX Runtime makes of the file itself, and against PyTorch's gradients. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import type { TensorData } from '../../src/runtime/backend.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { caught } from '../caught.ts';
import { initializer, int64s, type ModelParts, modelOf, parameterFeeds, runFile, runModel } from './onnx-models.ts';

interface Stored {
  readonly dtype: 'float32' | 'int64';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

interface Golden {
  readonly name: string;
  readonly model: string;
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly output: Stored;
  readonly weights: readonly number[];
  readonly gradients: Readonly<Record<string, Stored>>;
}

const goldens = JSON.parse(readFileSync(new URL('../goldens/onnx_models.json', import.meta.url), 'utf8')) as {
  cases: Golden[];
};

const tensorOf = ({ dtype, shape, values }: Stored): TensorData => ({
  dtype,
  dims: shape,
  data: dtype === 'int64' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values),
});

function expectClose(actual: TensorData, expected: ArrayLike<unknown>, name: string, tolerance = 1e-5): void {
  const values = Array.from(expected, Number);
  expect(actual.data.length, name).toBe(values.length);
  const scale = Math.max(1, ...values.map(Math.abs));
  const worst = Math.max(0, ...values.map((value, i) => Math.abs(Number(actual.data[i]) - value)));
  expect(worst / scale, name).toBeLessThan(tolerance);
}

describe('exported by PyTorch, error < 1e-5 of the largest entry', () => {
  for (const golden of goldens.cases) {
    const bytes = new Uint8Array(Buffer.from(golden.model, 'base64'));
    const feeds = Object.fromEntries(Object.entries(golden.inputs).map(([name, stored]) => [name, tensorOf(stored)]));

    it(`${golden.name}: output, and gradients by all parameters that kept their names`, async () => {
      const model = g.readOnnx(bytes);
      const { output } = model.outputs;
      const weights = g.input('weights', 'float32', output.shape);
      const names = Object.keys(golden.gradients).filter((name) => model.parameters.has(name));
      expect(names.length).toBeGreaterThan(5);
      const wanted = names.map((name) => model.parameters.get(name)!.tensor);
      const gradients = g.gradients(g.sum(g.mul(output, weights)), wanted);
      const outputs = Object.fromEntries(names.map((name, i) => [`gradient of ${name}`, gradients[i]]));
      const fed = { ...feeds, weights: floatTensor(Float32Array.from(golden.weights), golden.output.shape) };
      const results = await runModel(model, fed, { ...outputs, output }, [weights]);
      expect(results.output.dims).toEqual(golden.output.shape);
      expectClose(results.output, golden.output.values, 'output');
      for (const name of names) expectClose(results[`gradient of ${name}`], golden.gradients[name].values, name);
    });

    it(`${golden.name}: written back, ONNX Runtime gives what the file gave, at other sizes too`, async () => {
      const model = g.readOnnx(bytes);
      const parameters = [...model.parameters.values()].map(({ tensor }) => tensor);
      const written = g.writeOnnx({ inputs: [...model.inputs, ...parameters], outputs: model.outputs });
      const first = Object.fromEntries(
        Object.entries(feeds).map(([name, { dtype, dims, data }]) => {
          const size = data.length / dims[0];
          return [name, { dtype, dims: [1, ...dims.slice(1)], data: data.slice(0, size) } as TensorData];
        }),
      );
      for (const batch of [feeds, first]) {
        const expected = await runFile(bytes, batch);
        const actual = await runFile(written, { ...batch, ...parameterFeeds(model) });
        expect(actual.output.dims).toEqual(expected.output.dims);
        expectClose(actual.output, expected.output.data, 'output');
      }
    });
  }
});

/** One node, or a few, held against ONNX Runtime on the same bytes. */
const NODES: Record<string, ModelParts> = {
  'Gemm, scaled and transposed': {
    nodes: [
      {
        op: 'Gemm',
        inputs: ['x', 'w', 'b'],
        attributes: { alpha: { float: 0.5 }, beta: { float: 2 }, transA: 1, transB: 1 },
      },
    ],
    inputs: { x: [3, 2] },
    initializers: [initializer('w', [1, 2, 3, 4, 5, 6], [2, 3]), initializer('b', [1, -1], [2])],
  },
  'MatMul with vectors on both sides': {
    nodes: [
      { op: 'MatMul', inputs: ['v', 'x'], outputs: ['row'] },
      { op: 'MatMul', inputs: ['row', 'v'], outputs: ['y'] },
    ],
    inputs: { x: [3, 3] },
    initializers: [initializer('v', [1, 2, 3], [3])],
  },
  BatchNormalization: {
    nodes: [{ op: 'BatchNormalization', inputs: ['x', 's', 'b', 'm', 'v'], attributes: { epsilon: { float: 0.01 } } }],
    inputs: { x: ['batch', 2, 3, 2] },
    initializers: [
      ...[initializer('s', [1, 2], [2]), initializer('b', [0.5, -1], [2])],
      ...[initializer('m', [0.1, 0.2], [2]), initializer('v', [1, 4], [2])],
    ],
  },
  'LayerNormalization over two axes, no bias': {
    nodes: [{ op: 'LayerNormalization', inputs: ['x', 's'], attributes: { axis: -2 } }],
    inputs: { x: ['batch', 2, 3] },
    initializers: [initializer('s', [1, 2, 3, 4, 5, 6], [2, 3])],
  },
  'reductions, axes as attribute (opset 13)': {
    nodes: [{ op: 'ReduceMean', inputs: ['x'], attributes: { axes: [1, -1], keepdims: 0 } }],
    inputs: { x: ['batch', 3, 2] },
    opset: 13,
  },
  'reductions, axes as input, and empty axes that mean none': {
    nodes: [
      { op: 'ReduceL1', inputs: ['x', 'axes'], outputs: ['a'] },
      { op: 'ReduceSumSquare', inputs: ['a', 'none'], attributes: { noop_with_empty_axes: 1 }, outputs: ['b'] },
      { op: 'ReduceMax', inputs: ['b'], attributes: { keepdims: 0 } },
    ],
    inputs: { x: [2, 3, 2] },
    initializers: [int64s('axes', [1]), int64s('none', [])],
  },
  'reductions, empty axes that mean all': {
    nodes: [{ op: 'ReduceSum', inputs: ['x', 'none'] }],
    inputs: { x: ['batch', 3] },
    initializers: [int64s('none', [])],
  },
  'Slice beyond the ends, backwards, by steps': {
    nodes: [{ op: 'Slice', inputs: ['x', 'starts', 'ends', 'axes', 'steps'] }],
    inputs: { x: [4, 5, 6] },
    initializers: [
      ...[int64s('starts', [-100, 10, -2]), int64s('ends', [3, -100, 2 ** 40])],
      ...[int64s('axes', [0, 1, -1]), int64s('steps', [2, -2, 1])],
    ],
  },
  'Slice that takes nothing': {
    nodes: [
      { op: 'Slice', inputs: ['x', 'three', 'one', 'one'], outputs: ['empty'] },
      { op: 'Concat', inputs: ['x', 'empty'], attributes: { axis: 1 } },
    ],
    inputs: { x: [2, 5] },
    initializers: [int64s('three', [3]), int64s('one', [1])],
  },
  'Slice up to half of a run-time size, rounded down': {
    nodes: [
      { op: 'Shape', inputs: ['x'], attributes: { start: 1 }, outputs: ['length'] },
      { op: 'Div', inputs: ['length', 'two'], outputs: ['half'] },
      { op: 'Slice', inputs: ['x', 'zero', 'half', 'one'] },
    ],
    inputs: { x: ['batch', 'length'] },
    initializers: [int64s('zero', [0]), int64s('one', [1]), int64s('two', [2])],
  },
  'Slice of run-time sizes, to the end and to what another tensor has': {
    nodes: [
      { op: 'Slice', inputs: ['x', 'one', 'large', 'one'], outputs: ['rest'] },
      { op: 'Shape', inputs: ['rest'], attributes: { start: 1, end: 2 }, outputs: ['length'] },
      { op: 'Slice', inputs: ['table', 'zero', 'length', 'zero'], outputs: ['rows'] },
      { op: 'Add', inputs: ['rest', 'rows'] },
    ],
    inputs: { x: ['batch', 'length'] },
    initializers: [
      ...[int64s('zero', [0]), int64s('one', [1]), int64s('large', [2 ** 31 - 1])],
      initializer('table', [1, 2, 3, 4, 5, 6, 7, 8], [8]),
    ],
  },
  'Split into unequal halves': {
    nodes: [
      { op: 'Split', inputs: ['x'], outputs: ['a', 'b'], attributes: { axis: 1, num_outputs: 2 } },
      { op: 'Concat', inputs: ['b', 'a', 'b'], attributes: { axis: -1 } },
    ],
    inputs: { x: [2, 5] },
  },
  'Pad that cuts off, and mirrors': {
    nodes: [
      { op: 'Pad', inputs: ['x', 'pads', 'value'], outputs: ['a'] },
      { op: 'Pad', inputs: ['a', 'mirror', '', 'axes'], attributes: { mode: 'reflect' } },
    ],
    inputs: { x: [3, 4] },
    initializers: [
      ...[int64s('pads', [1, -1, -1, 2]), int64s('mirror', [2, 1]), int64s('axes', [-1])],
      initializer('value', [9], []),
    ],
  },
  'Reshape with 0 and −1, of run-time sizes': {
    nodes: [{ op: 'Reshape', inputs: ['x', 'shape'] }],
    inputs: { x: ['batch', 'length', 6] },
    initializers: [int64s('shape', [0, -1, 2, 3])],
  },
  'Reshape to sizes computed: batch and heads swapped, two run-time sizes apart': {
    nodes: [
      { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
      { op: 'Gather', inputs: ['shape', 'zero'], outputs: ['batch'] },
      { op: 'Gather', inputs: ['shape', 'one'], outputs: ['length'] },
      { op: 'Mul', inputs: ['batch', 'two'], outputs: ['twice'] },
      { op: 'Div', inputs: ['twice', 'two'], outputs: ['same'] },
      { op: 'Unsqueeze', inputs: ['same', 'axis'], outputs: ['b'] },
      { op: 'Unsqueeze', inputs: ['length', 'axis'], outputs: ['l'] },
      { op: 'Concat', inputs: ['b', 'rest', 'l'], attributes: { axis: 0 }, outputs: ['target'] },
      { op: 'Transpose', inputs: ['x'], attributes: { perm: [0, 2, 1] }, outputs: ['t'] },
      { op: 'Reshape', inputs: ['t', 'target'] },
    ],
    inputs: { x: ['batch', 'length', 6] },
    initializers: [
      ...[int64s('zero', [0], []), int64s('one', [1], []), int64s('two', [2], [])],
      ...[int64s('axis', [0]), int64s('rest', [3, 2])],
    ],
  },
  'Expand to a shape that is made of Where and Equal': {
    nodes: [
      { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
      { op: 'Gather', inputs: ['shape', 'first'], outputs: ['batch'] },
      { op: 'Concat', inputs: ['batch', 'given'], attributes: { axis: 0 }, outputs: ['target'] },
      { op: 'Equal', inputs: ['target', 'minus'], outputs: ['open'] },
      { op: 'Shape', inputs: ['target'], outputs: ['rank'] },
      { op: 'ConstantOfShape', inputs: ['rank'], attributes: { value: int64s('', [1]) }, outputs: ['ones'] },
      { op: 'Where', inputs: ['open', 'ones', 'target'], outputs: ['wanted'] },
      { op: 'Expand', inputs: ['token', 'wanted'], outputs: ['tokens'] },
      { op: 'Concat', inputs: ['tokens', 'x'], attributes: { axis: 1 } },
    ],
    inputs: { x: ['batch', 'length', 2] },
    initializers: [
      ...[int64s('first', [0]), int64s('given', [-1, -1]), int64s('minus', [-1], [])],
      initializer('token', [7, 8], [1, 1, 2]),
    ],
  },
  'Range over a run-time size, filled, cast': {
    nodes: [
      { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
      { op: 'Gather', inputs: ['shape', 'one'], outputs: ['length'] },
      { op: 'Range', inputs: ['zero', 'length', 'one'], outputs: ['places'] },
      { op: 'Cast', inputs: ['places'], attributes: { to: 1 }, outputs: ['numbers'] },
      {
        op: 'ConstantOfShape',
        inputs: ['shape'],
        attributes: { value: initializer('', [0.5], [1]) },
        outputs: ['halves'],
      },
      { op: 'Sum', inputs: ['x', 'numbers', 'halves'] },
    ],
    inputs: { x: ['batch', 'length'] },
    initializers: [int64s('zero', [0], []), int64s('one', [1], [])],
  },
  'Tile, single entries and others': {
    nodes: [{ op: 'Tile', inputs: ['x', 'repeats'] }],
    inputs: { x: [2, 1, 3] },
    initializers: [int64s('repeats', [2, 3, 1])],
  },
  'Conv with same pads, no kernel_shape': {
    nodes: [{ op: 'Conv', inputs: ['x', 'w'], attributes: { auto_pad: 'SAME_UPPER', strides: [2, 2] } }],
    inputs: { x: ['batch', 1, 5, 6] },
    initializers: [initializer('w', [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3])],
  },
  'ConvTranspose, AveragePool': {
    nodes: [
      {
        op: 'ConvTranspose',
        inputs: ['x', 'w', 'b'],
        outputs: ['a'],
        attributes: { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 0] },
      },
      {
        op: 'AveragePool',
        inputs: ['a'],
        attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1, count_include_pad: 1, pads: [0, 1, 0, 0] },
      },
    ],
    inputs: { x: ['batch', 1, 3, 4] },
    initializers: [initializer('w', [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3]), initializer('b', [0.5], [1])],
  },
  'Resize, scales as a float weight': {
    nodes: [
      {
        op: 'Resize',
        inputs: ['x', '', 'scales'],
        attributes: { mode: 'linear', coordinate_transformation_mode: 'asymmetric' },
      },
    ],
    inputs: { x: ['batch', 1, 3, 4] },
    initializers: [initializer('scales', [1, 1, 2, 1.5], [4])],
  },
  'channels to pixels in both orders, and back': {
    nodes: [
      { op: 'DepthToSpace', inputs: ['x'], outputs: ['a'], attributes: { blocksize: 2 } },
      { op: 'DepthToSpace', inputs: ['x'], outputs: ['b'], attributes: { blocksize: 2, mode: 'CRD' } },
      { op: 'Sub', inputs: ['a', 'b'], outputs: ['c'] },
      { op: 'SpaceToDepth', inputs: ['c'], attributes: { blocksize: 3 } },
    ],
    inputs: { x: ['batch', 8, 3, 6] },
  },
  'Trilu, ArgMax and ArgMin, ReduceLogSum': {
    nodes: [
      { op: 'Trilu', inputs: ['x', 'one'], outputs: ['upper'] },
      { op: 'Trilu', inputs: ['x'], attributes: { upper: 0 }, outputs: ['lower'] },
      { op: 'Exp', inputs: ['lower'], outputs: ['e'] },
      { op: 'ReduceLogSum', inputs: ['e', 'axis'], outputs: ['s'] },
      { op: 'ArgMax', inputs: ['upper'], attributes: { axis: 1, select_last_index: 1 }, outputs: ['top'] },
      { op: 'ArgMin', inputs: ['lower'], attributes: { axis: 1 }, outputs: ['bottom'] },
      { op: 'Sub', inputs: ['top', 'bottom'], outputs: ['apart'] },
      { op: 'Cast', inputs: ['apart'], attributes: { to: 1 }, outputs: ['d'] },
      { op: 'Sum', inputs: ['upper', 's', 'd'] },
    ],
    inputs: { x: ['batch', 3, 'length'] },
    initializers: [int64s('one', [1], []), int64s('axis', [1])],
  },
  'RMSNormalization over two axes (opset 23)': {
    nodes: [{ op: 'RMSNormalization', inputs: ['x', 's'], attributes: { axis: -2 } }],
    inputs: { x: ['batch', 2, 3] },
    initializers: [initializer('s', [1, 2, 3, 4, 5, 6], [2, 3])],
    opset: 23,
  },
  'Swish (opset 24), Gelu by tanh': {
    nodes: [
      { op: 'Swish', inputs: ['x'], attributes: { alpha: { float: 0.7 } }, outputs: ['a'] },
      { op: 'Gelu', inputs: ['x'], attributes: { approximate: 'tanh' }, outputs: ['b'] },
      { op: 'Sub', inputs: ['a', 'b'] },
    ],
    inputs: { x: ['batch', 4] },
    opset: 24,
  },
  'more activations': {
    nodes: [
      { op: 'Selu', inputs: ['x'], outputs: ['a'] },
      { op: 'Celu', inputs: ['x'], attributes: { alpha: { float: 0.6 } }, outputs: ['b'] },
      { op: 'Mish', inputs: ['x'], outputs: ['c'] },
      { op: 'ThresholdedRelu', inputs: ['x'], attributes: { alpha: { float: 0.4 } }, outputs: ['d'] },
      { op: 'Concat', inputs: ['a', 'b', 'c', 'd'], attributes: { axis: 1 } },
    ],
    inputs: { x: ['batch', 4] },
  },
  activations: {
    nodes: [
      { op: 'Elu', inputs: ['x'], attributes: { alpha: { float: 0.7 } }, outputs: ['a'] },
      { op: 'PRelu', inputs: ['x', 'slope'], outputs: ['b'] },
      { op: 'Softsign', inputs: ['x'], outputs: ['c'] },
      { op: 'HardSigmoid', inputs: ['x'], outputs: ['d'] },
      { op: 'Clip', inputs: ['x', '', 'high'], outputs: ['e'] },
      { op: 'LeakyRelu', inputs: ['x'], outputs: ['f'] },
      { op: 'Concat', inputs: ['a', 'b', 'c', 'd', 'e', 'f'], attributes: { axis: 1 } },
    ],
    inputs: { x: ['batch', 4] },
    initializers: [initializer('slope', [0.1, 0.2, 0.3, 0.4], [4]), initializer('high', [0.5], [])],
  },
};

describe('nodes against ONNX Runtime on the same file, error < 1e-5 of the largest entry', () => {
  for (const [name, parts] of Object.entries(NODES)) {
    it(name, async () => {
      const bytes = modelOf(parts);
      const sizes: Record<string, number> = { batch: 2, length: 3 };
      const feeds = Object.fromEntries(
        Object.entries(parts.inputs).map(([input, shape]) => {
          const dims = shape.map((d) => (typeof d === 'number' ? d : sizes[d]));
          const data = Float32Array.from({ length: dims.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(1 + 2.3 * i));
          return [input, floatTensor(data, dims)];
        }),
      );
      const model = g.readOnnx(bytes);
      const { y } = await runModel(model, feeds);
      const expected = (await runFile(bytes, feeds)).y;
      expect(y.dims).toEqual(expected.dims);
      expectClose(y, expected.data, name);
      const known = model.outputs.y.shape.map((d, i) => (typeof d === 'number' ? d : y.dims[i]));
      expect(known).toEqual(y.dims);
    });
  }
});

it('channels to pixels and back in the newer order, which this ONNX Runtime has one way only', async () => {
  const there: ModelParts['nodes'] = [
    { op: 'DepthToSpace', inputs: ['x'], outputs: ['a'], attributes: { blocksize: 2, mode: 'CRD' } },
    { op: 'SpaceToDepth', inputs: ['a'], attributes: { blocksize: 2, mode: 'CRD' } },
  ];
  const data = Float32Array.from({ length: 96 }, (_, i) => i);
  const model = g.readOnnx(modelOf({ nodes: there, inputs: { x: [2, 8, 2, 3] } }));
  expect((await runModel(model, { x: floatTensor(data, [2, 8, 2, 3]) })).y.data).toEqual(data);
});

describe('parameters', () => {
  const shared: ModelParts = {
    nodes: [
      { op: 'Gather', inputs: ['table', 'ids'], outputs: ['a'] },
      { op: 'MatMul', inputs: ['x', 'table'], outputs: ['b'] },
      { op: 'Add', inputs: ['a', 'b'] },
    ],
    inputs: { x: [2, 2] },
    initializers: [
      initializer('table', [1, 2, 3, 4], [2, 2]),
      int64s('ids', [1, 0]),
      initializer('unused', [1, 2], [2]),
    ],
  };

  it('a weight that is used twice is one parameter, with one gradient; unused ones are none', async () => {
    const model = g.readOnnx(modelOf(shared));
    expect([...model.parameters.keys()]).toEqual(['table']);
    const { tensor } = model.parameters.get('table')!;
    const [gradient] = g.gradients(g.sum(model.outputs.y), [tensor]);
    const results = await runModel(model, { x: floatTensor(Float32Array.of(1, 2, 3, 4), [2, 2]) }, { gradient });
    expect(Array.from(results.gradient.data, Number)).toEqual([5, 5, 7, 7]); // Σ rows of x, and 1 from the gather
  });

  it('trainable says which; the others are constants', () => {
    const seen: [string, readonly number[]][] = [];
    const model = g.readOnnx(modelOf(shared), {
      trainable: (name, dims) => {
        seen.push([name, dims]);
        return false;
      },
    });
    expect(model.parameters.size).toBe(0);
    expect(seen).toContainEqual(['table', [2, 2]]);
  });

  it('running statistics and single numbers are constants', () => {
    const { parameters } = g.readOnnx(modelOf(NODES.BatchNormalization));
    expect([...parameters.keys()]).toEqual(['s', 'b']);
  });

  it('small weights are computed with in the graph, not once for all', () => {
    const parts: ModelParts = {
      nodes: [
        { op: 'Mul', inputs: ['a', 'b'], outputs: ['w'] },
        { op: 'Add', inputs: ['x', 'w'], outputs: ['z'] },
        { op: 'Div', inputs: ['z', 'one'] },
      ],
      inputs: { x: [2] },
      initializers: [initializer('a', [1, 2], [2]), initializer('b', [3, 4], [2]), initializer('one', [2], [1])],
    };
    expect([...g.readOnnx(modelOf(parts)).parameters.keys()]).toEqual(['a', 'b']); // and one number is a constant
  });

  it('every tensor on the way can be had by name', () => {
    const { tensors } = g.readOnnx(modelOf(shared));
    expect([...tensors.keys()]).toEqual(['a', 'b', 'y']);
    expect(tensors.get('b')!.shape).toEqual([2, 2]);
  });

  it('a half that is rounded down has another name than one that is rounded up', () => {
    const { y } = g.readOnnx(modelOf(NODES['Slice up to half of a run-time size, rounded down'])).outputs;
    expect(y.shape).toEqual(['batch', '(length−1)/2']);
  });

  it('run-time sizes can be fixed', () => {
    const parts: ModelParts = { nodes: [{ op: 'Relu', inputs: ['x'] }], inputs: { x: ['batch', 'length', 2] } };
    expect(g.readOnnx(modelOf(parts)).outputs.y.shape).toEqual(['batch', 'length', 2]);
    expect(g.readOnnx(modelOf(parts), { sizes: { length: 7 } }).outputs.y.shape).toEqual(['batch', 7, 2]);
  });
});

describe('how numbers are stored', () => {
  const read = (proto: Record<string, unknown>, options: g.ReadOnnxOptions = {}) => {
    const parts: ModelParts = {
      nodes: [{ op: 'Add', inputs: ['x', 'w'] }],
      inputs: { x: [3] },
      initializers: [{ name: 'w', dims: [3], dataType: 1, ...proto }],
    };
    return g.readOnnx(modelOf(parts), options).parameters.get('w')!.data;
  };
  const external = (entries: Record<string, string>) => ({
    dataLocation: 1,
    externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
  });
  const file = new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer);

  it('raw, as a list, as float16 raw and in a list, as bfloat16', () => {
    expect(read({ rawData: new Uint8Array(Float32Array.of(1, 2, 3).buffer) })).toEqual(Float32Array.of(1, 2, 3));
    expect(read({ floatData: [1, 2, 3] })).toEqual(Float32Array.of(1, 2, 3));
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x3555);
    const expected = Float32Array.of(1, -2, 0.333251953125);
    expect(read({ dataType: 10, rawData: new Uint8Array(halves.buffer) })).toEqual(expected);
    expect(read({ dataType: 10, int32Data: [...halves] })).toEqual(expected);
    const brain = Uint16Array.of(0x3f80, 0xc000, 0x4040);
    expect(read({ dataType: 16, rawData: new Uint8Array(brain.buffer) })).toEqual(Float32Array.of(1, -2, 3));
  });

  it('in a file beside the model, from an offset', () => {
    const asked: unknown[] = [];
    const options: g.ReadOnnxOptions = {
      external: (location, offset, length) => {
        asked.push([location, offset, length]);
        return file.subarray(offset, offset + length);
      },
    };
    expect(read(external({ location: 'data/w.bin', offset: '4', length: '12' }), options)).toEqual(
      Float32Array.of(1, 2, 3),
    );
    expect(asked).toEqual([['data/w.bin', 4, 12]]);
  });

  it('never outside the folder, never more than was said', () => {
    let asked = 0;
    const options: g.ReadOnnxOptions = {
      external: (_, __, length) => {
        asked++;
        return new Uint8Array(length);
      },
    };
    const code = (entries: Record<string, string>, given: g.ReadOnnxOptions = options) =>
      caught(() => read(external(entries), given)).code;
    for (const location of ['../w.bin', '/etc/passwd', 'a/../../w', 'C:\\w', '..\\w', 'a//w', '', 'a\0b']) {
      expect(code({ location, length: '12' }), location).toBe('FILE_CORRUPT');
    }
    expect(code({ location: 'w', offset: '-4', length: '12' })).toBe('FILE_CORRUPT');
    expect(code({ location: 'w', offset: 'x', length: '12' })).toBe('FILE_CORRUPT');
    expect(code({ location: 'w', length: '16' })).toBe('FILE_CORRUPT');
    expect(asked).toBe(0);
    expect(code({ location: 'w' }, { external: () => new Uint8Array(16) })).toBe('FILE_CORRUPT');
    expect(code({ location: 'w' }, {})).toBe('FILE_UNREADABLE');
  });

  it('as many numbers as the shape says', () => {
    const code = (proto: Record<string, unknown>) => caught(() => read(proto)).code;
    expect(code({ floatData: [1, 2] })).toBe('FILE_CORRUPT');
    expect(code({ rawData: new Uint8Array(13) })).toBe('FILE_CORRUPT');
    expect(code({ dims: [-3], floatData: [1, 2, 3] })).toBe('FILE_CORRUPT');
    expect(code({ dims: [2 ** 30, 2 ** 30], floatData: [1] })).toBe('FILE_CORRUPT');
    expect(code({ dataType: 14, rawData: new Uint8Array(24) })).toBe('UNSUPPORTED');
  });
});
