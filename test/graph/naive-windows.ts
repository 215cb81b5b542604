/**
 * Convolutions and pools by their definition, in float64, one loop for each index: what the engine's kernels and gradients are
 * held against. Two spatial axes; a third operand has one of size 1.
 */
import { Random } from '../../src/matrix/random.ts';

/** Numbers under a shape [a, b, c, d]. */
export class Block {
  readonly shape: readonly number[];
  readonly data: Float64Array;

  constructor(shape: readonly number[], data?: Float64Array) {
    this.shape = shape;
    this.data = data ?? new Float64Array(shape.reduce((n, d) => n * d, 1));
  }

  /** Standard normal numbers, rounded so that float32 holds them exactly. */
  static random(shape: readonly number[], seed: number): Block {
    const random = new Random(seed);
    const block = new Block(shape);
    for (const i of block.data.keys()) block.data[i] = Math.round(random.normal() * 1024) / 1024;
    return block;
  }

  #at(i: number, j: number, k: number, l: number): number {
    const [, b, c, d] = this.shape;
    return ((i * b + j) * c + k) * d + l;
  }

  /** The entry, or 0 outside. */
  get(i: number, j: number, k: number, l: number): number {
    return this.has(k, l) ? this.data[this.#at(i, j, k, l)] : 0;
  }

  has(k: number, l: number): boolean {
    return k >= 0 && l >= 0 && k < this.shape[2] && l < this.shape[3];
  }

  add(i: number, j: number, k: number, l: number, value: number): void {
    if (this.has(k, l)) this.data[this.#at(i, j, k, l)] += value;
  }
}

export interface NaiveWindows {
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly groups: number;
}

/** Calls back with every (n, m, output place; channel of x and of w, input place, window place) that a convolution multiplies. */
function eachProduct(
  y: readonly number[],
  w: readonly number[],
  { strides, dilations, pads, groups }: NaiveWindows,
  visit: (
    out: [number, number, number, number],
    into: [number, number, number, number],
    at: [number, number, number, number],
  ) => void,
): void {
  const [batch, outputs, height, width] = y;
  for (let n = 0; n < batch; n++) {
    for (let m = 0; m < outputs; m++) {
      const group = Math.floor(m / (outputs / groups));
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++) {
          for (let c = 0; c < w[1]; c++) {
            for (let p = 0; p < w[2]; p++) {
              for (let q = 0; q < w[3]; q++) {
                const row = i * strides[0] + p * dilations[0] - pads[0];
                const column = j * strides[1] + q * dilations[1] - pads[1];
                visit([n, m, i, j], [n, group * w[1] + c, row, column], [m, c, p, q]);
              }
            }
          }
        }
      }
    }
  }
}

/** y of the given shape, from x and w. */
export function naiveConv(x: Block, w: Block, shape: readonly number[], windows: NaiveWindows): Block {
  const y = new Block(shape);
  eachProduct(shape, w.shape, windows, (out, into, at) => y.add(...out, x.get(...into) * w.get(...at)));
  return y;
}

/** The transposed map: x of the given shape, from y and w; also ∂L/∂x from ∂L/∂y. */
export function naiveTransposed(y: Block, w: Block, shape: readonly number[], windows: NaiveWindows): Block {
  const x = new Block(shape);
  eachProduct(y.shape, w.shape, windows, (out, into, at) => x.add(...into, y.get(...out) * w.get(...at)));
  return x;
}

/** ∂L/∂w of the given shape, from x and ∂L/∂y. */
export function naiveWeightGradient(x: Block, gy: Block, shape: readonly number[], windows: NaiveWindows): Block {
  const gw = new Block(shape);
  eachProduct(gy.shape, shape, windows, (out, into, at) => gw.add(...at, x.get(...into) * gy.get(...out)));
  return gw;
}

export interface NaivePool {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  /** Before the rows, before the columns. */
  readonly pads: readonly [number, number];
}

/** Calls back with every window of a pool: its place in the result, and the input places that lie inside. */
export function eachWindow(
  y: readonly number[],
  x: Block,
  { kernel, strides, dilations, pads }: NaivePool,
  visit: (out: [number, number, number, number], inside: [number, number, number, number][]) => void,
): void {
  for (let n = 0; n < y[0]; n++) {
    for (let c = 0; c < y[1]; c++) {
      for (let i = 0; i < y[2]; i++) {
        for (let j = 0; j < y[3]; j++) {
          const inside: [number, number, number, number][] = [];
          for (let p = 0; p < kernel[0]; p++) {
            for (let q = 0; q < kernel[1]; q++) {
              const row = i * strides[0] + p * dilations[0] - pads[0];
              const column = j * strides[1] + q * dilations[1] - pads[1];
              if (x.has(row, column)) inside.push([n, c, row, column]);
            }
          }
          visit([n, c, i, j], inside);
        }
      }
    }
  }
}
