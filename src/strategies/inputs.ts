/** What callers may pass for matrices and labels, and the checks that turn it into one form. */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Pair } from './batch.ts';

/** A Matrix, or an array of vectors of one length. */
export type MatrixLike = Matrix | ArrayLike<ArrayLike<number>>;

/** One row of class probabilities per sample (one-hot or soft), or one class index per sample. */
export type Labels = Matrix | ArrayLike<number>;

/** A matrix of any numbers. */
function toMatrix(value: MatrixLike, name: string): Matrix {
  if (!(value instanceof Matrix) && !isNested(value)) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${name}: expected a Matrix or an array of vectors, got ${show(value)}.`,
    );
  }
  const matrix = value instanceof Matrix ? value : Matrix.from(value);
  if (matrix.rows === 0 || matrix.columns === 0) {
    throw new LimbeckError(
      'EMPTY_BATCH',
      `${name}: expected at least one row and one column, got ${matrix.rows} × ${matrix.columns}.`,
    );
  }
  return matrix;
}

function isNested(value: unknown): value is ArrayLike<ArrayLike<number>> {
  const isList = (x: unknown): x is ArrayLike<unknown> => Array.isArray(x) || ArrayBuffer.isView(x);
  return isList(value) && Array.prototype.every.call(value, (row: unknown) => isList(row));
}

/**
 * A student matrix and the teacher's for the same samples, in one precision: float64 when either has it.
 *
 * @param unequalWidths what to do about unequal widths, as a sentence for the error; undefined when they may differ
 * @throws LimbeckError SHAPE_MISMATCH when the shapes do not fit, INVALID_ARGUMENT, EMPTY_BATCH, NON_FINITE
 */
export function toPair(
  student: MatrixLike,
  teacher: MatrixLike,
  what: string,
  unequalWidths: string | undefined,
): Pair<Matrix> {
  const pair = toUncheckedPair(student, teacher, what, unequalWidths);
  assertPairFinite(pair, what);
  return pair;
}

/** {@link toPair} for callers that look at the numbers themselves, or have {@link assertPairFinite} do it. */
export function toUncheckedPair(
  student: MatrixLike,
  teacher: MatrixLike,
  what: string,
  unequalWidths: string | undefined,
): Pair<Matrix> {
  const s = toMatrix(student, `student ${what}`);
  const t = toMatrix(teacher, `teacher ${what}`);
  if (s.rows !== t.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${what}: expected one teacher row for each student row, got ${s.rows} student and ${t.rows} teacher rows.`,
    );
  }
  if (unequalWidths !== undefined && s.columns !== t.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${what}: expected student and teacher rows of one width, got ${s.columns} (student) and ${t.columns} (teacher). ` +
        unequalWidths,
    );
  }
  const dtype = s.dtype === 'float64' || t.dtype === 'float64' ? 'float64' : 'float32';
  return { student: s.as(dtype), teacher: t.as(dtype) };
}

/** @throws LimbeckError NON_FINITE naming the side, the row and the column */
export function assertPairFinite({ student, teacher }: Pair<Matrix>, what: string): void {
  student.assertFinite(`student ${what}`);
  teacher.assertFinite(`teacher ${what}`);
}

/**
 * Refuses a matrix that a gradient cannot be written to: of another form than the student's rows, or in memory that is read meanwhile.
 *
 * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT
 */
export function checkPlace(into: Matrix, { student, teacher }: Pair<Matrix>) {
  if (!(into instanceof Matrix)) {
    throw new LimbeckError('INVALID_ARGUMENT', `into: expected a Matrix for the gradient, got ${show(into)}.`);
  }
  const form = ({ rows, columns, dtype }: Matrix): string => `${rows} × ${columns} of ${dtype}`;
  if (form(into) !== form(student)) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `into: expected ${form(student)} like the student's rows, got ${form(into)}.`,
    );
  }
  if (into.data.buffer === student.data.buffer || into.data.buffer === teacher.data.buffer) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'into: expected a matrix of its own, got one in the memory of the rows, which are read while it is written. ' +
        'Pass the gradient of the step before, or Matrix.zeros(rows, columns).',
    );
  }
}

/**
 * Labels as class indices. A matrix of labels must be one-hot here: which samples share a class has to be certain.
 *
 * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT
 */
export function toClassIndices(labels: Labels, rows: number): Int32Array {
  const given = labels instanceof Matrix ? labels.rows : labels.length;
  if (given !== rows) throw wrongCount(given, rows);
  return Int32Array.from({ length: rows }, (_, i) => {
    if (!(labels instanceof Matrix)) return classIndex(labels[i], i);
    const row = labels.row(i);
    const hot = row.indexOf(1);
    if (hot < 0 || row.some((value, c) => value !== (c === hot ? 1 : 0))) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `labels: expected one-hot rows for the contrastive loss, got [${Array.from(row).join(', ')}] in row ${i}. ` +
          'Pass class indices instead.',
      );
    }
    return hot;
  });
}

/**
 * Labels as a row of probabilities for each sample, [rows, classes].
 *
 * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT, NON_FINITE
 */
export function toDistribution(labels: Labels, rows: number, classes: number, dtype: 'float32' | 'float64'): Matrix {
  const given = labels instanceof Matrix ? labels.rows : labels.length;
  if (given !== rows) throw wrongCount(given, rows);
  if (labels instanceof Matrix) {
    if (labels.columns !== classes) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `labels: expected a column for each of the ${classes} outputs, got ${labels.columns} columns.`,
      );
    }
    labels.assertFinite('labels');
    for (let i = 0; i < rows; i++) {
      let total = 0;
      for (const p of labels.row(i)) total += p < 0 ? Number.NaN : p;
      if (!(Math.abs(total - 1) < 1e-3)) {
        throw new LimbeckError(
          'INVALID_ARGUMENT',
          `labels: expected probabilities ≥ 0 that sum to 1, got [${Array.from(labels.row(i)).join(', ')}] in row ${i}.`,
        );
      }
    }
    return labels.as(dtype);
  }
  const result = Matrix.zeros(rows, classes, dtype);
  for (let i = 0; i < rows; i++) {
    const index = classIndex(labels[i], i);
    if (index >= classes) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `labels: expected classes 0 … ${classes - 1}, got ${index} in row ${i}.`,
      );
    }
    result.data[i * classes + index] = 1;
  }
  return result;
}

function classIndex(value: number, row: number): number {
  if (!Number.isInteger(value) || value < 0 || value > 0x7fffffff) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `labels: expected a class index (a whole number ≥ 0), got ${show(value)} in row ${row}.`,
    );
  }
  return value;
}

function wrongCount(given: number, rows: number): LimbeckError {
  return new LimbeckError('SHAPE_MISMATCH', `labels: expected one for each of the ${rows} rows, got ${given}.`);
}
