/** The memory banks of the CRD paper: where they start, how they move, and what they refuse. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { caught } from '../caught.ts';
import { randomMatrix } from '../strategies/support.ts';

const SIDES = ['student', 'teacher'] as const;
const rowsOf = (banks: MomentumBanks) => SIDES.map((side) => banks.rows(side).toArray());

describe('samples that are the same', () => {
  // Sample 3 is sample 1 once more, as its text is.
  const duplicateOf = Int32Array.of(0, 1, 2, 1, 4);
  const sampleIds = Int32Array.of(1, 4);

  it('rows of one sample move together, and none of them is its negative', () => {
    const banks = new MomentumBanks({ samples: 5, dimension: 3 });
    const random = new Random(4);
    const [student, teacher] = [randomMatrix(random, 2, 3), randomMatrix(random, 2, 3)];
    const untouched = [0, 2].map((row) => [...banks.rows('teacher').row(row)]);
    banks.takeIn({ student, teacher, sampleIds, duplicateOf });
    for (const side of SIDES) expect(banks.rows(side).row(3)).toEqual(banks.rows(side).row(1));
    expect([0, 2].map((row) => [...banks.rows('teacher').row(row)])).toEqual(untouched);
    for (const side of SIDES) {
      const { rowOfAnchor, groups } = banks.view(side, { anchors: 2, sampleIds, duplicateOf });
      expect([...rowOfAnchor]).toEqual([1, 4]);
      expect(groups?.ofAnchor).toEqual(Int32Array.of(1, -1));
      expect(groups?.ofRow).toBe(duplicateOf);
    }
    expect(banks.view('student', { anchors: 1, sampleIds: Int32Array.of(4), duplicateOf }).groups).toBeUndefined();
  });
});

describe('the start', () => {
  it.each([1, 3, 12, 128])('D = %i: uniform in ±1/√(D/3), rows of mean square 1', (dimension) => {
    const samples = Math.ceil(120_000 / dimension);
    const banks = new MomentumBanks({ samples, dimension });
    const bound = 1 / Math.sqrt(dimension / 3);
    for (const side of SIDES) {
      const { rows, columns, data } = banks.rows(side);
      expect([rows, columns]).toEqual([samples, dimension]);
      const numbers = Array.from(data, (x) => x / bound);
      expect(numbers.filter((x) => Math.abs(x) > 1 + 1e-7)).toEqual([]);
      // Moments of the uniform distribution on ±1 are 0, 1/3, 0, 1/5; five standard errors of each.
      const moment = (k: number) => numbers.reduce((sum, x) => sum + x ** k, 0) / numbers.length;
      for (const [k, expected] of [0, 1 / 3, 0, 1 / 5].entries()) {
        const variance = 1 / (2 * (k + 1) + 1) - expected ** 2;
        expect(Math.abs(moment(k + 1) - expected)).toBeLessThan(5 * Math.sqrt(variance / numbers.length));
      }
    }
  });

  it('differs between the two banks and between seeds, and is the same for one seed', () => {
    const make = (seed?: number) =>
      new MomentumBanks({ samples: 4, dimension: 3, ...(seed !== undefined && { seed }) });
    const [student, teacher] = rowsOf(make());
    expect(student).not.toEqual(teacher);
    expect(rowsOf(make(0))).toEqual([student, teacher]);
    expect(rowsOf(make(1))[0]).not.toEqual(student);
  });

  it('defaults: width 128, momentum 0.5', () => {
    const banks = new MomentumBanks({ samples: 2 });
    expect([banks.dimension, banks.momentum, banks.rows('student').columns]).toEqual([128, 0.5, 128]);
  });
});

describe('an update', () => {
  const random = new Random(4);
  const [B, M, D] = [4, 9, 5];
  const sampleIds = Int32Array.of(7, 0, 3, 8);
  const unit = (row: ArrayLike<number>) => Array.from(row, (x) => x / Math.hypot(...Array.from(row)));

  it.each([0.5, 0, 0.9])(
    'momentum %f: row ← normalise(m·row + (1 − m)·new), the rows of the batch alone',
    async (momentum) => {
      const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none' });
      const banks = new MomentumBanks({ samples: M, dimension: D, momentum });
      strategy.bank = banks;
      for (let step = 0; step < 3; step++) {
        const batch = { student: randomMatrix(random, B, D), teacher: randomMatrix(random, B, D) };
        const before = { student: banks.rows('student').toArray(), teacher: banks.rows('teacher').toArray() };
        await strategy.updateBank(batch.student, batch.teacher, undefined, { sampleIds });
        for (const side of SIDES) {
          for (let row = 0; row < M; row++) {
            const i = sampleIds.indexOf(row);
            const after = banks.rows(side).row(row);
            if (i < 0) {
              expect([...after]).toEqual(before[side][row]);
              continue;
            }
            const fresh = unit(batch[side].row(i));
            const expected = unit(before[side][row].map((old, d) => momentum * old + (1 - momentum) * fresh[d]));
            for (const [d, value] of expected.entries()) expect(Math.abs(after[d] - value)).toBeLessThan(1e-7);
          }
        }
      }
    },
  );

  it('takes in what the heads make of the batch', async () => {
    const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projectionDimension: D });
    const banks = new MomentumBanks({ samples: M, dimension: D, momentum: 0 });
    strategy.bank = banks;
    const batch = { student: randomMatrix(random, B, 3), teacher: randomMatrix(random, B, 2) };
    await strategy.updateBank(batch.student, batch.teacher, undefined, { sampleIds });
    const heads = strategy.parametersFor(new Map([['embeddings', { width: 3, teacherWidth: 2 }]]));
    for (const side of SIDES) {
      const [weight, bias] = heads.filter(({ name }) => name.startsWith(side)).map(({ data }) => data);
      for (const [i, row] of sampleIds.entries()) {
        const through = Array.from(bias, (b, to) => {
          return Array.from(batch[side].row(i)).reduce((sum, x, from) => sum + x * weight[from * D + to], b);
        });
        for (const [d, value] of unit(through).entries()) {
          expect(Math.abs(banks.rows(side).row(row)[d] - value)).toBeLessThan(1e-7);
        }
      }
    }
  });

  it('comes after the loss: nothing but updateBank moves a row', async () => {
    const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none' });
    const banks = new MomentumBanks({ samples: M, dimension: D });
    strategy.bank = banks;
    const [student, teacher] = [randomMatrix(random, B, D), randomMatrix(random, B, D)];
    const before = rowsOf(banks);
    const loss = await strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds });
    await strategy.computeContrastiveGradient(student, teacher, undefined, { sampleIds });
    expect(rowsOf(banks)).toEqual(before);
    expect(await strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds })).toBe(loss);
    await strategy.updateBank(student, teacher, undefined, { sampleIds });
    expect(rowsOf(banks)).not.toEqual(before);
    expect(await strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds })).not.toBe(loss);
  });

  it('a sample that stands twice in the batch moves twice, one row after the other', () => {
    const banks = new MomentumBanks({ samples: 2, dimension: 2 });
    const [old] = banks.rows('student').toArray();
    const given = Matrix.from([
      [1, 0],
      [0, 1],
    ]);
    banks.takeIn({ student: given, teacher: given, sampleIds: Int32Array.of(0, 0) });
    const once = unit([0.5 * old[0] + 0.5, 0.5 * old[1]]);
    const twice = unit([0.5 * once[0], 0.5 * once[1] + 0.5]);
    for (const [d, value] of twice.entries()) expect(banks.rows('student').get(0, d)).toBeCloseTo(value, 6);
  });

  it('a row that its opposite would cancel stays', () => {
    const banks = new MomentumBanks({ samples: 1, dimension: 2 });
    banks.restore({ 'student bank': Float32Array.of(0.6, 0.8), 'teacher bank': Float32Array.of(1, 0) });
    const given = Matrix.from([[-0.6, -0.8]]);
    banks.takeIn({ student: given, teacher: Matrix.from([[0, 0]]), sampleIds: Int32Array.of(0) });
    expect(rowsOf(banks)).toEqual([[[Math.fround(0.6), Math.fround(0.8)]], [[1, 0]]]);
  });
});

describe('what is refused', () => {
  it.each<[string, object]>([
    ['samples', { samples: 0 }],
    ['samples', { samples: 1.5 }],
    ['samples', {}],
    ['dimension', { samples: 3, dimension: 0 }],
    ['momentum', { samples: 3, momentum: 1 }],
    ['momentum', { samples: 3, momentum: -0.1 }],
    ['momentum', { samples: 3, momentum: Number.NaN }],
    ['seed', { samples: 3, seed: -1 }],
  ])('option %s: %o', (name, options) => {
    const error = caught(() => new MomentumBanks(options as never));
    expect([error.code, error.message]).toEqual(['INVALID_OPTION', expect.stringMatching(`option ${name}: expected`)]);
  });

  it('labels that are not one for each sample', () => {
    const error = caught(() => new MomentumBanks({ samples: 3, labels: Int32Array.of(0, 1) }));
    expect([error.code, error.message]).toEqual(['SHAPE_MISMATCH', expect.stringMatching(/labels.*3 samples, got 2/)]);
  });

  it.each<[string, Int32Array | undefined, string, RegExp]>([
    ['missing', undefined, 'INVALID_ARGUMENT', /sample of every row.*got none.*sampleIds/],
    ['too few', Int32Array.of(0), 'SHAPE_MISMATCH', /2 rows, got 1/],
    ['beyond the end', Int32Array.of(0, 3), 'INVALID_ARGUMENT', /samples 0 … 2, got 3 in row 1/],
    ['below 0', Int32Array.of(-1, 2), 'INVALID_ARGUMENT', /samples 0 … 2, got -1 in row 0/],
  ])('sampleIds: %s', async (_, sampleIds, code, message) => {
    const rows = Matrix.from([
      [1, 0],
      [0, 1],
    ]);
    for (const mode of ['crd', 'ntxent', 'triplet'] as const) {
      const strategy = new ContrastiveDistillationStrategy({ mode, projection: 'none' });
      strategy.bank = new MomentumBanks({ samples: 3, dimension: 2 });
      const context = sampleIds ? { sampleIds } : {};
      for (const call of [
        strategy.computeContrastiveLoss(rows, rows, undefined, context),
        strategy.computeContrastiveGradient(rows, rows, undefined, context),
        strategy.updateBank(rows, rows, undefined, context),
      ]) {
        await expect(call).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
      }
    }
  });

  it('rows of another width; labels without labels of the bank', async () => {
    const rows = Matrix.from([
      [1, 0, 1],
      [0, 1, 1],
    ]);
    const strategy = new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none' });
    strategy.bank = new MomentumBanks({ samples: 3, dimension: 2 });
    const context = { sampleIds: Int32Array.of(0, 1) };
    await expect(strategy.computeContrastiveLoss(rows, rows, undefined, context)).rejects.toMatchObject({
      ...{ code: 'SHAPE_MISMATCH', message: expect.stringMatching(/width 3, got 2/) },
    });
    await expect(strategy.updateBank(rows, rows, undefined, context)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    strategy.bank = new MomentumBanks({ samples: 3, dimension: 3 });
    await expect(strategy.computeContrastiveLoss(rows, rows, [0, 1], context)).rejects.toMatchObject({
      ...{ code: 'INVALID_ARGUMENT', message: expect.stringMatching(/label for every bank row.*MomentumBanks/) },
    });
  });
});
