import { describe, expect, test } from 'vitest';
import { compareMethods } from '../../src/report/verdict.ts';
import { metrics, result } from './sample-record.ts';

/** The verdict on R@1 for two lists of scores, one a seed. */
function verdict(mine: readonly number[], theirs: readonly number[]) {
  const results = (method: string, scores: readonly number[]) =>
    scores.map((score, seed) => result(method, seed, metrics(score)));
  return compareMethods(results('ntxent-bank', mine), results('cosine', theirs))[0];
}

describe('compareMethods', () => {
  test('differences .010, .012, .010: mean, spread and wins by hand, and it beats', () => {
    const one = verdict([0.966, 0.967, 0.968], [0.956, 0.955, 0.958]);
    expect(one.difference).toBeCloseTo(0.032 / 3, 12);
    expect(one.standardDeviation).toBeCloseTo(Math.sqrt(((0.002 / 3) ** 2 * 2 + (0.004 / 3) ** 2) / 2), 12);
    expect(one).toMatchObject({ metric: 'recallAt1', outcome: 'beats', wins: 3, seeds: 3 });
    expect(one.detail).toBe('+0.011 ± 0.001, ahead on 3 of 3');
  });

  test('the other way round it loses', () => {
    const one = verdict([0.956, 0.955, 0.958], [0.966, 0.967, 0.968]);
    expect(one).toMatchObject({ outcome: 'loses to', wins: 0, detail: '−0.011 ± 0.001, ahead on 0 of 3' });
  });

  test('where lower is better the lower one is ahead', () => {
    const of = (method: string, scores: readonly number[]) =>
      scores.map((score, seed) => result(method, seed, { calibrationError: score }));
    const [one] = compareMethods(of('a', [0.1, 0.11, 0.1]), of('b', [0.2, 0.21, 0.2]));
    expect(one).toMatchObject({ metric: 'calibrationError', outcome: 'beats', wins: 3 });
  });

  test('ahead on every seed is not enough when the lead varies: t = 2.7 with 2 degrees of freedom', () => {
    // Differences .01, .02, .04: mean .0233, deviation .0153, standard error .0088, interval ± .038.
    expect(verdict([0.51, 0.52, 0.54], [0.5, 0.5, 0.5])).toMatchObject({ outcome: 'no clear difference', wins: 3 });
  });

  test('the threshold is Student’s: t = 4.2 is unclear with three seeds, 4.4 is clear', () => {
    // Differences m − .01, m, m + .01 have deviation .01, so t = m √3 / .01.
    const at = (t: number) => (t * 0.01) / Math.sqrt(3);
    const scores = (t: number) => [at(t) - 0.01, at(t), at(t) + 0.01];
    expect(verdict(scores(4.2), [0, 0, 0]).outcome).toBe('no clear difference');
    expect(verdict(scores(4.4), [0, 0, 0]).outcome).toBe('beats');
  });

  test('pairing counts: seeds that move both methods alike do not hide a steady lead', () => {
    const cosine = [0.5, 0.6, 0.7];
    const bank = [0.511, 0.61, 0.709];
    expect(verdict(bank, cosine).outcome).toBe('beats');
  });

  test('one seed has no spread, so no verdict', () => {
    expect(verdict([0.9], [0.5])).toMatchObject({ outcome: 'not judged', standardDeviation: null, seeds: 1 });
    expect(verdict([0.9], [0.5]).detail).toBe('+0.400, ahead on 1 of 1');
  });

  test('equal results on every seed are no difference', () => {
    expect(verdict([0.5, 0.6], [0.5, 0.6])).toMatchObject({ outcome: 'no clear difference', difference: 0, wins: 0 });
  });

  test('rounding is no lead: .1 + .2 against .3', () => {
    expect(verdict([0.1 + 0.2, 0.1 + 0.2], [0.3, 0.3])).toMatchObject({ outcome: 'no clear difference', wins: 0 });
  });

  test('only shared seeds are compared, in any order; without one there is no verdict', () => {
    const bank = [2, 1, 5].map((seed) => result('ntxent-bank', seed, metrics(0.1 * seed)));
    const cosine = [1, 2, 7].map((seed) => result('cosine', seed, metrics(0.1 * seed)));
    expect(compareMethods(bank, cosine)[0]).toMatchObject({ seeds: 2, difference: 0 });
    expect(compareMethods(bank.slice(2), cosine)).toEqual([]);
  });

  test('forty seeds, beyond the table of quantiles', () => {
    const noise = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? 0.01 : -0.01));
    const zeros = noise.map(() => 0);
    expect(verdict(noise.map((x) => x + 0.005), zeros).outcome).toBe('beats'); // biome-ignore format: one line
    expect(verdict(noise.map((x) => x + 0.002), zeros).outcome).toBe('no clear difference'); // biome-ignore format: one line
  });
});
