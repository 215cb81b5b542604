import { expect, it } from 'vitest';
import { accuracy } from '../../src/evaluation/accuracy.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { caught } from '../caught.ts';

const outputs = Matrix.from([
  [0.1, 0.9, 0],
  [2, 1, 2],
  [-3, -2, -1],
  [5, 0, 0],
]);

it('is the share of largest entries at their label; of equal ones the first counts', () => {
  expect(accuracy(outputs, [1, 0, 2, 0])).toBe(1);
  expect(accuracy(outputs, [1, 2, 2, 1])).toBe(0.5);
  expect(accuracy(outputs, Int32Array.of(0, 1, 0, 1))).toBe(0);
});

it('refuses labels that do not fit, nothing at all, and what is no number', () => {
  expect(caught(() => accuracy(outputs, [0, 1])).message).toMatch(/each of the 4 rows, got 2/);
  expect(caught(() => accuracy(Matrix.zeros(0, 3), [])).code).toBe('EMPTY_BATCH');
  expect(caught(() => accuracy(Matrix.from([[Number.NaN, 1]]), [0])).code).toBe('NON_FINITE');
});
