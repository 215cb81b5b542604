/** The values of mathematics.md, section 5, for the CRD objective at the paper's size, and small ones by hand. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { MomentumBanks } from '../../src/negatives/momentum-banks.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { randomMatrix } from './support.ts';

describe('the first batch at the paper’s size: D = 128, τ = 0.07, M = 50,000, K = 16,384, B = 64', () => {
  const [D, TAU, M, K, B] = [128, 0.07, 50_000, 16_384, 64];
  /** Variance of a score: g has norm 1 and a bank row's entries the variance 1/D. */
  const spread = 1 / (D * TAU ** 2);

  /** Mean of exp(g·m/τ) over uniform bank rows m, for one row g of norm 1. */
  const expectedScore = (row: ArrayLike<number>): number => {
    const norm = Math.hypot(...Array.from(row));
    return Array.from(row).reduce((product, x) => {
      const a = (x / norm) * (Math.sqrt(3 / D) / TAU);
      return product * (Math.sinh(a) / a);
    }, 1);
  };

  /** Checks Z/M and what it makes of the loss. */
  async function firstLoss(seed: number): Promise<number> {
    const random = new Random(100 + seed);
    const rows = { student: randomMatrix(random, B, D), teacher: randomMatrix(random, B, D) };
    const banks = new MomentumBanks({ samples: M, seed });
    const strategy = new ContrastiveDistillationStrategy({
      ...{ mode: 'crd', projection: 'none', contrastiveWeight: 1, temperature: TAU, negativesSampleSize: K, seed },
    });
    strategy.bank = banks;
    const sampleIds = random.sample(M, B);
    const [student, teacher] = [rows.student.as('float32'), rows.teacher.as('float32')];
    const loss = await strategy.computeContrastiveLoss(student, teacher, undefined, { sampleIds });

    // A key's score is log-normal up to the fourth moment: relative variance e^spread − 1. Its mean over B anchors has a B-th of
    // that, and what anchors have in common: their cosines have the variance 1/D.
    const relativeVariance = Math.expm1(spread) / B + Math.expm1(spread ** 2 / (2 * D));
    const standardError = Math.sqrt(relativeVariance / K);
    expect(standardError).toBeLessThan(0.0022);
    let logMeans = 0;
    for (const side of ['student', 'teacher'] as const) {
      const measured = Number(strategy.meanScores[side]);
      const expected = rows[side].toArray().reduce((sum, row) => sum + expectedScore(row) / B, 0);
      expect(Math.abs(measured / expected - 1)).toBeLessThan(5 * standardError);
      expect(Math.abs(measured - 2.217)).toBeLessThan(0.03);
      logMeans += Math.log(measured);
    }

    // Z makes the mean of exp(ℓ) over an anchor's K negatives 1/K, so Σ softplus(ℓ) is 1 and softplus(−ℓ) = −ℓ, both to second
    // order: e^spread/2K and 1/K for each side. Hence the loss, given the scores of the positives:
    const ownScores = ([a, b]: readonly [Matrix, Matrix]): number => {
      let sum = 0;
      for (const [i, sample] of sampleIds.entries()) {
        const g = Array.from(a.row(i));
        sum += g.reduce((dot, x, d) => dot + x * b.row(sample)[d], 0) / Math.hypot(...g) / TAU / B;
      }
      return sum;
    };
    const own = ownScores([rows.student, banks.rows('teacher')]) + ownScores([rows.teacher, banks.rows('student')]);
    expect(Math.abs(loss - (2 + 2 * Math.log(K) + logMeans - own))).toBeLessThan(2e-3);
    await strategy.release();
    return loss;
  }

  it('Z/M is near 2.217, and the loss near 2 + 2 log K + 2 log(Z/M) = 23.0, with a standard deviation of √(2 spread/B) = 0.22', async () => {
    const theory = 2 + 2 * Math.log(K) + 2 * Math.log(2.217);
    const deviation = Math.sqrt((2 * spread) / B);
    expect(theory).toBeCloseTo(23.0, 1);
    const losses = [await firstLoss(0), await firstLoss(1), await firstLoss(2)];
    for (const loss of losses) expect(Math.abs(loss - theory)).toBeLessThan(4 * deviation);
    const mean = losses.reduce((sum, loss) => sum + loss / losses.length, 0);
    expect(Math.abs(mean - theory)).toBeLessThan((3 * deviation) / Math.sqrt(losses.length));
    // The design's 23.3 is one such draw.
    expect(Math.abs(23.3 - theory)).toBeLessThan(2 * deviation);
  });
});

