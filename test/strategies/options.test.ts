import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { ContrastiveMode } from '../../src/strategies/contrastive-options.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { caught } from '../caught.ts';

const DEFAULTS = {
  embeddingLayerName: 'embeddings',
  contrastiveWeight: 0.8,
  temperature: 0.07,
  alpha: 0.2,
  negativesSampleSize: 1024,
  mode: 'ntxent',
  outputTemperature: 4,
  positives: 'class',
  targets: 'sample',
  symmetric: false,
  margin: 0.1,
  mining: 'hard',
  normalize: true,
  negativesDraw: 'batch',
  projection: 'auto',
  projectionDimension: 128,
  maxLogits: 5 * 2 ** 18,
  seed: 0,
};

const share = {
  good: [0, 1, 0.5],
  bad: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0.01, 1.01, '0.5', null, true, 1n],
  expected: 'a number in [0, 1]',
};
const positive = {
  good: [1e-3, 100],
  bad: [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -1, '1', null, [1]],
  expected: 'a finite number > 0',
};
const name = {
  good: ['pooler', 'a b'],
  bad: ['', '   ', '\t', 3, null, ['embeddings']],
  expected: 'a non-blank layer name',
};

/** Every option: values that are taken, values that are refused, and what the message says was expected. */
const OPTIONS: Record<keyof typeof DEFAULTS, { good: unknown[]; bad: unknown[]; expected: string }> = {
  embeddingLayerName: name,
  contrastiveWeight: share,
  temperature: positive,
  alpha: share,
  negativesSampleSize: {
    good: [1, 16384],
    bad: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '8', null],
    expected: 'a whole number ≥ 1',
  },
  mode: {
    good: ['ntxent', 'infonce', 'triplet', 'crd'],
    bad: ['moco', 'NTXent', '', 0, null],
    expected: "'ntxent', 'infonce', 'triplet' or 'crd'",
  },
  outputTemperature: positive,
  positives: { good: ['class', 'instance'], bad: ['classes', true, null], expected: "'class' or 'instance'" },
  targets: { good: ['sample', 'teacher'], bad: ['soft', true, null], expected: "'sample' or 'teacher'" },
  symmetric: { good: [true, false], bad: ['true', 1, 0, null], expected: 'true or false' },
  margin: {
    good: [0, 2],
    bad: [-0.1, Number.NaN, Number.POSITIVE_INFINITY, '1', null],
    expected: 'a finite number ≥ 0',
  },
  mining: { good: ['hard', 'semihard', 'all'], bad: ['easy', true, null], expected: "'hard', 'semihard' or 'all'" },
  normalize: { good: [true, false], bad: ['true', 1, 0, null], expected: 'true or false' },
  negativesDraw: { good: ['batch', 'anchor'], bad: ['own', true, null], expected: "'batch' or 'anchor'" },
  projection: {
    good: ['auto', 'none', 'student', 'both'],
    bad: ['teacher', true, null],
    expected: "'auto', 'none', 'student' or 'both'",
  },
  projectionDimension: {
    good: [1, 256],
    bad: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '8', null],
    expected: 'a whole number ≥ 1',
  },
  maxLogits: {
    good: [1, 2 ** 30],
    bad: [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '8', null],
    expected: 'a whole number ≥ 1',
  },
  seed: {
    good: [0, 12345],
    bad: [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null],
    expected: 'a whole number ≥ 0',
  },
};
const cases = Object.entries(OPTIONS) as [keyof typeof DEFAULTS, (typeof OPTIONS)['mode']][];

