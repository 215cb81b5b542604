/** The contract of selectKeys, read back through `visible`: who is contrasted with whom. */
import { describe, expect, it } from 'vitest';
import { everyNumber } from '../../src/matrix/every-number.ts';
import { Random } from '../../src/matrix/random.ts';
import { type Selection, type SelectionRequest, selectKeys } from '../../src/negatives/selection.ts';
import { visible } from './visible.ts';

const request = (changes: Partial<SelectionRequest> = {}): SelectionRequest => ({
  anchors: 5,
  positives: 'class',
  sampleSize: 1024,
  seed: 0,
  step: 0,
  ...changes,
});
const bankOf = (size: number, rowOfAnchor: number[], labels?: number[]): NonNullable<SelectionRequest['bank']> => ({
  size,
  rowOfAnchor: Int32Array.from(rowOfAnchor),
  labels: labels && Int32Array.from(labels),
});

/** The key of an anchor's own sample: its bank row where it has one. */
const ownKey = ({ bank }: SelectionRequest, i: number): string =>
  bank && bank.rowOfAnchor[i] >= 0 ? `bank ${bank.rowOfAnchor[i]}` : `batch ${i}`;

/** Every key with its class and its sample, by the documented rule: batch rows that are not in the bank, then the bank. */
function allKeys({ anchors, bank, labels, sampleIds }: SelectionRequest) {
  const keys: { name: string; label: number | undefined; sample: string }[] = [];
  for (let j = 0; j < anchors; j++) {
    if (bank && bank.rowOfAnchor[j] >= 0) continue;
    keys.push({ name: `batch ${j}`, label: labels?.[j], sample: sampleIds ? `${sampleIds[j]}` : `batch ${j}` });
  }
  for (let row = 0; row < (bank?.size ?? 0); row++) {
    keys.push({ name: `bank ${row}`, label: bank?.labels?.[row], sample: `bank ${row}` });
  }
  return keys;
}

/** The keys behind the columns of both blocks. */
function columnNames({ batch, bank }: Selection, given: SelectionRequest): string[] {
  const names = (which: string, rows: ArrayLike<number>): string[] => Array.from(rows, (row) => `${which} ${row}`);
  return [
    ...(batch ? names('batch', batch.rows ?? everyNumber(given.anchors)) : []),
    ...(bank ? names('bank', bank.rows ?? everyNumber(given.bank?.size ?? 0)) : []),
  ];
}

function expectContract(given: SelectionRequest): void {
  const selection = selectKeys(given);
  const keys = allKeys(given);
  for (const [i, seen] of visible(selection, given).entries()) {
    const own = ownKey(given, i);
    const ownSample = keys.find(({ name }) => name === own)?.sample;
    const others = keys.filter(({ sample }) => sample !== ownSample);
    const isSameClass = (label: number | undefined) => given.labels !== undefined && label === given.labels[i];
    const eligible = others.filter(({ label }) => !isSameClass(label)).map(({ name }) => name);
    const positives =
      given.positives === 'class' ? others.filter(({ label }) => isSameClass(label)).map(({ name }) => name) : [];

    const names = [...columnNames(selection, given), ...(selection.ownApart ? [own] : [])];
    expect(names[selection.ownColumns[i]]).toBe(own);
    const negatives = [...seen.keys].filter((name) => eligible.includes(name));
    expect(negatives, `negatives of anchor ${i}`).toHaveLength(Math.min(given.sampleSize, eligible.length));
    const rest = [...seen.keys].filter((name) => !eligible.includes(name)).sort();
    expect(rest, `all else that anchor ${i} sees`).toEqual(
      (selection.ownApart ? positives : [own, ...positives]).sort(),
    );

    if (given.labels && given.positives === 'class') {
      const share = 1 / (1 + positives.length);
      const expected = new Map([
        [selection.ownApart ? 'own' : own, share],
        ...positives.map((p) => [p, share] as const),
      ]);
      expect(new Map([...seen.targets].sort())).toEqual(new Map([...expected].sort()));
      expect([...seen.targets.values()].reduce((a, b) => a + b)).toBeCloseTo(1, 14);
    } else {
      expect(seen.targets.size).toBe(0);
    }
  }
}

