/** The places along an axis, for tables that are looked up by position; the size may be known only at run time. */
import { apply1, normalizeAxis, type Operator, type SymbolicTensor } from '../tensor.ts';

const positionsOperator: Operator<number> = {
  name: 'Positions',
  infer: ([x], axis) => [{ dtype: 'int64', shape: [x.shape[axis]] }],
  emit(emitter, { inputNames, outputNames, attributes: axis }) {
    const size = emitter.temporary('Gather', [emitter.temporary('Shape', inputNames), emitter.scalar(axis, 'int64')]);
    emitter.node('Range', [emitter.scalar(0, 'int64'), size, emitter.scalar(1, 'int64')], outputNames);
  },
  vjp: () => [],
};

/**
 * 0, 1, 2, … along an axis of `x`, int64 [size of that axis]. Depends on the size alone, so no gradient flows back.
 *
 * @example
 * gather(positionTable, positions(ids, 1)); // [places, width], ids [batch, length] → [length, width]
 */
export function positions(x: SymbolicTensor, axis: number): SymbolicTensor {
  return apply1(positionsOperator, [x], normalizeAxis(axis, x.rank, 'positions'));
}
