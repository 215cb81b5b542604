/** Gradient cases: convolutions with groups, strides, dilations and pads, even and odd sizes, known and at run time. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

export const convolution: Record<string, GradientCase> = {
  'conv, one axis': {
    shapes: [[2, 3, 7], [4, 3, 3], [4]],
    build: ([x, w, bias]) => g.conv(x, w, { bias, pads: [1, 0] }),
  },
  'conv, window 1, stride 2': {
    shapes: [
      [2, 3, 5, 6],
      [2, 3, 1, 1],
    ],
    build: ([x, w]) => g.conv(x, w, { strides: [2, 2] }),
  },
  'conv, pads of the window, batch at run time': {
    shapes: [
      [2, 2, 5, 4],
      [3, 2, 3, 3],
    ],
    symbolic: [
      ['batch', 2, 5, 4],
      [3, 2, 3, 3],
    ],
    build: ([x, w]) => g.exp(g.mul(0.1, g.conv(x, w, { pads: [1, 1, 1, 1] }))),
  },
  'conv, stride 2 that leaves entries over, bias': {
    shapes: [[1, 2, 6, 7], [3, 2, 3, 2], [3]],
    build: ([x, w, bias]) => g.conv(x, w, { bias, strides: [2, 3], pads: [0, 1, 1, 0] }),
  },
  'conv, groups and dilations': {
    shapes: [
      [2, 4, 6, 5],
      [6, 2, 3, 2],
    ],
    build: ([x, w]) => g.conv(x, w, { groups: 2, dilations: [2, 1], pads: [1, 0, 2, 1] }),
  },
  'conv, depthwise with two filters for each channel, stride': {
    shapes: [
      [2, 3, 5, 5],
      [6, 1, 3, 3],
    ],
    symbolic: [
      ['batch', 3, 5, 5],
      [6, 1, 3, 3],
    ],
    build: ([x, w]) => g.conv(x, w, { groups: 3, strides: [2, 2], pads: [1, 1, 1, 1] }),
  },
  'conv, the gradient of a depthwise weight gradient': {
    shapes: [
      [2, 3, 5, 6],
      [3, 1, 3, 2],
    ],
    build: ([x, w]) => {
      const y = g.exp(g.mul(0.2, g.conv(x, w, { groups: 3, strides: [2, 1], pads: [1, 0, 0, 1] })));
      return g.gradients(g.sum(y), [w])[0];
    },
  },
  'conv, the gradient of a weight gradient, groups': {
    shapes: [
      [2, 4, 5, 4],
      [6, 2, 2, 3],
    ],
    build: ([x, w]) => {
      const y = g.exp(g.mul(0.2, g.conv(x, w, { groups: 2, strides: [2, 1], dilations: [1, 2], pads: [1, 2, 0, 1] })));
      return g.gradients(g.sum(y), [w])[0];
    },
  },
  'conv, pads wider than the window': {
    shapes: [
      [1, 2, 3, 4],
      [2, 2, 2, 1],
    ],
    build: ([x, w]) => g.conv(x, w, { pads: [2, 0, 1, 3] }),
  },
  'conv, every size at run time': {
    shapes: [[2, 2, 5, 6], [3, 2, 3, 3], [3]],
    symbolic: [['batch', 2, 'height', 'width'], [3, 2, 3, 3], [3]],
    build: ([x, w, bias]) => g.conv(x, w, { bias, pads: 'sameUpper' }),
  },
  'conv, every size at run time, stride and groups': {
    shapes: [
      [2, 4, 6, 5],
      [4, 2, 3, 2],
    ],
    symbolic: [
      ['batch', 4, 'height', 'width'],
      [4, 2, 3, 2],
    ],
    build: ([x, w]) => g.conv(x, w, { groups: 2, strides: [2, 3], pads: [1, 0, 1, 1] }),
  },
  'conv, same pads': {
    shapes: [
      [1, 2, 5, 4],
      [2, 2, 2, 3],
    ],
    build: ([x, w]) =>
      g.concat(
        [g.conv(x, w, { strides: [2, 2], pads: 'sameUpper' }), g.conv(x, w, { strides: [2, 2], pads: 'sameLower' })],
        0,
      ),
  },
  'convTranspose, one axis, bias': {
    shapes: [[2, 3, 4], [3, 2, 3], [2]],
    build: ([x, w, bias]) => g.convTranspose(x, w, { bias }),
  },
  'convTranspose, stride, pads and output pads': {
    shapes: [
      [2, 3, 3, 4],
      [3, 2, 3, 3],
    ],
    symbolic: [
      ['batch', 3, 3, 4],
      [3, 2, 3, 3],
    ],
    build: ([x, w]) => g.convTranspose(x, w, { strides: [2, 3], pads: [1, 0, 1, 1], outputPads: [1, 2] }),
  },
  'convTranspose, groups and dilations': {
    shapes: [
      [1, 4, 3, 3],
      [4, 1, 2, 3],
    ],
    build: ([x, w]) => g.convTranspose(x, w, { groups: 2, strides: [2, 1], dilations: [1, 2] }),
  },
  'convTranspose, every size at run time': {
    shapes: [
      [2, 2, 3, 4],
      [2, 3, 2, 3],
    ],
    symbolic: [
      ['batch', 2, 'height', 'width'],
      [2, 3, 2, 3],
    ],
    build: ([x, w]) => g.convTranspose(x, w, { strides: [2, 1], pads: [0, 1, 0, 1] }),
  },
};
