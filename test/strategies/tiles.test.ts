/** A batch in tiles of anchors against the same batch at once: equal values and gradients, in every mode. */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/matrix/random.ts';
import type { Evaluation } from '../../src/strategies/batch.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { HybridDistillationStrategy } from '../../src/strategies/hybrid-distillation-strategy.ts';
import { RelationalDistillationStrategy } from '../../src/strategies/relational-distillation-strategy.ts';
import { TileSweep } from '../../src/strategies/tile-sweep.ts';
import { expectNear, randomMatrix, worstError } from './support.ts';
import { type Choice, choices, FORMS, type Form, outputsOf, settle, watchingTiles } from './tile-cases.ts';

afterEach(() => vi.restoreAllMocks());

/** Losses, components, gradients and observations are equal; `tolerance` is relative to the largest entry, at least to 0.01. */
function expectEqual(actual: Evaluation, expected: Evaluation, tolerance: number): void {
  expect(actual.applies).toBe(true);
  expectNear(actual.loss, expected.loss, tolerance);
  const sorted = (names: Iterable<string>) => [...names].sort();
  expect(sorted(Object.keys(actual.components))).toEqual(sorted(Object.keys(expected.components)));
  for (const [name, value] of Object.entries(expected.components)) {
    expectNear(actual.components[name], value, tolerance);
  }
  expect(sorted(actual.gradients.keys())).toEqual(sorted(expected.gradients.keys()));
  for (const [name, gradient] of expected.gradients) {
    expect(actual.gradients.get(name)?.dtype).toBe(gradient.dtype);
    expect(worstError(actual.gradients.get(name)?.data ?? [], gradient.data, 0.01), name).toBeLessThan(tolerance);
  }
  expect(sorted(actual.parameterGradients.keys())).toEqual(sorted(expected.parameterGradients.keys()));
  for (const [name, gradient] of expected.parameterGradients) {
    expect(worstError(actual.parameterGradients.get(name) ?? [], gradient, 0.01), name).toBeLessThan(tolerance);
  }
  expect(sorted(Object.keys(actual.observed))).toEqual(sorted(Object.keys(expected.observed)));
  for (const [name, { data }] of Object.entries(expected.observed)) {
    expect(worstError(Array.from(actual.observed[name].data, Number), Array.from(data, Number)), name).toBeLessThan(
      tolerance,
    );
  }
}

async function expectTilesLikeWhole(form: Form, choice: Choice, dtype: 'float32' | 'float64', tolerance: number) {
  const setting = settle(form, choice, dtype);
  const [whole, tiled] = [setting.strategy('whole'), setting.strategy('in tiles')];
  try {
    const expected = await watchingTiles(async (tiles) => {
      const evaluation = await whole.evaluate(setting.batch, true);
      expect(tiles).toEqual([]);
      return evaluation;
    });
    const actual = await watchingTiles(async (tiles) => {
      const evaluation = await tiled.evaluate(setting.batch, true);
      // Every anchor once. A queue shows fewer keys than it holds when some are in the batch, so its tiles may be larger.
      if (setting.choice.bank !== 'queue') expect(tiles.length).toBe(Math.ceil(choice.rows / choice.tile));
      for (const [k, { from }] of tiles.entries()) expect(from).toBe(k === 0 ? 0 : tiles[k - 1].to);
      if (tiles.length > 0) expect(tiles.at(-1)?.to).toBe(choice.rows);
      return evaluation;
    });
    expectEqual(actual, expected, tolerance);
    for (const side of ['student', 'teacher'] as const) {
      expect(tiled.meanScores[side] === undefined).toBe(FORMS[form].mode !== 'crd');
      expectNear(tiled.meanScores[side] ?? 0, whole.meanScores[side] ?? 0, tolerance);
    }
    // Without a gradient, and (in CRD) with Z frozen: the same loss.
    const valueAlone = await tiled.evaluate(setting.batch, false);
    expectNear(valueAlone.loss, expected.loss, tolerance);
    expect([valueAlone.gradients.size, valueAlone.parameterGradients.size]).toEqual([0, 0]);
  } finally {
    await whole.release();
    await tiled.release();
  }
}

