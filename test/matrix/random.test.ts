/**
 * Random: the expected numbers were computed once by a separate sfc32 in Python (integers of arbitrary size, masked), not by
 * this library. They are part of every seeded result, so they may never change.
 */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';

const take = (count: number, draw: () => number) => Array.from({ length: count }, draw);

describe('frozen numbers', () => {
  it.each([
    [0, [4208506024, 1017427976, 941733061, 1584407498]],
    [1, [2719816156, 329822289, 138300035, 2845726439]],
    [7, [3153001767, 1975341593, 1093473732, 4234806244]],
    [2 ** 32, [708380479, 671125420, 2857543988, 788342214]],
    [2 ** 40 + 5, [2775918384, 139168324, 1070919619, 1913801014]],
    [-1, [387476003, 2342865570, 2356505942, 1174873449]],
  ])('uint32 of seed %d', (seed, expected) => {
    const random = new Random(seed);
    expect(take(4, () => random.uint32())).toEqual(expected);
  });

  it('uniform, integer, normal, sample, shuffle, forPurpose', () => {
    const seven = new Random(7);
    expect(take(3, () => seven.uniform())).toEqual([0.7341154326492552, 0.2545941992550541, 0.3699617525041228]);
    const three = new Random(3);
    expect(take(8, () => three.integer(10))).toEqual([8, 7, 5, 0, 4, 5, 5, 4]);
    const nine = new Random(9);
    const normals = [-1.6016486817068751, -1.0798419890690916, 0.8508695407670913, 0.4342551199072058];
    for (const [k, value] of take(4, () => nine.normal()).entries()) expect(value).toBeCloseTo(normals[k], 14);
    expect([...new Random(5).sample(10, 4)]).toEqual([7, 2, 4, 5]);
    expect(new Random(5).shuffle([0, 1, 2, 3, 4, 5])).toEqual([0, 4, 5, 2, 3, 1]);
    const negatives = Random.forPurpose(7, 'negatives 0');
    expect(take(3, () => negatives.uint32())).toEqual([2954770440, 4030187920, 4073910316]);
    const blank = Random.forPurpose(7, '');
    expect(take(3, () => blank.uint32())).toEqual([1178766049, 713478843, 38288904]);
  });
});

/** Pearson's χ² of counts that should be equal, in standard deviations from its mean. */
function unevenness(counts: ArrayLike<number>): number {
  const all = Array.from(counts);
  const expected = all.reduce((a, b) => a + b) / all.length;
  const chi = all.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  return Math.abs(chi - (all.length - 1)) / Math.sqrt(2 * (all.length - 1));
}

describe('distributions', () => {
  it('uniform: in [0, 1), mean 1/2, 100 equal bins', () => {
    const random = new Random(1);
    const bins = new Int32Array(100);
    let sum = 0;
    for (let k = 0; k < 100_000; k++) {
      const x = random.uniform();
      if (!(x >= 0 && x < 1)) throw new Error(`outside [0, 1): ${x}`);
      bins[Math.floor(x * 100)]++;
      sum += x;
    }
    expect(Math.abs(sum / 100_000 - 0.5)).toBeLessThan(4 / Math.sqrt(12 * 100_000));
    expect(unevenness(bins)).toBeLessThan(4);
  });

  it.each([1, 2, 3, 10, 1000])('integer(%i): all of 0 … n − 1, equally often', (n) => {
    const random = new Random(2);
    const counts = new Int32Array(n);
    for (let k = 0; k < 50 * n + 10_000; k++) {
      const x = random.integer(n);
      if (!(Number.isInteger(x) && x >= 0 && x < n)) throw new Error(`outside 0 … ${n - 1}: ${x}`);
      counts[x]++;
    }
    if (n > 1) expect(unevenness(counts)).toBeLessThan(4);
  });

  it('integer has no modulo bias at 3 · 2³⁰, where x mod n would favour the lower third two to one', () => {
    const random = new Random(4);
    const thirds = new Int32Array(3);
    for (let k = 0; k < 30_000; k++) thirds[Math.floor(random.integer(3 * 2 ** 30) / 2 ** 30)]++;
    expect(unevenness(thirds)).toBeLessThan(4);
    expect(random.integer(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it('normal: mean 0, variance 1, skewness 0, fourth moment 3, successive draws uncorrelated', () => {
    const random = new Random(6);
    const n = 100_000;
    const x = take(n, () => random.normal());
    const moment = (p: number) => x.reduce((sum, v) => sum + v ** p, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    let product = 0;
    for (let k = 1; k < n; k++) product += x[k] * x[k - 1];
    expect(Math.abs(product / n)).toBeLessThan(4 / Math.sqrt(n));
  });
});

describe('sample and shuffle', () => {
  it('sample: distinct numbers of 0 … n − 1, every ordered pair equally often', () => {
    const random = new Random(3);
    for (const [n, count] of [
      [1, 1],
      [5, 0],
      [5, 5],
      [1000, 10],
      [1000, 1000],
    ]) {
      const drawn = random.sample(n, count);
      expect(drawn.length).toBe(count);
      expect(new Set(drawn).size).toBe(count);
      expect(drawn.every((x) => x >= 0 && x < n)).toBe(true);
    }
    const pairs = new Int32Array(30);
    for (let k = 0; k < 30_000; k++) {
      const [a, b] = random.sample(6, 2);
      pairs[a * 5 + (b > a ? b - 1 : b)]++;
    }
    expect(unevenness(pairs)).toBeLessThan(4);
  });

  it('shuffle: in place, a permutation, all 24 orders of four equally often', () => {
    const random = new Random(5);
    const counts = new Map<string, number>();
    for (let k = 0; k < 24_000; k++) {
      const array = Int32Array.of(0, 1, 2, 3);
      expect(random.shuffle(array)).toBe(array);
      const order = array.join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(unevenness([...counts.values()])).toBeLessThan(4);
    expect(random.shuffle([])).toEqual([]);
  });
});

it('streams of different seeds and purposes are unrelated; drawing from one does not shift another', () => {
  const bits = (random: Random) => take(64, () => random.uint32());
  const streams = [
    ...[0, 1, 2, 3, 2 ** 32, -1].map((seed) => bits(new Random(seed))),
    ...['', 'a', 'b', 'ab', 'ba', 'negatives 1', 'negatives 2'].map((purpose) => bits(Random.forPurpose(1, purpose))),
  ];
  for (const [i, a] of streams.entries()) {
    for (const b of streams.slice(i + 1)) {
      let equal = 0;
      for (const [k, x] of a.entries()) for (let bit = 0; bit < 32; bit++) equal += ((x ^ b[k]) >>> bit) & 1 ? 0 : 1;
      // 2048 coin tosses: 5 standard deviations.
      expect(Math.abs(equal - 1024)).toBeLessThan(5 * Math.sqrt(2048 / 4));
    }
  }
  const first = Random.forPurpose(3, 'a');
  const second = Random.forPurpose(3, 'b');
  const alone = bits(Random.forPurpose(3, 'b'));
  first.uint32();
  expect(bits(second)).toEqual(alone);
});
