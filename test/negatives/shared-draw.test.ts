/** The fast path of shared draws against its definition: the first K keys of the drawn order that are not the anchor's own. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import { selectKeys } from '../../src/negatives/selection.ts';

describe('a draw that the batch shares', () => {
  it('shows every anchor the first K keys of the order that are not its own', () => {
    fc.assert(
      fc.property(
        fc.record({
          anchors: fc.integer({ min: 1, max: 7 }),
          bankSize: fc.integer({ min: 0, max: 9 }),
          sampleSize: fc.integer({ min: 1, max: 12 }),
          seed: fc.integer({ min: 0, max: 1000 }),
          step: fc.integer({ min: 0, max: 5 }),
          from: fc.integer({ min: 0, max: 6 }),
        }),
        ({ anchors, bankSize, sampleSize, seed, step, from }) => {
          // Anchors are in turn in the bank and not.
          const rowOfAnchor = Int32Array.from({ length: anchors }, (_, i) => (i % 2 === 0 && i < bankSize ? i : -1));
          const inBatch = [...rowOfAnchor.keys()].filter((i) => bankSize === 0 || rowOfAnchor[i] < 0);
          const total = inBatch.length + bankSize;
          fc.pre(sampleSize < total - 1 && from < anchors);
          const range = { from, to: anchors };
          const bank = bankSize > 0 ? { size: bankSize, rowOfAnchor } : undefined;
          const found = selectKeys({ anchors, positives: 'instance', sampleSize, bank, seed, step, range });
          const order = [...Random.forPurpose(seed, `negatives ${step}`).permutation(total)];
          const ownKey = (i: number) => (inBatch.includes(i) ? inBatch.indexOf(i) : inBatch.length + rowOfAnchor[i]);
          for (let i = from; i < anchors; i++) {
            const expected = order.filter((key) => key !== ownKey(i)).slice(0, sampleSize);
            const seen = (['batch', 'bank'] as const).flatMap((which) => {
              const block = found[which];
              if (!block) return [];
              const size = which === 'batch' ? anchors : bankSize;
              const rows = block.rows ?? Int32Array.from({ length: size }, (_, row) => row);
              return [...rows].flatMap((row, column) => {
                if (block.hidden?.[i - from] === column) return [];
                return [which === 'batch' ? inBatch.indexOf(row) : inBatch.length + row];
              });
            });
            const withOwn = found.ownApart ? expected : [...expected, ownKey(i)];
            expect(seen.sort()).toEqual(withOwn.sort());
            expect(found.negatives?.[i - from]).toBe(sampleSize);
          }
        },
      ),
      { numRuns: 300, seed: 1 },
    );
  });
});
