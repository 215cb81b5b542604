/** Gradient cases: pools, normalisation per channel, and resizing. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

export const images: Record<string, GradientCase> = {
  maxPool: { shapes: [[2, 3, 6, 5]], build: ([x]) => g.exp(g.maxPool(x, [2, 2])) },
  'maxPool, overlapping, pads, dilations': {
    shapes: [[2, 2, 6, 5]],
    build: ([x]) => g.exp(g.maxPool(x, [3, 2], { strides: [2, 1], pads: [1, 0, 1, 1], dilations: [1, 2] })),
  },
  'maxPool, run-time sizes, rounded up': {
    shapes: [[2, 2, 6, 5]],
    symbolic: [['batch', 2, 'height', 'width']],
    build: ([x]) => g.exp(g.maxPool(x, [3, 3], { strides: [2, 2], ceil: true })),
  },
  'maxPool, one axis': { shapes: [[2, 3, 7]], build: ([x]) => g.exp(g.maxPool(x, [3], { strides: [2] })) },
  averagePool: { shapes: [[2, 3, 6, 5]], build: ([x]) => g.exp(g.averagePool(x, [2, 2])) },
  'averagePool, stride, pads that do not count': {
    shapes: [[2, 2, 6, 5]],
    build: ([x]) => g.exp(g.averagePool(x, [3, 2], { strides: [2, 2], pads: [1, 0, 1, 1] })),
  },
  'averagePool, pads that count, batch at run time': {
    shapes: [[2, 2, 6, 5]],
    symbolic: [['batch', 2, 6, 5]],
    build: ([x]) => g.exp(g.averagePool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], countPads: true })),
  },
  'averagePool, rounded up, pads that count': {
    shapes: [[1, 2, 6, 6]],
    build: ([x]) =>
      g.exp(g.averagePool(x, [3, 3], { strides: [2, 2], pads: [1, 0, 1, 0], countPads: true, ceil: true })),
  },
  'averagePool, every size at run time, stride, pads that do not count': {
    shapes: [[2, 2, 6, 5]],
    symbolic: [['batch', 2, 'height', 'width']],
    build: ([x]) => g.exp(g.averagePool(x, [3, 2], { strides: [2, 2], pads: [1, 0, 1, 1] })),
  },
  'averagePool, dilations': {
    shapes: [[1, 2, 6, 5]],
    build: ([x]) => g.exp(g.averagePool(x, [2, 3], { dilations: [2, 2] })),
  },
  globalAveragePool: {
    shapes: [[2, 3, 4, 5]],
    symbolic: [['batch', 3, 'height', 'width']],
    build: ([x]) => g.exp(g.globalAveragePool(x)),
  },
  globalMaxPool: { shapes: [[2, 3, 4, 5]], build: ([x]) => g.exp(g.globalMaxPool(x)) },
  batchNormalization: {
    shapes: [[4, 3, 2, 5], [3], [3]],
    build: ([x, scale, bias]) => g.exp(g.batchNormalization(x, scale, bias, 1e-3).y),
  },
  'batchNormalization, second derivative': {
    shapes: [[4, 3, 2, 3], [3], [3]],
    build: ([x, scale, bias]) => {
      const { y } = g.batchNormalization(x, scale, bias, 1e-3);
      return g.concat(
        g
          .gradients(g.sum(g.mul(y, g.mul(y, y))), [x, scale])
          .map((each) => g.reshape(each, [each.rank === 4 ? 72 : 3])),
        0,
      );
    },
  },
  'groupNormalization, second derivative': {
    shapes: [[2, 4, 2, 3], [4], [4]],
    build: ([x, scale, bias]) => {
      const y = g.groupNormalization(x, 2, scale, bias);
      return g.gradients(g.sum(g.mul(y, g.mul(y, y))), [x])[0];
    },
  },
  'batchNormalization, rows, run-time batch': {
    shapes: [[5, 3], [3], [3]],
    symbolic: [['batch', 3], [3], [3]],
    build: ([x, scale, bias]) => g.exp(g.batchNormalization(x, scale, bias).y),
  },
  'batchNormalizationInference, rows, run-time batch': {
    shapes: [[4, 3], [3], [3], [3], [3]],
    symbolic: [['batch', 3], [3], [3], [3], [3]],
    build: ([x, scale, bias, mean, variance]) =>
      g.exp(g.batchNormalizationInference(x, scale, bias, mean, g.add(1, g.mul(variance, variance)))),
  },
  batchNormalizationInference: {
    shapes: [[4, 3, 2, 5], [3], [3], [3], [3]],
    build: ([x, scale, bias, mean, variance]) =>
      g.batchNormalizationInference(x, scale, bias, mean, g.add(1, g.mul(variance, variance))),
  },
  instanceNormalization: {
    shapes: [[2, 3, 4, 5], [3], [3]],
    symbolic: [['batch', 3, 'height', 'width'], [3], [3]],
    build: ([x, scale, bias]) => g.exp(g.instanceNormalization(x, scale, bias)),
  },
  groupNormalization: {
    shapes: [[2, 6, 4, 5], [6], [6]],
    symbolic: [['batch', 6, 'height', 'width'], [6], [6]],
    build: ([x, scale, bias]) => g.exp(g.groupNormalization(x, 2, scale, bias)),
  },
  'resize, nearest, larger and smaller': {
    shapes: [[2, 1, 3, 5]],
    build: ([x]) => g.exp(g.resize(x, { sizes: [7, 3] })),
  },
  'resize, linear': { shapes: [[1, 2, 3, 5]], build: ([x]) => g.exp(g.resize(x, { sizes: [7, 3], mode: 'linear' })) },
  'resize, linear, corners aligned, one axis': {
    shapes: [[2, 1, 4]],
    build: ([x]) => g.exp(g.resize(x, { scales: [1.8], mode: 'linear', coordinates: 'alignCorners' })),
  },
  'resize, nearest, run-time sizes': {
    shapes: [[2, 1, 3, 4]],
    symbolic: [['batch', 1, 'height', 'width']],
    build: ([x]) => g.exp(g.resize(x, { scales: [2, 3] })),
  },
};
