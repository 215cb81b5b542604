import { describe, expect, it } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof LimbeckError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no error';
};

describe('Matrix', () => {
  const matrix = Matrix.from([
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it('is row-major', () => {
    expect([matrix.rows, matrix.columns, matrix.dtype]).toEqual([2, 3, 'float32']);
    expect([...matrix.data]).toEqual([1, 2, 3, 4, 5, 6]);
    expect(matrix.get(1, 0)).toBe(4);
    expect(matrix.get(0, 2)).toBe(3);
    expect(matrix.toArray()).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('refuses data that do not fit', () => {
    expect(codeOf(() => new Matrix(2, 2, new Float32Array(3)))).toMatch(/^SHAPE_MISMATCH.*2 × 2 = 4 entries, got 3/);
    for (const size of [-1, 1.5, Number.NaN, '2']) {
      expect(codeOf(() => new Matrix(size as never, 1, new Float32Array(1)))).toMatch(/^INVALID_ARGUMENT: Matrix rows/);
      expect(codeOf(() => new Matrix(1, size as never, new Float32Array(1)))).toMatch(
        /^INVALID_ARGUMENT: Matrix columns/,
      );
    }
    for (const data of [[1], new Int32Array(1), new Uint8Array(1), undefined]) {
      expect(codeOf(() => new Matrix(1, 1, data as never))).toMatch(/^INVALID_ARGUMENT: Matrix data.*Matrix\.from/);
    }
  });

  it('keeps its data without copying; rows are views', () => {
    const data = new Float64Array(4);
    const kept = new Matrix(2, 2, data);
    expect(kept.data).toBe(data);
    kept.row(1).set([7, 8]);
    expect([...data]).toEqual([0, 0, 7, 8]);
  });

  it('from: float64 when asked or when every row is, rows of one length', () => {
    expect(Matrix.from([Float64Array.of(1), Float64Array.of(2)]).dtype).toBe('float64');
    expect(Matrix.from([Float64Array.of(1), [2]]).dtype).toBe('float32');
    expect(Matrix.from([Float64Array.of(1)], 'float32').dtype).toBe('float32');
    expect(Matrix.from([[0.1]], 'float64').get(0, 0)).toBe(0.1);
    expect(Matrix.from([[0.1]]).get(0, 0)).toBe(Math.fround(0.1));
    expect(Matrix.from([])).toMatchObject({ rows: 0, columns: 0, dtype: 'float32' });
    expect(codeOf(() => Matrix.from([[1, 2], [3]]))).toMatch(/^SHAPE_MISMATCH.*2 entries like row 0, got 1 in row 1/);
  });

  it('get and row refuse places outside', () => {
    for (const [i, j] of [
      [2, 0],
      [0, 3],
      [-1, 0],
      [0, -1],
      [0.5, 0],
      [0, 0.5],
      [Number.NaN, 0],
    ]) {
      expect(codeOf(() => matrix.get(i, j))).toMatch(/^INVALID_ARGUMENT.*2 × 3/);
    }
    for (const i of [2, -1, 0.5, Number.NaN]) expect(codeOf(() => matrix.row(i))).toMatch(/^INVALID_ARGUMENT.*0 … 1/);
  });

  it('gather copies rows in the asked order, repetitions included', () => {
    const gathered = matrix.gather([1, 0, 1]);
    expect(gathered.toArray()).toEqual([
      [4, 5, 6],
      [1, 2, 3],
      [4, 5, 6],
    ]);
    gathered.row(0).fill(0);
    expect(matrix.get(1, 0)).toBe(4);
    expect(matrix.gather([])).toMatchObject({ rows: 0, columns: 3 });
    expect(matrix.as('float64').gather([0]).dtype).toBe('float64');
    expect(codeOf(() => matrix.gather([2]))).toMatch(/^INVALID_ARGUMENT/);
  });

  it('as: the other precision, or itself', () => {
    expect(matrix.as('float32')).toBe(matrix);
    const double = matrix.as('float64');
    expect([double.dtype, ...double.data]).toEqual(['float64', 1, 2, 3, 4, 5, 6]);
    expect(
      Matrix.from([[0.1]], 'float64')
        .as('float32')
        .get(0, 0),
    ).toBe(Math.fround(0.1));
    expect(Matrix.zeros(2, 3)).toMatchObject({ rows: 2, columns: 3, dtype: 'float32', data: new Float32Array(6) });
    expect(Matrix.zeros(1, 1, 'float64').dtype).toBe('float64');
  });

  it('assertFinite names the matrix, the row and the column', () => {
    expect(matrix.assertFinite('m')).toBe(matrix);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(
        codeOf(() =>
          Matrix.from([
            [1, 2, 3],
            [4, 5, bad],
          ]).assertFinite('teacher rows'),
        ),
      ).toBe(`NON_FINITE: teacher rows: expected finite numbers, got ${bad} in row 1, column 2.`);
    }
  });
});

describe('IntermediateActivations', () => {
  it('keeps layers in the order in which they were first set', () => {
    const [a, b] = [Matrix.zeros(1, 1), Matrix.zeros(2, 2)];
    const activations = new IntermediateActivations().set('z', a).set('a', a).set('z', b);
    expect([activations.names, activations.size]).toEqual([['z', 'a'], 2]);
    expect(activations.get('z')).toBe(b);
    expect([activations.get('q'), activations.has('a'), activations.has('q')]).toEqual([undefined, true, false]);
    expect([...activations]).toEqual([
      ['z', b],
      ['a', a],
    ]);
    activations.names.push('x');
    expect(activations.size).toBe(2);
  });

  it('refuses blank names and things that are no matrix', () => {
    const activations = new IntermediateActivations();
    for (const name of ['', ' ', 3]) {
      expect(codeOf(() => activations.set(name as never, Matrix.zeros(1, 1)))).toMatch(/^INVALID_ARGUMENT: Layer name/);
    }
    expect(codeOf(() => activations.set('a', [[1]] as never))).toMatch(/^INVALID_ARGUMENT: Layer "a".*Array of 1/);
    expect(activations.size).toBe(0);
  });
});
