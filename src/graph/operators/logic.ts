/** Truth values, rounding and places: operators without a gradient, or with gradient 0, that graphs of others contain. */
import { LimbeckError } from '../../errors.ts';
import { apply1, normalizeAxis, type Operator, type SymbolicTensor } from '../tensor.ts';
import { broadcastShapes, mul } from './elementwise.ts';
import { unary } from './unary.ts';

function logical(name: string): (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor {
  const operator: Operator = {
    name,
    infer([a, b]) {
      if (a.dtype !== 'bool' || b.dtype !== 'bool') {
        throw new LimbeckError('SHAPE_MISMATCH', `${name}: expected two bool tensors, got ${a} and ${b}.`);
      }
      return [{ dtype: 'bool', shape: broadcastShapes(a.shape, b.shape, name) }];
    },
    emit: (emitter, { inputNames, outputNames }) => emitter.node(name, inputNames, outputNames),
    vjp: () => [],
  };
  return (a, b) => apply1(operator, [a, b], undefined);
}

export const and: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor = logical('And');

export const or: (a: SymbolicTensor, b: SymbolicTensor) => SymbolicTensor = logical('Or');

const test = (name: string): Operator => ({
  name,
  infer: ([x]) => [{ dtype: 'bool', shape: x.shape }],
  emit: (emitter, { inputNames, outputNames }) => emitter.node(name, inputNames, outputNames),
  vjp: () => [],
});

const notOperator = test('Not');

export function not(x: SymbolicTensor): SymbolicTensor {
  return apply1(notOperator, [x], undefined);
}

const notANumberOperator = test('IsNaN');

/** Where `x` is not a number. */
export function notANumber(x: SymbolicTensor): SymbolicTensor {
  return apply1(notANumberOperator, [x], undefined);
}

const zeroGradient = (g: SymbolicTensor) => mul(g, 0);

export const floor: (x: SymbolicTensor) => SymbolicTensor = unary('Floor', zeroGradient);

export const ceil: (x: SymbolicTensor) => SymbolicTensor = unary('Ceil', zeroGradient);

/** To the nearest whole number, halves to the even one. */
export const round: (x: SymbolicTensor) => SymbolicTensor = unary('Round', zeroGradient);

interface Place {
  readonly axis: number;
  readonly keepDimensions: boolean;
  readonly last: boolean;
}

const argMaxOperator: Operator<Place> = {
  name: 'ArgMax',
  infer: ([x], { axis, keepDimensions }) => [
    {
      dtype: 'int64',
      shape: keepDimensions ? x.shape.map((d, i) => (i === axis ? 1 : d)) : x.shape.filter((_, i) => i !== axis),
    },
  ],
  emit: (emitter, { inputNames, outputNames, attributes: { axis, keepDimensions, last } }) =>
    emitter.node('ArgMax', inputNames, outputNames, {
      axis: { int: axis },
      keepdims: { int: keepDimensions ? 1 : 0 },
      select_last_index: { int: last ? 1 : 0 },
    }),
  vjp: () => [],
};

/** Where the largest entry along an axis stands, as int64: of equal ones the first, or the last. */
export function argMax(
  x: SymbolicTensor,
  axis: number,
  { keepDimensions = false, last = false }: { readonly keepDimensions?: boolean; readonly last?: boolean } = {},
): SymbolicTensor {
  return apply1(argMaxOperator, [x], { axis: normalizeAxis(axis, x.rank, 'ArgMax'), keepDimensions, last });
}
