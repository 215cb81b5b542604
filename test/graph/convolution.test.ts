/**
 * The float32 kernels: values and gradients of convolutions against loops in float64. (Their gradients in float64 are in the
 * table of operators.test.ts; there the operators write themselves out.) Tolerance: 1e-5 of the largest entry.
 */
import { describe, expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { resolveWindows } from '../../src/graph/operators/windows.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { caught } from '../caught.ts';
import { Block, type NaiveWindows, naiveConv, naiveTransposed, naiveWeightGradient } from './naive-windows.ts';

const TOLERANCE = 1e-5;

type Build = (x: g.SymbolicTensor, w: g.SymbolicTensor, bias: g.SymbolicTensor) => g.SymbolicTensor;

/** y, and the gradients of Σ weights · y, in float32; `open` with run-time names for all sizes of x but the channels. */
async function run(build: Build, x: Block, w: Block, bias: Block, weights: Block, open: boolean) {
  const xShape = open ? ['batch', x.shape[1], 'height', 'width'] : x.shape;
  const [sx, sw, sb] = [xShape, w.shape, bias.shape].map((shape, i) => g.input(`x${i}`, 'float32', shape));
  const y = build(sx, sw, sb);
  const weight = g.input('x3', 'float32', y.shape);
  const [gx, gw, gb] = g.gradients(g.sum(g.mul(y, weight)), [sx, sw, sb]);
  const program = await compile({ inputs: [sx, sw, sb, weight], outputs: { y, gx, gw, gb } });
  const feeds = Object.fromEntries(
    [x, w, bias, weights].map(({ data, shape }, i) => [`x${i}`, floatTensor(Float32Array.from(data), shape)]),
  );
  const results = await program.run(feeds);
  await program.release();
  return results;
}

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

function biasOf(y: Block): Block {
  const total = new Block([y.shape[1]]);
  const size = y.shape[2] * y.shape[3];
  for (const [i, value] of y.data.entries()) total.data[Math.floor(i / size) % y.shape[1]] += value;
  return total;
}

function addBias(y: Block, bias: Block): Block {
  const size = y.shape[2] * y.shape[3];
  return new Block(
    y.shape,
    y.data.map((value, i) => value + bias.data[Math.floor(i / size) % y.shape[1]]),
  );
}

interface Case extends Partial<NaiveWindows> {
  readonly name: string;
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly outputPads?: readonly [number, number];
}

const CASES: Case[] = [
  { name: 'plain', x: [2, 3, 7, 6], w: [4, 3, 3, 3] },
  { name: 'pads, batch 1, one channel', x: [1, 1, 5, 5], w: [1, 1, 3, 3], pads: [1, 1, 1, 1] },
  { name: 'window 1, stride 2', x: [2, 8, 6, 7], w: [16, 8, 1, 1], strides: [2, 2] },
  { name: 'stride 2, pads, even size', x: [3, 4, 8, 8], w: [5, 4, 3, 3], strides: [2, 2], pads: [1, 1, 1, 1] },
  {
    name: 'unequal strides, dilations, pads',
    x: [2, 2, 11, 9],
    w: [3, 2, 3, 2],
    strides: [2, 3],
    dilations: [2, 1],
    pads: [1, 0, 2, 1],
  },
  { name: 'groups', x: [2, 6, 6, 5], w: [4, 3, 3, 3], groups: 2, pads: [1, 1, 1, 1] },
  { name: 'depthwise', x: [2, 5, 7, 7], w: [5, 1, 3, 3], groups: 5, pads: [1, 1, 1, 1] },
  { name: 'depthwise, stride 2', x: [2, 16, 7, 8], w: [16, 1, 3, 3], groups: 16, strides: [2, 2], pads: [1, 1, 1, 1] },
  { name: 'depthwise, two filters each', x: [1, 3, 6, 6], w: [6, 1, 2, 2], groups: 3 },
  { name: 'pads wider than the window', x: [1, 2, 4, 3], w: [2, 2, 2, 2], pads: [2, 1, 3, 2] },
  { name: 'one row, as with one spatial axis', x: [2, 3, 1, 20], w: [4, 3, 1, 5], strides: [1, 2], pads: [0, 2, 0, 2] },
  { name: 'window as large as the input', x: [3, 4, 5, 6], w: [7, 4, 5, 6] },
  { name: '32 channels', x: [2, 32, 8, 8], w: [32, 32, 3, 3], pads: [1, 1, 1, 1] },
];

const defaults = { strides: [1, 1], dilations: [1, 1], pads: [0, 0, 0, 0], groups: 1 } as const;

describe('conv in float32 against loops in float64, error < 1e-5 of the largest entry', () => {
  for (const { name, x: xShape, w: wShape, ...given } of CASES) {
    const windows: NaiveWindows = { ...defaults, ...given };
    const counts = [0, 1].map((i) => {
      const room =
        xShape[i + 2] + windows.pads[i] + windows.pads[i + 2] - windows.dilations[i] * (wShape[i + 2] - 1) - 1;
      return Math.floor(room / windows.strides[i]) + 1;
    });
    const [x, w, bias] = [xShape, wShape, [wShape[0]]].map(Block.random);
    const weights = Block.random([xShape[0], wShape[0], ...counts], 9);
    for (const open of [false, true]) {
      it(`${name}, ${open ? 'run-time' : 'known'} sizes`, async () => {
        const { y, gx, gw, gb } = await run(
          (sx, sw, sb) => g.conv(sx, sw, { ...windows, bias: sb }),
          x,
          w,
          bias,
          weights,
          open,
        );
        expectClose(y, addBias(naiveConv(x, w, weights.shape, windows), bias), 'y');
        expectClose(gx, naiveTransposed(weights, w, xShape, windows), '∂/∂x');
        expectClose(gw, naiveWeightGradient(x, weights, wShape, windows), '∂/∂w');
        expectClose(gb, biasOf(weights), '∂/∂bias');
      });
    }
  }
});

const TRANSPOSED: Case[] = [
  { name: 'plain', x: [2, 3, 4, 5], w: [3, 2, 3, 3] },
  {
    name: 'stride 2, output pads',
    x: [2, 3, 4, 5],
    w: [3, 4, 3, 3],
    strides: [2, 2],
    pads: [1, 1, 1, 1],
    outputPads: [1, 1],
  },
  { name: 'window 2, stride 2', x: [1, 8, 3, 3], w: [8, 4, 2, 2], strides: [2, 2] },
  { name: 'groups, dilations', x: [2, 4, 4, 3], w: [4, 3, 2, 3], groups: 2, dilations: [2, 1], strides: [1, 2] },
];

describe('convTranspose in float32 against loops in float64, error < 1e-5 of the largest entry', () => {
  for (const { name, x: xShape, w: wShape, outputPads = [0, 0], ...given } of TRANSPOSED) {
    const windows: NaiveWindows = { ...defaults, ...given };
    const sizes = [0, 1].map((i) => {
      const { strides, pads, dilations } = windows;
      return (
        (xShape[i + 2] - 1) * strides[i] -
        pads[i] -
        pads[i + 2] +
        dilations[i] * (wShape[i + 2] - 1) +
        1 +
        outputPads[i]
      );
    });
    const channels = wShape[1] * windows.groups;
    const [x, w, bias] = [xShape, wShape, [channels]].map(Block.random);
    const weights = Block.random([xShape[0], channels, ...sizes], 9);
    for (const open of [false, true]) {
      it(`${name}, ${open ? 'run-time' : 'known'} sizes`, async () => {
        const options = { ...windows, outputPads };
        const { y, gx, gw, gb } = await run(
          (sx, sw, sb) => g.convTranspose(sx, sw, { ...options, bias: sb }),
          ...([x, w, bias, weights, open] as const),
        );
        expectClose(y, addBias(naiveTransposed(x, w, weights.shape, windows), bias), 'y');
        expectClose(gx, naiveConv(weights, w, xShape, windows), '∂/∂x');
        expectClose(gw, naiveWeightGradient(weights, x, wShape, windows), '∂/∂w');
        expectClose(gb, biasOf(weights), '∂/∂bias');
      });
    }
  }
});

describe('auto pads', () => {
  it('same pads give ⌈size / stride⌉ windows, the odd entry after (upper) or before (lower)', () => {
    const x = g.input('x', 'float32', [1, 1, 5, 8]);
    const w = g.input('w', 'float32', [1, 1, 2, 3]);
    for (const pads of ['sameUpper', 'sameLower'] as const) {
      expect(g.conv(x, w, { pads }).shape).toEqual([1, 1, 5, 8]);
      expect(g.conv(x, w, { pads, strides: [2, 3] }).shape).toEqual([1, 1, 3, 3]);
    }
    // Along an axis of 5 with windows 2 and stride 2 one entry is missing; of 8 with windows 3 and stride 3 one, too.
    const pads = (kind: 'sameUpper' | 'sameLower', strides: number[]) =>
      resolveWindows('conv', [5, 8], [2, 3], { strides, pads: kind }).pads;
    expect(pads('sameUpper', [2, 3])).toEqual([0, 0, 1, 1]);
    expect(pads('sameLower', [2, 3])).toEqual([1, 1, 0, 0]);
    expect(pads('sameUpper', [1, 1])).toEqual([0, 1, 1, 1]);
    expect(pads('sameUpper', [4, 4])).toEqual([0, 0, 1, 0]);
  });
});

describe('conv: what does not fit', () => {
  const x = g.input('x', 'float32', [2, 4, 5, 5]);
  const open = g.input('x', 'float32', [2, 4, 'height', 5]);
  const w = g.input('w', 'float32', [6, 4, 3, 3]);
  const code = (act: () => unknown) => caught(act).code;

  it('shapes', () => {
    expect(code(() => g.conv(x, g.input('w', 'float32', [6, 3, 3, 3])))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.conv(x, g.input('w', 'float64', [6, 4, 3, 3])))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.conv(x, g.input('w', 'float32', [5, 2, 3, 3]), { groups: 2 }))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.conv(x, g.input('w', 'float32', [6, 4, 'k', 3])))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.conv(x, w, { bias: g.input('b', 'float32', [4]) }))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.conv(x, g.input('w', 'float32', [6, 4, 6, 3])))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.convTranspose(x, w))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.convTranspose(x, g.input('w', 'float32', [4])))).toBe('SHAPE_MISMATCH');
    expect(code(() => g.convTranspose(x, g.input('w', 'float32', [4, 6, 3, 3]), { groups: -1 }))).toBe(
      'SHAPE_MISMATCH',
    );
  });

  it('numbers', () => {
    expect(code(() => g.conv(x, w, { strides: [1] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.conv(x, w, { strides: [0, 1] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.conv(x, w, { dilations: [1, 0.5] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.conv(x, w, { pads: [1, 1] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.conv(x, w, { pads: [-1, 0, 0, 0] }))).toBe('INVALID_ARGUMENT');
    expect(code(() => g.conv(open, w, { pads: 'sameUpper', strides: [2, 2] }))).toBe('UNSUPPORTED');
    const turned = g.input('w', 'float32', [4, 6, 3, 3]);
    expect(code(() => g.convTranspose(x, turned, { strides: [2, 2], outputPads: [2, 0] }))).toBe('INVALID_ARGUMENT');
  });
});
