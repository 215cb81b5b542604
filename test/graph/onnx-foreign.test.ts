/** Nodes that the engine has nothing for, in parts of a file that are not trained: passed on, and what lies behind them trained. */
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { buildDataset } from '../../src/data/dataset.ts';
import * as g from '../../src/graph/index.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import type { TensorData } from '../../src/runtime/backend.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { OnnxInputs } from '../../src/students/onnx/onnx-inputs.ts';
import { OnnxStudent } from '../../src/students/onnx/onnx-student.ts';
import { distill } from '../../src/training/distill.ts';
import { caught } from '../caught.ts';
import { initializer, int64s, type ModelParts, modelOf, parameterFeeds, runFile, runModel } from './onnx-models.ts';

const wave = (length: number, seed: number) => Array.from({ length }, (_, i) => 0.8 * Math.sin(seed + 2.3 * i));
const weight = (name: string, dims: readonly number[], seed = name.length) =>
  initializer(
    name,
    wave(
      dims.reduce((n, d) => n * d, 1),
      seed,
    ),
    dims,
  );

/** Floats as they are, for a model with one input called x. */
function plainInputs(sizes: readonly number[]): OnnxInputs<Float32Array, Float32Array> {
  return {
    encode: (samples) => samples,
    feeds: (samples) => ({
      x: floatTensor(Float32Array.from(samples.flatMap((sample) => [...sample])), [samples.length, ...sizes]),
    }),
  };
}

const head = {
  nodes: [
    { op: 'MatMul', inputs: ['features', 'head.w'], outputs: ['product'] },
    { op: 'Add', inputs: ['product', 'head.b'], outputs: ['y'] },
  ],
  initializers: (width: number) => [weight('head.w', [width, 3]), weight('head.b', [3])],
};

interface Case {
  readonly sizes: readonly number[];
  readonly parts: ModelParts;
}

/** Each of another opset than the graphs that are written. */
const CASES: Record<string, Case> = {
  'LSTM both ways, an output left out (opset 11)': {
    sizes: [4, 2],
    parts: {
      opset: 11,
      inputs: { x: ['batch', 4, 2] },
      nodes: [
        { op: 'Transpose', inputs: ['x'], outputs: ['steps'], attributes: { perm: [1, 0, 2] } },
        {
          op: 'LSTM',
          inputs: ['steps', 'lstm.w', 'lstm.r', 'lstm.b'],
          outputs: ['', 'last'],
          attributes: { hidden_size: 3, direction: 'bidirectional' },
        },
        { op: 'Transpose', inputs: ['last'], outputs: ['turned'], attributes: { perm: [1, 0, 2] } },
        { op: 'Flatten', inputs: ['turned'], outputs: ['features'] },
        ...head.nodes,
      ],
      initializers: [
        ...[weight('lstm.w', [2, 12, 2]), weight('lstm.r', [2, 12, 3]), weight('lstm.b', [2, 24])],
        ...head.initializers(6),
      ],
      types: { last: [1, [2, 'batch', 3]] },
    },
  },
  'TopK on a frozen layer, both outputs used (opset 17)': {
    sizes: [4],
    parts: {
      opset: 17,
      inputs: { x: ['batch', 4] },
      nodes: [
        { op: 'MatMul', inputs: ['x', 'below'], outputs: ['hidden'] },
        { op: 'TopK', inputs: ['hidden', 'k'], outputs: ['most', 'places'] },
        { op: 'Cast', inputs: ['places'], outputs: ['numbers'], attributes: { to: 1 } },
        { op: 'Concat', inputs: ['most', 'numbers'], outputs: ['features'], attributes: { axis: 1 } },
        ...head.nodes,
      ],
      initializers: [weight('below', [4, 5]), int64s('k', [2]), ...head.initializers(4)],
      types: { most: [1, ['batch', 2]], places: [7, ['batch', 2]] },
    },
  },
  'GridSample by an optional attribute (opset 16)': {
    sizes: [2, 3, 3],
    parts: {
      opset: 16,
      inputs: { x: ['batch', 2, 3, 3] },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['shape'] },
        { op: 'Gather', inputs: ['shape', 'first'], outputs: ['n'] },
        { op: 'Concat', inputs: ['n', 'rest'], outputs: ['wanted'], attributes: { axis: 0 } },
        { op: 'Expand', inputs: ['grid', 'wanted'], outputs: ['grids'] },
        { op: 'GridSample', inputs: ['x', 'grids'], outputs: ['z'], attributes: { padding_mode: 'reflection' } },
        { op: 'Conv', inputs: ['z', 'head.conv'], outputs: ['c'] },
        { op: 'Flatten', inputs: ['c'], outputs: ['features'] },
        ...head.nodes,
      ],
      initializers: [
        ...[int64s('first', [0]), int64s('rest', [2, 2, 2]), initializer('grid', wave(8, 2), [1, 2, 2, 2])],
        ...[weight('head.conv', [2, 2, 1, 1]), ...head.initializers(8)],
      ],
      types: { z: [1, ['batch', 2, 2, 2]] },
    },
  },
};

