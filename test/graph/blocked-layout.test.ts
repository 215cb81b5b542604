/**
 * What stands between blocked convolutions stays in blocks: values and gradients against the same graph in plain layout, both beside
 * float64, and what of the layout is left in the graph. On processors without the layout both are plain.
 */
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { backend } from '../../src/runtime/backend-node.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

const block = await backend.channelBlock('cpu');
const pads = [1, 1, 1, 1];

type Build = (inputs: readonly g.SymbolicTensor[]) => Record<string, g.SymbolicTensor>;

interface Case {
  readonly shapes: readonly g.Shape[];
  readonly build: Build;
  /** Mean of the first input; its deviation is 1. */
  readonly mean?: number;
}

const norm = (x: g.SymbolicTensor, scale: g.SymbolicTensor, bias: g.SymbolicTensor) =>
  g.batchNormalization(x, scale, bias);

const CASES: Record<string, Case> = {
  'a residual block': {
    shapes: [['batch', 16, 6, 5], [16, 16, 3, 3], [16], [16], [16, 16, 3, 3], [16], [16]],
    build([x, w, scale, bias, w2, scale2, bias2]) {
      const first = norm(g.conv(x, w, { pads }), scale, bias);
      const inner = g.relu(first.y);
      const second = norm(g.conv(inner, w2, { pads }), scale2, bias2);
      return { y: g.relu(g.add(second.y, x)), mean: first.mean, variance: second.variance };
    },
  },
  'a block that halves the image': {
    shapes: [['batch', 16, 8, 8], [32, 16, 3, 3], [32], [32], [32, 32, 3, 3], [32], [32], [32, 16, 1, 1]],
    build([x, w, scale, bias, w2, scale2, bias2, shortcut]) {
      const strides = [2, 2];
      const inner = g.relu(norm(g.conv(x, w, { pads, strides }), scale, bias).y);
      const y = norm(g.conv(inner, w2, { pads }), scale2, bias2).y;
      return { y: g.relu(g.add(y, g.conv(x, shortcut, { strides }))) };
    },
  },
  'values that two read, one of them in plain layout': {
    shapes: [['batch', 16, 5, 5], [16, 16, 3, 3], [16], [16]],
    build([x, w, scale, bias]) {
      const { y } = norm(g.conv(x, w, { pads }), scale, bias);
      return { y, positive: g.relu(y), doubled: g.add(y, y), total: g.sum(y, [1]), flat: g.flatten(y, 1) };
    },
  },
  'without a Relu behind it, bias of the convolution, sum with a plain tensor': {
    shapes: [['batch', 16, 4, 6], [16, 16, 3, 3], [16], ['batch', 16, 4, 6]],
    build: ([x, w, bias, other]) => ({
      y: g.add(other, g.conv(x, w, { pads, bias })),
      halved: g.mul(g.conv(x, w, { pads, bias }), 0.5),
      sigmoid: g.sigmoid(g.conv(x, w, { pads, bias })),
    }),
  },
  'factors of channels and of samples, which are not entry by entry': {
    shapes: [
      ['batch', 16, 4, 4],
      [16, 16, 3, 3],
      ['batch', 16, 1, 1],
      [16, 1, 1],
    ],
    build([x, w, gates, factors]) {
      const y = g.conv(x, w, { pads });
      return { gated: g.mul(y, gates), scaled: g.mul(y, factors) };
    },
  },
  'normalised by other axes, and by other axes of blocks': {
    shapes: [['batch', 16, 4, 4], [16, 16, 3, 3], [16], [16]],
    build: ([x, w, scale, bias]) => ({
      instance: g.instanceNormalization(g.conv(x, w, { pads }), scale, bias),
      group: g.groupNormalization(g.conv(x, w, { pads }), 4, scale, bias),
    }),
  },
  'depthwise between pointwise': {
    shapes: [['batch', 16, 6, 6], [32, 16, 1, 1], [32], [32], [32, 1, 3, 3], [16, 32, 1, 1]],
    build([x, expand, scale, bias, depthwise, project]) {
      const wide = g.relu(norm(g.conv(x, expand), scale, bias).y);
      return { y: g.conv(g.relu(g.conv(wide, depthwise, { pads, groups: 32 })), project) };
    },
  },
  'comparisons, read in blocks and in plain layout': {
    shapes: [['batch', 16, 5, 5], [16, 16, 3, 3], [16], [16]],
    build([x, w, scale, bias]) {
      const { y } = norm(g.conv(x, w, { pads }), scale, bias);
      const large = g.greater(y, 0.4);
      return {
        clipped: g.clip(y, 0, 1),
        leaky: g.leakyRelu(y),
        picked: g.where(large, g.mul(y, y), 0.25),
        counted: g.cast(large, y.dtype as g.FloatType),
        flat: g.where(g.flatten(large, 1), g.flatten(y, 1), 0.5),
        fixed: g.mul(g.stopGradient(y), y),
      };
    },
  },
  'a convolution that two read': {
    shapes: [
      ['batch', 16, 5, 5],
      [16, 16, 3, 3],
    ],
    build([x, w]) {
      const y = g.conv(x, w, { pads });
      return { positive: g.relu(y), shifted: g.add(y, x), total: g.sum(y, [1]) };
    },
  },
  'means far from 0': {
    shapes: [['batch', 16, 6, 6], [16, 16, 1, 1], [16], [16]],
    mean: 30,
    build([x, w, scale, bias]) {
      const { y, variance } = norm(g.conv(x, w), scale, bias);
      return { y, variance };
    },
  },
  'transposed convolution with a bias': {
    shapes: [['batch', 16, 4, 4], [16, 16, 3, 3], [16], [16], [16]],
    build([x, w, b, scale, bias]) {
      const options = { strides: [2, 2], pads, outputPads: [1, 1], bias: b };
      return {
        y: g.relu(norm(g.convTranspose(x, w, options), scale, bias).y),
        same: g.relu(g.convTranspose(x, w, { pads, bias: b })),
      };
    },
  },
};

