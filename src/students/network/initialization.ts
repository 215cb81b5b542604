/** What parameters start from. "Fan" is how many numbers a weight's sum runs over: forward the inputs, backward the outputs. */
import type { Random } from '../../matrix/random.ts';

/** The first values of a parameter with so many entries. */
export type Initializer = (length: number, random: Random) => Float32Array;

export const zeros: Initializer = (length) => new Float32Array(length);

export const ones: Initializer = (length) => new Float32Array(length).fill(1);

/** Normal with mean 0. */
export const normal =
  (deviation: number): Initializer =>
  (length, random) =>
    Float32Array.from({ length }, () => deviation * random.normal());

/** Uniform in [−bound, bound). */
export const uniform =
  (bound: number): Initializer =>
  (length, random) =>
    Float32Array.from({ length }, () => bound * (2 * random.uniform() - 1));

/** Keeps the variance through relu (He et al., ICCV 2015, eq. 10; torch.nn.init.kaiming_normal_). */
export const heNormal = (fan: number): Initializer => normal(Math.sqrt(2 / fan));

/** Keeps the variance, forward and backward alike, through what is linear near 0 (Glorot & Bengio, AISTATS 2010, eq. 16). */
export const xavierUniform = (fanIn: number, fanOut: number): Initializer => uniform(Math.sqrt(6 / (fanIn + fanOut)));

/** What torch.nn.Linear starts weights and biases from. */
export const linearDefault = (fanIn: number): Initializer => uniform(1 / Math.sqrt(fanIn));
