/** Gradient cases: operators that move numbers without changing them. */
import * as g from '../../../src/graph/index.ts';
import { broadcastTo, filled, part, reshapeTo, shapeOf } from '../../../src/graph/operators/run-time-shapes.ts';
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
  'positions, run-time size': {
    shapes: [[3, 4]],
    symbolic: [['batch', 4]],
    build: ([a]) => g.mul(g.exp(a), g.unsqueeze(g.cast(g.positions(a, 0), 'float64'), 1)),
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
  'concat, run-time sizes along the first axis': {
    shapes: [
      [2, 3],
      [4, 3],
      [2, 3],
      [4, 3],
    ],
    symbolic: [
      ['m', 3],
      ['n', 3],
      ['m', 3],
      ['n', 3],
    ],
    build: ([a, b, c, d]) => g.sum(g.mul(g.exp(g.concat([a, b], 0)), g.concat([c, d], 0)), [0]),
  },
  'concat, run-time sizes, twice': {
    shapes: [
      [2, 3],
      [4, 3],
    ],
    symbolic: [
      ['m', 3],
      ['n', 3],
    ],
    build: ([a, b]) => g.gradients(g.sum(g.exp(g.concat([a, b, a], 0))), [b])[0],
  },
  slice: { shapes: [[2, 5]], build: ([a]) => g.exp(g.slice(a, -1, 1, 4)) },
  pad: { shapes: [[2, 3]], build: ([a]) => g.exp(g.pad(a, 0, 1, 2)) },
  'expandTo, a new axis and a run-time size': {
    shapes: [[3, 1]],
    symbolic: [['batch', 1]],
    build: ([a]) => g.exp(g.expandTo(a, [2, 'batch', 4])),
  },
  'flatten, known and run-time sizes': {
    shapes: [[2, 3, 4, 2]],
    symbolic: [[2, 'length', 4, 'width']],
    build: ([a]) => g.exp(g.flatten(a, 2)),
  },
  'flatten, all': { shapes: [[2, 3]], build: ([a]) => g.exp(g.flatten(a, 0)) },
  'unsqueeze and squeeze, several axes': {
    shapes: [[2, 1, 3]],
    build: ([a]) => g.exp(g.squeeze(g.unsqueeze(a, [-1, 0]), [2, 0])),
  },
  'concat along columns, run-time sizes': {
    shapes: [
      [2, 3],
      [2, 2],
      [2, 1],
    ],
    symbolic: [
      ['batch', 'n'],
      ['batch', 'm'],
      ['batch', 1],
    ],
    build: ([a, b, c]) => g.exp(g.concat([a, b, c, a], 1)),
  },
  split: {
    shapes: [[2, 6]],
    build: ([a]) => {
      const [first, , third] = g.split(a, -1, [1, 3, 2]); // the second part reaches no loss
      return g.mul(g.exp(first), third);
    },
  },
  tile: { shapes: [[2, 1, 3]], build: ([a]) => g.exp(g.tile(a, [2, 3, 1])) },
  'tile, run-time sizes': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.exp(g.tile(a, [1, 3])),
  },
  'slice, from the end': { shapes: [[2, 5]], build: ([a]) => g.exp(g.slice(a, 1, -4, -2)) },
  'slice, steps': { shapes: [[7, 2]], build: ([a]) => g.exp(g.slice(a, 0, 1, 6, 2)) },
  'slice, backwards in steps': { shapes: [[7, 2]], build: ([a]) => g.exp(g.slice(a, 0, -2, 0, -2)) },
  'slice, turned round': { shapes: [[3, 4]], build: ([a]) => g.exp(g.slice(a, 1, -1, undefined, -1)) },
  'slice, run-time size, a shift': {
    shapes: [[2, 5]],
    symbolic: [['batch', 'length']],
    build: ([a]) => g.mul(g.slice(a, 1, 1), g.slice(a, 1, 0, -1)),
  },
  'slice, run-time size, steps': {
    shapes: [[2, 6]],
    symbolic: [['batch', 'length']],
    build: ([a]) => g.exp(g.slice(a, 1, 1, undefined, 2)),
  },
  'slice, run-time size, backwards': {
    shapes: [[6, 2]],
    symbolic: [['length', 2]],
    build: ([a]) => g.mul(g.slice(a, 0, -1, undefined, -1), g.slice(a, 0, 0)),
  },
  'slice, run-time size, backwards in steps': {
    shapes: [[6, 2]],
    symbolic: [['length', 2]],
    build: ([a]) => g.exp(g.slice(a, 0, -2, 0, -2)),
  },
  'slice, the first and the last entries of a run-time size': {
    shapes: [[2, 5]],
    symbolic: [['batch', 'length']],
    build: ([a]) => g.exp(g.concat([g.slice(a, 1, 0, 2), g.slice(a, 1, -3), g.slice(a, 1, 2, undefined, -1)], 1)),
  },
  'pad, run-time size': {
    shapes: [[2, 3]],
    symbolic: [['batch', 'n']],
    build: ([a]) => g.exp(g.slice(g.pad(a, 1, 1, 2, { value: 0.5 }), 1, 0, -3)),
  },
  'pad, reflect': { shapes: [[2, 4]], build: ([a]) => g.exp(g.pad(a, 1, 3, 2, { mode: 'reflect' })) },
  'pad, edge, a middle axis of run-time size': {
    shapes: [[2, 3, 2]],
    symbolic: [['batch', 'n', 2]],
    build: ([a]) => g.exp(g.pad(a, 1, 2, 1, { mode: 'edge' })),
  },
  'triangle, above': { shapes: [[2, 3, 4]], build: ([a]) => g.exp(g.triangle(a, true, 1)) },
  'triangle, below, run-time sizes': {
    shapes: [[3, 3]],
    symbolic: [['n', 'm']],
    build: ([a]) => g.exp(g.triangle(a, false)),
  },
  'a shape that another tensor holds: reshaped, broadcast, filled': {
    shapes: [
      [2, 3, 4],
      [3, 1],
    ],
    symbolic: [
      ['batch', 'length', 4],
      ['length', 1],
    ],
    build: ([a, b]) => {
      const sizes = shapeOf(a);
      const swapped = g.gather(sizes, g.constant(Int32Array.of(1, 0, 2), 'int32'));
      const turned = reshapeTo(a, swapped, ['length', 'batch', 4]);
      const wide = broadcastTo(b, sizes, ['batch', 'length', 4]);
      const twos = filled(swapped, ['length', 'batch', 4], 2, 'float64');
      return g.mul(g.mul(turned, twos), g.exp(g.transpose(wide, [1, 0, 2])));
    },
  },
  'a part that ends at a run-time size': {
    shapes: [
      [7, 2],
      [3, 2],
    ],
    symbolic: [
      [7, 2],
      ['length', 2],
    ],
    build: ([table, x]) => {
      const one = g.constant(BigInt64Array.of(1n), 'int64');
      const end = g.add(g.slice(shapeOf(x), 0, 0, 1), one);
      return g.mul(g.exp(part(table, 0, one, end, 'length')), x);
    },
  },
};
