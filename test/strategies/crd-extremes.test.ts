/** Mode 'crd' and projection heads at the edges: values stay finite, and are what the definition says. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { KeyQueue } from '../../src/negatives/key-queue.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { expectNear, randomMatrix, worstError } from './support.ts';

const random = new Random(8);
const [B, D] = [6, 4];
const normal = randomMatrix(random, B, D).as('float32');
const duplicate = normal.gather([0, 0, 0, 1, 1, 2]);
const zeros = Matrix.zeros(B, D);
const some = normal.gather([0, 1, 2, 3, 4, 5]);
some.row(1).fill(0);
some.row(4).fill(0);
const scaled = (factors: readonly number[]) =>
  Matrix.from(normal.toArray().map((row, i) => row.map((x) => x * factors[i % factors.length])));
const batches = {
  normal,
  duplicate,
  'all zero': zeros,
  'some zero': some,
  '1e-30': scaled([1e-30]),
  '1e30': scaled([1e30]),
  'both lengths': scaled([1e-30, 1, 1e30]),
};
const sampleIds = Int32Array.of(0, 3, 5, 9, 11, 2);
const bankLabels = Int32Array.from({ length: 12 }, (_, k) => k % 3);
const oneClass = new Int32Array(12);

const crd = (options: object = {}) =>
  new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none', contrastiveWeight: 1, ...options });

async function bankFor(strategy: ContrastiveDistillationStrategy, kind: string, width: number, labels = bankLabels) {
  strategy.bank = undefined;
  if (kind === 'momentum banks') strategy.bank = new MomentumBanks({ samples: 12, dimension: width, labels });
  if (kind === 'teacher bank') {
    strategy.bank = new TeacherBank(some, {
      labels: labels.slice(0, B),
      sampleIds: Int32Array.from({ length: B }, (_, k) => 50 + k),
    });
  }
  if (kind === 'queue') {
    strategy.bank = new KeyQueue({ capacity: 9, dimension: width });
    await strategy.updateBank(some, normal, labels.slice(0, B), { sampleIds: sampleIds.map((id) => id + 100) });
  }
}

describe('finite in float32, loss and all gradients', () => {
  for (const temperature of [0.001, 0.07]) {
    for (const projection of ['none', 'student', 'both'] as const) {
      for (const kind of ['batch', 'momentum banks', 'teacher bank', 'queue'] as const) {
        if (kind === 'teacher bank' && projection === 'both') continue; // refused
        it(`τ = ${temperature}, projection ${projection}, ${kind}: zero rows, 1e±30, duplicates, labels, one class`, async () => {
          const strategy = crd({ temperature, projection, projectionDimension: D, seed: 3 });
          await bankFor(strategy, kind, D);
          const fresh = crd().state();
          for (const student of Object.values(batches)) {
            for (const teacher of [normal, duplicate, some, batches['both lengths']]) {
              for (const [labels, positives] of [
                [undefined, 'class'],
                [[0, 0, 2, 0, 2, 2], 'class'],
                [[0, 0, 2, 0, 2, 2], 'instance'],
                [[0, 0, 0, 0, 0, 0], 'instance'],
              ] as const) {
                strategy.positives = positives;
                // Each pair of batches is a first one.
                const { bank } = strategy;
                strategy.bank = undefined;
                strategy.restore(fresh);
                strategy.bank = bank;
                const { loss, gradient, parameterGradients } = await strategy.computeContrastiveLossAndGradient(
                  ...([student, teacher, labels, { sampleIds }] as const),
                );
                expect(loss).toBeGreaterThanOrEqual(0);
                expect(loss).toBeLessThan((4 * 18) / temperature);
                gradient.assertFinite('gradient');
                for (const [name, numbers] of parameterGradients) {
                  expect(numbers.every(Number.isFinite), name).toBe(true);
                }
                for (const mean of [strategy.meanScores.student, strategy.meanScores.teacher])
                  expect(mean).toBeGreaterThan(0);
              }
            }
          }
          await strategy.release();
        });
      }
    }
  }
});

describe('as defined', () => {
  it('all rows zero: every score is 1, ℓ = −log K, loss 2·[log B + K·log(1 + 1/K)], gradient 0', async () => {
    const strategy = crd();
    const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(zeros, zeros);
    expect(loss).toBeCloseTo(2 * (Math.log(B) + (B - 1) * Math.log1p(1 / (B - 1))), 5);
    expect(gradient.data.every((x) => x === 0)).toBe(true);
    expect(strategy.meanScores.student).toBeCloseTo(1, 6);
  });

  it('rows of 1e30 give what rows of 1 do; rows below 1e-12 are zero rows, with gradient 0', async () => {
    const plain = await crd().computeContrastiveLoss(normal, normal);
    expectNear(await crd().computeContrastiveLoss(scaled([1e30]), scaled([1e30, 1, 1e-10])), plain, 2e-6);
    const short = await crd().computeContrastiveLossAndGradient(scaled([1, 1e-30]), normal);
    const zero = normal.gather([0, 1, 2, 3, 4, 5]);
    for (const i of [1, 3, 5]) {
      zero.row(i).fill(0);
      expect([...short.gradient.row(i)].every((x) => x === 0)).toBe(true);
    }
    expect(short.loss).toBe(await crd().computeContrastiveLoss(zero, normal));
  });

  it('τ = 0.001, own pairs together and the rest apart: Z/M = e^1000/B, ℓ_pos = log(B/K), and the loss is log(1 + K/B) twice', async () => {
    const identity = Matrix.from(
      Array.from({ length: B }, (_, i) => Array.from({ length: B }, (_, j) => (i === j ? 1 : 0))),
      'float64',
    );
    const { loss, gradient } = await crd({ temperature: 0.001 }).computeContrastiveLossAndGradient(identity, identity);
    expect(loss).toBeCloseTo(2 * Math.log1p((B - 1) / B), 12);
    gradient.assertFinite('gradient');
    const float32 = await crd({ temperature: 0.001 }).computeContrastiveLoss(
      identity.as('float32'),
      identity.as('float32'),
    );
    expectNear(float32, loss, 1e-4); // scores of 1000 have a float32 spacing of 6e-5
  });

  it.each(['batch', 'momentum banks', 'queue'])(
    '%s: one class only, instance positives: no negatives, loss 0, gradient 0',
    async (kind) => {
      for (const projection of ['none', 'both'] as const) {
        const strategy = crd({ projection, projectionDimension: D, positives: 'instance' });
        await bankFor(strategy, kind, D, oneClass);
        const labels = new Int32Array(B);
        const { loss, gradient, parameterGradients } = await strategy.computeContrastiveLossAndGradient(
          ...([normal, some, labels, { sampleIds }] as const),
        );
        expect(loss).toBe(0);
        for (const numbers of [gradient.data, ...parameterGradients.values()]) {
          expect(numbers.every((x) => x === 0)).toBe(true);
        }
      }
    },
  );

  it('one class only, class positives: no negatives either, loss 0', async () => {
    expect(await crd().computeContrastiveLoss(normal, some, new Int32Array(B))).toBe(0);
  });

  it('no two of a class: class, instance and no labels agree', async () => {
    const labels = Int32Array.of(0, 1, 2, 3, 4, 5);
    const [s, t] = [normal.as('float64'), some.as('float64')];
    const plain = await crd().computeContrastiveLoss(s, t);
    for (const positives of ['class', 'instance'] as const) {
      expectNear(await crd({ positives }).computeContrastiveLoss(s, t, labels), plain, 1e-13);
    }
  });

  it('a K larger than what there is means all of it', async () => {
    for (const kind of ['batch', 'momentum banks', 'queue']) {
      const losses: number[] = [];
      for (const negativesSampleSize of [1_000_000, 1024, kind === 'batch' ? B - 1 : kind === 'queue' ? B + 5 : 11]) {
        const strategy = crd({ negativesSampleSize });
        await bankFor(strategy, kind, D);
        losses.push(await strategy.computeContrastiveLoss(normal, some, undefined, { sampleIds }));
      }
      expect(losses[1]).toBe(losses[0]);
      expectNear(losses[2], losses[0], 1e-6);
    }
  });

  it('duplicate rows of different samples are negatives of each other, and tie', async () => {
    const two = normal.gather([0, 0]).as('float64');
    expect(await crd().computeContrastiveLoss(two, two)).toBeCloseTo(4 * Math.LN2, 12);
  });
});

describe('a batch of one', () => {
  const one = normal.gather([0]);
  const context = { sampleIds: Int32Array.of(3) };

  it('without a bank: NO_NEGATIVES; with a bank for student anchors alone, too', async () => {
    const expected = { code: 'NO_NEGATIVES', message: expect.stringMatching(/crd: .*two samples.*larger batch/i) };
    for (const projection of ['none', 'student', 'both'] as const) {
      const strategy = crd({ projection });
      await expect(strategy.computeContrastiveLoss(one, one)).rejects.toMatchObject(expected);
      await expect(strategy.computeContrastiveGradient(one, one)).rejects.toMatchObject(expected);
    }
    for (const kind of ['teacher bank', 'queue']) {
      const strategy = crd();
      await bankFor(strategy, kind, D);
      const message = expect.stringMatching(/teacher anchors negatives come from the batch alone/);
      await expect(strategy.computeContrastiveLoss(one, one)).rejects.toMatchObject({ code: 'NO_NEGATIVES', message });
    }
  });

  it('with momentum banks: a loss, for both sides', async () => {
    const strategy = crd({ projection: 'both', projectionDimension: D });
    await bankFor(strategy, 'momentum banks', D);
    const { loss, parameterGradients } = await strategy.computeContrastiveLossAndGradient(
      ...([one, one, undefined, context] as const),
    );
    expect(loss).toBeGreaterThan(0);
    for (const numbers of parameterGradients.values())
      expect(
        worstError(
          numbers,
          numbers.map(() => 0),
        ),
      ).toBeGreaterThan(1e-3);
  });

  it('with momentum banks of one sample: NO_NEGATIVES', async () => {
    const strategy = crd();
    strategy.bank = new MomentumBanks({ samples: 1, dimension: D });
    const sample = { sampleIds: Int32Array.of(0) };
    await expect(strategy.computeContrastiveLoss(one, one, undefined, sample)).rejects.toMatchObject({
      ...{ code: 'NO_NEGATIVES', message: expect.stringMatching(/all that the bank holds/) },
    });
  });
});
