/** Entries picked by index, and their gradients, entries put or added at an index. */
import { LimbeckError } from '../../errors.ts';
import {
  apply1,
  constant,
  type Emitter,
  normalizeAxis,
  ONNX_TYPES,
  type Operator,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { emitAddRows, emitWidth } from './add-rows.ts';
import { expand, sameShape } from './expand.ts';

function checkIndices(operator: string, indices: SymbolicTensor): void {
  if (indices.dtype !== 'int32' && indices.dtype !== 'int64') {
    throw new LimbeckError('SHAPE_MISMATCH', `${operator}: expected int32 or int64 indices, got ${indices}.`);
  }
}

/** The name of `indices` as int64, which the ND operators ask for. */
function wideIndices(emitter: Emitter, indices: SymbolicTensor, name: string): string {
  return indices.dtype === 'int64' ? name : emitter.temporary('Cast', [name], { to: { int: ONNX_TYPES.int64 } });
}

const gatherOperator: Operator<number> = {
  name: 'Gather',
  infer([table, indices], axis) {
    checkIndices('gather', indices);
    return [
      { dtype: table.dtype, shape: [...table.shape.slice(0, axis), ...indices.shape, ...table.shape.slice(axis + 1)] },
    ];
  },
  emit: (emitter, { inputNames, outputNames, attributes: axis }) =>
    emitter.node('Gather', inputNames, outputNames, { axis: { int: axis } }),
  vjp: ({ inputs: [table, indices], attributes: axis }, [g]) =>
    g ? [scatterAdd(g, indices, table, axis), undefined] : [],
};

/**
 * The entries of `table` along an axis at `indices` (any shape): [a, n, b] at axis 1 → [a, ...indices.shape, b]. By default
 * rows. Negative indices count from the end.
 */
export function gather(table: SymbolicTensor, indices: SymbolicTensor, axis = 0): SymbolicTensor {
  return apply1(gatherOperator, [table, indices], normalizeAxis(axis, table.rank, 'Gather'));
}

const scatterAddOperator: Operator<number> = {
  name: 'ScatterAdd',
  infer: ([, , table]) => [{ dtype: table.dtype, shape: table.shape }],
  emit(emitter, operation) {
    const { inputs, inputNames, outputNames, attributes: axis } = operation;
    const [{ rank, dtype }, indices, table] = inputs;
    const rows = wideIndices(emitter, indices, inputNames[1]);
    // Rows are along the first axis: bring the axis there, and back.
    const rest = table.shape.map((_, i) => i).filter((i) => i !== axis);
    const size = emitter.temporary('Shape', [inputNames[2]]);
    const shape = axis === 0 ? size : emitter.temporary('Gather', [size, emitter.int64s([axis, ...rest])]);
    const base = emitter.temporary('Expand', [emitter.scalar(0, dtype), shape]);
    const width = emitWidth(emitter, shape, 1);
    if (axis === 0) return emitAddRows(emitter, { base, shape, rows, width, updates: inputNames[0] }, outputNames[0]);
    const axes = Array.from({ length: rank }, (_, i) => i);
    const forward = [
      ...axes.slice(axis, axis + indices.rank),
      ...axes.slice(0, axis),
      ...axes.slice(axis + indices.rank),
    ];
    const updates = emitter.temporary('Transpose', [inputNames[0]], { perm: { ints: forward } });
    const sum = `${outputNames[0]} along the first axis`;
    emitAddRows(emitter, { base, shape, rows, width, updates }, sum);
    const back = table.shape.map((_, i) => [axis, ...rest].indexOf(i));
    return emitter.node('Transpose', [sum], outputNames, { perm: { ints: back } });
  },
  vjp: ({ inputs: [, indices], attributes: axis }, [g]) => (g ? [gather(g, indices, axis), undefined, undefined] : []),
};

/** Zeros like `table`, with each entry of `rows` along `axis` added at its index; indices may repeat. */
export function scatterAdd(
  rows: SymbolicTensor,
  indices: SymbolicTensor,
  table: SymbolicTensor,
  axis = 0,
): SymbolicTensor {
  return apply1(scatterAddOperator, [rows, indices, table], normalizeAxis(axis, table.rank, 'ScatterAdd'));
}

const gatherElementsOperator: Operator<number> = {
  name: 'GatherElements',
  infer([x, indices]) {
    checkIndices('gatherElements', indices);
    if (indices.rank !== x.rank) throw mismatch('gatherElements', `indices of rank ${x.rank}`, indices);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  emit: (emitter, { inputNames, outputNames, attributes: axis }) =>
    emitter.node('GatherElements', inputNames, outputNames, { axis: { int: axis } }),
  vjp: ({ inputs: [x, indices], attributes: axis }, [g]) =>
    g ? [scatterElements(zerosLike(x), indices, g, axis, 'add'), undefined] : [],
};

/** y[i][j] = x[indices[i][j]][j] at axis 0, x[i][indices[i][j]] at axis 1, and so on: one index for every entry of the result. */
export function gatherElements(x: SymbolicTensor, indices: SymbolicTensor, axis: number): SymbolicTensor {
  return apply1(gatherElementsOperator, [x, indices], normalizeAxis(axis, x.rank, 'GatherElements'));
}

/** How an update meets what is there: takes its place, or is added. */
export type ScatterReduction = 'none' | 'add';

interface ScatterElements {
  readonly axis: number;
  readonly reduction: ScatterReduction;
}

const scatterElementsOperator: Operator<ScatterElements> = {
  name: 'ScatterElements',
  infer([x, indices, updates]) {
    checkIndices('scatterElements', indices);
    if (!sameShape(indices.shape, updates.shape) || updates.rank !== x.rank || updates.dtype !== x.dtype) {
      throw mismatch(
        'scatterElements',
        `indices and ${x.dtype} updates of one shape, of rank ${x.rank}`,
        indices,
        updates,
      );
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit: (emitter, { inputNames, outputNames, attributes: { axis, reduction } }) =>
    emitter.node('ScatterElements', inputNames, outputNames, {
      axis: { int: axis },
      reduction: { string: reduction },
    }),
  vjp({ inputs: [, indices, updates], attributes: { axis, reduction } }, [g]) {
    if (!g) return [];
    const gx = reduction === 'add' ? g : scatterElements(g, indices, zerosLike(updates), axis);
    return [gx, undefined, gatherElements(g, indices, axis)];
  },
};

/** `x` with y[indices[i][j]][j] = updates[i][j] at axis 0, and so on. With 'none' no place may be named twice. */
export function scatterElements(
  x: SymbolicTensor,
  indices: SymbolicTensor,
  updates: SymbolicTensor,
  axis: number,
  reduction: ScatterReduction = 'none',
): SymbolicTensor {
  const along = normalizeAxis(axis, x.rank, 'ScatterElements');
  return apply1(scatterElementsOperator, [x, indices, updates], { axis: along, reduction });
}

/** What `indices` [..., k] picks from `x`: its first k axes replaced by those of the indices before the last. */
function pickedShape(operator: string, x: SymbolicTensor, indices: SymbolicTensor): Shape {
  checkIndices(operator, indices);
  const k = indices.shape[indices.rank - 1];
  if (typeof k !== 'number' || k < 1 || k > x.rank) {
    throw mismatch(operator, `indices whose last axis has a known size in 1 … ${x.rank}`, indices);
  }
  return [...indices.shape.slice(0, -1), ...x.shape.slice(k)];
}

const gatherNDOperator: Operator = {
  name: 'GatherND',
  infer: ([x, indices]) => [{ dtype: x.dtype, shape: pickedShape('gatherND', x, indices) }],
  emit: (emitter, { inputs: [, indices], inputNames: [x, name], outputNames }) =>
    emitter.node('GatherND', [x, wideIndices(emitter, indices, name)], outputNames),
  vjp: ({ inputs: [x, indices] }, [g]) => (g ? [scatterND(zerosLike(x), indices, g, 'add'), undefined] : []),
};

/** x[indices[i][0], …, indices[i][k − 1]] for each row i of `indices` [..., k]: entries (k = rank) or whole parts of `x`. */
export function gatherND(x: SymbolicTensor, indices: SymbolicTensor): SymbolicTensor {
  return apply1(gatherNDOperator, [x, indices], undefined);
}

const scatterNDOperator: Operator<ScatterReduction> = {
  name: 'ScatterND',
  infer([x, indices, updates]) {
    const shape = pickedShape('scatterND', x, indices);
    if (!sameShape(shape, updates.shape) || updates.dtype !== x.dtype) {
      throw mismatch('scatterND', `${x.dtype} updates of shape [${shape.join(', ')}]`, updates);
    }
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  emit(emitter, { inputs: [, indices], inputNames: [x, name, updates], outputNames, attributes }) {
    const places = wideIndices(emitter, indices, name);
    if (attributes === 'none') return emitter.node('ScatterND', [x, places, updates], outputNames);
    const shape = emitter.temporary('Shape', [x]);
    const k = indices.shape[indices.rank - 1] as number;
    const rows = emitRowNumbers(emitter, places, shape, k);
    return emitAddRows(emitter, { base: x, shape, rows, width: emitWidth(emitter, shape, k), updates }, outputNames[0]);
  },
  vjp({ inputs: [, indices, updates], attributes }, [g]) {
    if (!g) return [];
    const gx = attributes === 'add' ? g : scatterND(g, indices, zerosLike(updates));
    return [gx, undefined, gatherND(g, indices)];
  },
};

/** `x` with the places that {@link gatherND} would pick set to `updates`, or these added. With 'none' none may be named twice. */
export function scatterND(
  x: SymbolicTensor,
  indices: SymbolicTensor,
  updates: SymbolicTensor,
  reduction: ScatterReduction = 'none',
): SymbolicTensor {
  return apply1(scatterNDOperator, [x, indices, updates], reduction);
}

/** Places [..., k] along the first k axes as numbers of the rows that are left, counted in order. */
function emitRowNumbers(emitter: Emitter, places: string, shape: string, k: number): string {
  const axis = emitter.int64s([-1]);
  const sizes = emitter.temporary('Slice', [shape, emitter.int64s([0]), emitter.int64s([k])]);
  const negative = emitter.temporary('Less', [places, emitter.scalar(0, 'int64')]);
  const counted = emitter.temporary('Where', [negative, emitter.temporary('Add', [places, sizes]), places]);
  // Rows to a step along each axis: the product of the sizes of the axes after it.
  const strides = emitter.temporary(
    'Concat',
    [
      ...Array.from({ length: k - 1 }, (_, j) => {
        const after = emitter.temporary('Slice', [sizes, emitter.int64s([j + 1]), emitter.int64s([k])]);
        return emitter.temporary('ReduceProd', [after], { keepdims: { int: 1 } });
      }),
      emitter.int64s([1]),
    ],
    { axis: { int: 0 } },
  );
  return emitter.temporary('ReduceSum', [emitter.temporary('Mul', [counted, strides]), axis], {
    keepdims: { int: 0 },
  });
}

function zerosLike(x: SymbolicTensor): SymbolicTensor {
  return expand(constant(0, x.dtype), x);
}

function mismatch(operator: string, expected: string, ...got: readonly SymbolicTensor[]): LimbeckError {
  return new LimbeckError('SHAPE_MISMATCH', `${operator}: expected ${expected}, got ${got.join(' and ')}.`);
}
