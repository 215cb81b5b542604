/** One sample that stands more than once (by number, by direction, by text) is never its own negative. */
import { describe, expect, it } from 'vitest';
import { textDataset } from '../../src/data/text-dataset.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { selectKeys } from '../../src/negatives/selection.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import type { BatchFacts } from '../../src/strategies/batch.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { distill } from '../../src/training/distill.ts';
import { expectNear, randomMatrix } from '../strategies/support.ts';
import { bagOfWordsRows, tinyStudent } from '../training/tiny-problem.ts';
import { visible } from './visible.ts';

const DIRECTIONS = [
  [1, 0, 0],
  [0, 2, 0],
  [1, 1, 0],
  [0.5, -1, 3],
  [-1, 0, 0],
];

describe('a bank against nested loops over all that is the same', () => {
  it.each([
    ['samples and directions', { texts: false, zeros: true }],
    ['texts', { texts: true, zeros: false }],
  ])('%s, random', (_, { texts, zeros }) => {
    const random = new Random(texts ? 4 : 5);
    for (let trial = 0; trial < 300; trial++) {
      const samples = 2 + random.integer(9);
      const duplicateOf = texts ? Int32Array.from({ length: samples }, (_, k) => k) : undefined;
      if (duplicateOf) {
        for (let k = 1; k < samples; k++) if (random.integer(3) === 0) duplicateOf[k] = duplicateOf[random.integer(k)];
      }
      const firstOf = (sample: number) => duplicateOf?.[sample] ?? sample;
      // Two samples may share a direction; none means a zero row.
      const direction = Array.from({ length: samples }, () => random.integer(DIRECTIONS.length + (zeros ? 1 : 0)));
      const rowOf = (sample: number) => DIRECTIONS[direction[firstOf(sample)]] ?? [0, 0, 0];
      const named = random.integer(2) === 0;
      const size = 1 + random.integer(samples);
      const bankSamples = Int32Array.from({ length: size }, (_, k) => (named ? random.integer(samples) : k));
      const bank = new TeacherBank(
        Matrix.from(Array.from(bankSamples, rowOf)),
        named ? { sampleIds: bankSamples } : {},
      );
      const anchors = 1 + random.integer(5);
      const batchSamples = Int32Array.from({ length: anchors }, () => firstOf(random.integer(samples)));
      const sampleIds = random.integer(3) ? batchSamples : undefined;
      const view = bank.view('student', {
        anchors,
        sampleIds,
        duplicateOf,
        teacher: Matrix.from(Array.from(batchSamples, rowOf)),
      })!;

      // Things that are the same, at once or through others: bank rows 0 … size − 1, then anchors.
      const sample = [...Array.from(bankSamples, firstOf), ...batchSamples];
      const numbered = (k: number) => k < size || sampleIds !== undefined;
      const held = (k: number) => sampleIds !== undefined && view.rowOfAnchor[k - size] >= 0;
      const same = (a: number, b: number): boolean => {
        if (numbered(a) && numbered(b) && sample[a] === sample[b]) return true;
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        // Directions are compared with the bank's, and of anchors only where the bank does not hold the number.
        if (low >= size || (high >= size && held(high))) return false;
        return direction[sample[a]] < DIRECTIONS.length && direction[sample[a]] === direction[sample[b]];
      };
      const sameAs = (start: number): Set<number> => {
        const found = new Set([start]);
        for (const k of found) for (let other = 0; other < sample.length; other++) if (same(k, other)) found.add(other);
        return found;
      };

      const request = {
        anchors,
        sampleIds,
        bank: view,
        positives: 'instance' as const,
        sampleSize: 1000,
        seed: 0,
        step: trial,
        draw: random.integer(2) ? ('anchor' as const) : ('batch' as const),
      };
      for (const [i, { keys }] of visible(selectKeys(request), request).entries()) {
        const ownRow = view.rowOfAnchor[i];
        const own = ownRow >= 0 ? `bank ${ownRow}` : `batch ${i}`;
        const duplicates = sameAs(size + i);
        const expected: string[] = [];
        for (let row = 0; row < size; row++) if (!duplicates.has(row)) expected.push(`bank ${row}`);
        for (let j = 0; j < anchors; j++) {
          if (view.rowOfAnchor[j] < 0 && !duplicates.has(size + j)) expected.push(`batch ${j}`);
        }
        expect([...keys].filter((key) => key !== own).sort()).toEqual(expected.sort());
      }
    }
  });
});

