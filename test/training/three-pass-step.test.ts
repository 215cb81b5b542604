/** The step in three passes against the compiled step of the whole batch: equal up to rounding in float32. */
import { afterEach, describe, expect, it } from 'vitest';
import type { StateArrays } from '../../src/matrix/state-arrays.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import type { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { HybridDistillationStrategy } from '../../src/strategies/hybrid-distillation-strategy.ts';
import { RelationalDistillationStrategy } from '../../src/strategies/relational-distillation-strategy.ts';
import { ResponseDistillationStrategy } from '../../src/strategies/response-distillation-strategy.ts';
import { distill } from '../../src/training/distill.ts';
import { parseOptimizer } from '../../src/training/optimizers/index.ts';
import type { Step, StepBatch } from '../../src/training/step.ts';
import { ThreePassStep } from '../../src/training/three-pass-step.ts';
import { TrainingStep } from '../../src/training/training-step.ts';
import { expectNear, worstError } from '../strategies/support.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from './tiny-problem.ts';

const texts = ['a dog', 'the dog ran home', 'to run', 'a piano', 'the the piano', 'music', 'a dog', 'ran ran to'];
const classes = [0, 1, 0, 2, 1, 2, 0, 1];
const [WIDTH, DIMENSION] = [5, 4];
// A gradient of rounding alone must not become a step: Adam divides by its size, unless epsilon is larger.
const options = parseOptimizer({ weightDecay: 0.1, epsilon: 1e-3 }, 'test');
const TOLERANCE = 2e-5;

const rows = bagOfWordsRows(texts, DIMENSION);
const all = { contrastiveWeight: 1, temperature: 0.2 };
const withBank = (strategy: ContrastiveDistillationStrategy, bank: ContrastiveDistillationStrategy['bank']) =>
  Object.assign(strategy, { bank });
const crd = (changes: object = {}) =>
  withBank(
    new ContrastiveDistillationStrategy({
      ...all,
      mode: 'crd',
      positives: 'instance',
      projectionDimension: 3,
      negativesSampleSize: 4,
      ...changes,
    }),
    new MomentumBanks({ samples: 8, dimension: 3, labels: Int32Array.from(classes) }),
  );
const STRATEGIES: Record<string, () => DistillationStrategy> = {
  'NT-Xent with a bank': () =>
    withBank(
      new ContrastiveDistillationStrategy(all),
      new TeacherBank(rows, { labels: Int32Array.from(classes), sampleIds: Int32Array.from(texts.keys()) }),
    ),
  'InfoNCE in the batch': () => new ContrastiveDistillationStrategy({ ...all, mode: 'infonce' }),
  'hard triplets': () => new ContrastiveDistillationStrategy({ ...all, mode: 'triplet', margin: 1 }),
  relational: () => new RelationalDistillationStrategy(),
  'CRD with momentum banks and heads': () => crd(),
  'CRD in tiles': () => crd({ maxLogits: 10 }),
  'NT-Xent with a queue': () =>
    withBank(new ContrastiveDistillationStrategy(all), new KeyQueue({ capacity: 5, dimension: DIMENSION })),
  'NT-Xent in tiles': () => new ContrastiveDistillationStrategy({ ...all, maxLogits: 7 }),
  'a hybrid of CRD and regression': () =>
    new HybridDistillationStrategy([
      { strategy: crd(), weight: 0.8 },
      { strategy: new FeatureDistillationStrategy({ distance: 'squared' }), weight: 0.5 },
    ]),
};

const open: { release(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.release();
});

/** A student of its own with a step of one kind over it. */
function setUp(Kind: typeof TrainingStep | typeof ThreePassStep, strategy: DistillationStrategy) {
  const student = tinyStudent(texts, { width: WIDTH, dimension: DIMENSION, seed: 2 });
  for (const { data } of student.parameters) for (let i = 0; i < data.length; i++) data[i] += 0.3 * Math.sin(3 * i);
  const step: Step = new Kind(student, strategy, options, DIMENSION);
  open.push(step, strategy);
  const encoded = student.encode(texts);
  /** Samples of a batch, the student's part in micro-batches of `size`. */
  const batch = (ids: readonly number[], size: number, labelled: boolean): StepBatch => ({
    student: Array.from({ length: Math.ceil(ids.length / size) }, (_, k) =>
      student.prepareBatch(ids.slice(k * size, (k + 1) * size).map((i) => encoded[i])),
    ),
    teacher: rows.gather(ids),
    sampleIds: Int32Array.from(ids),
    classIndices: labelled ? Int32Array.from(ids, (i) => classes[i]) : undefined,
  });
  return { student, strategy, step, batch };
}

/** @param unmoved a parameter whose gradient is rounding alone */
function expectNearState(actual: StateArrays, expected: StateArrays, unmoved?: string): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, array] of Object.entries(expected)) {
    expect(actual[name].constructor, name).toBe(array.constructor);
    // Mean scores are NaN in strategies that need none.
    if (array.every(Number.isNaN)) expect(actual[name]).toEqual(array);
    else expect(worstError(actual[name], array), name).toBeLessThan(name === unmoved ? 1e-3 : TOLERANCE);
  }
}

// The first batch calibrates; sizes change, samples and tokens come again within and between micro-batches.
const BATCHES = [
  [0, 1, 2, 3, 4],
  [6, 7, 5, 0],
  [4, 2, 7, 1, 3, 5, 6],
  [1, 0],
];

