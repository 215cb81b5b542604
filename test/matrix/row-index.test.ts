/** RowIndex against a linear search. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { RowIndex } from '../../src/matrix/row-index.ts';

describe.each(['float32', 'float64'] as const)('RowIndex over %s', (dtype) => {
  it('adding, removing and finding rows as a list of them would', () => {
    const random = new Random(3);
    const [rows, width] = [40, 3];
    // Few values, so that equal rows are many; 1/3 is no float32.
    const values = [0, -0, 1, -1, 1 / 3, 1e-30];
    const matrix = new Matrix(
      rows,
      width,
      Float64Array.from({ length: rows * width }, () => values[random.integer(values.length)]),
    ).as(dtype);
    const index = new RowIndex(matrix);
    let added: number[] = [];
    const equal = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).every((x, k) => x === b[k]);
    for (let trial = 0; trial < 600; trial++) {
      const row = random.integer(rows);
      if (!added.includes(row)) {
        index.add(row);
        added.push(row);
      } else if (random.integer(3) === 0) {
        index.remove(row);
        added = added.filter((other) => other !== row);
      }
      const wanted = matrix.row(random.integer(rows));
      expect(index.find(wanted)).toBe(added.find((other) => equal(matrix.row(other), wanted)) ?? -1);
    }
  });

  it('0 and −0 are equal, and a number next to another is not', () => {
    const matrix = Matrix.from(
      [
        [0, 1],
        [1, 0],
      ],
      dtype,
    );
    const index = new RowIndex(matrix);
    index.add(0);
    index.add(1);
    expect(index.find(Float64Array.of(-0, 1))).toBe(0);
    expect(index.find(Float64Array.of(1, -0))).toBe(1);
    expect(index.find(Float64Array.of(1, 1e-40))).toBe(-1);
    expect(index.find(Float64Array.of(1 + 2 ** -52, 0))).toBe(dtype === 'float32' ? 1 : -1);
  });

  it('finds rows whose numbers changed between removing and adding', () => {
    const matrix = Matrix.from(
      [
        [1, 2],
        [3, 4],
      ],
      dtype,
    );
    const index = new RowIndex(matrix);
    index.add(0);
    index.remove(0);
    matrix.row(0).set([5, 6]);
    index.add(0);
    expect(index.find(Float64Array.of(1, 2))).toBe(-1);
    expect(index.find(Float64Array.of(5, 6))).toBe(0);
    index.remove(1); // was never added
    expect(index.find(Float64Array.of(3, 4))).toBe(-1);
  });
});