const isHead = (name: string) => name.startsWith('head.');

describe('trained behind a node without a gradient', () => {
  for (const [name, { sizes, parts }] of Object.entries(CASES)) {
    it(`${name}: the loss falls, and plain ONNX Runtime computes what the student does, error < 1e-5`, async () => {
      const student = OnnxStudent.read(
        { bytes: modelOf(parts), name },
        { embeddings: 'y', inputs: plainInputs(sizes), trainable: isHead },
      );
      const count = sizes.reduce((n, d) => n * d, 1);
      const samples = Array.from({ length: 6 }, (_, i) => Float32Array.from(wave(count, i)));
      const data = buildDataset(samples, {}, { what: 'row', bytesOf: ({ buffer }) => new Uint8Array(buffer) });
      const losses: number[] = [];
      await distill({
        ...{ student, data, teacher: new Matrix(6, 3, Float32Array.from(wave(18, 9))) },
        ...{ strategy: new FeatureDistillationStrategy(), batchSize: 6, epochs: 40 },
        optimizer: { learningRate: 0.05 },
        onStep: ({ loss }) => losses.push(loss),
      });
      expect(losses.at(-1)).toBeLessThan(0.8 * losses[0]);

      const exported = student.toOnnx();
      const x = plainInputs(sizes).feeds(samples, []).x;
      const { y } = await runFile(exported, { x });
      const embedded = await student.embed(samples);
      for (let i = 0; i < 6; i++) {
        const row = Array.from(y.data.slice(3 * i, 3 * i + 3), Number);
        const norm = Math.hypot(...row);
        for (const [k, value] of row.entries()) expect(embedded.row(i)[k]).toBeCloseTo(value / norm, 5);
      }
      const [old, now] = [weightsOf(modelOf(parts)), weightsOf(exported)];
      for (const [weight, numbers] of old) {
        if (isHead(weight)) expect(now.get(weight), weight).not.toEqual(numbers);
        else expect(now.get(weight), weight).toEqual(numbers);
      }
    });
  }
});

/** The bytes of every weight of a file. */
function weightsOf(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const { graph } = onnxProto.onnx.ModelProto.decode(bytes);
  return new Map((graph?.initializer ?? []).map(({ name, rawData }) => [name ?? '', Uint8Array.from(rawData ?? [])]));
}

