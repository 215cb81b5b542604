/** Gradient cases: arithmetic and functions of single entries, with broadcasting and run-time sizes. */
import * as g from '../../../src/graph/index.ts';
import type { Random } from '../../../src/matrix/random.ts';
import type { GradientCase } from '../check-gradient.ts';

const positive = (random: Random) => 0.2 + random.uniform() * 3;

export const elementwise: Record<string, GradientCase> = {
  'add, broadcast both ways': {
    shapes: [
      [3, 1],
      [1, 5],
    ],
    build: ([a, b]) => g.add(a, b),
  },
  'add, a tensor used twice': { shapes: [[4]], build: ([a]) => g.mul(g.add(a, a), a) },
  'add, scalar operand': { shapes: [[2, 3]], build: ([a]) => g.add(2, g.mul(a, a)) },
  'sub, lower rank': { shapes: [[2, 3], [3]], build: ([a, b]) => g.sub(a, b) },
  'mul, run-time sizes': {
    shapes: [[2, 3], [3]],
    symbolic: [['batch', 'width'], ['width']],
    build: ([a, b]) => g.mul(a, b),
  },
  'div, broadcast': {
    shapes: [
      [2, 3],
      [2, 1],
    ],
    build: ([a, b]) => g.div(a, b),
    values: positive,
  },
  maximum: {
    shapes: [
      [3, 4],
      [3, 4],
    ],
    build: ([a, b]) => g.maximum(a, b),
  },
  minimum: { shapes: [[3, 4], [4]], build: ([a, b]) => g.minimum(a, b) },
  neg: { shapes: [[3]], build: ([a]) => g.neg(a) },
  exp: { shapes: [[2, 3]], build: ([a]) => g.exp(a) },
  log: { shapes: [[2, 3]], build: ([a]) => g.log(a), values: positive },
  sqrt: { shapes: [[2, 3]], build: ([a]) => g.sqrt(a), values: positive },
  abs: { shapes: [[2, 3]], build: ([a]) => g.abs(a) },
  sign: { shapes: [[5]], build: ([a]) => g.sign(a) },
  'erf, inside and outside ±6': { shapes: [[4, 5]], build: ([a]) => g.erf(a), values: (r) => 3 * r.normal() },
  'where, greater': {
    shapes: [
      [3, 4],
      [1, 4],
    ],
    build: ([a, b]) => g.where(g.greater(a, b), g.mul(a, b), g.mul(b, b)),
  },
  'where, greaterOrEqual, a constant side': { shapes: [[6]], build: ([a]) => g.where(g.greaterOrEqual(a, 0), a, 0.5) },
  'cast, float64 to float64 through float32': {
    shapes: [[3]],
    build: ([a]) => g.add(g.mul(a, a), g.mul(0, g.cast(g.cast(a, 'float32'), 'float64'))),
  },
  'pow, number as exponent': { shapes: [[2, 3]], build: ([a]) => g.pow(a, 3) },
  'pow, both, broadcast': { shapes: [[2, 3], [3]], build: ([a, b]) => g.pow(a, b), values: positive },
  'pow, number as base': { shapes: [[4]], build: ([a]) => g.pow(1.5, a) },
  reciprocal: { shapes: [[2, 3]], build: ([a]) => g.reciprocal(a), values: positive },
  'sin and cos': { shapes: [[2, 3]], build: ([a]) => g.mul(g.sin(a), g.cos(g.mul(a, 2))) },
  identity: { shapes: [[3]], build: ([a]) => g.mul(g.identity(a), a) },
  dropout: {
    shapes: [[2, 3]],
    build: ([a]) => g.exp(g.dropout(a, g.constant(Uint8Array.of(1, 0, 1, 1, 0, 1), 'bool', [2, 3]), 0.4)),
  },
  'floor, ceil and round': { shapes: [[4]], build: ([a]) => g.mul(a, g.add(g.floor(a), g.add(g.ceil(a), g.round(a)))) },
};
