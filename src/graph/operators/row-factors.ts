/** Factors of the rows of a matrix, which gradients are full of: kept apart, so that several are one pass over it. */
import type { SymbolicTensor } from '../tensor.ts';
import { add, mul, neg, sub } from './elementwise.ts';
import { sameShape } from './expand.ts';

interface FactoredMatrix {
  /** [m, 1] or []. */
  readonly factor: SymbolicTensor;
  /** [m, n] */
  readonly rest: SymbolicTensor;
}

/** A matrix [m, n] that is written as a product with one factor for each row, [m, 1] or []; undefined for any other. */
export function rowFactor(x: SymbolicTensor): FactoredMatrix | undefined {
  const { source } = x;
  if (source.kind !== 'operation' || source.operation.operator.name !== 'Mul') return undefined;
  const [a, b] = source.operation.inputs;
  if (isRowFactor(a) && sameShape(b.shape, x.shape)) return { factor: a, rest: b };
  return isRowFactor(b) && sameShape(a.shape, x.shape) ? { factor: b, rest: a } : undefined;
}

/** Whether a tensor can be a factor for each row of a matrix. */
export function isRowFactor({ rank, shape }: SymbolicTensor): boolean {
  return rank === 0 || (rank === 2 && shape[1] === 1);
}

/** x · factor. Of a matrix that has factors of its rows already, the factors are multiplied instead: one pass over it and not two. */
export function scaled(x: SymbolicTensor, factor: SymbolicTensor): SymbolicTensor {
  const factored = rowFactor(x);
  if (!factored || !isRowFactor(factor) || x.shape[1] === 1) return mul(x, factor);
  return mul(factored.rest, mul(factored.factor, factor));
}

/** a + b for cotangents that meet in one tensor: what both have as factors of rows is multiplied once, and negatives are subtracted. */
export function addCotangents(a: SymbolicTensor, b: SymbolicTensor): SymbolicTensor {
  const [left, right] = [positive(a), positive(b)];
  const [p, q] = [rowFactor(left.of), rowFactor(right.of)];
  if (p && q && p.factor === q.factor) {
    return mul(addCotangents(left.signed(p.rest), right.signed(q.rest)), p.factor);
  }
  if (right.negated) return sub(a, right.of);
  return left.negated ? sub(b, left.of) : add(a, b);
}

/** What a tensor is the negative of, if anything, and how others are given its sign. */
function positive(x: SymbolicTensor) {
  const { source } = x;
  const negated = source.kind === 'operation' && source.operation.operator.name === 'Neg';
  return {
    negated,
    of: negated ? source.operation.inputs[0] : x,
    signed: (y: SymbolicTensor): SymbolicTensor => (negated ? neg(y) : y),
  };
}
