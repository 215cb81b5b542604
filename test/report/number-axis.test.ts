/** Axes of small pictures: when they are logarithmic, where zero stands, and that ticks have room. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatNumber, numberAxis } from '../../src/report/number-axis.ts';

describe('numberAxis', () => {
  it('is logarithmic beyond a decade, and only there', () => {
    expect(numberAxis([0.02, 0.5]).logarithmic).toBe(true);
    expect(numberAxis([1, 10]).logarithmic).toBe(false);
    expect(numberAxis([1, 10.1]).logarithmic).toBe(true);
    expect(numberAxis([7]).logarithmic).toBe(false);
    expect(numberAxis([0, 5]).logarithmic).toBe(false);
    expect(numberAxis([-1, 0.1, 5]).logarithmic).toBe(false);
  });

  it('equal factors are equal distances, and zero is half a decade below the smallest', () => {
    const { place } = numberAxis([0, 64, 1024, 16_384]);
    expect(place(1024) - place(64)).toBeCloseTo(place(16_384) - place(1024), 12);
    expect(place(64) - place(0)).toBeCloseTo(0.5, 12);
  });

  it('ticks at the values, or at round numbers', () => {
    expect(numberAxis([0.5, 0.02, 0.1]).ticks).toEqual([0.02, 0.1, 0.5]);
    expect(numberAxis([0.36, 45.4], { ticks: 'round' }).ticks).toEqual([0.5, 1, 2, 5, 10, 20]);
    expect(numberAxis([0, 96], { ticks: 'round' }).ticks).toEqual([0, 20, 40, 60, 80]);
    expect(numberAxis([0, 96_000], { ticks: 'round' }).ticks).toEqual([0, 20_000, 40_000, 60_000, 80_000]);
    expect(numberAxis([3.1, 3.4], { ticks: 'round' }).ticks).toEqual([3.1, 3.15, 3.2, 3.25, 3.3, 3.35, 3.4]);
    expect(numberAxis([7], { ticks: 'round' }).ticks).toEqual([7]);
  });

  it('no two labels touch, every tick is in the domain, and the ends of few values stay', () => {
    const value = fc.double({ min: 1e-6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 12 }),
        fc.constantFrom('values', 'round'),
        (values, ticks) => {
          const axis = numberAxis(values, { ticks, width: 280 });
          const at = (tick: number) => (280 * (axis.place(tick) - axis.domain[0])) / (axis.domain[1] - axis.domain[0]);
          const half = (tick: number) => (formatNumber(tick).length * 7) / 2;
          expect(axis.ticks.length).toBeGreaterThan(0);
          for (const [i, tick] of axis.ticks.entries()) {
            expect(at(tick)).toBeGreaterThanOrEqual(0);
            expect(at(tick)).toBeLessThanOrEqual(280);
            if (i > 0) expect(at(tick) - half(tick)).toBeGreaterThan(at(axis.ticks[i - 1]) + half(axis.ticks[i - 1]));
          }
        },
      ),
    );
    expect(numberAxis([0.02, 0.021, 0.5], { width: 280 }).ticks).toEqual([0.02, 0.5]);
    // The last has the right of way.
    expect(numberAxis([0.02, 0.49, 0.5], { width: 280 }).ticks).toEqual([0.02, 0.5]);
  });

  it.each([
    [16_384, '16,384'],
    [0.02, '0.02'],
    [1.23456, '1.23'],
    [1e-8, '1e−8'],
    [-0.5, '−0.5'],
  ])('%d is written %s', (value, text) => expect(formatNumber(value)).toBe(text));
});