/** Everything that `build` gives, and the gradients of a sum of it with random weights. */
function graphOf({ shapes, build }: Case, dtype: g.FloatType): g.Graph {
  const inputs = shapes.map((shape, i) => g.input(`x${i}`, dtype, shape));
  const values = build(inputs);
  const weights = Object.entries(values).map(([name, { shape }]) => g.input(`weights of ${name}`, dtype, shape));
  const loss = Object.values(values)
    .map((value, i) => g.sum(g.mul(value, weights[i])))
    .reduce(g.add);
  const gradients = g.gradients(loss, inputs).map((each, i): [string, g.SymbolicTensor] => [`g${i}`, each]);
  return { inputs: [...inputs, ...weights], outputs: { ...values, ...Object.fromEntries(gradients) } };
}

async function run(example: Case, channelBlock: number, dtype: g.FloatType, batch = 8, multiples = {}) {
  const graph = graphOf(example, dtype);
  const random = new Random(3);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ shape, source }, i) => {
      const sizes = shape.map((d) => (typeof d === 'number' ? d : batch));
      const length = sizes.reduce((n, d) => n * d, 1);
      const numbers = Float32Array.from({ length }, () => random.normal() + (i === 0 ? (example.mean ?? 0) : 0));
      const data = dtype === 'float32' ? numbers : Float64Array.from(numbers);
      return [(source as { name: string }).name, floatTensor(data, sizes)];
    }),
  );
  const session = await backend.createSession(g.writeOnnx(graph, { channelBlock, multiples }), {});
  const results = await session.run(feeds, Object.keys(graph.outputs));
  await session.release();
  return results;
}

/** The largest difference over the largest entry. */
function relativeError(exact: ArrayLike<number>, found: ArrayLike<number>): number {
  const scale = Array.from(exact).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return Array.from(exact).reduce((most, value, i) => Math.max(most, Math.abs(found[i] - value)), 0) / (scale || 1);
}