describe('passed on as it is', () => {
  const x: TensorData = floatTensor(Float32Array.from(wave(12, 3)), [3, 4]);

  it.each<[string, ModelParts]>([
    [
      'a node of com.microsoft',
      {
        inputs: { x: ['batch', 4] },
        nodes: [{ op: 'FastGelu', inputs: ['x', 'b'], domain: 'com.microsoft' }],
        initializers: [weight('b', [4])],
        types: { y: [1, ['batch', 4]] },
      },
    ],
    [
      'an operator that the engine has, asked for what it cannot',
      {
        inputs: { x: ['batch', 4] },
        nodes: [
          { op: 'Dropout', inputs: ['x'], outputs: ['same', 'mask'] },
          { op: 'Cast', inputs: ['mask'], outputs: ['kept'], attributes: { to: 1 } },
          { op: 'Add', inputs: ['same', 'kept'] },
        ],
        types: { same: [1, ['batch', 4]], mask: [9, ['batch', 4]] },
      },
    ],
    [
      'sizes that only the run knows',
      {
        inputs: { x: ['batch', 4] },
        nodes: [
          { op: 'NonZero', inputs: ['x'], outputs: ['places'] },
          { op: 'Cast', inputs: ['places'], attributes: { to: 1 } },
        ],
        types: { places: [7, [2, 'found']] },
      },
    ],
  ])('%s: the same numbers as from the file', async (_, parts) => {
    const bytes = modelOf(parts);
    const model = g.readOnnx(bytes, { trainable: () => false });
    const [expected, actual] = [await runFile(bytes, { x }), await runModel(model, { x })];
    expect([actual.y.dims, actual.y.data]).toEqual([expected.y.dims, expected.y.data]);
  });

  it('the written graph imports the domains of its nodes, and no other', () => {
    const domainsOf = (domain: string) => {
      const node = { op: 'Softplus', inputs: ['x'], domain };
      const { inputs, outputs } = g.readOnnx(modelOf({ inputs: { x: [2] }, nodes: [node], types: { y: [1, [2]] } }));
      const { opsetImport } = onnxProto.onnx.ModelProto.decode(g.writeOnnx({ inputs, outputs }));
      return opsetImport!.map(({ domain, version }) => `${domain} ${version}`);
    };
    expect([domainsOf(''), domainsOf('com.microsoft')]).toEqual([[' 18'], [' 18', 'com.microsoft 1']]);
  });

  it('sizes are named, and fixed, as those of inputs are', () => {
    const { parts } = CASES['TopK on a frozen layer, both outputs used (opset 17)'];
    const read = (sizes: Record<string, number | string>) =>
      g.readOnnx(modelOf(parts), { trainable: isHead, sizes }).tensors.get('most')!.shape;
    expect([read({}), read({ batch: 'rows' }), read({ batch: 5 })]).toEqual([
      ['batch', 2],
      ['rows', 2],
      [5, 2],
    ]);
  });

  it('weights may be read by whole numbers that come of them: those have no gradient anyway', async () => {
    const model = g.readOnnx(
      modelOf({
        inputs: { x: ['batch', 4] },
        nodes: [
          { op: 'MatMul', inputs: ['x', 'w'], outputs: ['h'] },
          { op: 'ArgMax', inputs: ['h'], outputs: ['place'], attributes: { axis: 1, keepdims: 0 } },
          { op: 'OneHot', inputs: ['place', 'depth', 'off.on'], outputs: ['hot'] },
          { op: 'Mul', inputs: ['hot', 'h'] },
        ],
        initializers: [weight('w', [4, 5]), int64s('depth', [5]), initializer('off.on', [0, 1], [2])],
        types: { hot: [1, ['batch', 5]] },
      }),
      { trainable: (name) => name === 'w' },
    );
    const [gradient] = g.gradients(g.sum(model.outputs.y), [model.parameters.get('w')!.tensor]);
    const { gradient: found } = await runModel(model, { x }, { gradient });
    expect(Array.from(found.data, Number).reduce((a, b) => a + b)).toBeCloseTo(
      Array.from(x.data, Number).reduce((a, b) => a + b),
      5,
    );
    expect(parameterFeeds(model).w.dims).toEqual([4, 5]);
  });
});

