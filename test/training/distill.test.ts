import { describe, expect, it } from 'vitest';
import { type TextDataset, textDataset } from '../../src/data/text-dataset.ts';
import type { Matrix } from '../../src/matrix/matrix.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import type { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import type { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import type { Teacher } from '../../src/teachers/teacher.ts';
import { distill } from '../../src/training/distill.ts';
import type { DistillOptions, StepEvent } from '../../src/training/distill-options.ts';
import { cosineSchedule } from '../../src/training/schedule.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const DIMENSION = 24;
const data = wordNetTexts(240);
const rows = bagOfWordsRows(data.texts, DIMENSION);

const newStudent = (seed = 0, layerName?: string) =>
  tinyStudent(data.texts, { width: 16, dimension: DIMENSION, seed, ...(layerName && { layerName }) });
function contrastive(bank = new TeacherBank(rows)): ContrastiveDistillationStrategy {
  const strategy = new ContrastiveDistillationStrategy({
    contrastiveWeight: 1,
    temperature: 0.1,
    negativesSampleSize: 240,
  });
  strategy.bank = bank;
  return strategy;
}
type Options = DistillOptions<StaticEmbeddingStudent>;
const run = (options: Partial<Options> = {}) =>
  distill({
    teacher: rows,
    student: newStudent(),
    data,
    strategy: contrastive(),
    epochs: 2,
    batchSize: 50,
    optimizer: { learningRate: 0.01 },
    ...options,
  });
const bits = (student: StaticEmbeddingStudent) =>
  student.parameters.map(({ data }) => Array.from(new Uint32Array(data.buffer)));

