/** Gradient cases: reductions over one, several and all axes. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

/** Given numbers instead of random ones. */
function entries(values: readonly number[]): () => number {
  let next = 0;
  return () => values[next++ % values.length];
}

export const reduce: Record<string, GradientCase> = {
  'sum, all': { shapes: [[2, 3]], build: ([a]) => g.sum(g.mul(a, a)) },
  'sum, one axis': { shapes: [[2, 3, 2]], build: ([a]) => g.sum(g.mul(a, a), [1]) },
  'sum, kept': { shapes: [[2, 3]], build: ([a]) => g.mul(g.sum(a, [-1], { keepDimensions: true }), a) },
  'mean, run-time size': {
    shapes: [[3, 4]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.mean(g.mul(a, a)),
  },
  'mean, one axis': { shapes: [[3, 4]], build: ([a]) => g.mean(g.exp(a), [0]) },
  max: { shapes: [[3, 5]], build: ([a]) => g.max(a, [1]) },
  'max, kept, all': { shapes: [[3, 5]], build: ([a]) => g.mul(g.max(a, [0, 1], { keepDimensions: true }), a) },
  min: { shapes: [[3, 5]], build: ([a]) => g.min(a, [0]) },
  'min, kept, run-time sizes': {
    shapes: [[3, 5]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.mul(g.min(a, [1], { keepDimensions: true }), a),
  },
  prod: { shapes: [[3, 4]], build: ([a]) => g.prod(a, [1]) },
  'prod, all': { shapes: [[2, 3]], build: ([a]) => g.prod(a) },
  'prod, none, one and two zeros in a row': {
    shapes: [[3, 3]],
    build: ([a]) => g.prod(a, [1], { keepDimensions: true }),
    values: entries([2, 3, 5, 0, 7, -2, 0, 0, 4]),
  },
  logSumExp: { shapes: [[3, 5]], build: ([a]) => g.logSumExp(a, [1]) },
  'logSumExp, several axes, kept, run-time size': {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 3, 4]],
    build: ([a]) => g.mul(g.logSumExp(a, [0, 2], { keepDimensions: true }), a),
  },
  'pickedLoss, run-time size': {
    shapes: [[3, 5]],
    symbolic: [[3, 'n']],
    build: ([x]) => g.mul(g.pickedLoss(x, g.constant(Int32Array.of(4, 0, 4), 'int32', [3, 1])), x),
  },
  'pickedLoss, the gradient of its gradient': {
    shapes: [[3, 5]],
    build: ([x]) =>
      g.gradients(g.sum(g.exp(g.pickedLoss(x, g.constant(Int32Array.of(1, 0, 4), 'int32', [3, 1])))), [x])[0],
  },
  unitRows: { shapes: [[3, 5]], build: ([a]) => g.exp(g.unitRows(a, 1e-12)) },
  'unitRows, run-time sizes, three axes': {
    shapes: [[2, 3, 4]],
    symbolic: [['batch', 'length', 'width']],
    build: ([a]) => g.exp(g.unitRows(a, 1e-12)),
  },
  'unitRows, the gradient of its gradient, with factors of rows': {
    shapes: [
      [3, 5],
      [3, 5],
      [3, 1],
    ],
    build: ([a, b, factor]) => g.gradients(g.sum(g.mul(g.mul(g.unitRows(a, 1e-12), b), factor)), [a])[0],
  },
  'logSumExpParts, run-time sizes': {
    shapes: [[3, 5]],
    symbolic: [['batch', 'n']],
    build: ([a]) => {
      const { highest, excess } = g.logSumExpParts(g.mul(a, 3));
      return g.add(highest, excess);
    },
  },
  l2Norm: { shapes: [[3, 5]], build: ([a]) => g.l2Norm(a, [-1]) },
  'l2Norm, all, kept': { shapes: [[3, 2]], build: ([a]) => g.div(a, g.l2Norm(a, [0, 1], { keepDimensions: true })) },
  cumSum: { shapes: [[2, 4]], build: ([a]) => g.exp(g.cumSum(a, 1)) },
  'cumSum, from the end, without itself': {
    shapes: [[3, 2]],
    build: ([a]) => g.exp(g.cumSum(a, 0, { reverse: true, exclusive: true })),
  },
};
