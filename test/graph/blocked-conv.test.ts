/**
 * Convolutions in the runtime's blocked layout: values and gradients against the plain operators, for shapes that fit the layout and
 * shapes that must fall back. (Both are held against loops in convolution.test.ts.) On processors without the layout both are plain.
 */
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { backend } from '../../src/runtime/backend-node.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

const block = await backend.channelBlock('cpu');

interface Case {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly options?: g.ConvOptions & g.ConvTransposeOptions;
  readonly transposed?: boolean;
  /** How many convolutions of y and its gradient for x are blocked, for blocks of 8. */
  readonly blocked: number;
  /** Whether the gradient for w is. */
  readonly weights: boolean;
}

const ones = [1, 1, 1, 1];
const CASES: Case[] = [
  {
    name: '16 to 32 channels',
    x: [2, 16, 8, 8],
    w: [32, 16, 3, 3],
    options: { pads: ones },
    blocked: 2,
    weights: true,
  },
  {
    name: 'fewer channels than a block',
    x: [2, 3, 9, 7],
    w: [16, 3, 3, 3],
    options: { pads: ones },
    blocked: 1,
    weights: true,
  },
  { name: 'odd sizes, no pads', x: [3, 16, 11, 9], w: [16, 16, 3, 2], blocked: 2, weights: true },
  {
    name: 'depthwise',
    x: [2, 16, 7, 5],
    w: [16, 1, 3, 3],
    options: { groups: 16, pads: ones },
    blocked: 2,
    weights: false,
  },
  {
    name: 'groups',
    x: [2, 32, 6, 6],
    w: [32, 16, 3, 3],
    options: { groups: 2, pads: ones },
    blocked: 0,
    weights: false,
  },
  { name: 'filters that fill no block', x: [2, 16, 6, 6], w: [12, 16, 3, 3], blocked: 0, weights: false },
  { name: 'channels that fill no block', x: [2, 20, 6, 6], w: [16, 20, 3, 3], blocked: 0, weights: true },
  { name: 'dilations', x: [2, 16, 9, 9], w: [16, 16, 3, 3], options: { dilations: [2, 1] }, blocked: 2, weights: true },
  {
    name: 'stride 2 of 32 channels',
    x: [2, 16, 16, 16],
    w: [32, 16, 3, 3],
    options: { strides: [2, 2], pads: ones },
    blocked: 2,
    weights: true,
  },
  {
    name: 'unequal strides, pads and windows',
    x: [2, 16, 12, 10],
    w: [16, 16, 3, 4],
    options: { strides: [3, 2], pads: [0, 1, 0, 2] },
    blocked: 2,
    weights: true,
  },
  {
    name: 'stride 2 of odd sizes',
    x: [2, 16, 9, 7],
    w: [32, 16, 3, 3],
    options: { strides: [2, 2], pads: ones },
    blocked: 1,
    weights: true,
  },
  {
    name: 'window 1, stride 2',
    x: [2, 16, 8, 8],
    w: [32, 16, 1, 1],
    options: { strides: [2, 2] },
    blocked: 1,
    weights: false,
  },
  {
    name: 'transposed, stride 2',
    x: [2, 32, 8, 8],
    w: [32, 16, 3, 3],
    options: { strides: [2, 2], pads: ones, outputPads: [1, 1] },
    transposed: true,
    blocked: 2,
    weights: true,
  },
  {
    name: 'transposed, window 2, stride 2',
    x: [1, 16, 3, 5],
    w: [16, 16, 2, 2],
    options: { strides: [2, 2] },
    transposed: true,
    blocked: 2,
    weights: true,
  },
  {
    name: 'whole blocks of samples',
    x: [32, 16, 6, 6],
    w: [32, 16, 3, 3],
    options: { pads: ones },
    blocked: 2,
    weights: true,
  },
  {
    name: 'samples beyond a block',
    x: [21, 16, 5, 4],
    w: [64, 16, 3, 3],
    options: { pads: ones },
    blocked: 2,
    weights: true,
  },
  {
    name: 'one block of filters',
    x: [16, 8, 4, 4],
    w: [8, 8, 3, 3],
    options: { pads: ones },
    blocked: 2,
    weights: false,
  },
  {
    name: 'many positions',
    x: [4, 16, 33, 32],
    w: [32, 16, 3, 3],
    options: { pads: ones },
    blocked: 2,
    weights: false,
  },
  {
    name: 'stride 3 and dilation 2, entries left over',
    x: [5, 16, 15, 12],
    w: [32, 16, 3, 2],
    options: { strides: [3, 3], dilations: [2, 1], pads: [1, 0, 2, 1] },
    blocked: 1,
    weights: true,
  },
];

