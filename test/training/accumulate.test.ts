/** Gradient accumulation: for a loss that is a mean over rows, n batches in one step are one batch of all their rows. */
import { expect, it } from 'vitest';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillOptions, StepEvent } from '../../src/training/distill-options.ts';
import { worstError } from '../strategies/support.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const data = wordNetTexts(48);
const rows = bagOfWordsRows(data.texts, 6);

async function train(options: Partial<DistillOptions<StaticEmbeddingStudent>>) {
  const student = tinyStudent(data.texts, { width: 4, dimension: 6, seed: 1 });
  const events: StepEvent[] = [];
  const { steps } = await distill({
    teacher: rows,
    student,
    data,
    strategy: new FeatureDistillationStrategy(),
    epochs: 3,
    optimizer: { learningRate: 0.02 },
    onStep: (event) => events.push(event),
    ...options,
  });
  return { steps, events, values: student.parameters.flatMap(({ data: numbers }) => [...numbers]) };
}

it('4 batches of 6 are one of 24: steps, losses and parameters, to 1e-5', async () => {
  const whole = await train({ batchSize: 24 });
  for (const microBatchSize of [undefined, 4]) {
    const parts = await train({ batchSize: 6, accumulate: 4, ...(microBatchSize && { microBatchSize }) });
    expect([parts.steps, whole.steps]).toEqual([6, 6]);
    expect(worstError(parts.values, whole.values)).toBeLessThan(1e-5);
    for (const [i, { loss, gradientNorm, components }] of parts.events.entries()) {
      expect(loss).toBeCloseTo(whole.events[i].loss, 5);
      expect(components.cosine).toBeCloseTo(loss, 6);
      expect(gradientNorm / whole.events[i].gradientNorm).toBeCloseTo(1, 5);
    }
  }
});

it('an epoch that does not divide ends with a smaller step, and every batch is contrasted within itself', async () => {
  const strategy = () => new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.2 });
  const parts = await train({ batchSize: 12, accumulate: 3, strategy: strategy() });
  expect(parts.steps).toBe(6); // 3 epochs of 4 batches: 3 + 1
  const whole = await train({ batchSize: 36, strategy: strategy() });
  expect(parts.events[0].loss).toBeLessThan(whole.events[0].loss - 0.5); // log 12 against log 24 (two batches of 24) at the start
});