it('the defaults are those of the design', () => {
  const strategy = new ContrastiveDistillationStrategy();
  for (const [option, value] of Object.entries(DEFAULTS)) expect(strategy[option as 'mode']).toBe(value);
  expect(strategy.bank).toBeUndefined();
  expect(ContrastiveMode).toEqual({ NTXent: 'ntxent', InfoNCE: 'infonce', Triplet: 'triplet', CRD: 'crd' });
  const feature = new FeatureDistillationStrategy();
  expect([feature.embeddingLayerName, feature.distance]).toEqual(['embeddings', 'cosine']);
  const explicit = new ContrastiveDistillationStrategy({ temperature: undefined } as never);
  expect(explicit.temperature).toBe(0.07);
});

describe('every option, on construction and on assignment', () => {
  it.each(cases)('%s takes what it should', (option, { good }) => {
    for (const value of good) {
      expect(new ContrastiveDistillationStrategy({ [option]: value })[option]).toBe(value);
      const strategy = new ContrastiveDistillationStrategy();
      Object.assign(strategy, { [option]: value });
      expect(strategy[option]).toBe(value);
      // No other option, and no other strategy, is touched.
      for (const other of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
        if (other !== option) expect(strategy[other]).toBe(DEFAULTS[other]);
      }
      expect(new ContrastiveDistillationStrategy()[option]).toBe(DEFAULTS[option]);
    }
  });

  it.each(cases)('%s refuses the rest, saying what was expected and what was given', (option, { bad, expected }) => {
    const strategy = new ContrastiveDistillationStrategy();
    for (const value of bad) {
      const shown =
        typeof value === 'string' ? JSON.stringify(value) : Array.isArray(value) ? 'Array of 1 entries' : String(value);
      for (const error of [
        caught(() => new ContrastiveDistillationStrategy({ [option]: value })),
        caught(() => Object.assign(strategy, { [option]: value })),
      ]) {
        expect(error.code).toBe('INVALID_OPTION');
        expect(error.message).toContain(`option ${option}: expected ${expected}`);
        expect(error.message).toMatch(new RegExp(`, got ${shown.replace(/[\\[\]]/g, '\\$&')}\\.$`));
      }
      expect(strategy[option]).toBe(DEFAULTS[option]);
    }
    expect(caught(() => Object.assign(strategy, { [option]: undefined })).message).toMatch(/got undefined/);
  });

  it('FeatureDistillationStrategy likewise', () => {
    for (const value of name.bad) {
      expect(caught(() => new FeatureDistillationStrategy({ embeddingLayerName: value as never })).code).toBe(
        'INVALID_OPTION',
      );
    }
    const error = caught(() => Object.assign(new FeatureDistillationStrategy(), { distance: 'euclid' }));
    expect(error.message).toBe(
      "FeatureDistillationStrategy: option distance: expected 'cosine' or 'squared', got \"euclid\".",
    );
  });

  it('an unknown option names the nearest known one, or lists all', () => {
    const message = (options: object) => caught(() => new ContrastiveDistillationStrategy(options as never)).message;
    expect(message({ temprature: 1 })).toMatch(/unknown option "temprature"\. Did you mean temperature\?/);
    expect(message({ SYMMETRIC: true })).toMatch(/Did you mean symmetric\?/);
    expect(message({ negativeSampleSize: 3 })).toMatch(/Did you mean negativesSampleSize\?/);
    expect(message({ zzz: 1 })).toMatch(/Known options: embeddingLayerName, contrastiveWeight, .*seed\./);
    expect(caught(() => new ContrastiveDistillationStrategy({ tau: 1 } as never)).code).toBe('INVALID_OPTION');
    for (const options of [null, 5, 'ntxent', [0.07]])
      expect(message(options as never)).toMatch(/expected an object of options/);
  });

  it('near is at most a third of the letters wrong, case ignored', () => {
    const message = (name: string) => caught(() => new ContrastiveDistillationStrategy({ [name]: 1 } as never)).message;
    expect(message('mod')).toMatch(/Did you mean mode\?/);
    expect(message('Temperatur')).toMatch(/Did you mean temperature\?/);
    expect(message('tempratr')).toMatch(/Did you mean temperature\?/);
    for (const far of ['mood', 'temp', 'x']) expect(message(far)).toMatch(/Known options/);
  });

  it('bank takes a TeacherBank or undefined', () => {
    const strategy = new ContrastiveDistillationStrategy();
    const bank = new TeacherBank(Matrix.from([[1, 0]]));
    strategy.bank = bank;
    expect(strategy.bank).toBe(bank);
    for (const value of [null, [[1, 0]], Matrix.from([[1, 0]])]) {
      expect(caught(() => Object.assign(strategy, { bank: value })).code).toBe('INVALID_OPTION');
    }
    strategy.bank = undefined;
    expect(strategy.bank).toBeUndefined();
  });
});