const holds = (form: Form, dtype: 'float32' | 'float64', tolerance: number, numRuns: number, endOnFailure = false) =>
  fc.assert(
    fc.asyncProperty(choices, (choice) => expectTilesLikeWhole(form, choice, dtype, tolerance)),
    { numRuns, seed: 3, endOnFailure },
  );

describe('tiles = the whole', () => {
  for (const form of Object.keys(FORMS) as Form[]) {
    it(`${form}, float64, relative error < 1e-12`, () => {
      vi.spyOn(console, 'warn').mockImplementation(() => {}); // triplets of one class
      return holds(form, 'float64', 1e-12, form === 'CRD' ? 16 : 24);
    });
    it(`${form}, float32, relative error < 1e-4`, () => {
      vi.spyOn(console, 'warn').mockImplementation(() => {});
      return holds(form, 'float32', 1e-4, 8);
    });
  }

  it.each<[string, (original: TileSweep['add']) => TileSweep['add']]>([
    [
      'a tile left out',
      (original) =>
        async function (this: TileSweep, p, part, data, range, factor) {
          if (range.from > 0) await original.call(this, p, part, data, range, factor);
        },
    ],
    [
      'a tile taken twice',
      (original) =>
        async function (this: TileSweep, p, part, data, range, factor) {
          await original.call(this, p, part, data, range, factor);
          if (range.from === 0) await original.call(this, p, part, data, range, factor);
        },
    ],
    [
      'the rows of another tile',
      (original) =>
        async function (this: TileSweep, p, part, data, { from, to }, factor) {
          await original.call(this, p, part, data, from > 0 ? { from: from - 1, to: to - 1 } : { from, to }, factor);
        },
    ],
  ])('the comparison notices %s', async (_, mutate) => {
    const original = TileSweep.prototype.add;
    TileSweep.prototype.add = mutate(original);
    try {
      for (const form of ['NT-Xent', 'NT-Xent, symmetric', 'CRD'] as const) {
        await expect(holds(form, 'float64', 1e-12, 10, true)).rejects.toThrow();
      }
    } finally {
      TileSweep.prototype.add = original;
    }
  });
});

describe('when there are tiles', () => {
  const random = new Random(4);
  const [B, D] = [6, 3];
  const student = randomMatrix(random, B, D);
  const teacher = randomMatrix(random, B, D);
  const count = async (maxLogits: number): Promise<number> => {
    const strategy = new ContrastiveDistillationStrategy({ maxLogits });
    const { length } = await watchingTiles(async (tiles) => {
      await strategy.computeContrastiveLossAndGradient(student, teacher);
      return tiles;
    });
    await strategy.release();
    return length;
  };

  it('none up to maxLogits, then as few as hold it, one anchor at least', async () => {
    expect(await count(36)).toBe(0);
    expect(await count(35)).toBe(2);
    expect(await count(18)).toBe(2);
    expect(await count(17)).toBe(3);
    expect(await count(12)).toBe(3);
    expect(await count(11)).toBe(6);
    expect(await count(1)).toBe(6);
  });

  it('a batch of other sizes, precisions and options in turn gets the right programs', async () => {
    const tiled = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, maxLogits: 10 });
    const whole = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
    for (const dtype of ['float64', 'float32', 'float64'] as const) {
      for (const rows of [5, 6, 4]) {
        const ids = Array.from({ length: rows }, (_, i) => i);
        const [s, t] = [student.gather(ids).as(dtype), teacher.gather(ids).as(dtype)];
        for (const options of [{ mode: 'ntxent' }, { mode: 'infonce' }, { mode: 'triplet' }] as const) {
          for (const strategy of [tiled, whole]) Object.assign(strategy, options);
          const expected = await whole.computeContrastiveLossAndGradient(s, t);
          const actual = await tiled.computeContrastiveLossAndGradient(s, t);
          const tolerance = dtype === 'float64' ? 1e-12 : 1e-4;
          expectNear(actual.loss, expected.loss, tolerance);
          expect(worstError(actual.gradient.data, expected.gradient.data, 0.01)).toBeLessThan(tolerance);
        }
      }
    }
    await tiled.release();
    await whole.release();
  });

  it('raw rows of triplets are compared as they are', async () => {
    const options = { mode: 'triplet', normalize: false, margin: 2, contrastiveWeight: 1 } as const;
    const tiled = new ContrastiveDistillationStrategy({ ...options, maxLogits: 10 });
    const whole = new ContrastiveDistillationStrategy(options);
    const expected = await whole.computeContrastiveLossAndGradient(student, teacher);
    const actual = await tiled.computeContrastiveLossAndGradient(student, teacher);
    expect(expected.loss).toBeGreaterThan(0.1);
    expectNear(actual.loss, expected.loss, 1e-12);
    expect(worstError(actual.gradient.data, expected.gradient.data)).toBeLessThan(1e-12);
    await tiled.release();
    await whole.release();
  });

  it('triplets without any negative: loss 0, gradient 0, and one warning', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const strategy = new ContrastiveDistillationStrategy({ mode: 'triplet', maxLogits: 10 });
    for (let repeat = 0; repeat < 2; repeat++) {
      const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(student, teacher, new Int32Array(B));
      expect(loss).toBe(0);
      expect(gradient.data.every((x) => x === 0)).toBe(true);
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0][0]).toMatch(/no anchor of the batch has a negative/);
    await strategy.release();
    // One tile of a single class beside others is nothing to warn of.
    const labels = Int32Array.of(0, 0, 0, 1, 2, 3);
    const other = new ContrastiveDistillationStrategy({ mode: 'triplet', maxLogits: 10 });
    await other.computeContrastiveLoss(student, teacher, labels);
    expect(warn).toHaveBeenCalledTimes(1);
    await other.release();
  });
});

