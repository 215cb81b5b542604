/** Projection heads: how they are made, that losses see what they make of the rows, and their edges. Gradients: mode-gradients. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { FORMS, type Form } from './negatives.ts';
import { expectNear, randomMatrix, worstError } from './support.ts';

type Options = NonNullable<ConstructorParameters<typeof ContrastiveDistillationStrategy>[0]>;
const make = (options: Options = {}) => new ContrastiveDistillationStrategy(options);
const headsOf = (strategy: ContrastiveDistillationStrategy, width: number, teacherWidth: number) =>
  strategy.parametersFor(new Map([['embeddings', { width, teacherWidth }]]));

describe('how they are made', () => {
  const described = (options: Options) =>
    headsOf(make(options), 6, 5).map(({ name, shape, sparse, decay }) => [name, shape.join('×'), sparse, decay]);

  it('none; into the teacher’s space; both into a space of their own', () => {
    expect(described({ projection: 'none' })).toEqual([]);
    expect(described({ projection: 'student', projectionDimension: 9 })).toEqual([
      ['student head weight', '6×5', false, true],
      ['student head bias', '5', false, false],
    ]);
    expect(described({ projection: 'both', projectionDimension: 9 })).toEqual([
      ['student head weight', '6×9', false, true],
      ['student head bias', '9', false, false],
      ['teacher head weight', '5×9', false, true],
      ['teacher head bias', '9', false, false],
    ]);
  });

  it('auto: both in mode crd, of width 128; none in the others', () => {
    expect(described({ mode: 'crd' }).map(([, shape]) => shape)).toEqual(['6×128', '128', '5×128', '128']);
    for (const mode of ['ntxent', 'infonce', 'triplet'] as const) expect(described({ mode })).toEqual([]);
  });

  it('uniform in ±1/√(width in), as torch.nn.Linear', () => {
    for (const width of [3, 48, 384]) {
      for (const { data } of headsOf(make({ mode: 'crd', projectionDimension: 1024 }), width, width)) {
        const bound = 1 / Math.sqrt(width);
        expect(Math.max(...Array.from(data.slice(0, 50_000), Math.abs))).toBeLessThanOrEqual(bound * (1 + 1e-7));
        const variance = data.reduce((sum, x) => sum + x * x, 0) / data.length;
        // Var x² of a uniform number is (1/5 − 1/9)·bound⁴; five standard errors.
        const error = 5 * Math.sqrt((1 / 5 - 1 / 9) / data.length);
        expect(Math.abs(variance / bound ** 2 - 1 / 3)).toBeLessThan(error);
      }
    }
  });

  it('one seed, one head; student and teacher differ; the same objects every time', () => {
    const numbers = (seed: number) => headsOf(make({ mode: 'crd', seed }), 4, 4).map(({ data }) => [...data]);
    expect(numbers(1)).toEqual(numbers(1));
    expect(numbers(1)).not.toEqual(numbers(2));
    const [studentWeight, , teacherWeight] = numbers(1);
    expect(studentWeight).not.toEqual(teacherWeight);
    const strategy = make({ mode: 'crd' });
    const [once, twice] = [headsOf(strategy, 4, 4), headsOf(strategy, 4, 4)];
    for (const [k, parameter] of once.entries()) expect(twice[k]).toBe(parameter);
  });

  it('another projection or dimension makes new ones; other widths are refused', async () => {
    const strategy = make({ projection: 'student' });
    const [weight] = headsOf(strategy, 4, 3);
    strategy.projection = 'both';
    strategy.projectionDimension = 7;
    expect(headsOf(strategy, 4, 3).map(({ shape }) => shape.join('×'))).toEqual(['4×7', '7', '3×7', '7']);
    strategy.projection = 'student';
    expect(headsOf(strategy, 4, 3)[0]).not.toBe(weight);
    const rows = randomMatrix(new Random(1), 3, 4);
    await expect(strategy.computeContrastiveLoss(rows, rows)).rejects.toMatchObject({
      code: 'SHAPE_MISMATCH',
      message: expect.stringMatching(/4 \(student\) and 3 \(teacher\), got 4 \(student\) and 4 \(teacher\)/),
    });
  });
});

describe('in every mode', () => {
  const random = new Random(12);
  const [B, S, T] = [5, 4, 3];
  const student = randomMatrix(random, B, S);
  const teacher = randomMatrix(random, B, T);
  const through = (rows: Matrix, weight: Float32Array, bias: Float32Array) =>
    Matrix.from(
      Array.from({ length: rows.rows }, (_, i) =>
        Float64Array.from(bias, (b, to) =>
          Array.from(rows.row(i)).reduce((sum, x, k) => sum + x * weight[k * bias.length + to], b),
        ),
      ),
    );

  for (const form of Object.keys(FORMS) as Form[]) {
    it(`${form}: the loss of rows that were mapped before (1e-12), and unequal widths only with a head`, async () => {
      const options: Options = { ...FORMS[form], contrastiveWeight: 1, temperature: 0.3, margin: 0.4 };
      const plain = () => make({ ...options, projection: 'none' });
      const before = plain();
      for (const projection of ['student', 'both'] as const) {
        const strategy = make({ ...options, projection, projectionDimension: 6 });
        const [weight, bias, teacherWeight, teacherBias] = headsOf(strategy, S, T).map(({ data }) => data);
        const mapped = projection === 'both' ? through(teacher, teacherWeight, teacherBias) : teacher;
        const expected = await plain().computeContrastiveLoss(through(student, weight, bias), mapped);
        expectNear(await strategy.computeContrastiveLoss(student, teacher), expected, 1e-12);
        // Optimizers move the numbers in place; the next loss is that of the new ones.
        weight[2] += 0.25;
        const moved = await plain().computeContrastiveLoss(through(student, weight, bias), mapped);
        if (form !== 'crd') expectNear(await strategy.computeContrastiveLoss(student, teacher), moved, 1e-12);
        expect(await strategy.computeContrastiveLoss(student, teacher)).not.toBe(expected);
      }
      await expect(before.computeContrastiveLoss(student, teacher)).rejects.toMatchObject({
        ...{ code: 'SHAPE_MISMATCH', message: expect.stringMatching(/4 \(student\) and 3 \(teacher\).*projection/s) },
      });
    });
  }

  it('raw triplets see projected rows as they are', async () => {
    const options = { mode: 'triplet', normalize: false, margin: 5, contrastiveWeight: 1 } as const;
    const strategy = make({ ...options, projection: 'student' });
    const [weight, bias] = headsOf(strategy, S, T).map(({ data }) => data);
    const expected = await make(options).computeContrastiveLoss(through(student, weight, bias), teacher);
    expectNear(await strategy.computeContrastiveLoss(student, teacher), expected, 1e-12);
  });

  it('a bank has to be as wide as what is compared', async () => {
    const sampleIds = Int32Array.of(0, 1, 2, 3, 4);
    const into = make({ projection: 'student' });
    into.bank = new TeacherBank(randomMatrix(random, 7, T));
    expect(Number.isFinite(await into.computeContrastiveLoss(student, teacher))).toBe(true);
    into.bank = new TeacherBank(randomMatrix(random, 7, S));
    await expect(into.computeContrastiveLoss(student, teacher)).rejects.toMatchObject({
      ...{ code: 'SHAPE_MISMATCH', message: expect.stringMatching(/of width 3, got 4/) },
    });
    const both = make({ mode: 'crd' });
    both.bank = new MomentumBanks({ samples: 9 });
    expect(Number.isFinite(await both.computeContrastiveLoss(student, teacher, undefined, { sampleIds }))).toBe(true);
    both.projectionDimension = 64;
    await expect(both.computeContrastiveLoss(student, teacher, undefined, { sampleIds })).rejects.toMatchObject({
      ...{ code: 'SHAPE_MISMATCH', message: expect.stringMatching(/of width 64, got 128/) },
    });
  });

  it('a head that maps everything to 0: zero rows, finite, gradient 0', async () => {
    for (const form of Object.keys(FORMS) as Form[]) {
      const strategy = make({ ...FORMS[form], contrastiveWeight: 1, projection: 'student' });
      for (const { data } of headsOf(strategy, S, T)) data.fill(0);
      const { loss, gradient, parameterGradients } = await strategy.computeContrastiveLossAndGradient(student, teacher);
      expect(Number.isFinite(loss)).toBe(true);
      for (const numbers of [gradient.data, ...parameterGradients.values()]) {
        expect(
          worstError(
            numbers,
            numbers.map(() => 0),
          ),
        ).toBe(0);
      }
    }
  });

  it('a few steps down the gradient of the heads alone lower the CRD loss', async () => {
    const strategy = make({ mode: 'crd', projectionDimension: 6, contrastiveWeight: 1, temperature: 0.3 });
    const heads = headsOf(strategy, S, T);
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) {
      const { loss, parameterGradients } = await strategy.computeContrastiveLossAndGradient(student, teacher);
      losses.push(loss);
      for (const { name, data } of heads) {
        for (const [k, g] of (parameterGradients.get(name) ?? []).entries()) data[k] -= 0.02 * g;
      }
    }
    for (const [k, loss] of losses.slice(1).entries()) expect(loss).toBeLessThan(losses[k]);
    expect(losses[19]).toBeLessThan(0.8 * losses[0]);
  });
});
