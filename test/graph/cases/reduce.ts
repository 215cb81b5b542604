/** Gradient cases: reductions over one, several and all axes. */
import * as g from '../../../src/graph/index.ts';
import type { GradientCase } from '../check-gradient.ts';

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
};
