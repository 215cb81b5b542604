/** Differences with intervals: by hand, against simulation, and where nothing may be said. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { pairedDifference, type ScoredPair } from '../../src/report/paired-difference.ts';

const pairs = (...differences: number[]): ScoredPair[] =>
  differences.map((difference, seed) => ({ seed, challenger: 0.5 + difference, baseline: 0.5 }));

describe('over seeds', () => {
  it("is Student's interval of the differences", () => {
    const found = pairedDifference(pairs(0.1, 0.2, 0.3), 'higher');
    // t(2) = 4.303, s = 0.1, n = 3.
    const half = (4.303 * 0.1) / Math.sqrt(3);
    expect(found.mean).toBeCloseTo(0.2);
    expect([found.low, found.high]).toEqual([expect.closeTo(0.2 - half, 9), expect.closeTo(0.2 + half, 9)]);
    expect(found).toMatchObject({ outcome: 'no difference seen', seeds: 3, samples: null, wins: 3 });
  });

  it('better and worse go with the metric', () => {
    const close = [0.1, 0.101, 0.099];
    expect(pairedDifference(pairs(...close), 'higher')).toMatchObject({ outcome: 'better', wins: 3 });
    expect(pairedDifference(pairs(...close), 'lower')).toMatchObject({ outcome: 'worse', wins: 0 });
    expect(pairedDifference(pairs(...close.map((x) => -x)), 'lower').outcome).toBe('better');
  });

  it('one seed is not judged; equal runs show no difference', () => {
    expect(pairedDifference(pairs(0.4), 'higher')).toMatchObject({ low: null, high: null, outcome: 'not judged' });
    expect(pairedDifference(pairs(0, 0, 0), 'higher')).toMatchObject({
      low: 0,
      high: 0,
      outcome: 'no difference seen',
    });
    // Rounding in the subtraction is no difference.
    expect(pairedDifference(pairs(1e-15, 1e-15, 1e-15), 'higher').outcome).toBe('no difference seen');
  });

  it('NaN is refused, and named', () => {
    expect(() => pairedDifference(pairs(0.1, Number.NaN), 'higher')).toThrow(/finite/);
  });
});

/** Runs in which a sample is right with some probability, samples and seeds each with luck of their own. */
function simulated(random: Random, { seeds, samples, effect }: { seeds: number; samples: number; effect: number }) {
  const hardness = Array.from({ length: samples }, () => random.normal());
  const liking = Array.from({ length: samples }, () => 0.5 * random.normal());
  return Array.from({ length: seeds }, (_, seed): ScoredPair => {
    const luck = [0.1 * random.normal(), 0.1 * random.normal()];
    const scores = [0, 1].map((method) =>
      hardness.map((hard, i) =>
        hard + luck[method] + (method === 0 ? effect + liking[i] : 0) + 0.5 * random.normal() > 0 ? 1 : 0,
      ),
    );
    const [challenger, baseline] = scores.map((list) => list.reduce((sum: number, one) => sum + one, 0) / samples);
    return { seed, challenger, baseline, challengerScores: scores[0], baselineScores: scores[1] };
  });
}

describe('over seeds and samples', () => {
  it('without a true difference an interval misses 0 in at most about 5 % of the cases', () => {
    const random = new Random(11);
    const cases = 120;
    let missed = 0;
    for (let i = 0; i < cases; i++) {
      const { outcome, samples } = pairedDifference(simulated(random, { seeds: 3, samples: 200, effect: 0 }), 'higher');
      expect(samples).toBe(200);
      if (outcome !== 'no difference seen') missed++;
    }
    // Twice the standard error of 5 % in 120 cases.
    expect(missed / cases).toBeLessThan(0.09);
  });

  it('a large difference is seen', () => {
    const found = pairedDifference(simulated(new Random(5), { seeds: 3, samples: 400, effect: 1 }), 'higher');
    expect(found).toMatchObject({ outcome: 'better', wins: 3 });
  });

  it('is wider than over seeds alone', () => {
    const both = simulated(new Random(8), { seeds: 3, samples: 100, effect: 0.2 });
    const seedsAlone = both.map(({ seed, challenger, baseline }) => ({ seed, challenger, baseline }));
    const width = (of: readonly ScoredPair[]) => {
      const { low, high } = pairedDifference(of, 'higher');
      return (high as number) - (low as number);
    };
    expect(width(both)).toBeGreaterThan(width(seedsAlone));
  });

  it('scores that one of them lacks are left aside', () => {
    const [first, ...others] = simulated(new Random(8), { seeds: 3, samples: 100, effect: 0.2 });
    const found = pairedDifference([{ ...first, baselineScores: undefined }, ...others], 'higher');
    expect(found.samples).toBeNull();
    expect(found.low).not.toBeNull();
  });

  it('one seed has an interval over its samples, and is not judged', () => {
    const found = pairedDifference(simulated(new Random(5), { seeds: 1, samples: 400, effect: 1 }), 'higher');
    expect(found.low).toBeGreaterThan(0);
    expect(found).toMatchObject({ outcome: 'not judged', samples: 400 });
  });
});
