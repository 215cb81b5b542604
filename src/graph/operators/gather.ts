/** Rows picked from a table, and its gradient, rows added into a table. */
import { LimbeckError } from '../../errors.ts';
import { apply1, type Operator, type SymbolicTensor } from '../tensor.ts';

const gatherOperator: Operator = {
  name: 'Gather',
  infer([table, indices]) {
    if (table.rank < 1 || (indices.dtype !== 'int32' && indices.dtype !== 'int64')) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `gather: expected a table and int32 or int64 indices, got ${table} and ${indices}.`,
      );
    }
    return [{ dtype: table.dtype, shape: [...indices.shape, ...table.shape.slice(1)] }];
  },
  emit: (emitter, { inputNames, outputNames }) => emitter.node('Gather', inputNames, outputNames, { axis: { int: 0 } }),
  vjp: ({ inputs: [table, indices] }, [g]) => (g ? [scatterAdd(g, indices, table), undefined] : []),
};

/** Rows of `table` [n, …] at `indices` (any shape): [...indices.shape, …]. */
export function gather(table: SymbolicTensor, indices: SymbolicTensor): SymbolicTensor {
  return apply1(gatherOperator, [table, indices], undefined);
}

const scatterAddOperator: Operator = {
  name: 'ScatterAdd',
  infer: ([, , table]) => [{ dtype: table.dtype, shape: table.shape }],
  emit(emitter, { inputs: [, indices, table], inputNames: [rows, places, like], outputNames }) {
    const zeros = emitter.temporary('Expand', [emitter.scalar(0, table.dtype), emitter.temporary('Shape', [like])]);
    const wide = indices.dtype === 'int64' ? places : emitter.temporary('Cast', [places], { to: { int: 7 } });
    const column = emitter.temporary('Unsqueeze', [wide, emitter.int64s([-1])]);
    emitter.node('ScatterND', [zeros, column, rows], outputNames, { reduction: { string: 'add' } });
  },
  vjp: ({ inputs: [, indices] }, [g]) => (g ? [gather(g, indices), undefined, undefined] : []),
};

/** Zeros like `table`, with each row of `rows` added at its index; indices may repeat. */
export function scatterAdd(rows: SymbolicTensor, indices: SymbolicTensor, table: SymbolicTensor): SymbolicTensor {
  return apply1(scatterAddOperator, [rows, indices, table], undefined);
}
