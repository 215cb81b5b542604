/** Gradient cases: matrix products, rows of tables, softmax and layer normalisation. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

const integers = (values: number[], shape: number[]) => g.constant(Int32Array.from(values), 'int32', shape);

export const linear: Record<string, GradientCase> = {
  'matmul, plain': {
    shapes: [
      [2, 3],
      [3, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b)),
  },
  'matmul, aᵀ': {
    shapes: [
      [3, 2],
      [3, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeA: true })),
  },
  'matmul, bᵀ': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeB: true })),
  },
  'matmul, aᵀbᵀ': {
    shapes: [
      [3, 2],
      [4, 3],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeA: true, transposeB: true })),
  },
  'matmul, a linear layer over run-time rows': {
    shapes: [
      [2, 3, 4],
      [4, 2],
    ],
    symbolic: [
      ['batch', 'length', 4],
      [4, 2],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b)),
  },
  'matmul, stacks, broadcast and transposed': {
    shapes: [
      [2, 1, 3, 4],
      [5, 2, 4],
    ],
    build: ([a, b]) => g.exp(g.matmul(a, b, { transposeB: true })),
  },
  'gather, repeated rows': { shapes: [[5, 2]], build: ([a]) => g.exp(g.gather(a, integers([4, 0, 4, 2], [2, 2]))) },
  scatterAdd: {
    shapes: [
      [4, 2],
      [3, 2],
    ],
    build: ([rows, table]) => g.add(g.exp(g.scatterAdd(rows, integers([2, 0, 2, 2], [4]), table)), table),
  },
  softmax: { shapes: [[3, 4]], build: ([a]) => g.softmax(a) },
  logSoftmax: { shapes: [[3, 4]], build: ([a]) => g.logSoftmax(a) },
  'softmax, another axis, run-time sizes': {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 4]],
    build: ([a]) => g.softmax(a, 1),
  },
  'logSoftmax, first axis': { shapes: [[3, 4]], build: ([a]) => g.logSoftmax(a, 0) },
  layerNormalization: {
    shapes: [[2, 3, 5], [5], [5]],
    build: ([x, scale, bias]) => g.layerNormalization(x, scale, bias, 1e-5),
  },
};
