/** Draws of negatives: one for each anchor, or one that the batch shares; and selections for a range of anchors. */
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { type SelectionRequest, selectKeys } from '../../src/negatives/selection.ts';
import { visible } from './visible.ts';

const ownKey = ({ bank }: SelectionRequest, i: number): string =>
  bank && bank.rowOfAnchor[i] >= 0 ? `bank ${bank.rowOfAnchor[i]}` : `batch ${i}`;
const base: SelectionRequest = {
  anchors: 6,
  positives: 'instance',
  sampleSize: 4,
  draw: 'anchor',
  seed: 3,
  step: 0,
  bank: { size: 10, rowOfAnchor: Int32Array.of(-1, 2, -1, 9, -1, -1) },
};
/** What every anchor of a request sees beside its own key, sorted. */
const negatives = (changes: Partial<SelectionRequest> = {}): string[][] => {
  const given = { ...base, ...changes };
  return visible(selectKeys(given), given).map(({ keys }, i) =>
    [...keys].filter((key) => key !== ownKey(given, i)).sort(),
  );
};

describe('own draws', () => {
  it('K for every anchor, never its own key, no two anchors alike; the shared draw is the default', () => {
    let different = 0;
    for (let step = 0; step < 20; step++) {
      const own = negatives({ step });
      for (const keys of own) expect(keys).toHaveLength(4);
      different += new Set(own.map((keys) => keys.join())).size;
      // Six draws of 4 out of 13 hold more keys than the five of a shared one.
      expect(new Set(own.flat()).size).toBeGreaterThan(5);
      expect(negatives({ step, draw: undefined })).toEqual(negatives({ step, draw: 'batch' }));
      expect(new Set(negatives({ step, draw: undefined }).flat()).size).toBeLessThanOrEqual(5);
    }
    expect(different).toBeGreaterThan(0.95 * 20 * 6);
  });

  it('the same for the same seed and step, others for others', () => {
    expect(negatives({ step: 7 })).toEqual(negatives({ step: 7 }));
    const draws = [0, 1, 2].flatMap((seed) => [0, 1, 2].map((step) => JSON.stringify(negatives({ seed, step }))));
    expect(new Set(draws).size).toBe(9);
  });

  it('all candidates where there are at most K', () => {
    expect(negatives({ sampleSize: 13 })).toEqual(negatives({ sampleSize: 1000, draw: 'batch' }));
    const labels = Int32Array.of(0, 0, 0, 0, 0, 1);
    // Anchors of class 0 have one negative, that of class 1 has five.
    const others = ['batch 0', 'batch 1', 'batch 2', 'batch 3', 'batch 4'];
    expect(negatives({ bank: undefined, labels, sampleSize: 5 })).toEqual([...others.map(() => ['batch 5']), others]);
    const [, , , , , some] = negatives({ bank: undefined, labels, sampleSize: 4 });
    expect([some.length, some.every((key) => others.includes(key))]).toEqual([4, true]);
  });

  it.each<[string, Partial<SelectionRequest>, (i: number) => number]>([
    ['without labels', {}, () => 13],
    [
      'with labels',
      {
        labels: Int32Array.of(0, 1, 1, 1, 1, 0),
        bank: { size: 10, rowOfAnchor: base.bank!.rowOfAnchor, labels: Int32Array.of(0, 0, 1, 0, 0, 1, 1, 0, 1, 1) },
      },
      () => 7,
    ],
  ])(
    'are uniform, %s: χ² of 2000 draws within 4 standard deviations, for pairs of anchors too',
    (_, changes, eligible) => {
      const draws = 2000;
      const counts = Array.from({ length: 6 }, () => new Map<string, number>());
      let together = 0;
      for (let step = 0; step < draws; step++) {
        const drawn = negatives({ ...changes, step });
        for (const [i, keys] of drawn.entries()) {
          for (const key of keys) counts[i].set(key, (counts[i].get(key) ?? 0) + 1);
        }
        together += drawn[0].filter((key) => drawn[5].includes(key)).length;
      }
      for (const [i, count] of counts.entries()) {
        const n = eligible(i);
        expect(count.size).toBe(n);
        const p = 4 / n;
        let chi = 0;
        for (const k of count.values()) chi += (k - draws * p) ** 2 / (draws * p * (1 - p));
        chi *= (n - 1) / n;
        expect(Math.abs(chi - (n - 1)) / Math.sqrt(2 * (n - 1)), `anchor ${i}`).toBeLessThan(4);
      }
      // Anchors 0 and 5 choose independently: of the keys that both may see, 4/n · 4/n are in both draws.
      const n = eligible(0);
      const common = changes.labels ? n : n - 1;
      expect(Math.abs(together / draws - common * (4 / n) ** 2)).toBeLessThan(0.12);
    },
  );
});

describe('a range of anchors', () => {
  it('gives the rows of the whole selection, for random requests', () => {
    const random = new Random(21);
    for (let trial = 0; trial < 200; trial++) {
      const anchors = 2 + random.integer(8);
      const size = 1 + random.integer(12);
      const free = [...random.sample(size, size)];
      const rowOfAnchor = Int32Array.from({ length: anchors }, () => (random.integer(2) ? (free.pop() ?? -1) : -1));
      const bankLabels = Int32Array.from({ length: size }, () => random.integer(4) - 1);
      const labels = Int32Array.from(rowOfAnchor, (row) => Math.max(0, row >= 0 ? bankLabels[row] : random.integer(3)));
      const groups = {
        ofAnchor: Int32Array.from({ length: anchors }, () => random.integer(3) - 1),
        ofRow: Int32Array.from({ length: size }, () => random.integer(4)),
      };
      const given: SelectionRequest = {
        anchors,
        sampleSize: 1 + random.integer(anchors + size),
        positives: random.integer(2) ? 'class' : 'instance',
        draw: random.integer(2) ? 'anchor' : 'batch',
        ...(random.integer(2) ? { labels } : {}),
        ...(random.integer(3)
          ? { bank: { size, rowOfAnchor, labels: bankLabels, ...(random.integer(2) ? { groups } : {}) } }
          : {}),
        ...(random.integer(2) ? { sampleIds: Int32Array.from({ length: anchors }, () => random.integer(20)) } : {}),
        seed: random.integer(100),
        step: trial,
      };
      /** Every anchor's keys and targets, its own key as `own` whether it stands apart or not. */
      const rowsOf = (range?: SelectionRequest['range']) => {
        const request = { ...given, range };
        return visible(selectKeys(request), request).map(({ keys, targets }, k) => {
          const own = ownKey(given, (range?.from ?? 0) + k);
          const name = (key: string) => (key === own ? 'own' : key);
          return {
            keys: [...new Set(['own', ...[...keys].map(name)])].sort(),
            targets: [...targets].map(([key, share]) => [name(key), share]).sort(),
          };
        });
      };
      const whole = rowsOf();
      const counts = selectKeys(given).negatives;
      const cut = 1 + random.integer(anchors - 1);
      for (const [from, to] of [
        [0, cut],
        [cut, anchors],
        [cut - 1, cut],
      ]) {
        expect(rowsOf({ from, to })).toEqual(whole.slice(from, to));
        expect(selectKeys({ ...given, range: { from, to } }).negatives).toEqual(counts?.slice(from, to));
      }
    }
  });
});
