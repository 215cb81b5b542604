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
  'gather, a middle axis': {
    shapes: [[2, 3, 2]],
    symbolic: [['batch', 3, 'width']],
    build: ([a]) => g.exp(g.gather(a, integers([2, 0, 2, -1], [2, 2]), 1)),
  },
  'gather, one index, last axis': { shapes: [[2, 3]], build: ([a]) => g.exp(g.gather(a, integers([1], []), -1)) },
  'scatterAdd, last axis': {
    shapes: [
      [2, 4],
      [2, 3],
    ],
    build: ([rows, table]) => g.add(g.exp(g.scatterAdd(rows, integers([2, 0, 2, 2], [4]), table, 1)), table),
  },
  'gatherElements, repeated': {
    shapes: [[3, 2]],
    build: ([a]) => g.exp(g.gatherElements(a, integers([0, 2, 2, 0, 0, 1, 0, 0], [4, 2]), 0)),
  },
  'gatherElements, run-time sizes': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.exp(g.gatherElements(a, integers([2, 0, 1, 1], [2, 2]), 1)),
  },
  scatterElements: {
    shapes: [
      [2, 4],
      [2, 2],
    ],
    build: ([a, b]) => g.exp(g.scatterElements(a, integers([3, 0, 1, 2], [2, 2]), b, 1)),
  },
  'scatterElements, added, repeated': {
    shapes: [
      [3, 2],
      [2, 2],
    ],
    build: ([a, b]) => g.exp(g.scatterElements(a, integers([1, 0, 1, 2], [2, 2]), b, 0, 'add')),
  },
  'gatherND, rows': { shapes: [[2, 3, 2]], build: ([a]) => g.exp(g.gatherND(a, integers([1, 2, 0, 0, 1, 2], [3, 2]))) },
  'gatherND, run-time sizes': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.exp(g.gatherND(a, integers([1, 2, 0, 0], [2, 2]))),
  },
  scatterND: {
    shapes: [
      [3, 2],
      [2, 2],
    ],
    build: ([a, b]) => g.exp(g.scatterND(a, integers([2, 0], [2, 1]), b)),
  },
  'scatterND, added, rows of two axes, counted from the end too': {
    shapes: [
      [2, 3, 4],
      [4, 4],
    ],
    symbolic: [
      ['a', 'b', 4],
      [4, 4],
    ],
    build: ([a, b]) => g.exp(g.scatterND(a, integers([1, -1, 0, 2, -1, 2, -2, 0], [4, 2]), b, 'add')),
  },
  'scatterND, added, repeated': {
    shapes: [[3, 2], [3]],
    build: ([a, b]) => g.exp(g.scatterND(a, integers([2, 0, 1, 1, 2, 0], [3, 2]), b, 'add')),
  },
  'einsum, stacks of products': {
    shapes: [
      [2, 3, 4],
      [2, 4, 2],
    ],
    symbolic: [
      ['batch', 'n', 4],
      ['batch', 4, 2],
    ],
    build: ([a, b]) => g.exp(g.einsum('bik,bkj->bij', [a, b])),
  },
  'einsum, three operands, no arrow': {
    shapes: [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
    build: ([a, b, c]) => g.exp(g.einsum('ij,jk,kl', [a, b, c])),
  },
  'einsum, axes summed within one operand': {
    shapes: [[2, 3, 4], [3]],
    build: ([a, b]) => g.exp(g.mul(0.3, g.einsum('ijk, j -> j', [a, b]))),
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
