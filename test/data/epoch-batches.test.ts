import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EpochBatches } from '../../src/data/epoch-batches.ts';

const epoch = (batches: EpochBatches, number: number) =>
  Array.from({ length: batches.perEpoch }, (_, k) => Array.from(batches.batch(number, k)));

describe('EpochBatches', () => {
  it('every epoch is a permutation, in batches that differ by at most one sample, never one of a single sample', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 2, max: 320 }), fc.nat(1000), (n, size, seed) => {
        const batches = new EpochBatches(n, size, seed);
        for (const number of [0, 1]) {
          const lists = epoch(batches, number);
          expect(lists.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
          const sizes = lists.map((list) => list.length);
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
          expect(Math.min(...sizes)).toBeGreaterThanOrEqual(2);
          // Above the wished size by one at most, and only where the alternative is a batch of one.
          expect(Math.max(...sizes)).toBeLessThanOrEqual(size === 2 ? 3 : size);
        }
      }),
    );
  });

  it.each([
    [10, 4, [3, 3, 4]],
    [8, 4, [4, 4]],
    [3, 2, [3]],
    [5, 2, [2, 3]],
    [2, 100, [2]],
    [9, 4, [3, 3, 3]],
  ])('%i samples in batches of %i', (n, size, sizes) => {
    const batches = new EpochBatches(n, size, 0);
    expect(batches.perEpoch).toBe(sizes.length);
    expect(epoch(batches, 0).map((list) => list.length)).toEqual(sizes);
  });

  it('is the same for the same seed, in whatever order it is asked; another for another seed or epoch', () => {
    const [forward, backward] = [new EpochBatches(50, 8, 5), new EpochBatches(50, 8, 5)];
    const expected = [epoch(forward, 0), epoch(forward, 1), epoch(forward, 2)];
    expect([2, 1, 0].map((number) => epoch(backward, number)).reverse()).toEqual(expected);
    expect(epoch(backward, 1)).toEqual(expected[1]);
    expect(expected[0]).not.toEqual(expected[1]);
    expect(epoch(new EpochBatches(50, 8, 6), 0)).not.toEqual(expected[0]);
  });

  it('gives copies: writing to a batch does not change the next', () => {
    const batches = new EpochBatches(6, 3, 0);
    const first = Array.from(batches.batch(0, 0));
    batches.batch(0, 0).fill(0);
    expect(Array.from(batches.batch(0, 0))).toEqual(first);
  });
});