describe('by hand', () => {
  const crd = (options: object = {}) =>
    new ContrastiveDistillationStrategy({ mode: 'crd', projection: 'none', contrastiveWeight: 1, ...options });
  const identity = Matrix.from(
    [
      [1, 0],
      [0, 1],
    ],
    'float64',
  );

  it('S = T = I₂: Z/M = (1 + e^(1/τ))/2, and 2·[log(1 + Z/M·e^(−1/τ)) + log(1 + M/Z)]', async () => {
    for (const temperature of [0.05, 0.2, 1, 3]) {
      const strategy = crd({ temperature });
      const mean = (1 + Math.exp(1 / temperature)) / 2;
      const expected = 2 * (Math.log1p(mean * Math.exp(-1 / temperature)) + Math.log1p(1 / mean));
      expect(await strategy.computeContrastiveLoss(identity, identity)).toBeCloseTo(expected, 12);
      const { student, teacher } = strategy.meanScores;
      for (const measured of [student, teacher]) expect(Number(measured) / mean).toBeCloseTo(1, 12);
    }
  });

  it('n identical rows: every score is the mean, so ℓ = −log K and the loss is 2·[log n + K·log(1 + 1/K)], K = n − 1', async () => {
    for (const n of [2, 3, 17]) {
      const rows = Matrix.from(
        Array.from({ length: n }, () => [0.6, 0.8]),
        'float64',
      );
      const K = n - 1;
      const loss = await crd().computeContrastiveLoss(rows, rows);
      expect(loss).toBeCloseTo(2 * (Math.log(n) + K * Math.log1p(1 / K)), 12);
    }
  });

  it('K drawn ones of identical rows: the same with that K, in the batch and in momentum banks, however they are drawn', async () => {
    const rows = Matrix.from(
      Array.from({ length: 9 }, () => [1, 0]),
      'float64',
    );
    for (const K of [1, 3, 7]) {
      const expected = 2 * (Math.log1p(K) + K * Math.log1p(1 / K));
      for (const negativesDraw of ['batch', 'anchor'] as const) {
        const strategy = crd({ negativesSampleSize: K, negativesDraw });
        expect(await strategy.computeContrastiveLoss(rows, rows)).toBeCloseTo(expected, 12);
        const bank = Float32Array.from({ length: 2 * 20 }, (_, k) => (k + 1) % 2);
        strategy.bank = new MomentumBanks({ samples: 20, dimension: 2 });
        strategy.bank.restore({ 'student bank': bank, 'teacher bank': bank });
        const sampleIds = Int32Array.from({ length: 9 }, (_, i) => 2 * i);
        expect(await strategy.computeContrastiveLoss(rows, rows, undefined, { sampleIds })).toBeCloseTo(expected, 12);
      }
    }
  });

  it('Z stays that of the first batch, whichever method saw it, and a restored state brings it back', async () => {
    const far = Matrix.from(
      [
        [1, 0],
        [-1, 0],
      ],
      'float64',
    );
    const strategy = crd({ temperature: 1 });
    await strategy.computeContrastiveGradient(identity, identity);
    const first = strategy.meanScores;
    const loss = await strategy.computeContrastiveLoss(far, far);
    expect(strategy.meanScores).toEqual(first);
    expect(Math.abs(loss - (await crd({ temperature: 1 }).computeContrastiveLoss(far, far)))).toBeGreaterThan(1e-3);
    const other = crd({ temperature: 1 });
    other.restore(strategy.state());
    expect(other.meanScores).toEqual(first);
    expect(await other.computeContrastiveLoss(far, far)).toBe(loss);
  });

  it('a batch that is refused leaves Z open', async () => {
    const strategy = crd();
    const one = Matrix.from([[1, 0]], 'float64');
    await expect(strategy.computeContrastiveLoss(one, one)).rejects.toMatchObject({ code: 'NO_NEGATIVES' });
    expect(strategy.meanScores).toEqual({ student: undefined, teacher: undefined });
  });
});