describe('an assignment takes effect in the next call', () => {
  const student = Matrix.from(
    [
      [1, 0],
      [0.6, 0.8],
      [-1, 2],
      [3, 1],
      [2, -1],
    ],
    'float64',
  );
  const teacher = Matrix.from(
    [
      [1, 1],
      [0, 2],
      [-3, 1],
      [1, 2],
      [0, -1],
    ],
    'float64',
  );

  it.each([
    ['temperature', 0.5],
    ['contrastiveWeight', 0.3],
    ['mode', 'infonce'],
    ['symmetric', true],
    ['negativesSampleSize', 2],
    ['positives', 'instance'],
  ] as const)('%s, of the contrastive loss', async (option, value) => {
    const strategy = new ContrastiveDistillationStrategy();
    const labels = [0, 1, 0, 1, 2];
    const before = await strategy.computeContrastiveLoss(student, teacher, labels);
    Object.assign(strategy, { [option]: value });
    const after = await strategy.computeContrastiveLoss(student, teacher, labels);
    expect(after).not.toBeCloseTo(before, 6);
    const fresh = new ContrastiveDistillationStrategy({ [option]: value });
    expect(after).toBe(await fresh.computeContrastiveLoss(student, teacher, labels));
  });

  it.each([
    ['alpha', 0.9],
    ['outputTemperature', 1],
    ['contrastiveWeight', 0],
  ] as const)('%s, of the output loss', async (option, value) => {
    const strategy = new ContrastiveDistillationStrategy();
    const before = await strategy.computeLoss(student, teacher, [0, 1, 0, 1, 1]);
    Object.assign(strategy, { [option]: value });
    const after = await strategy.computeLoss(student, teacher, [0, 1, 0, 1, 1]);
    expect(after).not.toBeCloseTo(before, 6);
    expect(after).toBe(
      await new ContrastiveDistillationStrategy({ [option]: value }).computeLoss(student, teacher, [0, 1, 0, 1, 1]),
    );
  });

  it('seed and bank; weights scale', async () => {
    const strategy = new ContrastiveDistillationStrategy({ negativesSampleSize: 1 });
    const losses = new Set<number>();
    for (const seed of [0, 1, 2, 3, 4, 5]) {
      strategy.seed = seed;
      losses.add(await strategy.computeContrastiveLoss(student, teacher));
    }
    expect(losses.size).toBeGreaterThan(2);
    const plain = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
    const full = await plain.computeContrastiveLoss(student, teacher);
    plain.contrastiveWeight = 0.25;
    expect(await plain.computeContrastiveLoss(student, teacher)).toBeCloseTo(full / 4, 12);
    plain.contrastiveWeight = 0;
    expect(await plain.computeContrastiveLoss(student, teacher)).toBe(0);
    plain.contrastiveWeight = 1;
    // The bank's rows are known by their directions: none is a negative of its own sample.
    plain.bank = new TeacherBank(student);
    expect(await plain.computeContrastiveLoss(student, teacher)).toBeGreaterThan(full);
    plain.bank = undefined;
    expect(await plain.computeContrastiveLoss(student, teacher)).toBe(full);
    await plain.release();
    expect(await plain.computeContrastiveLoss(student, teacher)).toBe(full);
  });
});
