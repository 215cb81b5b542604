/** Gradient cases: operators that move numbers without changing them. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

export const shape: Record<string, GradientCase> = {
  expand: {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    build: ([a, b]) => g.add(g.neg(g.expand(a, b)), b),
  },
  'expand, run-time size': {
    shapes: [
      [3, 1],
      [3, 4],
    ],
    symbolic: [
      ['batch', 1],
      ['batch', 'n'],
    ],
    build: ([a, b]) => g.mul(g.exp(g.expand(a, b)), b),
  },
  reshape: { shapes: [[2, 6]], build: ([a]) => g.exp(g.reshape(a, [3, 4])) },
  'reshape, run-time sizes': {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 4]],
    build: ([a]) => g.exp(g.reshape(a, ['batch', 'length', 2, 2])),
  },
  flattenRows: {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 4]],
    build: ([a]) => g.exp(g.flattenRows(a)),
  },
  transpose: { shapes: [[2, 3, 4]], build: ([a]) => g.exp(g.transpose(a, [2, 0, 1])) },
  'unsqueeze and squeeze, run-time sizes': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'width']],
    build: ([a]) => g.squeeze(g.exp(g.squeeze(g.unsqueeze(g.unsqueeze(a, 1), -1), -1)), 1),
  },
  concat: {
    shapes: [
      [2, 1],
      [2, 3],
    ],
    build: ([a, b]) => g.exp(g.concat([a, b, a], 1)),
  },
  'concat, run-time sizes': {
    shapes: [
      [2, 3],
      [2, 3],
      [4, 3],
      [1, 3],
    ],
    symbolic: [
      ['batch', 3],
      ['batch', 3],
      ['bank', 3],
      [1, 3],
    ],
    build: ([a, b, c, d]) => g.sum(g.exp(g.concat([d, a, c, b], 0)), [0]),
  },
  'concat, gradient of its gradient with run-time sizes': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    symbolic: [
      ['batch', 3],
      ['bank', 3],
    ],
    build: ([a, b]) => {
      const joined = g.concat([a, b], 0);
      const found = g.gradients(g.sum(g.mul(g.mul(joined, joined), joined)), [a, b]);
      return g.add(g.sum(g.exp(found[0]), [0]), g.sum(g.sin(found[1]), [0]));
    },
  },
  slice: { shapes: [[2, 5]], build: ([a]) => g.exp(g.slice(a, -1, 1, 4)) },
  pad: { shapes: [[2, 3]], build: ([a]) => g.exp(g.pad(a, 0, 1, 2)) },
};
