/**
 * Small tensors whose entries are known while a file is read: numbers, or names of run-time sizes. Exported graphs compute
 * shapes entry by entry (Shape → Gather → Mul → Concat → Reshape); this computes them at once, with names where the size is
 * known at run time only. What it cannot do it leaves to the graph.
 */

import { addSizes, divideSize, multiplySizes } from '../operators/sizes.ts';
import type { DataType, Dimension } from '../tensor.ts';

export interface Known {
  readonly dtype: DataType;
  /** Rank 0 or more; most are 0 or 1. */
  readonly shape: readonly number[];
  readonly entries: readonly Dimension[];
}

/** Larger tensors are not looked into: no shape has so many entries. */
export const KNOWN_LIMIT = 4096;

/** A name that says more is not of a size that an honest file computes; unchecked, a few nodes could double it without end. */
export const LONGEST_NAME = 1000;

/** What folding needs to know about a node. */
export interface Foldable {
  readonly type: string;
  readonly inputs: readonly (Known | undefined)[];
  int(name: string, otherwise: number): number;
  ints(name: string): readonly number[] | undefined;
  readonly castTo: DataType | undefined;
  /** What ConstantOfShape fills with. */
  readonly fill: { readonly dtype: DataType; readonly data: ArrayLike<number | bigint> } | undefined;
}

type Scalar = (a: Dimension, b: Dimension, whole: boolean) => Dimension | undefined;

const numeric =
  (f: (a: number, b: number) => number): Scalar =>
  (a, b) =>
    typeof a === 'number' && typeof b === 'number' ? f(a, b) : undefined;

const truth = (value: boolean | undefined) => (value === undefined ? undefined : Number(value));

/** Whether two entries are equal; a size is never negative. */
function equal(a: Dimension, b: Dimension): boolean | undefined {
  if (a === b) return true;
  if (typeof a === 'number' && typeof b === 'number') return false;
  return (typeof a === 'number' && a < 0) || (typeof b === 'number' && b < 0) ? false : undefined;
}

const BINARY: Record<string, Scalar> = {
  Add: (a, b, whole) => (whole ? addSizes([a, b]) : numeric((p, q) => p + q)(a, b, whole)),
  Sub: (a, b, whole) => {
    if (a === b) return 0;
    return whole && typeof b === 'number' ? addSizes([a, -b]) : numeric((p, q) => p - q)(a, b, whole);
  },
  Mul: (a, b, whole) => (whole && canMultiply(a, b) ? multiplySizes([a, b]) : numeric((p, q) => p * q)(a, b, whole)),
  Div: (a, b, whole) => {
    if (typeof b !== 'number' || b === 0) return a === b ? 1 : undefined;
    if (typeof a === 'number') return whole ? Math.trunc(a / b) : a / b;
    // Rounded down: ⌊n / b⌋ = ⌈(n − b + 1) / b⌉.
    return b > 0 ? divideSize(addSizes([a, 1 - b]), b) : undefined;
  },
  Mod: numeric((a, b) => a % b),
  Pow: numeric((a, b) => a ** b),
  Max: numeric(Math.max),
  Min: numeric(Math.min),
  Equal: (a, b) => truth(equal(a, b)),
  Greater: numeric((a, b) => Number(a > b)),
  GreaterOrEqual: numeric((a, b) => Number(a >= b)),
  Less: numeric((a, b) => Number(a < b)),
  LessOrEqual: numeric((a, b) => Number(a <= b)),
  And: numeric((a, b) => a && b),
  Or: numeric((a, b) => a || b),
};

const canMultiply = (a: Dimension, b: Dimension) => [a, b].every((d) => typeof d === 'string' || d >= 0);

const UNARY: Record<string, (a: number) => number> = {
  Neg: (a) => -a,
  Abs: Math.abs,
  Sqrt: Math.sqrt,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Not: (a) => 1 - a,
};

