/** Reductions along axes. */
import {
  apply1,
  type FloatType,
  normalizeAxis,
  ONNX_TYPES,
  type Operator,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { cast, div, equal, exp, mul, sub, where } from './elementwise.ts';
import { expand } from './expand.ts';
import { reshape } from './shape.ts';

interface Reduction {
  readonly axes: readonly number[];
  readonly keepDimensions: boolean;
}

function reducedShape(shape: Shape, { axes, keepDimensions }: Reduction): Shape {
  return keepDimensions ? shape.map((d, i) => (axes.includes(i) ? 1 : d)) : shape.filter((_, i) => !axes.includes(i));
}

type ReductionVjp = (
  g: SymbolicTensor,
  x: SymbolicTensor,
  y: SymbolicTensor,
  axes: readonly number[],
) => SymbolicTensor;

/** `vjp` sees the cotangent and the result with the reduced axes kept at size 1, so that they broadcast against x. */
function reduction(name: string, vjp: ReductionVjp): Operator<Reduction> {
  return {
    name,
    infer: ([x], attributes) => [{ dtype: x.dtype, shape: reducedShape(x.shape, attributes) }],
    emit: (emitter, { inputNames, outputNames, attributes: { axes, keepDimensions } }) =>
      emitter.node(name, [...inputNames, emitter.int64s(axes)], outputNames, {
        keepdims: { int: keepDimensions ? 1 : 0 },
        noop_with_empty_axes: { int: 1 },
      }),
    vjp({ inputs: [x], outputs: [y], attributes: { axes } }, [g]) {
      if (!g) return [];
      const kept = reducedShape(x.shape, { axes, keepDimensions: true });
      return [vjp(reshape(g, kept), x, reshape(y, kept), axes)];
    },
  };
}

const sumOperator = reduction('ReduceSum', (g, x) => expand(g, x));

/** Entries that tie for the maximum (or minimum) share the gradient equally. */
const shared: ReductionVjp = (g, x, y, axes) => {
  const winners = cast(equal(x, y), x.dtype as FloatType);
  return mul(div(g, sum(winners, axes, { keepDimensions: true })), winners);
};

const maxOperator = reduction('ReduceMax', shared);

const minOperator = reduction('ReduceMin', shared);

/**
 * ∂Πx/∂xᵢ is the product of the others: zero where another entry is 0, else the product of all entries but the zeros, over xᵢ
 * unless that is the zero.
 */
const prodOperator = reduction('ReduceProd', (g, x, _, axes) => {
  const isZero = equal(x, 0);
  const zeros = cast(isZero, x.dtype);
  const otherZeros = sub(sum(zeros, axes, { keepDimensions: true }), zeros);
  const nonZero = where(isZero, 1, x);
  const others = div(prod(nonZero, axes, { keepDimensions: true }), nonZero);
  return mul(g, where(equal(otherZeros, 0), others, 0));
});

const logSumExpOperator = reduction('ReduceLogSumExp', (g, x, y) => mul(g, exp(sub(x, y))));

const l2NormOperator = reduction('ReduceL2', (g, x, y) => mul(where(equal(y, 0), 0, div(g, y)), x));

export interface ReduceOptions {
  /** Keep the reduced axes with size 1, so that the result broadcasts against the original. Default false. */
  readonly keepDimensions?: boolean;
}

function reducer(operator: Operator<Reduction>) {
  return (x: SymbolicTensor, axes?: readonly number[], options: ReduceOptions = {}): SymbolicTensor => {
    const chosen = axes ?? x.shape.map((_, i) => i);
    return apply1(operator, [x], {
      axes: chosen.map((axis) => normalizeAxis(axis, x.rank, operator.name)).sort((a, b) => a - b),
      keepDimensions: options.keepDimensions ?? false,
    });
  };
}

type Reducer = (x: SymbolicTensor, axes?: readonly number[], options?: ReduceOptions) => SymbolicTensor;

/** Sum over `axes` (all of them by default). */
export const sum: Reducer = reducer(sumOperator);

/** Largest entry over `axes` (all of them by default); ties share the gradient. */
export const max: Reducer = reducer(maxOperator);

/** Smallest entry over `axes` (all of them by default); ties share the gradient. */
export const min: Reducer = reducer(minOperator);

/** Product over `axes` (all of them by default); the gradient holds where entries are 0 too. */
export const prod: Reducer = reducer(prodOperator);

/** log Σ eˣ over `axes` (all of them by default), with the maximum subtracted first. */
export const logSumExp: Reducer = reducer(logSumExpOperator);

/** √Σx² over `axes` (all of them by default), gradient 0 where that is 0. Squares of very large entries overflow. */
export const l2Norm: Reducer = reducer(l2NormOperator);

/** Arithmetic mean over `axes` (all of them by default). */
export function mean(x: SymbolicTensor, axes?: readonly number[], options?: ReduceOptions): SymbolicTensor {
  return div(sum(x, axes, options), count(x, axes));
}

const countOperator: Operator<readonly number[]> = {
  name: 'Count',
  infer: ([x]) => [{ dtype: x.dtype, shape: [] }],
  emit(emitter, { inputs: [x], inputNames: [name], outputNames, attributes: axes }) {
    // Sizes of one name are one number in a run, so the first tensor that has them speaks for all.
    const key = `count ${x.dtype} ${axes.map((axis) => x.shape[axis]).join(' ')}`;
    const total = emitter.shared(key, () => {
      const shape = emitter.temporary('Shape', [emitter.blocked(name)?.name() ?? name]);
      const product = emitter.temporary('ReduceProd', [emitter.temporary('Gather', [shape, emitter.int64s(axes)])], {
        keepdims: { int: 0 },
      });
      return emitter.temporary('Cast', [product], { to: { int: ONNX_TYPES[x.dtype] } });
    });
    emitter.node('Identity', [total], outputNames);
  },
  vjp: () => [],
};

/** How many entries lie along `axes` (all by default): a number when the sizes are known, else a scalar tensor. */
export function count(x: SymbolicTensor, axes?: readonly number[]): SymbolicTensor | number {
  const chosen = (axes ?? x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.rank, 'count'));
  const sizes = chosen.map((axis) => x.shape[axis]);
  return sizes.every((size) => typeof size === 'number')
    ? sizes.reduce((product, size) => product * size, 1)
    : apply1(countOperator, [x], chosen);
}

interface Cumulation {
  readonly axis: number;
  readonly reverse: boolean;
  readonly exclusive: boolean;
}

const cumSumOperator: Operator<Cumulation> = {
  name: 'CumSum',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (emitter, { inputNames: [x], outputNames, attributes: { axis, reverse, exclusive } }) =>
    emitter.node('CumSum', [x, emitter.scalar(axis, 'int64')], outputNames, {
      reverse: { int: reverse ? 1 : 0 },
      exclusive: { int: exclusive ? 1 : 0 },
    }),
  // Entry i of x is in the sums from i on.
  vjp: ({ attributes }, [g]) =>
    g ? [apply1(cumSumOperator, [g], { ...attributes, reverse: !attributes.reverse })] : [],
};

export interface CumSumOptions {
  /** Sum from the end. Default false. */
  readonly reverse?: boolean;
  /** Leave the entry itself out of its sum. Default false. */
  readonly exclusive?: boolean;
}

/** The sum of the entries up to each one, along an axis. */
export function cumSum(x: SymbolicTensor, axis: number, options: CumSumOptions = {}): SymbolicTensor {
  const { reverse = false, exclusive = false } = options;
  return apply1(cumSumOperator, [x], { axis: normalizeAxis(axis, x.rank, 'CumSum'), reverse, exclusive });
}