describe('beside tiles', () => {
  const setting = settle('NT-Xent', { ...sample(), projection: 'student', labels: 'instance' }, 'float64');
  const { batch } = setting;

  it('outputs of the same batch keep their part of the loss', async () => {
    const [whole, tiled] = [setting.strategy('whole'), setting.strategy('in tiles')];
    const both = { ...batch, outputs: outputsOf(7, 3, 1) };
    const expected = await whole.evaluate(both, true);
    expect(Object.keys(expected.components)).toEqual(['contrastive', 'output']);
    expectEqual(await tiled.evaluate(both, true), expected, 1e-12);
    await whole.release();
    await tiled.release();
  });

  it('the other parts of a hybrid are evaluated at once, and one of weight 0 not at all', async () => {
    const hybrid = (kind: 'whole' | 'in tiles') =>
      new HybridDistillationStrategy([
        { strategy: setting.strategy(kind), weight: 0.6 },
        { strategy: new RelationalDistillationStrategy(), weight: 0.25 },
        { strategy: setting.strategy(kind), weight: 0 },
        { strategy: crd.strategy(kind), weight: 1.5 },
      ]);
    const crd = settle('CRD', { ...sample(), projection: 'both', bank: 'momentum', labels: 'instance' }, 'float64');
    const [whole, tiled] = [hybrid('whole'), hybrid('in tiles')];
    const expected = await whole.evaluate({ ...batch, sampleIds: crd.batch.sampleIds }, true);
    expect(expected.parameterGradients.size).toBe(6);
    expectEqual(await tiled.evaluate({ ...batch, sampleIds: crd.batch.sampleIds }, true), expected, 1e-12);
    await whole.release();
    await tiled.release();
  });

  it('a hybrid of equal widths, with regression, in float32 (1e-5)', async () => {
    const equal = settle('NT-Xent, symmetric', { ...sample(), projection: 'none' }, 'float32');
    const hybrid = (kind: 'whole' | 'in tiles') =>
      new HybridDistillationStrategy([
        { strategy: new FeatureDistillationStrategy(), weight: 1 },
        { strategy: equal.strategy(kind), weight: 0.5 },
      ]);
    const [whole, tiled] = [hybrid('whole'), hybrid('in tiles')];
    expectEqual(await tiled.evaluate(equal.batch, true), await whole.evaluate(equal.batch, true), 1e-5);
    await whole.release();
    await tiled.release();
  });
});

function sample(): Choice {
  return {
    seed: 12,
    rows: 7,
    width: 3,
    teacherWidth: 4,
    bankSize: 5,
    tile: 2,
    labels: 'none',
    negatives: 'all',
    bank: 'none',
    projection: 'none',
    soft: false,
    numbered: true,
  };
}