describe('every candidate', () => {
  it('needs no mask: in the batch, with a bank apart, with the whole batch in the bank', () => {
    const inOrder = { ownApart: false, ownColumns: Int32Array.of(0, 1, 2, 3, 4) };
    expect(selectKeys(request())).toEqual({ ...inOrder, candidates: 4, batch: {} });
    expect(selectKeys(request({ sampleSize: 4 }))).toEqual({ ...inOrder, candidates: 4, batch: {} });
    expect(selectKeys(request({ bank: bankOf(7, [-1, -1, -1, -1, -1]) }))).toEqual({
      ...inOrder,
      candidates: 11,
      batch: {},
      bank: {},
    });
    expect(selectKeys(request({ bank: bankOf(7, [3, 0, 6, 1, 4]) }))).toEqual({
      ownApart: false,
      ownColumns: Int32Array.of(3, 0, 6, 1, 4),
      candidates: 6,
      bank: {},
    });
  });

  it('B = 1: no candidates alone or alone in the bank, else the bank’s', () => {
    expect(selectKeys(request({ anchors: 1 })).candidates).toBe(0);
    expect(selectKeys(request({ anchors: 1, bank: bankOf(1, [0]) })).candidates).toBe(0);
    expect(selectKeys(request({ anchors: 1, bank: bankOf(1, [-1]) })).candidates).toBe(1);
    expect(selectKeys(request({ anchors: 1, bank: bankOf(4, [2]) })).candidates).toBe(3);
    expectContract(request({ anchors: 1, bank: bankOf(4, [2]), sampleSize: 2 }));
    expectContract(request({ anchors: 1, bank: bankOf(4, [-1]), sampleSize: 2 }));
  });

  it('a batch that repeats one sample has no candidates', () => {
    const sampleIds = Int32Array.of(8, 8, 8);
    expect(selectKeys(request({ anchors: 3, sampleIds })).candidates).toBe(0);
    expect(selectKeys(request({ anchors: 3, sampleIds: Int32Array.of(8, 8, 9) })).candidates).toBe(1);
    const bank = bankOf(4, [-1, -1, -1]);
    expect(selectKeys(request({ anchors: 3, sampleIds, bank })).candidates).toBe(4);
  });
});

describe('negatives, positives and targets of every anchor', () => {
  const LABELS = [0, 1, 0, 2, 1];
  const BANK_LABELS = [0, 2, 1, 3, 0, 2, 2];
  const MEMBER_LABELS = [1, 2, 2, 0, 1, 0, 0];
  const banks = {
    'no bank': undefined,
    'bank apart': bankOf(7, [-1, -1, -1, -1, -1], BANK_LABELS),
    'batch in the bank': bankOf(7, [3, 0, 6, 1, 4], MEMBER_LABELS),
    'part of the batch in the bank': bankOf(7, [3, -1, 6, -1, 4], [1, 2, 2, 0, 1, 0, 0]),
    'one row in the bank': bankOf(7, [-1, -1, -1, 1, -1], BANK_LABELS),
  };
  const labellings = {
    'no labels': {},
    class: { labels: Int32Array.from(LABELS), positives: 'class' as const },
    instance: { labels: Int32Array.from(LABELS), positives: 'instance' as const },
    'one class only': { labels: new Int32Array(5), positives: 'class' as const },
    'one class only, instance': { labels: new Int32Array(5), positives: 'instance' as const },
  };
  for (const [bankName, bank] of Object.entries(banks)) {
    for (const [labelName, labelling] of Object.entries(labellings)) {
      it(`${bankName}, ${labelName}, K = 1, 2, 3, 10, 11, 1024`, () => {
        for (const sampleSize of [1, 2, 3, 10, 11, 1024]) {
          for (const step of [0, 1, 2, 3, 4]) expectContract(request({ bank, ...labelling, sampleSize, step }));
        }
      });
    }
  }

  it('repeated samples of a batch are never each other’s negatives, nor further positives', () => {
    const sampleIds = Int32Array.of(50, 60, 50, 70, 60);
    for (const sampleSize of [1, 2, 1024]) {
      for (const labelling of [{}, { labels: Int32Array.from(LABELS) }]) {
        expectContract(request({ sampleIds, sampleSize, ...labelling }));
        expectContract(request({ sampleIds, sampleSize, ...labelling, bank: banks['bank apart'] }));
      }
    }
    // Twice in the batch and in the bank: the bank row is the own key of both.
    const bank = bankOf(7, [3, -1, 3, -1, -1], BANK_LABELS);
    expectContract(request({ sampleIds: Int32Array.of(3, 60, 3, 70, 80), bank, sampleSize: 3 }));
  });

  it('random requests', () => {
    const random = new Random(11);
    for (let trial = 0; trial < 300; trial++) {
      const anchors = 1 + random.integer(9);
      const size = 1 + random.integer(12);
      const classes = 1 + random.integer(4);
      const bankLabels = Array.from({ length: size }, () => random.integer(classes));
      const free = [...random.sample(size, size)];
      const rows = Array.from({ length: anchors }, () => (random.integer(2) ? (free.pop() ?? -1) : -1));
      const labels = Int32Array.from(rows, (row) => (row >= 0 ? bankLabels[row] : random.integer(classes)));
      expectContract(
        request({
          anchors,
          sampleSize: 1 + random.integer(anchors + size),
          positives: random.integer(2) ? 'class' : 'instance',
          ...(random.integer(3) ? { labels } : {}),
          ...(random.integer(4) ? { bank: bankOf(size, rows, bankLabels) } : {}),
          seed: random.integer(1000),
          step: trial,
        }),
      );
    }
  });

  it('only the bank rows that some anchor sees are handed over', () => {
    const given = request({ anchors: 3, bank: bankOf(100, [10, 20, 30]), sampleSize: 5 });
    const { bank, ownApart, batch } = selectKeys(given);
    expect(batch).toBeUndefined();
    expect(ownApart).toBe(true);
    expect(bank?.rows?.length).toBeLessThanOrEqual(6);
    expect(bank?.hidden?.length).toBe(3);
  });
});

