/** Batch plans against brute force: what is in them counted, and a naive arrangement of balanced batches beside the real one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EpochBatches } from '../../src/data/epoch-batches.ts';
import { type BatchPlanOptions, planBatches } from '../../src/data/plan-batches.ts';
import { caught } from '../caught.ts';

type Kind = BatchPlanOptions['batching'];
const plan = (batching: Kind, batchSize: number, seed: number, data: { labels?: number[]; lengths?: number[] }) => {
  const size = (data.labels ?? data.lengths ?? []).length;
  const { labels, lengths } = data;
  return planBatches(
    { size, ...(labels && { labels: Int32Array.from(labels) }), ...(lengths && { lengths }) },
    { batching, batchSize, seed },
  );
};
const epochOf = (batches: ReturnType<typeof plan>, epoch: number) =>
  Array.from({ length: batches.perEpoch }, (_, k) => Array.from(batches.batch(epoch, k)));
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe('planBatches', () => {
  it('shuffled: the batches of EpochBatches', () => {
    const batches = planBatches({ size: 50 }, { batching: 'shuffled', batchSize: 8, seed: 5 });
    expect(epochOf(batches, 3)).toEqual(epochOf(new EpochBatches(50, 8, 5), 3));
  });

  it('the order of an epoch is what it has always been', () => {
    // Written down before batches by length came: runs that were saved go on with the same batches.
    expect(epochOf(new EpochBatches(10, 4, 0), 1)).toEqual([
      [2, 8, 1],
      [9, 4, 5],
      [0, 7, 6, 3],
    ]);
  });

  it('says what is missing', () => {
    const options = { batchSize: 4, seed: 0 };
    expect(caught(() => planBatches({ size: 9 }, { ...options, batching: 'length' }))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/batching: expected data with lengths for 'length'.*take 'shuffled'/),
    });
    expect(caught(() => planBatches({ size: 9 }, { ...options, batching: 'balanced' }))).toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringMatching(/expected data with labels for 'balanced'.*give the data labels/),
    });
    expect(caught(() => planBatches({ size: 9 }, { ...options, batching: 'bucketed' as never })).code).toBe(
      'INVALID_OPTION',
    );
    expect(caught(() => plan('balanced', 3, 0, { labels: [0, 0, 1, 1] })).message).toMatch(/at least 4 .* got 3/);
    const lengths = { size: 3, lengths: [1, 2] };
    expect(caught(() => planBatches(lengths, { ...options, batching: 'length' })).code).toBe('SHAPE_MISMATCH');
    const labels = { size: 3, labels: Int32Array.of(1, 2) };
    expect(caught(() => planBatches(labels, { ...options, batching: 'balanced' })).code).toBe('SHAPE_MISMATCH');
    expect(caught(() => plan('length', 2, 0, { lengths: [1, Number.NaN] })).code).toBe('NON_FINITE');
  });

  it.each(['length', 'balanced'] as const)(
    '%s: the same in whatever order it is asked, another for another seed',
    (kind) => {
      const labels = upTo(90).map((i) => (i * i) % 7);
      const data = { labels, lengths: labels };
      const [forward, backward] = [plan(kind, 12, 5, data), plan(kind, 12, 5, data)];
      const expected = [0, 1, 2].map((epoch) => epochOf(forward, epoch));
      for (const epoch of [2, 0, 1]) {
        for (let k = backward.perEpoch - 1; k >= 0; k--)
          expect([...backward.batch(epoch, k)]).toEqual(expected[epoch][k]);
      }
      expect(expected[0]).not.toEqual(expected[1]);
      expect(epochOf(plan(kind, 12, 6, data), 0)).not.toEqual(expected[0]);
      backward.batch(0, 0).fill(-1);
      expect([...backward.batch(0, 0)]).toEqual(expected[0][0]);
    },
  );

  it.each(['shuffled', 'length', 'balanced'] as const)('%s: nothing, one and two samples', (kind) => {
    for (const n of [0, 1, 2]) {
      const batches = plan(kind, 4, 0, { labels: upTo(n), lengths: upTo(n) });
      expect(epochOf(batches, 0).map(sorted)).toEqual([upTo(n)]);
    }
  });
});

describe('by length', () => {
  it('every epoch is a permutation in batches of the sizes that shuffled ones have', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 2, maxLength: 300 }),
        fc.integer({ min: 2, max: 40 }),
        fc.nat(1000),
        (lengths, size, seed) => {
          const batches = plan('length', size, seed, { lengths });
          const shuffled = new EpochBatches(lengths.length, size, seed);
          expect(batches.perEpoch).toBe(shuffled.perEpoch);
          for (const epoch of [0, 1]) {
            const lists = epochOf(batches, epoch);
            expect(sorted(lists.flat())).toEqual(upTo(lengths.length));
            const sizes = (all: number[][]) => sorted(all.map((list) => list.length));
            expect(sizes(lists)).toEqual(sizes(epochOf(shuffled, epoch)));
          }
        },
      ),
    );
  });

  it('in up to 50 batches all lengths are in order across batches, which come in random order', () => {
    const lengths = upTo(400).map((i) => (i * 7919) % 1009);
    const lists = epochOf(plan('length', 8, 3, { lengths }), 0).map((list) => list.map((i) => lengths[i]));
    const byFirst = [...lists].sort((a, b) => a[0] - b[0]);
    expect(byFirst.flat()).toEqual(sorted(lengths));
    expect(byFirst).not.toEqual(lists);
  });

  it('pads a twentieth of what shuffled batches pad, and the neighbours change from epoch to epoch', () => {
    const n = 20_000;
    const lengths = upTo(n).map((i) => 1 + ((i * 7919) % 1009));
    const padding = (lists: number[][]) =>
      lists.reduce((sum, list) => {
        const own = list.map((i) => lengths[i]);
        return sum + Math.max(...own) * own.length - own.reduce((a, b) => a + b, 0);
      }, 0);
    const batches = plan('length', 32, 0, { lengths });
    expect(padding(epochOf(batches, 0))).toBeLessThan(padding(epochOf(new EpochBatches(n, 32, 0), 0)) / 20);
    const partners = (epoch: number) => new Set(epochOf(batches, epoch).find((list) => list.includes(0)));
    const [first, second] = [partners(0), partners(1)];
    expect([...first].filter((i) => second.has(i)).length).toBeLessThan(16);
  });
});

describe('balanced', () => {
  const labelsArbitrary = fc
    .array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 })
    .map((sizes) => sizes.flatMap((size, c) => new Array<number>(size).fill(3 * c)));

  it('as many of each class, no sample twice in a batch, classes as a naive count says', () => {
    fc.assert(
      fc.property(labelsArbitrary, fc.integer({ min: 4, max: 40 }), fc.nat(1000), (labels, batchSize, seed) => {
        const batches = plan('balanced', batchSize, seed, { labels });
        const classes = [...new Set(labels)];
        const sizeOf = (label: number) => labels.filter((other) => other === label).length;
        const perClass = Math.max(2, Math.floor(batchSize / classes.length));
        for (const list of [0, 1, 2].flatMap((epoch) => epochOf(batches, epoch))) {
          expect(new Set(list).size).toBe(list.length);
          const present = new Set(list.map((i) => labels[i]));
          for (const label of present) {
            const count = list.filter((i) => labels[i] === label).length;
            expect(count).toBe(Math.min(perClass, sizeOf(label)));
          }
          if (2 * classes.length <= batchSize) expect(present.size).toBe(classes.length);
          else expect(present.size).toBeGreaterThanOrEqual(2);
          // Above the wished size only where the alternative is a batch of one class.
          expect(list.length).toBeLessThanOrEqual(Math.max(batchSize, 6));
        }
      }),
    );
  });

  it('an epoch is about as many samples as the data', () => {
    fc.assert(
      fc.property(labelsArbitrary, fc.integer({ min: 4, max: 40 }), (labels, batchSize) => {
        const batches = plan('balanced', batchSize, 1, { labels });
        const epochs = 40;
        const drawn = upTo(epochs).reduce((sum, epoch) => sum + epochOf(batches, epoch).flat().length, 0);
        const perBatch = drawn / (epochs * batches.perEpoch);
        expect(Math.abs(drawn / epochs - labels.length)).toBeLessThanOrEqual(perBatch);
      }),
    );
  });

  it('a class is walked through without repetition until it is exhausted, over the ends of epochs', () => {
    const labels = [...new Array(100).fill(0), ...new Array(37).fill(1), ...new Array(5).fill(2)];
    const batches = plan('balanced', 30, 4, { labels }); // ten of each class, five of the last
    const drawn = (label: number) =>
      upTo(40).flatMap((epoch) => epochOf(batches, epoch).flatMap((list) => list.filter((i) => labels[i] === label)));
    const large = drawn(0);
    expect(large.length).toBeGreaterThan(1000);
    for (let pass = 0; pass < 10; pass++) expect(new Set(large.slice(pass * 100, pass * 100 + 100)).size).toBe(100);
    expect(large.slice(0, 100)).not.toEqual(large.slice(100, 200));
    // 37 take four draws of ten; the last three of a pass come a second time, and are other ones in the next pass.
    const middle = drawn(1);
    const repeated = upTo(6).map((pass) => {
      const own = middle.slice(pass * 40, pass * 40 + 40);
      expect(new Set(own).size).toBe(37);
      return sorted(own.filter((i, at) => own.indexOf(i) !== at)).join();
    });
    expect(new Set(repeated).size).toBeGreaterThan(1);
    expect(new Set(drawn(2).slice(0, 5)).size).toBe(5);
  });

  it('more classes than fit take turns, and meet other classes', () => {
    const labels = upTo(1000).map((i) => i % 50);
    const batches = plan('balanced', 16, 2, { labels }); // eight classes at most; seven rounds of 7 or 8
    const lists = [0, 1].flatMap((epoch) => epochOf(batches, epoch));
    const met = new Set<string>();
    const turns = new Array<number>(50).fill(0);
    for (const list of lists) {
      const classes = [...new Set(list.map((i) => labels[i]))];
      for (const c of classes) turns[c]++;
      for (const a of classes) for (const b of classes) if (a < b) met.add(`${a},${b}`);
    }
    expect(Math.max(...turns) - Math.min(...turns)).toBeLessThanOrEqual(1);
    expect(met.size).toBeGreaterThan(1000); // of 1225 pairs
  });

  it('1,000,000 samples of 10,000 classes: an epoch takes seconds at most', () => {
    const labels = Int32Array.from({ length: 1_000_000 }, (_, i) => (i * 7919) % 10_000);
    const lengths = Float64Array.from(labels);
    for (const batching of ['balanced', 'length'] as const) {
      const began = performance.now();
      const batches = planBatches({ size: labels.length, labels, lengths }, { batching, batchSize: 256, seed: 0 });
      let drawn = 0;
      for (let k = 0; k < batches.perEpoch; k++) drawn += batches.batch(0, k).length;
      expect(Math.abs(drawn - 1_000_000)).toBeLessThan(256);
      // Ten times what it takes here: a quadratic one would take hours.
      expect(performance.now() - began).toBeLessThan(30_000);
    }
  });
});
