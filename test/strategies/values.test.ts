/** The values of mathematics.md, section 5, that concern NT-Xent, InfoNCE and the output loss. */
import { describe, expect, it } from 'vitest';
import { Matrix } from '../../src/matrix/matrix.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';

const S = Matrix.from(
  [
    [1, 0],
    [0.6, 0.8],
    [-1, 2],
  ],
  'float64',
);
const T = Matrix.from(
  [
    [1, 1],
    [0, 2],
    [-3, 1],
  ],
  'float64',
);

const contrastive = (options: ConstructorParameters<typeof ContrastiveDistillationStrategy>[0]) =>
  new ContrastiveDistillationStrategy({ contrastiveWeight: 1, ...options });

describe('NT-Xent and InfoNCE', () => {
  it.each([
    ['ntxent', 0.07, 1.840206497],
    ['ntxent', 0.5, 0.753021766],
    ['ntxent', 1, 0.836897289],
    ['infonce', 0.07, 1.879264784],
    ['infonce', 0.5, 0.73387425],
    ['infonce', 1, 0.824550625],
  ] as const)('%s(A) at τ = %f is %f', async (mode, temperature, expected) => {
    expect(await contrastive({ mode, temperature }).computeContrastiveLoss(S, T)).toBeCloseTo(expected, 9);
    const float32 = await contrastive({ mode, temperature }).computeContrastiveLoss(S.as('float32'), T.as('float32'));
    expect(float32).toBeCloseTo(expected, 5);
  });

  it('NT-Xent gradient(A, τ = 0.5)', async () => {
    const gradient = await contrastive({ temperature: 0.5 }).computeContrastiveGradient(S, T);
    const expected = [0, 0.0296746248, 0.2172558983, -0.1629419237, 0.2231278074, 0.1115639037];
    for (const [k, value] of expected.entries()) expect(gradient.data[k]).toBeCloseTo(value, 9);
  });

  it('N identical unit rows everywhere give ln N', async () => {
    for (const n of [2, 3, 17]) {
      const rows = Matrix.from(
        Array.from({ length: n }, () => [0.6, 0.8]),
        'float64',
      );
      for (const mode of ['ntxent', 'infonce'] as const) {
        expect(await contrastive({ mode }).computeContrastiveLoss(rows, rows)).toBeCloseTo(Math.log(n), 12);
      }
    }
  });

  it('S = T = I₂ gives ln(1 + e^(−1/τ)); τ = 1: 0.3132616875', async () => {
    const identity = Matrix.from(
      [
        [1, 0],
        [0, 1],
      ],
      'float64',
    );
    expect(await contrastive({ temperature: 1 }).computeContrastiveLoss(identity, identity)).toBeCloseTo(
      0.3132616875,
      10,
    );
    for (const temperature of [0.01, 0.07, 0.5]) {
      const loss = await contrastive({ temperature }).computeContrastiveLoss(identity, identity);
      expect(loss).toBeCloseTo(Math.log1p(Math.exp(-1 / temperature)), 12);
    }
  });

  it('B = 2 with every cosine −1 gives ln 2 at every τ, 0.001 included', async () => {
    const student = Matrix.from([
      [1, 0],
      [2, 0],
    ]);
    const teacher = Matrix.from([
      [-3, 0],
      [-1, 0],
    ]);
    for (const temperature of [0.001, 0.01, 0.07, 1, 100]) {
      for (const mode of ['ntxent', 'infonce'] as const) {
        const loss = await contrastive({ mode, temperature }).computeContrastiveLoss(student, teacher);
        expect(loss).toBeCloseTo(Math.LN2, 6);
      }
    }
  });

  it('a student row of zeros: finite loss, gradient 0 in that row', async () => {
    const student = Matrix.from([
      [0, 0],
      [0.6, 0.8],
      [-1, 2],
    ]);
    for (const mode of ['ntxent', 'infonce'] as const) {
      const { loss, gradient } = await contrastive({ mode }).computeContrastiveLossAndGradient(student, T);
      expect(Number.isFinite(loss)).toBe(true);
      expect([...gradient.row(0)].every((x) => x === 0)).toBe(true);
      gradient.assertFinite('gradient');
    }
  });

  it('rows of 1e30 are exact, rows below 1e-12 are zero rows', async () => {
    const huge = Matrix.from([
      [1e30, 0],
      [0.6e30, 0.8e30],
      [-1e30, 2e30],
    ]);
    expect(await contrastive({ temperature: 0.5 }).computeContrastiveLoss(huge, T.as('float32'))).toBeCloseTo(
      0.753021766,
      6,
    );
    const tiny = Matrix.from([
      [1e-30, 0],
      [0.6, 0.8],
      [-1, 2],
    ]);
    const zero = Matrix.from([
      [0, 0],
      [0.6, 0.8],
      [-1, 2],
    ]);
    const loss = await contrastive({}).computeContrastiveLoss(tiny, T.as('float32'));
    expect(loss).toBe(await contrastive({}).computeContrastiveLoss(zero, T.as('float32')));
  });
});

describe('the output loss', () => {
  const output = (options: ConstructorParameters<typeof ContrastiveDistillationStrategy>[0]) =>
    new ContrastiveDistillationStrategy({ contrastiveWeight: 0, outputTemperature: 1, ...options });
  const row = (...values: number[]) => Matrix.from([values], 'float64');

  it('KL: s = [2, 1], t = [1, 2], T = 1: 0.462117', async () => {
    expect(await output({}).computeLoss(row(2, 1), row(1, 2))).toBeCloseTo(0.462117, 6);
  });

  it('CE: s = [2, 0], y = [1, 0]: 0.126928', async () => {
    const strategy = output({ alpha: 1 });
    expect(await strategy.computeLoss(row(2, 0), row(0, 0), row(1, 0))).toBeCloseTo(0.126928, 6);
    expect(await strategy.computeLoss(row(2, 0), row(0, 0), [0])).toBeCloseTo(0.126928, 6);
  });

  it('gradient: s = [2, 0], t = [0, 2], T = 1: first entry 0.761594', async () => {
    const gradient = await output({}).computeGradient(row(2, 0), row(0, 2));
    expect(gradient.get(0, 0)).toBeCloseTo(0.761594, 6);
  });

  it('logits [2, −2] against [−2, 2] at T = 0.07: 57.14 times T² is not clamped, and the gradient is the difference quotient', async () => {
    const strategy = output({ outputTemperature: 0.07 });
    // mathematics.md gives the divergence itself; the loss carries the factor T².
    expect((await strategy.computeLoss(row(2, -2), row(-2, 2))) / 0.07 ** 2).toBeCloseTo(57.14, 2);
    const gradient = await strategy.computeGradient(row(2, -2), row(-2, 2));
    const h = 6e-6;
    const up = await strategy.computeLoss(row(2 + h, -2), row(-2, 2));
    const down = await strategy.computeLoss(row(2 - h, -2), row(-2, 2));
    expect(gradient.get(0, 0)).toBeCloseTo((up - down) / (2 * h), 8);
  });
});
