/** Elementwise arithmetic with NumPy broadcasting. */
import { LimbeckError } from '../../errors.ts';
import {
  apply1,
  type Cotangents,
  constant,
  type DataType,
  type Dimension,
  isFloat,
  ONNX_TYPES,
  type Operator,
  type Shape,
  type SymbolicTensor,
  showShape,
} from '../tensor.ts';
import { emitEntrywise } from './blocked-layout.ts';
import { expandSource, sameShape } from './expand.ts';
import { sum } from './reduce.ts';
import { isRowFactor, rowFactor, scaled } from './row-factors.ts';
import { reshape } from './shape.ts';
import { unary } from './unary.ts';

/** A tensor, or a number that takes the element type of the tensor it meets. */
export type Operand = SymbolicTensor | number;

/**
 * The shape of two shapes broadcast against each other. Run-time sizes match by name; a run-time size never matches a
 * known one (other than 1), because nothing could check that before the program runs.
 */
export function broadcastShapes(a: Shape, b: Shape, operator: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dimension => {
    const p = a[i - rank + a.length] ?? 1;
    const q = b[i - rank + b.length] ?? 1;
    if (p === q || q === 1) return p;
    if (p === 1) return q;
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${operator}: expected shapes that broadcast, got ${showShape(a)} and ${showShape(b)}.`,
    );
  });
}

/** Sums a cotangent over the axes along which `shape` was broadcast: the gradient of broadcasting. */
export function unbroadcast(cotangent: SymbolicTensor, shape: Shape): SymbolicTensor {
  const extra = cotangent.rank - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < cotangent.rank; i++) {
    if (i < extra || (shape[i - extra] === 1 && cotangent.shape[i] !== 1)) axes.push(i);
  }
  if (axes.length === 0) return cotangent;
  const summed = sum(cotangent, axes, { keepDimensions: true });
  return extra === 0 ? summed : reshape(summed, shape);
}

/** Turns an operand pair into tensors of one element type. */
function operands(a: Operand, b: Operand): [SymbolicTensor, SymbolicTensor] {
  if (typeof a === 'number') {
    if (typeof b === 'number') throw new Error('An operation needs a tensor, got two numbers.');
    return [constant(a, b.dtype), b];
  }
  return [a, typeof b === 'number' ? constant(b, a.dtype) : b];
}

function sameType(name: string, inputs: readonly SymbolicTensor[]): void {
  const [a, b] = inputs;
  if (a.dtype !== b.dtype) {
    throw new LimbeckError('SHAPE_MISMATCH', `${name}: expected one element type, got ${a} and ${b}.`);
  }
}

interface BinaryRule {
  /** ∂L/∂a and ∂L/∂b before the broadcast is undone. */
  partials(g: SymbolicTensor, a: SymbolicTensor, b: SymbolicTensor, y: SymbolicTensor): Cotangents;
  readonly result?: 'bool';
}

function binaryOperator(name: string, rule: BinaryRule): Operator {
  return {
    name,
    infer(inputs) {
      sameType(name, inputs);
      const shape = broadcastShapes(inputs[0].shape, inputs[1].shape, name);
      return [{ dtype: rule.result ?? inputs[0].dtype, shape }];
    },
    emit(emitter, operation) {
      emitEntrywise(emitter, operation, name);
    },
    vjp({ inputs: [a, b], outputs: [y] }, [g]) {
      if (!g) return [];
      const [ga, gb] = rule.partials(g, a, b, y);
      return [ga && unbroadcast(ga, a.shape), gb && unbroadcast(gb, b.shape)];
    },
  };
}

function binary(name: string, rule: BinaryRule): (a: Operand, b: Operand) => SymbolicTensor {
  const operator = binaryOperator(name, rule);
  return (a, b) => {
    const [x, y] = operands(a, b);
    // Broadcasting is implicit here, so an explicit expansion of one side is work for nothing: the gradients of
    // reductions are expansions, and most of them meet a full-sized operand next.
    const full = broadcastShapes(x.shape, y.shape, name);
    const fills = (source: SymbolicTensor, other: SymbolicTensor): boolean =>
      sameShape(broadcastShapes(source.shape, other.shape, name), full);
    const [p, q] = [expandSource(x), expandSource(y)];
    if (p !== x && fills(p, y)) return apply1(operator, [p, y], undefined);
    return apply1(operator, fills(q, x) ? [x, q] : [x, y], undefined);
  };
}

export const add: (a: Operand, b: Operand) => SymbolicTensor = binary('Add', { partials: (g) => [g, g] });

export const sub: (a: Operand, b: Operand) => SymbolicTensor = binary('Sub', { partials: (g) => [g, neg(g)] });

export const mul: (a: Operand, b: Operand) => SymbolicTensor = binary('Mul', {
  partials: (g, a, b) => [scaled(g, b), scaled(g, a)],
});

export const div: (a: Operand, b: Operand) => SymbolicTensor = binary('Div', {
  partials: (g, _, b, y) => {
    const factored = isRowFactor(b) ? rowFactor(g) : undefined;
    const ga = factored ? mul(factored.rest, div(factored.factor, b)) : div(g, b);
    return [ga, neg(mul(ga, y))];
  },
});

/** The larger of two numbers. At a tie the whole gradient goes to the first operand. */
export const maximum: (a: Operand, b: Operand) => SymbolicTensor = binary('Max', {
  partials: (g, a, b) => {
    const first = greaterOrEqual(a, b);
    return [where(first, g, 0), where(first, 0, g)];
  },
});

/** The smaller of two numbers. At a tie the whole gradient goes to the first operand. */
export const minimum: (a: Operand, b: Operand) => SymbolicTensor = binary('Min', {
  partials: (g, a, b) => {
    const first = greaterOrEqual(b, a);
    return [where(first, g, 0), where(first, 0, g)];
  },
});

/**
 * aᵇ. Where a = 0 the gradient by b is 0, and where b = 0 the gradient by a is 0 (their limits from inside the domain, as in
 * PyTorch); a negative base takes whole exponents only and has no gradient by b (NaN).
 */
export const pow: (a: Operand, b: Operand) => SymbolicTensor = binary('Pow', {
  partials: (g, a, b, y) => [
    mul(g, where(equal(b, 0), 0, mul(b, pow(a, sub(b, 1))))),
    mul(g, where(equal(a, 0), 0, mul(y, log(a)))),
  ],
});

const noGradient: BinaryRule['partials'] = () => [];

/** a ≥ b as bool; no gradient. */
export const greaterOrEqual: (a: Operand, b: Operand) => SymbolicTensor = binary('GreaterOrEqual', {
  partials: noGradient,
  result: 'bool',
});

/** a > b as bool; no gradient. */
export const greater: (a: Operand, b: Operand) => SymbolicTensor = binary('Greater', {
  partials: noGradient,
  result: 'bool',
});

/** a = b as bool; no gradient. */
export const equal: (a: Operand, b: Operand) => SymbolicTensor = binary('Equal', {
  partials: noGradient,
  result: 'bool',
});

export const neg: (x: SymbolicTensor) => SymbolicTensor = unary('Neg', (g) => neg(g));

export const exp: (x: SymbolicTensor) => SymbolicTensor = unary('Exp', (g, _, y) => mul(g, y));

export const log: (x: SymbolicTensor) => SymbolicTensor = unary('Log', (g, x) => div(g, x));

export const sqrt: (x: SymbolicTensor) => SymbolicTensor = unary('Sqrt', (g, _, y) => div(mul(g, 0.5), y));

/** 1/x. */
export const reciprocal: (x: SymbolicTensor) => SymbolicTensor = unary('Reciprocal', (g, _, y) =>
  neg(mul(g, mul(y, y))),
);

export const sin: (x: SymbolicTensor) => SymbolicTensor = unary('Sin', (g, x) => mul(g, cos(x)));

export const cos: (x: SymbolicTensor) => SymbolicTensor = unary('Cos', (g, x) => neg(mul(g, sin(x))));

/** |x|, with gradient 0 at 0. */
export const abs: (x: SymbolicTensor) => SymbolicTensor = unary('Abs', (g, x) => mul(g, sign(x)));

/** −1, 0 or 1; its gradient is 0. */
export const sign: (x: SymbolicTensor) => SymbolicTensor = unary('Sign', (g) => mul(g, 0));

/**
 * The error function. ONNX Runtime has no float64 kernel for it, so float64 is written out as
 * erf x = 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1)/(2n+1)!! (Abramowitz & Stegun 7.1.6). All terms have one sign, so nothing cancels; beyond
 * |x| = 6 the function is ±1 to the last bit, and 120 terms reach full precision up to there.
 */
export const erf: (x: SymbolicTensor) => SymbolicTensor = unary(
  'Erf',
  (g, x) => mul(g, mul(exp(neg(mul(x, x))), 2 / Math.sqrt(Math.PI))),
  (emitter, { inputs: [x], inputNames, outputNames }) => {
    if (x.dtype !== 'float64') return emitter.node('Erf', inputNames, outputNames);
    const number = (value: number) => emitter.scalar(value, 'float64');
    const clipped = emitter.temporary('Clip', [inputNames[0], number(-6), number(6)]);
    const square = emitter.temporary('Mul', [clipped, clipped]);
    let series = number(1); // Horner: 1 + 2x²/3 · (1 + 2x²/5 · (1 + …))
    for (let n = 120; n >= 1; n--) {
      const factor = emitter.temporary('Mul', [square, number(2 / (2 * n + 1))]);
      series = emitter.temporary('Add', [emitter.temporary('Mul', [factor, series]), number(1)]);
    }
    const gaussian = emitter.temporary('Exp', [emitter.temporary('Neg', [square])]);
    const scaled = emitter.temporary('Mul', [emitter.temporary('Mul', [gaussian, clipped]), series]);
    return emitter.node('Mul', [scaled, number(2 / Math.sqrt(Math.PI))], outputNames);
  },
);

const whereOperator: Operator = {
  name: 'Where',
  infer([condition, a, b]) {
    sameType('Where', [a, b]);
    const shape = broadcastShapes(condition.shape, broadcastShapes(a.shape, b.shape, 'Where'), 'Where');
    return [{ dtype: a.dtype, shape }];
  },
  emit: (emitter, operation) => emitEntrywise(emitter, operation, 'Where'),
  vjp: ({ inputs: [condition, a, b] }, [g]) =>
    g ? [undefined, unbroadcast(where(condition, g, 0), a.shape), unbroadcast(where(condition, 0, g), b.shape)] : [],
};

/** `a` where the condition holds, else `b`; the side that is not chosen gets gradient 0. */
export function where(condition: SymbolicTensor, a: Operand, b: Operand): SymbolicTensor {
  const [x, y] = operands(a, b);
  return apply1(whereOperator, [condition, x, y], undefined);
}

const castOperator: Operator<DataType> = {
  name: 'Cast',
  infer: ([x], dtype) => [{ dtype, shape: x.shape }],
  emit: (emitter, operation) =>
    emitEntrywise(emitter, operation, 'Cast', { attributes: { to: { int: ONNX_TYPES[operation.attributes] } } }),
  vjp: ({ inputs: [x] }, [g]) => [g && isFloat(x.dtype) ? cast(g, x.dtype) : undefined],
};

/**
 * The same numbers as another element type, differentiable between float types. bool becomes 0 and 1; to int rounds towards
 * zero; to bool asks for ≠ 0.
 */
export function cast(x: SymbolicTensor, dtype: DataType): SymbolicTensor {
  return x.dtype === dtype ? x : apply1(castOperator, [x], dtype);
}

export const identity: (x: SymbolicTensor) => SymbolicTensor = unary('Identity', (g) => g);

/**
 * Entries of `x` where `mask` is true (or 1), divided by the share that is kept, and 0 elsewhere. The mask is data, drawn by the
 * caller, so that a step can be run again with the same one.
 *
 * @throws LimbeckError INVALID_ARGUMENT for a rate outside 0 ≤ rate < 1
 */
export function dropout(x: SymbolicTensor, mask: SymbolicTensor, rate: number): SymbolicTensor {
  if (!(rate >= 0 && rate < 1)) {
    throw new LimbeckError('INVALID_ARGUMENT', `dropout: expected 0 ≤ rate < 1, got ${rate}.`);
  }
  return mul(x, stopGradient(mul(cast(mask, x.dtype), 1 / (1 - rate))));
}

const stopOperator: Operator = {
  name: 'StopGradient',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (emitter, operation) => emitEntrywise(emitter, operation, 'Identity'),
  vjp: () => [],
};

/** The same numbers, treated as data by {@link gradients}. */
export function stopGradient(x: SymbolicTensor): SymbolicTensor {
  return apply1(stopOperator, [x], undefined);
}