describe('three passes = one step (relative error < 2e-5 after four steps)', () => {
  for (const [name, make] of Object.entries(STRATEGIES)) {
    it.each([1, 3, 100])(`${name}, micro-batches of %i`, async (size) => {
      for (const labelled of name === 'relational' ? [false] : [false, true]) {
        const whole = setUp(TrainingStep, make());
        const parts = setUp(ThreePassStep, make());
        for (const [i, ids] of BATCHES.entries()) {
          const rate = 0.01 / (i + 1);
          const expected = await whole.step.run([whole.batch(ids, ids.length, labelled)], rate);
          const actual = await parts.step.run([parts.batch(ids, size, labelled)], rate);
          expectNear(actual.loss, expected.loss, TOLERANCE);
          expectNear(actual.gradientNorm, expected.gradientNorm, TOLERANCE);
          expect(Object.keys(actual.components).sort()).toEqual(Object.keys(expected.components).sort());
          for (const [part, value] of Object.entries(expected.components)) {
            expectNear(actual.components[part], value, TOLERANCE);
          }
          // Distances and angles between embeddings do not change when all are moved.
          expectNearState(parts.step.state(), whole.step.state(), name === 'relational' ? 'parameter bias' : undefined);
        }
        const before = parts.student.parameters.map(({ data }) => data.slice());
        for (const { step } of [whole, parts]) step.writeBack();
        expect(worstError(before[0], whole.student.parameters[0].data)).toBeGreaterThan(1e-3); // not written to before
        for (const [p, { name: parameter, data }] of whole.student.parameters.entries()) {
          const tolerance = name === 'relational' && parameter === 'bias' ? 1e-3 : TOLERANCE;
          expect(worstError(parts.student.parameters[p].data, data)).toBeLessThan(tolerance);
        }
      }
    });
  }

  it('a state goes from one kind of step to the other', async () => {
    const [whole, parts] = [setUp(TrainingStep, crd()), setUp(ThreePassStep, crd())];
    await whole.step.run([whole.batch([0, 1, 2, 5], 4, false)], 0.01);
    parts.step.restore(whole.step.state());
    expect(parts.step.state()).toEqual(whole.step.state());
    const expected = await whole.step.run([whole.batch([7, 2, 3], 3, false)], 0.01);
    const actual = await parts.step.run([parts.batch([7, 2, 3], 2, false)], 0.01);
    expectNear(actual.loss, expected.loss, TOLERANCE);
    expectNearState(parts.step.state(), whole.step.state());
  });
});

describe('what goes wrong', () => {
  it.each(['NT-Xent with a bank', 'CRD with momentum banks and heads', 'NT-Xent with a queue'])(
    '%s: a micro-batch that is not finite is DIVERGED and changes nothing, in the first step and later',
    async (name) => {
      const [disturbed, calm] = [setUp(ThreePassStep, STRATEGIES[name]()), setUp(ThreePassStep, STRATEGIES[name]())];
      for (const [i, ids] of BATCHES.entries()) {
        const before = disturbed.step.state();
        const bad = disturbed.batch([3, 4, 5], 2, false);
        bad.student[1].feeds.shares.tensor.data[0] = Number.NaN;
        await expect(disturbed.step.run([bad], 0.01)).rejects.toMatchObject({
          code: 'DIVERGED',
          message: expect.stringMatching(new RegExp(`step ${i}: expected a finite .*, got NaN`)),
        });
        expect(disturbed.step.state()).toEqual(before);
        const good = await disturbed.step.run([disturbed.batch(ids, 2, false)], 0.01);
        expect(good).toEqual(await calm.step.run([calm.batch(ids, 2, false)], 0.01));
        expect(disturbed.step.state()).toEqual(calm.step.state());
      }
    },
  );

  it('a strategy without a loss for embeddings is refused as by the other step', async () => {
    for (const Kind of [TrainingStep, ThreePassStep]) {
      const { step, batch } = setUp(Kind, new ResponseDistillationStrategy());
      await expect(step.run([batch([0, 1, 2], 3, false)], 0.01)).rejects.toMatchObject({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/ResponseDistillationStrategy: expected a loss/),
      });
    }
  });
});

describe('distill with microBatchSize', () => {
  const data = wordNetTexts(120);
  const teacher = bagOfWordsRows(data.texts, 16);
  const run = async (microBatchSize?: number) => {
    const strategy = new ContrastiveDistillationStrategy({ ...all, negativesSampleSize: 120 });
    strategy.bank = new TeacherBank(teacher);
    const student = tinyStudent(data.texts, { width: 12, dimension: 16, seed: 0 });
    const losses: number[] = [];
    await distill({
      teacher,
      student,
      data,
      strategy,
      epochs: 12,
      batchSize: 50,
      optimizer: { learningRate: 0.01, epsilon: 1e-3 },
      onStep: ({ loss }) => losses.push(loss),
      ...(microBatchSize !== undefined && { microBatchSize }),
    });
    return { losses, parameters: student.parameters.map(({ data }) => data) };
  };

  it('trains as without it: the losses of every step within 1e-3, the last below half of the first', async () => {
    const [whole, parts] = [await run(), await run(16)];
    expect(parts.losses).toHaveLength(whole.losses.length);
    for (const [i, loss] of whole.losses.entries()) expectNear(parts.losses[i], loss, 1e-3);
    expect(parts.losses.at(-1)).toBeLessThan(0.5 * parts.losses[0]);
    for (const [p, values] of whole.parameters.entries()) {
      expect(worstError(parts.parameters[p], values)).toBeLessThan(1e-2);
    }
  });

  it('gives the same bits every time', async () => {
    expect((await run(7)).parameters).toEqual((await run(7)).parameters);
  });

  it.each([0, 1.5, -1])('refuses %d', async (microBatchSize) => {
    await expect(run(microBatchSize)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
  });
});
