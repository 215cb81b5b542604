/** The learning-rate finder: what it finds trains well, and it leaves no trace. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillOptions, LearningRateEvent } from '../../src/training/distill-options.ts';
import { steepest } from '../../src/training/learning-rate-finder.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const DIMENSION = 16;
const data = wordNetTexts(200);
const rows = bagOfWordsRows(data.texts, DIMENSION);
function run(options: Partial<DistillOptions<StaticEmbeddingStudent>> = {}) {
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.1 });
  strategy.bank = new KeyQueue({ capacity: 64, dimension: DIMENSION });
  const student = tinyStudent(data.texts, { width: 12, dimension: DIMENSION, seed: 0 });
  return distill({ teacher: rows, student, data, strategy, epochs: 4, batchSize: 50, ...options });
}
const bits = ({ parameters }: StaticEmbeddingStudent) => parameters.map(({ data }) => Array.from(data));

describe('findLearningRate', () => {
  it('finds a rate that trains far better than a hundredth of it, and leaves no other trace', async () => {
    const trials: LearningRateEvent[] = [];
    const found = await run({
      findLearningRate: true,
      onEvent: (event) => event.type === 'learning rate' && trials.push(event),
    });
    const last = trials.at(-1) as LearningRateEvent;
    expect(last.found).toBe(true);
    expect(trials.filter((trial) => trial.found).length).toBe(1);
    const rates = trials.slice(0, -1).map(({ learningRate }) => learningRate);
    expect(rates[0]).toBeCloseTo(1e-6, 12);
    for (let k = 1; k < rates.length; k++) expect(rates[k] / rates[k - 1]).toBeCloseTo(1e6 ** (1 / 79), 9);
    expect(rates).toContain(last.learningRate);
    const plain = await run({ optimizer: { learningRate: last.learningRate } });
    expect(bits(plain.student)).toEqual(bits(found.student));
    expect(plain.loss).toBe(found.loss);
    const slower = await run({ optimizer: { learningRate: last.learningRate / 100 } });
    expect(slower.loss).toBeGreaterThan(1.2 * found.loss);
  });

  it('is not run again on resuming', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'limbeck-finder-'));
    try {
      const expected = await run({ findLearningRate: true });
      const controller = new AbortController();
      const options = { findLearningRate: true, checkpoint: { directory } };
      const stopped = run({
        ...options,
        signal: controller.signal,
        onStep: ({ step }) => step === 6 && controller.abort(),
      });
      await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
      const types: string[] = [];
      const resumed = await run({ ...options, onEvent: ({ type }) => types.push(type) });
      expect(types).not.toContain('learning rate');
      expect(bits(resumed.student)).toEqual(bits(expected.student));
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('takes the steepest fall, and says so when there is none', () => {
    const rate = (k: number): number => 1e-6 * 1e6 ** (k / 79);
    // Flat, then falling by 1 between trials 40 and 56, then rising.
    const losses = Array.from({ length: 70 }, (_, k) => (k < 40 ? 5 : k < 56 ? 5 - (k - 40) / 16 : 4 + (k - 56) / 4));
    const trials = losses.map((loss, k) => ({ learningRate: rate(k), loss }));
    expect(steepest(trials)).toEqual(trials[48]);
    expect(() => steepest(trials.slice(56))).toThrow(expect.objectContaining({ code: 'DIVERGED' }));
  });
});
