/** Bad input, degenerate input, missing layers, and a strategy of one's own. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { mean, mul, sub } from '../../src/graph/index.ts';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import type { SymbolicBatch } from '../../src/strategies/batch.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { differenceQuotients, randomMatrix, worstError } from './support.ts';

const strategy = new ContrastiveDistillationStrategy();
const rows = Matrix.from([
  [1, 0],
  [0, 1],
  [1, 1],
]);
const activations = (matrix: Matrix, layer = 'embeddings') => new IntermediateActivations().set(layer, matrix);
afterEach(() => {
  vi.restoreAllMocks();
});

async function expectError(promise: Promise<unknown>, code: string, ...parts: (string | RegExp)[]): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(LimbeckError);
  const { code: actual, message } = error as LimbeckError;
  expect(actual, message).toBe(code);
  for (const part of parts) expect(message).toMatch(part);
}

describe('what is refused', () => {
  const all = (student: never, teacher: never): Promise<unknown>[] =>
    [
      strategy.computeContrastiveLoss(student, teacher),
      strategy.computeContrastiveGradient(student, teacher),
      strategy.computeContrastiveLossAndGradient(student, teacher),
      strategy.computeLoss(student, teacher),
      strategy.computeGradient(student, teacher),
      strategy.computeLossAndGradient(student, teacher),
    ].map((promise) => {
      promise.catch(() => undefined); // All are called at once, and looked at one after the other.
      return promise;
    });

  it('unequal numbers of rows, unequal widths: both named', async () => {
    const four = Matrix.from([
      [1, 0],
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    for (const promise of all(rows as never, four as never)) {
      await expectError(promise, 'SHAPE_MISMATCH', /3 student and 4 teacher rows/);
    }
    const wide = Matrix.zeros(3, 5);
    for (const promise of all(rows as never, wide as never)) {
      await expectError(
        promise,
        'SHAPE_MISMATCH',
        /2 \(student\) and 5 \(teacher\)/,
        /projection to 'student'|every class/,
      );
    }
    await expectError(
      strategy.computeIntermediateLoss(activations(rows), activations(wide)),
      'SHAPE_MISMATCH',
      /embeddings/,
    );
  });

  it('empty batches, rows of different length, things that are no matrix', async () => {
    for (const empty of [new Matrix(0, 2, new Float32Array(0)), new Matrix(3, 0, new Float32Array(0)), []]) {
      for (const promise of all(empty as never, empty as never)) await expectError(promise, 'EMPTY_BATCH', /student/);
    }
    for (const promise of all([[1, 2], [3]] as never, rows as never))
      await expectError(promise, 'SHAPE_MISMATCH', /row 1/);
    for (const value of [undefined, null, 3, 'rows', [1, 2], new Float32Array(4), {}]) {
      for (const promise of all(value as never, rows as never)) {
        await expectError(promise, 'INVALID_ARGUMENT', /student .*expected a Matrix or an array of vectors/);
      }
    }
  });

  it('NaN and Infinity: matrix, row and column named', async () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const spoilt = Matrix.from([
        [1, 0],
        [0, 1],
        [1, bad],
      ]);
      for (const promise of all(spoilt as never, rows as never)) {
        await expectError(promise, 'NON_FINITE', /^student (embeddings|outputs): .*row 2, column 1/, `got ${bad}`);
      }
      for (const promise of all(rows as never, spoilt as never)) {
        await expectError(promise, 'NON_FINITE', /^teacher (embeddings|outputs): .*row 2, column 1/);
      }
    }
  });

  it('a number that is not finite, wherever it stands: found by every mode, at once and in tiles', async () => {
    const random = new Random(5);
    const good = () => Matrix.from(Array.from({ length: 9 }, () => Array.from({ length: 5 }, () => random.normal())));
    const [student, teacher] = [good(), good()];
    const bank = new TeacherBank(good());
    for (const options of [
      {},
      { mode: 'infonce' },
      { symmetric: true },
      { targets: 'teacher' },
      { temperature: 0.01 },
      { negativesSampleSize: 3 },
      { negativesSampleSize: 3, negativesDraw: 'anchor' },
      { projection: 'both', projectionDimension: 3 },
      { maxLogits: 30 },
      { mode: 'infonce', maxLogits: 30 },
      { bank },
      { mode: 'crd' },
      { mode: 'triplet' },
      { mode: 'triplet', mining: 'all', normalize: false },
    ] as const) {
      const { bank: keys, ...rest } = { bank: undefined, ...options };
      const strategy = new ContrastiveDistillationStrategy(rest as never);
      strategy.bank = keys;
      const labels = 'targets' in options || keys ? undefined : [0, 1, 2, 0, 1, 2, 0, 1, 2];
      for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
        for (const [side, row, column] of [
          ['student', 0, 4],
          ['student', 8, 0],
          ['teacher', 3, 2],
          ['teacher', 8, 4],
        ] as const) {
          const spoilt = (of: Matrix, name: string): Matrix => {
            const copy = new Matrix(of.rows, of.columns, of.data.slice());
            if (name === side) copy.row(row)[column] = bad;
            return copy;
          };
          const [s, t] = [spoilt(student, 'student'), spoilt(teacher, 'teacher')];
          const named = new RegExp(`^${side} embeddings: .* got ${bad} in row ${row}, column ${column}`);
          await expectError(strategy.computeContrastiveLoss(s, t), 'NON_FINITE', named);
          await expectError(strategy.computeContrastiveGradient(s, t, labels), 'NON_FINITE', named);
        }
      }
      // Nothing of it stays behind.
      expect(Number.isFinite(await strategy.computeContrastiveLoss(student, teacher))).toBe(true);
      await strategy.release();
    }
  });

  it('nothing to contrast with: a batch of one without a bank, one sample repeated', async () => {
    const one = Matrix.from([[1, 0]]);
    for (const mode of ['ntxent', 'infonce'] as const) {
      const single = new ContrastiveDistillationStrategy({ mode });
      await expectError(single.computeContrastiveLoss(one, one), 'NO_NEGATIVES', new RegExp(mode), /larger batch/);
      await expectError(single.computeContrastiveGradient(one, one), 'NO_NEGATIVES');
      await expectError(single.computeIntermediateLoss(activations(one), activations(one)), 'NO_NEGATIVES');
    }
    const sampleIds = Int32Array.of(4, 4, 4);
    await expectError(strategy.computeContrastiveLoss(rows, rows, undefined, { sampleIds }), 'NO_NEGATIVES');
    const banked = new ContrastiveDistillationStrategy();
    banked.bank = new TeacherBank(rows);
    expect(Number.isFinite(await banked.computeContrastiveLoss(one, one))).toBe(true);
    banked.bank = new TeacherBank(one);
    await expectError(
      banked.computeContrastiveLoss(one, one, undefined, { sampleIds: Int32Array.of(0) }),
      'NO_NEGATIVES',
      /all that the bank holds/,
    );
  });

  it('labels that do not fit', async () => {
    const contrast = (labels: unknown) => strategy.computeContrastiveLoss(rows, rows, labels as never);
    const output = (labels: unknown) => strategy.computeLoss(rows, rows, labels as never);
    for (const call of [contrast, output]) {
      await expectError(call([0, 1]), 'SHAPE_MISMATCH', /labels: .*3 rows, got 2/);
      await expectError(call(Matrix.zeros(2, 2)), 'SHAPE_MISMATCH', /3 rows, got 2/);
      for (const bad of [-1, 0.5, Number.NaN, 2 ** 31, '1']) {
        await expectError(call([0, bad, 1]), 'INVALID_ARGUMENT', /class index.*row 1/);
      }
    }
    const soft = Matrix.from([
      [1, 0],
      [0.5, 0.5],
      [0, 1],
    ]);
    await expectError(contrast(soft), 'INVALID_ARGUMENT', /one-hot.*0\.5.*row 1/);
    expect(Number.isFinite(await output(soft))).toBe(true);
    for (const notHot of [
      [1, 1],
      [0, 0],
      [1, Number.NaN],
    ]) {
      await expectError(contrast(Matrix.from([[1, 0], notHot, [0, 1]])), 'INVALID_ARGUMENT', /row 1/);
    }
    expect(
      await contrast(
        Matrix.from([
          [1, 0],
          [0, 1],
          [0, 1],
        ]),
      ),
    ).toBe(await contrast([0, 1, 1]));
    await expectError(output([0, 2, 1]), 'INVALID_ARGUMENT', /classes 0 … 1, got 2 in row 1/);
    await expectError(
      output(
        Matrix.from([
          [1, 0, 0],
          [0, 1, 0],
          [0, 1, 0],
        ]),
      ),
      'SHAPE_MISMATCH',
      /2 outputs, got 3 columns/,
    );
    await expectError(
      output(
        Matrix.from([
          [1, 0],
          [0.5, 0.6],
          [0, 1],
        ]),
      ),
      'INVALID_ARGUMENT',
      /sum to 1.*row 1/,
    );
    await expectError(
      output(
        Matrix.from([
          [1, 0],
          [1.5, -0.5],
          [0, 1],
        ]),
      ),
      'INVALID_ARGUMENT',
      /row 1/,
    );
    await expectError(
      output(
        Matrix.from([
          [1, 0],
          [1, Number.NaN],
          [0, 1],
        ]),
      ),
      'NON_FINITE',
      /labels.*row 1, column 1/,
    );
  });

  it('banks that do not fit', async () => {
    const banked = new ContrastiveDistillationStrategy();
    banked.bank = new TeacherBank(Matrix.zeros(4, 3));
    await expectError(banked.computeContrastiveLoss(rows, rows), 'SHAPE_MISMATCH', /width 2, got 3/);
    banked.bank = new TeacherBank(rows);
    await expectError(
      banked.computeContrastiveLoss(rows, rows, [0, 1, 1]),
      'INVALID_ARGUMENT',
      /label for every bank row/,
    );
    await expectError(
      banked.computeContrastiveLoss(rows, rows, undefined, { sampleIds: Int32Array.of(1, 2) }),
      'SHAPE_MISMATCH',
      /sampleIds: .*3 rows, got 2/,
    );
    banked.mode = 'infonce';
    await expectError(banked.computeContrastiveLoss(rows, rows), 'INVALID_OPTION', /'ntxent' or symmetric/);
    banked.symmetric = true;
    expect(Number.isFinite(await banked.computeContrastiveLoss(rows, rows))).toBe(true);
  });
});

describe('a missing layer', () => {
  it.each([ContrastiveDistillationStrategy, FeatureDistillationStrategy])(
    '%o: loss 0, empty gradient, one warning that lists the layers',
    async (Strategy) => {
      const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
      const missing = new Strategy({ embeddingLayerName: 'pooled' });
      const student = activations(rows, 'hidden').set('logits', rows);
      const teacher = activations(rows, 'pooled');
      for (const [s, t] of [
        [student, teacher],
        [teacher, student],
        [student, student],
      ] as const) {
        expect(await missing.computeIntermediateLoss(s, t)).toBe(0);
        expect((await missing.computeIntermediateGradient(s, t)).size).toBe(0);
      }
      expect(warn).toHaveBeenCalledTimes(1);
      for (const part of ['"pooled"', '"hidden", "logits"', Strategy.name]) {
        expect(warn.mock.calls[0][0]).toContain(part);
      }
      await missing.computeIntermediateLoss(new IntermediateActivations(), new IntermediateActivations());
      expect(warn).toHaveBeenCalledTimes(1);
    },
  );

  it('other layers are ignored without a word', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const gradient = await strategy.computeIntermediateGradient(
      activations(rows).set('other', Matrix.zeros(9, 9)),
      activations(rows),
    );
    expect(gradient.names).toEqual(['embeddings']);
    expect(warn).not.toHaveBeenCalled();
  });

  it('FeatureDistillationStrategy has no loss for outputs', async () => {
    const feature = new FeatureDistillationStrategy();
    for (const promise of [
      feature.computeLoss(rows, rows),
      feature.computeGradient(rows, rows),
      feature.computeLossAndGradient(rows, rows),
    ]) {
      await expectError(promise, 'UNSUPPORTED', /FeatureDistillationStrategy/, /computeIntermediateLoss/);
    }
  });
});

describe('degenerate numbers stay finite in float32', () => {
  const random = new Random(8);
  const normal = randomMatrix(random, 6, 4).as('float32');
  const duplicate = normal.gather([0, 0, 0, 1, 1, 2]);
  const zeros = Matrix.zeros(6, 4);
  const some = normal.gather([0, 1, 2, 3, 4, 5]);
  some.row(1).fill(0);
  some.row(4).fill(0);
  const batches = {
    normal,
    duplicate,
    'all zero': zeros,
    'some zero': some,
    'far apart': Matrix.from(normal.toArray().map((row, i) => row.map((x) => x * 10 ** (8 * i - 20)))),
  };
  const bank = new TeacherBank(some, { labels: new Int32Array(6) });

  for (const temperature of [0.001, 0.01]) {
    for (const [mode, symmetric] of [
      ['ntxent', false],
      ['infonce', false],
      ['ntxent', true],
    ] as const) {
      it(`τ = ${temperature}, ${mode}${symmetric ? ' symmetric' : ''}: duplicate and zero rows, one class only, a bank`, async () => {
        const tested = new ContrastiveDistillationStrategy({ temperature, mode, symmetric });
        for (const student of Object.values(batches)) {
          for (const teacher of Object.values(batches)) {
            for (const labels of [undefined, [0, 0, 0, 0, 0, 0]]) {
              for (const positives of ['class', 'instance'] as const) {
                tested.positives = positives;
                tested.bank = mode === 'ntxent' ? bank : undefined;
                const { loss, gradient } = await tested.computeContrastiveLossAndGradient(student, teacher, labels);
                expect(loss).toBeGreaterThan(-1e-5 / temperature);
                expect(loss).toBeLessThan(Math.log(12) + 2.001 / temperature);
                gradient.assertFinite('gradient');
              }
            }
          }
        }
        await tested.release();
      });
    }
  }

  it('an all-zero batch: ln B, gradient 0', async () => {
    const { loss, gradient } = await new ContrastiveDistillationStrategy({
      contrastiveWeight: 1,
    }).computeContrastiveLossAndGradient(zeros, zeros);
    expect(loss).toBeCloseTo(Math.log(6), 6);
    expect(gradient.data.every((x) => x === 0)).toBe(true);
  });

  it('one class only, instance positives: nothing is left to be contrasted, loss 0 and gradient 0', async () => {
    const tested = new ContrastiveDistillationStrategy({ positives: 'instance' });
    const { loss, gradient } = await tested.computeContrastiveLossAndGradient(normal, some, [0, 0, 0, 0, 0, 0]);
    // The own cosine comes from the row product and from the matrix product, which round differently.
    expect(Math.abs(loss)).toBeLessThan(1e-5);
    expect(Math.max(...Array.from(gradient.data, Math.abs))).toBeLessThan(1e-5);
  });

  it('τ = 0.001, the own pair far above every drawn negative, apart from them or not: loss 0', async () => {
    const one = Matrix.from([[1, 0]]);
    const opposed = Matrix.from([
      [1, 0],
      [-1, 0],
      [-1, 0],
      [-1, 0],
    ]);
    for (let seed = 0; seed < 10; seed++) {
      const tested = new ContrastiveDistillationStrategy({ temperature: 0.001, negativesSampleSize: 1, seed });
      tested.bank = new TeacherBank(opposed);
      expect(await tested.computeContrastiveLoss(one, one, undefined, { sampleIds: Int32Array.of(0) })).toBe(0);
    }
  });

  it('precision: float64 when either side has it', async () => {
    const mixed = await strategy.computeContrastiveLossAndGradient(normal.as('float64'), normal);
    expect(mixed.gradient.dtype).toBe('float64');
    expect((await strategy.computeContrastiveGradient(normal, normal)).dtype).toBe('float32');
    const nested = await strategy.computeContrastiveLoss(normal.toArray(), normal.toArray());
    expect(nested).toBe(await strategy.computeContrastiveLoss(normal, normal));
  });
});

describe('a strategy of one’s own', () => {
  class MeanGap extends DistillationStrategy {
    symbolicLoss({ outputs }: SymbolicBatch) {
      if (!outputs?.teacher) return {};
      const gap = sub(mean(outputs.student, [-1]), mean(outputs.teacher, [-1]));
      return { gap: mean(mul(gap, gap)) };
    }
  }

  it('has value, gradient and float64 from one symbolic method', async () => {
    const own = new MeanGap();
    const student = Matrix.from(
      [
        [1, 2, 3],
        [4, 5, 9],
      ],
      'float64',
    );
    const teacher = Matrix.from(
      [
        [0, 0, 3],
        [1, 1, 1],
      ],
      'float64',
    );
    const { loss, gradient } = await own.computeLossAndGradient(student, teacher);
    expect(loss).toBeCloseTo((1 + 25) / 2, 13); // gaps 1 and 5
    for (const [k, value] of [1, 1, 1, 5, 5, 5].entries()) expect(gradient.data[k]).toBeCloseTo(value / 3, 13);
    const quotients = await differenceQuotients(student, (moved) => own.computeLoss(moved, teacher));
    expect(worstError(gradient.data, quotients, 0)).toBeLessThan(1e-6);
    expect(await own.computeIntermediateLoss(activations(rows), activations(rows))).toBe(0);
    await own.release();
  });
});
