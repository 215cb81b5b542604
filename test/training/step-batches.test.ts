/** Data that is read as it is needed: begun ahead, the same bits as from memory, failures at their step. */
import { expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillOptions } from '../../src/training/distill-options.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const memory = wordNetTexts(120);
const rows = bagOfWordsRows(memory.texts, 8);
const run = (options: Partial<DistillOptions<StaticEmbeddingStudent>>) =>
  distill({
    teacher: rows,
    student: tinyStudent(memory.texts, { width: 6, dimension: 8, seed: 0 }),
    data: memory,
    strategy: new FeatureDistillationStrategy(),
    epochs: 2,
    batchSize: 20,
    ...options,
  });
const bits = ({ parameters }: StaticEmbeddingStudent) => parameters.map(({ data }) => Array.from(data));

/** The same texts, read after a turn of the event loop. */
function onDisk(onRead: (call: number) => void = () => {}): Dataset<string> {
  let calls = 0;
  const { samples: _, texts, ...rest } = memory;
  return {
    ...rest,
    read: async (numbers) => {
      const call = ++calls;
      await new Promise((resolve) => setTimeout(resolve, 1));
      onRead(call);
      return Array.from(numbers, (i) => texts[i]);
    },
  };
}

it('gives the bits of data in memory, every batch read once', async () => {
  let reads = 0;
  const read = await run({ data: onDisk(() => reads++) });
  expect(bits(read.student)).toEqual(bits((await run({})).student));
  expect(reads).toBe(12);
});

it('begins batches four steps ahead, and no further', async () => {
  let begun = 0;
  const seen: number[] = [];
  const data = onDisk();
  const counting: Dataset<string> = {
    ...data,
    read(numbers) {
      begun++;
      return data.read(numbers);
    },
  };
  await run({ data: counting, onStep: () => seen.push(begun) });
  expect(seen).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 12, 12, 12, 12]);
});

it('a batch that cannot be read ends the run at its step, not before', async () => {
  const steps: number[] = [];
  const failing = onDisk((call) => {
    if (call === 7) throw new Error('gone');
  });
  await expect(run({ data: failing, onStep: ({ step }) => steps.push(step) })).rejects.toThrow('gone');
  expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
});