function nodesOf(example: Case, names: readonly string[], channelBlock = 8) {
  const { inputs, outputs } = graphOf(example, 'float32');
  const kept = Object.fromEntries(names.map((name) => [name, outputs[name]]));
  const { graph } = onnxProto.onnx.ModelProto.decode(g.writeOnnx({ inputs, outputs: kept }, { channelBlock }));
  const counts = new Map<string, number>();
  for (const { opType } of graph?.node ?? []) counts.set(opType ?? '', (counts.get(opType ?? '') ?? 0) + 1);
  return (type: string) => counts.get(type) ?? 0;
}

describe('in blocks, as exact as in plain layout', () => {
  it.each(Object.entries(CASES))('%s', async (_, example) => {
    const exact = await run(example, 0, 'float64');
    const plain = await run(example, 0, 'float32');
    const blocked = await run(example, block, 'float32');
    for (const [name, { data, dims }] of Object.entries(exact)) {
      expect(blocked[name].dims, name).toEqual(dims);
      const [ofPlain, ofBlocked] = [plain, blocked].map((results) =>
        relativeError(data as Float64Array, results[name].data as Float32Array),
      );
      expect(ofBlocked, `${name}; plain ${ofPlain}`).toBeLessThan(Math.max(3e-6, 3 * ofPlain));
    }
  });
});

describe('what is left of the layout', () => {
  it('a residual block: into blocks once, out of them once', () => {
    const count = nodesOf(CASES['a residual block'], ['y']);
    expect(count('ReorderOutput')).toBe(1);
    // The image, and the filters of two convolutions.
    expect(count('ReorderInput')).toBe(3);
    expect(count('GlobalAveragePool')).toBe(4);
  });

  it('Relu and Add are taken into the convolution before them', () => {
    const count = nodesOf(CASES['a residual block'], ['y']);
    expect(count('Relu')).toBe(0);
    // Variances take an epsilon each, and that is all.
    expect(count('Add')).toBe(2);
  });

  it('a convolution is written once, however many read it', () => {
    const count = nodesOf(CASES['a convolution that two read'], ['positive', 'shifted', 'total']);
    expect(count('Conv')).toBe(1);
    expect(count('Relu')).toBe(1);
    expect(count('Add')).toBe(1);
  });

  it('gradients of the convolutions\u2019 weights are read from blocks', () => {
    const count = nodesOf(CASES['a residual block'], ['g1', 'g4']);
    // One for each gradient of weights, one for the images that it reads; the layers between stay as they are.
    expect(count('ReorderOutput')).toBe(4);
  });

  it('nothing of it without blocks', () => {
    for (const example of Object.values(CASES)) {
      const count = nodesOf(example, ['g0'], 0);
      for (const type of ['ReorderInput', 'ReorderOutput', 'GlobalAveragePool']) expect(count(type)).toBe(0);
    }
  });
});

describe('multiples', () => {
  const example = CASES['a block that halves the image'];

  it.each([16, 32])('a batch of %i, as promised: no zeros behind it, and the same gradients', async (batch) => {
    const any = await run(example, block, 'float32', batch);
    const promised = await run(example, block, 'float32', batch, { batch: 16 });
    for (const [name, { data }] of Object.entries(any)) {
      expect(relativeError(data as Float32Array, promised[name].data as Float32Array), name).toBeLessThan(1e-6);
    }
  });

  it('are fewer nodes', () => {
    const graph = graphOf(example, 'float32');
    const concats = (multiples: Record<string, number>) =>
      onnxProto.onnx.ModelProto.decode(g.writeOnnx(graph, { channelBlock: 8, multiples })).graph?.node?.filter(
        ({ opType }) => opType === 'Concat',
      ).length;
    expect(concats({ batch: 16 })).toBe(0);
    expect(concats({ batch: 4 })).toBe(concats({}));
    expect(concats({})).toBeGreaterThan(0);
  });
});