describe('the loss of a bank with duplicates', () => {
  const random = new Random(7);
  const [B, D] = [4, 3];
  const student = randomMatrix(random, B, D);
  const unique = randomMatrix(random, 6, D);
  // Rows 0 … 5, then 1 and 2 once more: 2 under its own number, both with the same direction at other lengths.
  const rows = Matrix.from(
    [...Array.from({ length: 6 }, (_, k) => unique.row(k)), unique.row(1).map((x) => 2 * x), unique.row(2)],
    'float64',
  );
  const bank = new TeacherBank(rows, { sampleIds: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 2) });
  const sampleIds = Int32Array.of(0, 1, 2, 5);
  const teacher = unique.gather(sampleIds);

  it.each<[string, object]>([
    ['NT-Xent', {}],
    ['NT-Xent, soft targets', { targets: 'teacher' }],
    ['hard triplets', { mode: 'triplet', margin: 2 }],
    ['semihard triplets', { mode: 'triplet', mining: 'semihard', margin: 2 }],
  ])('%s: anchor by anchor that of a bank without its duplicates, with and without numbers', async (_, options) => {
    const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.3, ...options });
    let expected = 0;
    for (const [i, sample] of sampleIds.entries()) {
      // Anchors 1 and 2 have a second row each; others see both rows of both.
      const without = { 1: [0, 1, 2, 3, 4, 5, 7], 2: [0, 1, 2, 3, 4, 5, 6] }[sample] ?? [0, 1, 2, 3, 4, 5, 6, 7];
      strategy.bank = new TeacherBank(rows.gather(without), { sampleIds: Int32Array.from(without) });
      const context = { sampleIds: Int32Array.of(sample) };
      expected +=
        (await strategy.computeContrastiveLoss(student.gather([i]), teacher.gather([i]), undefined, context)) / B;
    }
    strategy.bank = bank;
    expectNear(await strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds }), expected, 1e-12);
    await strategy.release();
  });
});

describe('distill over texts that come again', () => {
  const texts = ['a dog', 'the cat', 'a dog', 'music', 'to run', 'the cat', 'a dog', 'piano'];
  const data = textDataset({ texts });
  // Directions of their own, so that only the text tells.
  const rows = bagOfWordsRows(texts, 4);
  for (let k = 0; k < rows.data.length; k++) rows.data[k] += 0.01 * k;

  it.each<[string, object]>([
    ['NT-Xent', {}],
    ['CRD', { mode: 'crd', projection: 'none' }],
    ['triplet', { mode: 'triplet' }],
  ])('%s: no text is its own negative', async (mode, options) => {
    const seen: { facts: BatchFacts; negatives: boolean[][] }[] = [];
    class Watched extends ContrastiveDistillationStrategy {
      override prepare(facts: BatchFacts) {
        const prepared = super.prepare(facts);
        const name = mode === 'triplet' ? 'triplet negatives' : 'student anchors: bank mask';
        const { data: numbers } = prepared.data[name].tensor;
        // Columns: triplets have the batch's before the bank's.
        const offset = mode === 'triplet' ? facts.rows : 0;
        const width = offset + texts.length;
        expect(numbers.length).toBe(facts.rows * width);
        const negatives = Array.from({ length: facts.rows }, (_, i) =>
          texts.map((_, k) => Number(numbers[i * width + offset + k]) === (mode === 'triplet' ? 1 : 0)),
        );
        seen.push({ facts, negatives });
        return prepared;
      }
    }
    const strategy = new Watched({ contrastiveWeight: 1, ...options });
    strategy.bank = new TeacherBank(rows);
    const student = tinyStudent(texts, { width: 3, dimension: 4, seed: 0 });
    await distill({ teacher: rows, student, data, strategy, epochs: 2, batchSize: 5 });
    await strategy.release();
    expect(seen.length).toBe(4);
    for (const { facts, negatives } of seen) {
      for (const [i, row] of negatives.entries()) {
        const own = facts.sampleIds![i];
        for (const [k, negative] of row.entries()) {
          // The own row is seen as the positive, except by triplets, whose positive is the batch's row.
          if (k === own) expect(negative).toBe(mode !== 'triplet');
          else expect(negative, `${texts[own]} and ${texts[k]}`).toBe(texts[k] !== texts[own]);
        }
      }
    }
  });

  it('without a bank: no text of the batch either', async () => {
    let repeated = 0;
    class Watched extends ContrastiveDistillationStrategy {
      override prepare(facts: BatchFacts) {
        const prepared = super.prepare(facts);
        const inBatch = Array.from(facts.sampleIds!, (sample) => texts[sample]);
        if (new Set(inBatch).size === inBatch.length) return prepared; // needs no mask
        repeated++;
        const { data: mask } = prepared.data['student anchors: batch mask'].tensor;
        const masked = inBatch.map((_, i) => inBatch.map((_, j) => mask[i * inBatch.length + j] !== 0));
        expect(masked).toEqual(inBatch.map((text, i) => inBatch.map((other, j) => i !== j && text === other)));
        return prepared;
      }
    }
    const strategy = new Watched({ contrastiveWeight: 1 });
    const student = tinyStudent(texts, { width: 3, dimension: 4, seed: 0 });
    await distill({ teacher: rows, student, data, strategy, epochs: 6, batchSize: 5 });
    await strategy.release();
    expect(repeated).toBeGreaterThan(3);
  });
});