const BOOLEAN = new Set(['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'And', 'Or', 'Not']);

const isInteger = (dtype: DataType) => dtype === 'int32' || dtype === 'int64';

const count = (shape: readonly number[]) => shape.reduce((n, d) => n * d, 1);

/** Each input's entry for every entry of the result; undefined unless all are of one shape or have one entry. */
function broadcast(
  inputs: readonly Known[],
): { shape: readonly number[]; at: (input: Known, i: number) => Dimension } | undefined {
  const longest = inputs.reduce((a, b) =>
    b.shape.length > a.shape.length || b.entries.length > a.entries.length ? b : a,
  );
  const fits = inputs.every(
    ({ shape, entries }) =>
      (entries.length === 1 && shape.length <= longest.shape.length) || String(shape) === String(longest.shape),
  );
  return fits ? { shape: longest.shape, at: ({ entries }, i) => entries[entries.length === 1 ? 0 : i] } : undefined;
}

function elementwise(
  inputs: readonly Known[],
  dtype: DataType,
  f: (...entries: Dimension[]) => Dimension | undefined,
): Known | undefined {
  const plan = broadcast(inputs);
  if (!plan) return undefined;
  const entries = Array.from({ length: count(plan.shape) }, (_, i) => f(...inputs.map((input) => plan.at(input, i))));
  return entries.every((entry) => entry !== undefined) ? { dtype, shape: plan.shape, entries } : undefined;
}

/** Vectors only: position counted from the end when negative. */
function pick({ entries, shape }: Known, place: Dimension): Dimension | undefined {
  return shape.length === 1 && typeof place === 'number'
    ? entries[place < 0 ? place + entries.length : place]
    : undefined;
}

const numbers = (known: Known | undefined): readonly number[] | undefined =>
  known?.entries.every((entry) => typeof entry === 'number') ? (known.entries as readonly number[]) : undefined;

const FOLDS: Record<string, (node: Foldable, inputs: readonly Known[]) => Known | undefined> = {
  Identity: (_, [x]) => x,
  Cast: ({ castTo }, [x]) => {
    const named = x.entries.some((entry) => typeof entry === 'string');
    if (!castTo || (named && !(isInteger(x.dtype) && isInteger(castTo)))) return undefined;
    const convert = isInteger(castTo)
      ? Math.trunc
      : castTo === 'bool'
        ? (n: number) => Number(n !== 0)
        : (n: number) => n;
    return { ...x, dtype: castTo, entries: x.entries.map((n) => (typeof n === 'number' ? convert(n) : n)) };
  },
  Gather: (node, [x, indices]) => {
    if (node.int('axis', 0) !== 0) return undefined;
    const entries = indices.entries.map((place) => pick(x, place));
    return entries.every((entry) => entry !== undefined)
      ? { dtype: x.dtype, shape: indices.shape, entries }
      : undefined;
  },
  Concat: (_, inputs) => {
    if (inputs.some(({ shape }) => shape.length !== 1)) return undefined;
    if (inputs.reduce((n, { entries }) => n + entries.length, 0) > KNOWN_LIMIT) return undefined;
    const entries = inputs.flatMap((input) => input.entries);
    return { dtype: inputs[0].dtype, shape: [entries.length], entries };
  },
  Unsqueeze: (node, [x, axes]) => {
    const wanted = numbers(axes) ?? node.ints('axes');
    return wanted && x.shape.length === 0 ? { ...x, shape: wanted.map(() => 1) } : undefined;
  },
  Squeeze: (_, [x]) => (x.shape.length === 1 && x.entries.length === 1 ? { ...x, shape: [] } : undefined),
  Reshape: (_, [x, target]) => {
    const wanted = numbers(target);
    if (!wanted || wanted.includes(0) || wanted.filter((d) => d === -1).length > 1) return undefined;
    const rest = x.entries.length / wanted.reduce((n, d) => (d === -1 ? n : n * d), 1);
    const shape = wanted.map((d) => (d === -1 ? rest : d));
    return count(shape) === x.entries.length ? { ...x, shape } : undefined;
  },
  Transpose: (node, [x]) => {
    if (x.shape.length !== 2 || (node.ints('perm') ?? [1, 0])[0] !== 1) return undefined;
    const [rows, columns] = x.shape;
    const entries = x.entries.map((_, i) => x.entries[(i % rows) * columns + Math.floor(i / rows)]);
    return { ...x, shape: [columns, rows], entries };
  },
  Slice: (_, [x, starts, ends, axes, steps]) => {
    const [start, end, axis, step] = [starts, ends, axes, steps].map((list) => numbers(list)?.[0]);
    if (x.shape.length === 0 || start === undefined || end === undefined || (axis ?? 0) !== 0) return undefined;
    const [size] = x.shape;
    const width = x.entries.length / size;
    const rows = Array.from({ length: size }, (_, i) => x.entries.slice(i * width, (i + 1) * width));
    const backwards = step === -1 && (start === -1 || start >= size - 1) && end < -size;
    if (!backwards && (step ?? 1) !== 1) return undefined;
    const kept = backwards ? rows.reverse() : rows.slice(start, end);
    return { ...x, shape: [kept.length, ...x.shape.slice(1)], entries: kept.flat() };
  },
  ConstantOfShape: ({ fill }, [sizes]) => {
    const shape = numbers(sizes);
    if (!shape?.every((d) => d >= 0) || !(count(shape) <= KNOWN_LIMIT)) return undefined;
    return {
      dtype: fill?.dtype ?? 'float32',
      shape,
      entries: Array<number>(count(shape)).fill(Number(fill?.data[0] ?? 0)),
    };
  },
  Range: (_, inputs) => {
    const [start, limit, step] = inputs.map((input) => numbers(input)?.[0]);
    if (start === undefined || limit === undefined || !step) return undefined;
    const length = Math.max(0, Math.ceil((limit - start) / step));
    if (!(length <= KNOWN_LIMIT)) return undefined;
    return { dtype: inputs[0].dtype, shape: [length], entries: Array.from({ length }, (_, i) => start + i * step) };
  },
  Where: (_, inputs) => {
    const [condition, a, b] = inputs;
    return elementwise([condition, a, b], a.dtype, (c, p, q) => (typeof c === 'number' ? (c ? p : q) : undefined));
  },
  ReduceProd: (node, [x]) => {
    if (!isInteger(x.dtype) || !x.entries.every((d) => typeof d === 'string' || d >= 0)) return undefined;
    const shape = node.int('keepdims', 1) === 1 ? x.shape.map(() => 1) : [];
    return x.shape.length <= 1 ? { ...x, shape, entries: [multiplySizes(x.entries)] } : undefined;
  },
};

/** A node with fewer is for its builder to complain of. */
const LEAST_INPUTS: Partial<Record<string, number>> = { Gather: 2, Reshape: 2, Slice: 3, Range: 3, Where: 3 };

/** The result of a node whose inputs are all known; undefined when it takes more than is here. */
export function fold(node: Foldable): Known | undefined {
  const result = foldNode(node);
  return result?.entries.some((entry) => typeof entry === 'string' && entry.length > LONGEST_NAME) ? undefined : result;
}

function foldNode(node: Foldable): Known | undefined {
  const { type, inputs } = node;
  const present = inputs.filter((input) => input !== undefined);
  if (present.length === 0 || inputs.some((input, i) => !input && !(type === 'Slice' && i > 2))) return undefined;
  if (present.some(({ entries }) => entries.length > KNOWN_LIMIT)) return undefined;
  if (inputs.length < (LEAST_INPUTS[type] ?? 1)) return undefined;
  if (Object.hasOwn(FOLDS, type)) return FOLDS[type](node, inputs as readonly Known[]);
  const dtype = BOOLEAN.has(type) ? 'bool' : present[0].dtype;
  if (Object.hasOwn(UNARY, type)) {
    return elementwise(present, dtype, (a) => (typeof a === 'number' ? UNARY[type](a) : undefined));
  }
  if (!Object.hasOwn(BINARY, type)) return undefined;
  const whole = isInteger(present[0].dtype);
  return present
    .slice(1)
    .reduce<Known | undefined>(
      (sofar, next) => sofar && elementwise([sofar, next], dtype, (a, b) => BINARY[type](a, b, whole)),
      present[0],
    );
}