describe('distill', () => {
  it('same seed, same bits; another seed, others; drawn negatives included', async () => {
    const sampled = (): DistillationStrategy => {
      const strategy = contrastive();
      strategy.negativesSampleSize = 100;
      return strategy;
    };
    const once = bits((await run({ seed: 7, strategy: sampled() })).student);
    expect(bits((await run({ seed: 7, strategy: sampled() })).student)).toEqual(once);
    expect(bits((await run({ seed: 8, strategy: sampled() })).student)).not.toEqual(once);
  });

  it.each<[string, () => DistillationStrategy]>([
    ['cosine regression', () => new FeatureDistillationStrategy()],
    ['NT-Xent with a bank', () => contrastive()],
    [
      'NT-Xent with the batch alone',
      () => new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.1 }),
    ],
    ['InfoNCE', () => new ContrastiveDistillationStrategy({ mode: 'infonce', contrastiveWeight: 1, temperature: 0.1 })],
  ])('%s: the loss falls below half, and the student comes near the teacher', async (_, strategy) => {
    const losses: number[] = [];
    const result = await run({ strategy: strategy(), epochs: 15, onStep: ({ loss }) => losses.push(loss) });
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    expect(mean(losses.slice(-5))).toBeLessThan(0.5 * mean(losses.slice(0, 3)));
    expect(result.loss).toBeCloseTo(mean(losses.slice(-5)), 5);
    const embedder = await result.student.toEmbedder();
    const embedded = await embedder.embed(data.texts);
    await embedder.release();
    const cosines = data.texts.map((_, i) =>
      Array.from(embedded.row(i)).reduce((sum, x, j) => sum + x * rows.get(i, j), 0),
    );
    expect(mean(cosines)).toBeGreaterThan(0.6);
  });

  it('tells every step: numbers, rates of the schedule, and time that goes forward', async () => {
    const events: StepEvent[] = [];
    const result = await run({ epochs: 3, batchSize: 50, warmup: 0.2, onStep: (event) => events.push(event) });
    expect(result).toMatchObject({ steps: 15 });
    expect(events.map(({ step }) => step)).toEqual(Array.from({ length: 15 }, (_, i) => i + 1));
    let before = 0;
    for (const [i, event] of events.entries()) {
      expect(event.steps).toBe(15);
      expect(event.epoch).toBeCloseTo((i + 1) / 5, 12);
      expect(event.learningRate).toBe(0.01 * cosineSchedule(i, 15, 0.2));
      expect(event.seconds).toBeGreaterThanOrEqual(before);
      before = event.seconds;
      expect(event.gradientNorm).toBeGreaterThan(0);
      expect(Object.values(event.components).reduce((a, b) => a + b)).toBeCloseTo(event.loss, 6);
    }
    expect(result.seconds).toBeGreaterThanOrEqual(before);
  });

  it('asks a teacher once, for all texts in order, and hands it the signal', async () => {
    const calls: unknown[] = [];
    const { signal } = new AbortController();
    const teacher: Teacher = {
      fingerprint: 'bag of words',
      dimension: DIMENSION,
      embed: async (texts, options) => {
        calls.push([texts, options?.signal, options?.samples?.data, Array.from(options?.samples?.numbers ?? [])]);
        return bagOfWordsRows(texts, DIMENSION);
      },
    };
    const { student } = await run({ teacher, signal });
    expect(calls).toEqual([[data.texts, signal, data, Array.from(data.texts.keys())]]);
    expect(bits(student)).toEqual(bits((await run()).student));
  });

  it('trains on float64 rows as on the same rows in float32', async () => {
    const { student } = await run({ teacher: rows.as('float64') });
    expect(bits(student)).toEqual(bits((await run()).student));
  });

  it('uses labels when asked to, with a labelled bank, and they matter', async () => {
    const bank = new TeacherBank(rows, { labels: data.labels as Int32Array });
    const labelled = await run({ strategy: contrastive(bank), useLabels: true });
    expect(Number.isFinite(labelled.loss)).toBe(true);
    expect(bits(labelled.student)).not.toEqual(bits((await run({ strategy: contrastive(bank) })).student));
  });

  it('trains two texts, and ends with a batch size above the number of texts', async () => {
    const two = textDataset({ texts: data.texts.slice(0, 2) });
    const result = await run({ data: two, teacher: rows.gather([0, 1]), strategy: new FeatureDistillationStrategy() });
    expect(result.steps).toBe(2);
  });

  it('stops on request with ABORTED, the student holding the parameters so far', async () => {
    const controller = new AbortController();
    const student = newStudent();
    const initial = bits(student);
    const aborted = run({
      student,
      epochs: 4,
      signal: controller.signal,
      onStep: ({ step }) => step === 3 && controller.abort(),
    });
    await expect(aborted).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('after 3 of 20 steps'),
    });
    const stopped = bits(student);
    expect(stopped).not.toEqual(initial);
    // Exactly those of step 3: stopped by the listener's own error, the run is at the same place.
    const other = newStudent();
    const failing = run({
      student: other,
      epochs: 4,
      onStep: ({ step }) => {
        if (step === 3) throw new Error('enough');
      },
    });
    await expect(failing).rejects.toThrow('enough');
    expect(bits(other)).toEqual(stopped);
    const untouched = newStudent();
    await expect(run({ student: untouched, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    expect(bits(untouched)).toEqual(initial);
  });

  it('a learning rate far too high ends in DIVERGED, not in a student of NaN', async () => {
    const student = newStudent();
    await expect(
      run({
        student,
        epochs: 3,
        optimizer: { learningRate: 1e30 },
        strategy: new FeatureDistillationStrategy({ distance: 'squared' }),
      }),
    ).rejects.toMatchObject({ code: 'DIVERGED', message: expect.stringContaining('Lower the learning rate') });
    for (const { data } of student.parameters) expect(data.some(Number.isNaN)).toBe(false);
  });

  const withNaN = (): Matrix => {
    const spoiled = rows.gather(Array.from({ length: 240 }, (_, i) => i));
    spoiled.row(17)[3] = Number.NaN;
    return spoiled;
  };
  const unlabelled: TextDataset = textDataset({ texts: data.texts });
  it.each<[string, Partial<Options> & Record<string, unknown>, string, RegExp]>([
    [
      'rows and texts that differ in number',
      { teacher: rows.gather([0, 1, 2]) },
      'SHAPE_MISMATCH',
      /240 samples, got 3/,
    ],
    ['rows with NaN', { teacher: withNaN() }, 'NON_FINITE', /row 17/],
    [
      'a layer that does not exist',
      { student: newStudent(0, 'pooled') },
      'MISSING_LAYER',
      /"embeddings".*"pooled".*embeddingLayerName/,
    ],
    ['a student of another width', { teacher: bagOfWordsRows(data.texts, 9) }, 'SHAPE_MISMATCH', /rows \(9\), got 24/],
    ['an unknown option', { epoch: 3 }, 'INVALID_OPTION', /"epoch".*epochs/],
    ['an unknown option of the optimizer', { optimizer: { rate: 1 } as never }, 'INVALID_OPTION', /optimizer.*"rate"/],
    ['no epochs', { epochs: 0 }, 'INVALID_OPTION', /epochs: expected a whole number ≥ 1, got 0/],
    ['batches of one', { batchSize: 1 }, 'INVALID_OPTION', /batchSize: expected a whole number ≥ 2, got 1/],
    [
      'a learning rate of 0',
      { optimizer: { learningRate: 0 } },
      'INVALID_OPTION',
      /learningRate: expected a finite number > 0/,
    ],
    ['labels that are not there', { data: unlabelled, useLabels: true }, 'INVALID_ARGUMENT', /labels/],
    ['one text', { data: textDataset({ texts: ['a'] }), teacher: rows.gather([0]) }, 'EMPTY_BATCH', /at least two/],
  ])('%s: refused before anything is trained', async (_, options, code, message) => {
    const student = options.student ?? newStudent();
    const before = bits(student);
    await expect(run({ ...options, student })).rejects.toMatchObject({
      name: 'LimbeckError',
      code,
      message: expect.stringMatching(message),
    });
    expect(bits(student)).toEqual(before);
  });
});