describe('the draw', () => {
  const given = request({ anchors: 6, bank: bankOf(10, [-1, 2, -1, 9, -1, -1]), sampleSize: 4 });
  const names = (changes: Partial<SelectionRequest>) => {
    const one = { ...given, ...changes };
    return visible(selectKeys(one), one).map(({ keys }, i) => [...keys].filter((key) => key !== ownKey(one, i)).sort());
  };

  it('is the same for the same seed and step, another for another step or seed', () => {
    expect(names({ seed: 3, step: 5 })).toEqual(names({ seed: 3, step: 5 }));
    const draws = [0, 1, 2, 3].flatMap((seed) => [0, 1, 2, 3, 4].map((step) => JSON.stringify(names({ seed, step }))));
    expect(new Set(draws).size).toBe(draws.length);
  });

  it('is one order shared by the batch: K negatives for every anchor out of the same K + 1 keys', () => {
    for (let step = 0; step < 50; step++) expect(new Set(names({ step }).flat()).size).toBeLessThanOrEqual(5);
  });

  it.each([
    ['without labels', {}],
    [
      'with labels',
      {
        labels: Int32Array.of(0, 1, 2, 0, 1, 2),
        bank: bankOf(10, [-1, 2, -1, 9, -1, -1], [0, 1, 1, 2, 0, 1, 2, 1, 2, 0]),
      },
    ],
  ])('K + 1 negatives hold the K, %s', (_, changes) => {
    for (let sampleSize = 1; sampleSize < 8; sampleSize++) {
      const small = names({ ...changes, sampleSize });
      const large = names({ ...changes, sampleSize: sampleSize + 1 });
      for (const [i, keys] of small.entries()) expect(large[i]).toEqual(expect.arrayContaining(keys));
    }
  });

  it.each([
    ['without labels', {}, () => 13],
    [
      'repeated samples',
      { sampleIds: Int32Array.of(100, 2, 100, 9, 101, 102) },
      (i: number) => (i === 0 || i === 2 ? 12 : 13),
    ],
    [
      'with labels',
      {
        labels: Int32Array.of(0, 1, 1, 1, 1, 0),
        positives: 'instance' as const,
        bank: bankOf(10, [-1, 2, -1, 9, -1, -1], [0, 0, 1, 0, 0, 1, 1, 0, 1, 1]),
      },
      () => 7,
    ],
  ])('is uniform, %s: χ² of 3000 draws within 4 standard deviations', (_, changes, eligible) => {
    const draws = 3000;
    const counts = Array.from({ length: 6 }, () => new Map<string, number>());
    for (let step = 0; step < draws; step++) {
      for (const [i, keys] of names({ ...changes, step }).entries()) {
        expect(keys).toHaveLength(4);
        for (const key of keys) counts[i].set(key, (counts[i].get(key) ?? 0) + 1);
      }
    }
    for (const [i, count] of counts.entries()) {
      const n = eligible(i);
      expect(count.size).toBe(n);
      const p = 4 / n;
      // Each count has variance draws · p (1 − p); without replacement their scaled squares add up to χ² with n − 1 degrees.
      let chi = 0;
      for (const k of count.values()) chi += (k - draws * p) ** 2 / (draws * p * (1 - p));
      chi *= (n - 1) / n;
      expect(Math.abs(chi - (n - 1)) / Math.sqrt(2 * (n - 1)), `anchor ${i}`).toBeLessThan(4);
    }
  });
});