describe('refused', () => {
  const { parts } = CASES['TopK on a frozen layer, both outputs used (opset 17)'];

  it('every node without a gradient behind weights that are trained, in one error that says what helps', () => {
    const error = caught(() =>
      g.readOnnx(
        modelOf({
          ...parts,
          nodes: [
            ...parts.nodes,
            { op: 'Hardmax', inputs: ['y'], outputs: ['hard'], name: 'head/hard' },
            { op: 'LSTM', inputs: ['y'], outputs: ['lost'], name: 'odd' },
            { op: 'Add', inputs: ['hard', 'lost'], outputs: ['end'] },
          ],
          outputs: ['end'],
          types: { ...parts.types, hard: [1, ['batch', 3]] },
        }),
      ),
    );
    expect(error.code).toBe('UNSUPPORTED');
    expect(error.message.split('\n')).toEqual([
      'model: expected only nodes that the engine can read and differentiate, got 3 others:',
      '  TopK "most": no gradient (not an operator that the engine has), and weights that are trained lie before it',
      '  Hardmax "head/hard": no gradient (not an operator that the engine has), and weights that are trained lie before it',
      '  LSTM "odd": not an operator that the engine has; nor does the file say the type and shape of "lost"',
      'The option trainable can freeze the weights that lie before a node without a gradient.',
    ]);
  });

  it('a gradient by the input, naming the node', () => {
    const model = g.readOnnx(modelOf(parts), { trainable: isHead });
    const error = caught(() => g.gradients(g.sum(model.outputs.y), model.inputs));
    expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringContaining('got TopK "most"')]);
  });

  const refusal = (changes: Partial<ModelParts>) =>
    caught(() => g.readOnnx(modelOf({ ...parts, ...changes }), { trainable: () => false })).message;

  it('a node of which the file does not say the shape, or whose numbers are of another type', () => {
    expect(refusal({ types: { most: [1, ['batch', 2]] } })).toContain(
      'nor does the file say the type and shape of "places"',
    );
    expect(refusal({ types: { most: [1, ['batch', 2]], places: [2, ['batch', 2]] } })).toContain('"places"');
  });

  it('a node that means something else in the opset of written graphs', () => {
    const one = (op: string, opset: number) =>
      refusal({ nodes: [{ op, inputs: ['x'] }], opset, types: { y: [1, ['batch', 4]] } });
    expect(one('Hardmax', 11)).toContain('nor is it the same in opset 18, with which graphs are written, as in 11');
    expect(one('GridSample', 20)).toContain('in opset 18');
  });

  it('a node of an unknown domain, an unknown one of the default domain, and one that names another file', () => {
    const one = (op: string, domain: string) =>
      refusal({ nodes: [{ op, inputs: ['x'], domain }], types: { y: [1, ['batch', 4]] } });
    for (const [op, domain] of [
      ['TopK', 'other'],
      ['Frobnicate', ''],
      ['EPContext', 'com.microsoft'],
    ]) {
      expect(one(op, domain)).toMatch(/: not an operator that the engine has$/);
    }
  });

  it('one of com.microsoft that ONNX Runtime does not have, when it is compiled', async () => {
    const model = g.readOnnx(
      modelOf({
        inputs: { x: [1] },
        nodes: [{ op: 'Frobnicate', inputs: ['x'], domain: 'com.microsoft' }],
        types: { y: [1, [1]] },
      }),
    );
    const error = await runModel(model, { x: floatTensor(Float32Array.of(1), [1]) }).catch((problem) => problem);
    expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringContaining('Frobnicate')]);
  });

  it('attributes that are kept in another file, or subgraphs', () => {
    const kept = { dims: [1], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: 'w' }] };
    const node = { op: 'Hardmax', inputs: ['x'], attributes: { value: kept } };
    expect(refusal({ nodes: [node], types: { y: [1, ['batch', 4]] } })).toContain('numbers and texts of this file');
  });
});