/** y and the gradients of Σ weights · y for x, w and the bias. */
function graphOf({ x: xShape, w: wShape, options, transposed }: Case, batch: g.Dimension = xShape[0]): g.Graph {
  const x = g.input('x', 'float32', [batch, ...xShape.slice(1)]);
  const w = g.input('w', 'float32', wShape);
  const bias = g.input('bias', 'float32', [transposed ? wShape[1] : wShape[0]]);
  const y = (transposed ? g.convTranspose : g.conv)(x, w, { ...options, bias });
  const weights = g.input('weights', 'float32', y.shape);
  const [gx, gw, gb] = g.gradients(g.sum(g.mul(y, weights)), [x, w, bias]);
  return { inputs: [x, w, bias, weights], outputs: { y, gx, gw, gb } };
}

async function run(graph: g.Graph, channelBlock: number, batch?: number): Promise<Record<string, Float32Array>> {
  const random = new Random(7);
  const feeds = Object.fromEntries(
    graph.inputs.map(({ shape, source }) => {
      const sizes = shape.map((d) => (typeof d === 'number' ? d : (batch as number)));
      const size = sizes.reduce((n, d) => n * d, 1);
      const data = Float32Array.from({ length: size }, () => random.normal());
      return [(source as { name: string }).name, floatTensor(data, sizes)];
    }),
  );
  const session = await backend.createSession(g.writeOnnx(graph, { channelBlock }), {});
  const results = await session.run(feeds, Object.keys(graph.outputs));
  await session.release();
  return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
}

/** The largest difference over the largest entry. */
function relativeError(plain: Float32Array, other: Float32Array): number {
  const scale = plain.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return plain.reduce((most, value, i) => Math.max(most, Math.abs(other[i] - value)), 0) / scale;
}

/** Other than those that map every channel by itself. */
function isBlockedConv({ opType, domain, attribute }: onnxProto.onnx.INodeProto): boolean {
  const ints = attribute?.find(({ name }) => name === 'kernel_shape')?.ints ?? [];
  const group = Number(attribute?.find(({ name }) => name === 'group')?.i);
  return opType === 'Conv' && domain === 'com.microsoft.nchwc' && !(group > 1 && ints.every((k) => Number(k) === 1));
}

describe('blocked convolutions against plain ones, error < 1e-5 of the largest entry', () => {
  it.each(CASES)('$name', async (example) => {
    const graph = graphOf(example);
    const [plain, blocked] = [await run(graph, 0), await run(graph, block)];
    for (const name of ['y', 'gx', 'gw', 'gb']) {
      expect(blocked[name].length, name).toBe(plain[name].length);
      expect(relativeError(plain[name], blocked[name]), name).toBeLessThan(1e-5);
    }
  });

  it.each(CASES)('$name: samples by the run, as often as it is asked', async (example) => {
    const graph = graphOf(example, 'batch');
    for (const batch of [1, 16, 19]) {
      const [plain, blocked] = [await run(graph, 0, batch), await run(graph, block, batch)];
      expect(relativeError(plain.gw, blocked.gw), `${batch} samples`).toBeLessThan(1e-5);
    }
  });

  it.each(CASES)('$name: so many are blocked', (example) => {
    const { inputs, outputs } = graphOf(example);
    const count = (channelBlock: number, names: string[]) => {
      const kept = Object.fromEntries(names.map((name) => [name, outputs[name]]));
      const { graph } = onnxProto.onnx.ModelProto.decode(g.writeOnnx({ inputs, outputs: kept }, { channelBlock }));
      return graph?.node?.filter(isBlockedConv).length;
    };
    expect(count(8, ['y', 'gx'])).toBe(example.blocked);
    expect(count(8, ['gw'])).toBe(example.weights ? 1 : 0);
    expect(count(0, ['y', 'gx', 'gw'])).toBe(0);
  });
});

describe('channelBlock', () => {
  it('is 0 or the width of a vector on the CPU, as the runtime fills channels up; 0 elsewhere', async () => {
    expect([0, 8, 16]).toContain(block);
    expect(await backend.channelBlock('cuda')).toBe(0);
    expect(await backend.channelBlock('webgpu')).toBe(0);
  });
});
