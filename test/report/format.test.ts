import { expect, test } from 'vitest';
import * as format from '../../src/report/format.ts';

test('scores, spreads and differences', () => {
  expect([0.96749, 1, -0.0001, -0.25].map(format.formatScore)).toEqual(['0.967', '1.000', '0.000', '-0.250']);
  expect([0.0061, 0.0003, 1e-17].map(format.formatSpread)).toEqual(['0.006', '<.001', '0.000']);
  expect([0.011, -0.042, 0.0001, -0.0001].map(format.formatDifference)).toEqual(['+0.011', '−0.042', '0.000', '0.000']);
});

test('counts, megabytes and shares', () => {
  expect([0, 999, 1000, 22_713_216, 475.4].map(format.formatCount)).toEqual(['0', '999', '1,000', '22,713,216', '475']);
  expect([2_900, 2_900_000, 45_400_000, 1_234_000_000].map(format.formatMegabytes)).toEqual([
    '0.003',
    '2.9',
    '45.4',
    '1,234',
  ]);
  expect(format.formatPercent(0.9666)).toBe('96.7 %');
});

test('durations, also at the places where the unit changes', () => {
  const seconds = [0.04, 4.21, 9.94, 9.96, 59.4, 59.6, 83, 119.9, 3599, 3600, 7500];
  expect(seconds.map(format.formatSeconds)).toEqual(
    ['0.0s', '4.2s', '9.9s', '10s', '59s', '1m 00s', '1m 23s', '2m 00s', '59m 59s', '1h 00m', '2h 05m'], // biome-ignore format: one line
  );
});
