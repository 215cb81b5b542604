import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { unitRows, ZERO_NORM } from '../../src/matrix/unit-rows.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { caught } from '../caught.ts';

describe('normalisation', () => {
  it.each(['float32', 'float64'] as const)(
    'rows of norm 1 in %s, whatever their length; zero rows stay zero',
    (dtype) => {
      const rows = Matrix.from(
        [
          [3, 4],
          [3e30, 4e30],
          [3e-11, 4e-11],
          [3e-30, 4e-30],
          [0, 0],
          [-2, 0],
        ],
        dtype,
      );
      const expected = [0.6, 0.8, 0.6, 0.8, 0.6, 0.8, 0, 0, 0, 0, -1, 0];
      const unit = unitRows(rows, 'rows', ZERO_NORM);
      expect(unit.dtype).toBe(dtype);
      for (const [k, value] of expected.entries())
        expect(unit.data[k]).toBeCloseTo(value, dtype === 'float64' ? 15 : 6);
      expect([...new TeacherBank(rows).rows(dtype).data]).toEqual([...unit.data]);
      expect(rows.get(0, 0)).toBe(3); // a copy
    },
  );

  it('float64 at 1e300 and at the limit 1e-12', () => {
    const unit = unitRows(
      Matrix.from(
        [
          [3e300, 4e300],
          [1.01e-12, 0],
          [0.99e-12, 0],
        ],
        'float64',
      ),
      'rows',
      ZERO_NORM,
    );
    for (const [k, value] of [0.6, 0.8, 1, 0, 0, 0].entries()) expect(unit.data[k]).toBeCloseTo(value, 15);
  });
});

describe('rows', () => {
  it('come in both precisions, each made once', () => {
    const bank = new TeacherBank(
      Matrix.from(
        [
          [3, 4],
          [1, 1],
          [0, 2],
        ],
        'float64',
      ),
    );
    expect([bank.size, bank.dimension]).toEqual([3, 2]);
    expect(bank.rows('float64').dtype).toBe('float64');
    expect(bank.rows('float32').dtype).toBe('float32');
    expect(bank.rows('float32')).toBe(bank.rows('float32'));
    expect(bank.rows('float64').get(1, 0)).toBeCloseTo(Math.SQRT1_2, 15);
    expect(bank.rows('float32').get(1, 0)).toBe(Math.fround(Math.SQRT1_2));
  });

  it('row k is sample k, unless sampleIds say otherwise', () => {
    const rows = Matrix.from([
      [1, 0],
      [0, 1],
      [1, 1],
    ]);
    const plain = new TeacherBank(rows);
    expect([0, 2, 3, -1].map((id) => plain.rowOf(id))).toEqual([0, 2, -1, -1]);
    const named = new TeacherBank(rows, { sampleIds: Int32Array.of(40, 7, 0) });
    expect([40, 7, 0, 1, 2, -1].map((id) => named.rowOf(id))).toEqual([0, 1, 2, -1, -1, -1]);
  });
});

it('refuses what is no bank', () => {
  const rows = Matrix.from([
    [1, 0],
    [0, 1],
  ]);
  expect(caught(() => new TeacherBank([[1, 0]] as never)).code).toBe('INVALID_ARGUMENT');
  expect(caught(() => new TeacherBank(new Matrix(0, 3, new Float32Array(0)))).code).toBe('EMPTY_BATCH');
  const nan = caught(
    () =>
      new TeacherBank(
        Matrix.from([
          [1, 0],
          [0, Number.NaN],
        ]),
      ),
  );
  expect([nan.code, nan.message]).toEqual(['NON_FINITE', expect.stringMatching(/bank.*NaN.*row 1.*column 1/)]);
  const labels = caught(() => new TeacherBank(rows, { labels: Int32Array.of(1) }));
  expect([labels.code, labels.message]).toEqual(['SHAPE_MISMATCH', expect.stringMatching(/labels.*2.*1/)]);
  const ids = caught(() => new TeacherBank(rows, { sampleIds: Int32Array.of(1, 2, 3) }));
  expect([ids.code, ids.message]).toEqual(['SHAPE_MISMATCH', expect.stringMatching(/sampleIds.*2.*3/)]);
});
