/** Rows divided by their Euclidean norms, along the last axis, with a gradient of its own. */
import { apply, type Operator, type SymbolicTensor } from '../tensor.ts';
import { mul, neg, sub } from './elementwise.ts';
import { sum } from './reduce.ts';
import { rowFactor } from './row-factors.ts';

const kept = { keepDimensions: true };

/** Below any norm that is told from 0, and a normal number with its reciprocal in float32. */
const TINY = 1e-30;

/**
 * Outputs: the unit rows u, and 1/‖x‖ for each, 0 for rows that count as zero. Attribute: the shortest norm that does not.
 *
 * Rows are divided by their largest entry before squaring, so that 1e30 does not overflow; after that the norm is at least 1.
 */
const unitRowsOperator: Operator<number> = {
  name: 'UnitRows',
  infer: ([{ dtype, shape }]) => [
    { dtype, shape },
    { dtype, shape: [...shape.slice(0, -1), 1] },
  ],
  emit(emitter, { inputs: [{ dtype }], inputNames: [x], outputs: [u, inverse], outputNames, attributes: shortest }) {
    const along = [emitter.int64s([-1])];
    const row = { keepdims: { int: 1 } };
    const highest = emitter.temporary('ReduceMax', [x, ...along], row);
    const lowest = emitter.temporary('Neg', [emitter.temporary('ReduceMin', [x, ...along], row)]);
    // |x| would be one more pass that writes a matrix.
    const largest = emitter.temporary('Max', [highest, lowest, emitter.scalar(TINY, dtype)]);
    const within = emitter.temporary('Div', [x, largest]);
    const squares = emitter.temporary('ReduceSum', [emitter.temporary('Mul', [within, within]), ...along], row);
    const norm = emitter.temporary('Sqrt', [squares]);
    const long = emitter.temporary('GreaterOrEqual', [
      emitter.temporary('Mul', [largest, norm]),
      emitter.scalar(shortest, dtype),
    ]);
    const factor = emitter.temporary('Where', [
      long,
      emitter.temporary('Reciprocal', [norm]),
      emitter.scalar(0, dtype),
    ]);
    emitter.node('Mul', [within, factor], outputNames.slice(0, 1));
    // Of what is not of the graph as it was given no readers are known.
    const known = emitter.readers(u) > 0;
    if (!known || emitter.readers(inverse) > 0) emitter.node('Div', [factor, largest], outputNames.slice(1));
  },
  // ∂u/∂x = (1 − u uᵀ)/‖x‖ and ∂(1/‖x‖)/∂x = −u/‖x‖²: with u = 0 and 1/‖x‖ = 0 both are 0 for zero rows.
  vjp({ outputs: [u, inverse] }, [gu, gi]) {
    const along = gi && mul(u, mul(gi, mul(inverse, inverse)));
    if (!gu) return along ? [neg(along)] : [];
    // A factor of the rows of gu joins 1/‖x‖, so that it costs no pass of its own.
    const { rest, factor } = (u.rank === 2 && rowFactor(gu)) || { rest: gu, factor: undefined };
    const across = sub(rest, mul(u, sum(mul(rest, u), [-1], kept)));
    const gradient = mul(across, factor ? mul(factor, inverse) : inverse);
    return [along ? sub(gradient, along) : gradient];
  },
};

/**
 * Rows (along the last axis) divided by their Euclidean norms; rows whose norm is below `shortest` become zero rows, with gradient 0.
 * Else the gradient is (g − u(u·g)) / ‖x‖, orthogonal to x. Squares neither overflow nor vanish.
 *
 * @param shortest at least 1e-30 times the root of the width
 *
 * @example
 * unitRows(input('x', 'float32', ['batch', 384]), 1e-12); // ['batch', 384]
 */
export function unitRows(x: SymbolicTensor, shortest: number): SymbolicTensor {
  return apply(unitRowsOperator, [x], shortest)[0];
}
