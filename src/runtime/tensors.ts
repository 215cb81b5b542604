/** Small helpers that wrap arrays as program inputs. */
import type { FloatType } from '../graph/index.ts';
import { ARRAY_TYPES } from '../graph/index.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import type { TensorData } from './backend.ts';

/** A matrix as a rank-2 tensor; no copy. */
export function matrixTensor(matrix: Matrix): TensorData {
  return { dtype: matrix.dtype, dims: [matrix.rows, matrix.columns], data: matrix.data };
}

/** Floats under a shape; no copy. */
export function floatTensor(data: FloatArray, dims: readonly number[]): TensorData {
  return { dtype: data instanceof Float64Array ? 'float64' : 'float32', dims, data };
}

/** One number as a rank-0 tensor. */
export function scalarTensor(value: number, dtype: FloatType): TensorData {
  return { dtype, dims: [], data: ARRAY_TYPES[dtype].of(value) };
}

/** int32 numbers under a shape; no copy. */
export function int32Tensor(data: Int32Array, dims: readonly number[]): TensorData {
  return { dtype: 'int32', dims, data };
}
