import { describe, expect, it } from 'vitest';
import {
  brainFloatsToFloats,
  floatsToBrainFloats,
  floatsToHalves,
  halvesToFloats,
} from '../../src/matrix/half-precision.ts';
import { Random } from '../../src/matrix/random.ts';

const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);

/** The nearest of all representable numbers, by search; of two equally near the even one. */
function nearest(x: number, values: readonly { value: number; bits: number }[]): number {
  let best = values[0];
  for (const candidate of values) {
    const [a, b] = [Math.abs(candidate.value - x), Math.abs(best.value - x)];
    if (a < b || (a === b && candidate.bits % 2 === 0)) best = candidate;
  }
  return best.bits;
}

describe.each([
  ['half', halvesToFloats, floatsToHalves, 65_504],
  ['bfloat16', brainFloatsToFloats, floatsToBrainFloats, 3.3e38],
] as const)('%s', (_, widen, narrow, largest) => {
  it('what was widened comes back, every one of the 65,536 (NaN as some NaN)', () => {
    const floats = widen(all);
    const back = narrow(floats);
    for (const [i, bits] of back.entries()) {
      if (Number.isNaN(floats[i])) expect(widen(Uint16Array.of(bits))[0]).toBeNaN();
      else expect(bits).toBe(i);
    }
  });

  it('rounds to the nearest, ties to even: random numbers of all sizes, halfway points and their neighbours', () => {
    const positive = Array.from(widen(all.subarray(0, 0x7c01 - (largest > 1e6 ? 0 : 1))), (value, bits) => ({
      value,
      bits,
    })).filter(({ value }) => Number.isFinite(value));
    const random = new Random(2);
    const cases: number[] = [];
    for (let k = 0; k < 60; k++) cases.push(Math.fround(random.uniform() * 2 ** (random.integer(38) - 26)));
    for (let k = 0; k < 60; k++) {
      const i = random.integer(positive.length - 1);
      const middle = Math.fround((positive[i].value + positive[i + 1].value) / 2);
      cases.push(middle, Math.fround(middle * (1 + 2 ** -20)), Math.fround(middle * (1 - 2 ** -20)));
    }
    for (const x of cases.filter((value) => value < largest)) {
      const expected = nearest(x, positive);
      expect(narrow(Float32Array.of(x, -x)), `${x}`).toEqual(Uint16Array.of(expected, expected | 0x8000));
    }
  });
});

it('what is too large for half precision becomes infinite, what is too small zero', () => {
  expect(floatsToHalves(Float32Array.of(65_519.99, 65_520, -1e30, 2 ** -25, 2 ** -25 * 1.001, 1e-30))).toEqual(
    Uint16Array.of(0x7bff, 0x7c00, 0xfc00, 0, 1, 0),
  );
});
