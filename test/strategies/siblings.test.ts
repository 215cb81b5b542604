/** The sibling strategies against nested loops written from their papers, and their gradients against central differences. */
import { describe, expect, it } from 'vitest';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import type { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { HybridDistillationStrategy, type HybridPart } from '../../src/strategies/hybrid-distillation-strategy.ts';
import { RelationalDistillationStrategy } from '../../src/strategies/relational-distillation-strategy.ts';
import { ResponseDistillationStrategy } from '../../src/strategies/response-distillation-strategy.ts';
import { SimilarityPreservingStrategy } from '../../src/strategies/similarity-preserving-strategy.ts';
import { distill } from '../../src/training/distill.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';
import { differenceQuotients, expectNear, randomMatrix, worstError } from './support.ts';

const random = new Random(3);
const [B, D, E] = [5, 3, 4];
const student = randomMatrix(random, B, D);
const teacher = randomMatrix(random, B, E); // another width
const logits = { student: randomMatrix(random, B, 4), teacher: randomMatrix(random, B, 4) };
const labels = [3, 0, 1, 1, 2];

const layer = (matrix: Matrix) => new IntermediateActivations().set('embeddings', matrix);
const lossOf = (strategy: DistillationStrategy, s: Matrix, t: Matrix) =>
  strategy.computeIntermediateLoss(layer(s), layer(t));

async function gradientOf(strategy: DistillationStrategy, s: Matrix, t: Matrix): Promise<Matrix> {
  return (await strategy.computeIntermediateGradient(layer(s), layer(t))).get('embeddings') as Matrix;
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((total, value, k) => total + value * b[k], 0);
const huber = (x: number) => (Math.abs(x) <= 1 ? (x * x) / 2 : Math.abs(x) - 0.5);
const minus = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a, (value, k) => value - b[k]);
const distance = (a: ArrayLike<number>, b: ArrayLike<number>) => Math.hypot(...minus(a, b));

function naiveDistances(s: Matrix, t: Matrix): number {
  const relative = (m: Matrix) => {
    let total = 0;
    for (let i = 0; i < m.rows; i++) for (let j = 0; j < m.rows; j++) total += distance(m.row(i), m.row(j));
    const mean = total / (m.rows * (m.rows - 1));
    return (i: number, j: number) => distance(m.row(i), m.row(j)) / mean;
  };
  const [a, b] = [relative(s), relative(t)];
  let total = 0;
  for (let i = 0; i < s.rows; i++) for (let j = 0; j < s.rows; j++) total += huber(a(i, j) - b(i, j));
  return total / s.rows ** 2;
}

function naiveAngles(s: Matrix, t: Matrix): number {
  const cosine = (m: Matrix, i: number, j: number, k: number) => {
    const [p, q] = [minus(m.row(i), m.row(j)), minus(m.row(k), m.row(j))];
    const norm = Math.hypot(...p) * Math.hypot(...q);
    return norm === 0 ? 0 : dot(p, q) / norm;
  };
  let total = 0;
  for (let i = 0; i < s.rows; i++)
    for (let j = 0; j < s.rows; j++)
      for (let k = 0; k < s.rows; k++) total += huber(cosine(s, i, j, k) - cosine(t, i, j, k));
  return total / s.rows ** 3;
}

function naiveSimilarities(s: Matrix, t: Matrix): number {
  const gram = (m: Matrix) =>
    Array.from({ length: m.rows }, (_, i) => {
      const row = Array.from({ length: m.rows }, (_, j) => dot(m.row(i), m.row(j)));
      return row.map((value) => value / Math.hypot(...row));
    });
  const [a, b] = [gram(s), gram(t)];
  return a.flatMap((row, i) => row.map((value, j) => (value - b[i][j]) ** 2)).reduce((x, y) => x + y) / s.rows ** 2;
}

describe('values against nested loops, relative error < 1e-12', () => {
  it('relational: distances, angles, both with their weights', async () => {
    const only = (distanceWeight: number, angleWeight: number) =>
      lossOf(new RelationalDistillationStrategy({ distanceWeight, angleWeight }), student, teacher);
    const [distances, angles] = [naiveDistances(student, teacher), naiveAngles(student, teacher)];
    expectNear(await only(1, 0), distances, 1e-12);
    expectNear(await only(0, 1), angles, 1e-12);
    expectNear(await only(25, 50), 25 * distances + 50 * angles, 1e-12);
    expectNear(
      await lossOf(new RelationalDistillationStrategy(), student, teacher),
      25 * distances + 50 * angles,
      1e-12,
    );
  });

  it('relational distances beyond the quadratic part of the Huber loss', async () => {
    // One far outlier: its relative distances differ by more than 1 between the two.
    const spread = Matrix.from([[0], [0.1], [0.2], [0.3], [0.4], [50]], 'float64');
    const even = Matrix.from([[0], [1], [2], [3], [4], [5]], 'float64');
    const strategy = new RelationalDistillationStrategy({ distanceWeight: 1, angleWeight: 0 });
    expectNear(await lossOf(strategy, spread, even), naiveDistances(spread, even), 1e-12);
  });

  it('similarity-preserving', async () => {
    const loss = await lossOf(new SimilarityPreservingStrategy(), student, teacher);
    expectNear(loss, naiveSimilarities(student, teacher), 1e-12);
  });

  it('response: the output loss of the contrastive strategy at weight 0', async () => {
    const response = new ResponseDistillationStrategy({ temperature: 2, alpha: 0.3 });
    const same = new ContrastiveDistillationStrategy({ contrastiveWeight: 0, outputTemperature: 2, alpha: 0.3 });
    for (const given of [undefined, labels]) {
      const loss = await response.computeLoss(logits.student, logits.teacher, given);
      expect(loss).toBe(await same.computeLoss(logits.student, logits.teacher, given));
    }
  });

  it('nothing to keep: equal activations, a rotated and scaled copy', async () => {
    const turned = Matrix.from(
      Array.from({ length: B }, (_, i) => {
        const [x, y, z] = student.row(i);
        return [3 * y, -3 * x, 3 * z];
      }),
      'float64',
    );
    for (const strategy of [new RelationalDistillationStrategy(), new SimilarityPreservingStrategy()]) {
      expect(await lossOf(strategy, student, student)).toBe(0);
      expect(await lossOf(strategy, turned, student)).toBeLessThan(1e-20);
    }
  });
});

describe('gradients against central differences, relative error < 1e-6', () => {
  it.each([
    ['distances', new RelationalDistillationStrategy({ distanceWeight: 1, angleWeight: 0 })],
    ['angles', new RelationalDistillationStrategy({ distanceWeight: 0, angleWeight: 1 })],
    ['relational', new RelationalDistillationStrategy()],
    ['similarity-preserving', new SimilarityPreservingStrategy()],
  ])('%s', async (_, strategy) => {
    const expected = await differenceQuotients(student, (moved) => lossOf(strategy, moved, teacher));
    expect(worstError((await gradientOf(strategy, student, teacher)).data, expected, 0)).toBeLessThan(1e-6);
  });

  it('response', async () => {
    const strategy = new ResponseDistillationStrategy({ temperature: 1.5, alpha: 0.4 });
    const gradient = await strategy.computeGradient(logits.student, logits.teacher, labels);
    const expected = await differenceQuotients(logits.student, (moved) =>
      strategy.computeLoss(moved, logits.teacher, labels),
    );
    expect(worstError(gradient.data, expected, 0)).toBeLessThan(1e-6);
  });

  it('hybrid of three on one layer', async () => {
    const wide = randomMatrix(random, B, D);
    const strategy = new HybridDistillationStrategy([
      { strategy: new ContrastiveDistillationStrategy({ temperature: 0.4 }), weight: 1 },
      { strategy: new RelationalDistillationStrategy(), weight: 0.1 },
      { strategy: new FeatureDistillationStrategy(), weight: 2 },
    ]);
    const expected = await differenceQuotients(student, (moved) => lossOf(strategy, moved, wide));
    expect(worstError((await gradientOf(strategy, student, wide)).data, expected, 0)).toBeLessThan(1e-6);
  });
});

describe('degenerate batches: finite values and gradients', () => {
  const batches: Record<string, [number[][], number[][]]> = {
    'one sample': [[[1, 2]], [[3, 4]]],
    'all rows equal': [Array(3).fill([1, 2]), Array(3).fill([0.5, 0.1])],
    'a zero row': [
      [
        [0, 0],
        [1, 2],
        [3, 1],
      ],
      [
        [1, 1],
        [0, 0],
        [2, 1],
      ],
    ],
    'all zero': [Array(3).fill([0, 0]), Array(3).fill([0, 0])],
    'duplicate rows': [
      [
        [1, 2],
        [1, 2],
        [3, 1],
      ],
      [
        [1, 1],
        [4, 0],
        [4, 0],
      ],
    ],
  };
  for (const [name, [s, t]] of Object.entries(batches)) {
    it.each([
      ['relational', new RelationalDistillationStrategy()],
      ['similarity-preserving', new SimilarityPreservingStrategy()],
    ])(`${name}: %s`, async (_, strategy) => {
      const [a, b] = [Matrix.from(s), Matrix.from(t)];
      expect(Number.isFinite(await lossOf(strategy, a, b))).toBe(true);
      (await gradientOf(strategy, a, b)).assertFinite('gradient');
    });
  }
});

describe('HybridDistillationStrategy', () => {
  const contrastive = new ContrastiveDistillationStrategy({ temperature: 0.5 });
  const response = new ResponseDistillationStrategy({ temperature: 3, alpha: 0.5 });
  const feature = new FeatureDistillationStrategy({ embeddingLayerName: 'other' });
  const square = randomMatrix(random, B, D);

  it('is the weighted sum of its parts, for outputs and for activations', async () => {
    const hybrid = new HybridDistillationStrategy([
      { strategy: contrastive, weight: 0.5 },
      { strategy: response, weight: 2 },
      { strategy: feature, weight: 3 },
    ]);
    const outputs = (strategy: DistillationStrategy) => strategy.computeLoss(logits.student, logits.teacher, labels);
    expectNear(await outputs(hybrid), 0.5 * (await outputs(contrastive)) + 2 * (await outputs(response)), 1e-12);
    const [s, t] = [layer(student).set('other', square), layer(square).set('other', student)];
    const sum =
      0.5 * (await contrastive.computeIntermediateLoss(s, t)) + 3 * (await feature.computeIntermediateLoss(s, t));
    expectNear(await hybrid.computeIntermediateLoss(s, t), sum, 1e-12);
    expect((await hybrid.computeIntermediateGradient(s, t)).names).toEqual(['embeddings', 'other']);
    expect(hybrid.layerNames()).toEqual(['embeddings', 'other']);
  });

  it('nests, and keeps parts of one kind apart', async () => {
    const parts = (...weights: number[]) =>
      weights.map((weight, i) => ({
        strategy: new ContrastiveDistillationStrategy({ temperature: 0.2 * (i + 1) }),
        weight,
      }));
    const inner = new HybridDistillationStrategy(parts(1, 2));
    const outer = new HybridDistillationStrategy([{ strategy: inner, weight: 0.5 }, ...parts(4)]);
    const at = async (temperature: number) =>
      lossOf(new ContrastiveDistillationStrategy({ temperature }), student, square);
    expectNear(
      await lossOf(outer, student, square),
      0.5 * (await at(0.2)) + (await at(0.4)) + 4 * (await at(0.2)),
      1e-12,
    );
  });

  it('a part of weight 0 is left out, its layers too', async () => {
    const hybrid = new HybridDistillationStrategy([
      { strategy: contrastive, weight: 0 },
      { strategy: new SimilarityPreservingStrategy(), weight: 1 },
    ]);
    // Different widths: the contrastive part would refuse them.
    expectNear(await lossOf(hybrid, student, teacher), naiveSimilarities(student, teacher), 1e-12);
    expect(
      new HybridDistillationStrategy([
        { strategy: feature, weight: 0 },
        { strategy: response, weight: 1 },
      ]).layerNames(),
    ).toEqual([]);
  });

  it('passes temperature and alpha on', () => {
    const hybrid = new HybridDistillationStrategy([
      { strategy: new ContrastiveDistillationStrategy(), weight: 1 },
      { strategy: new ResponseDistillationStrategy(), weight: 1 },
      { strategy: new SimilarityPreservingStrategy(), weight: 1 },
    ]);
    expect([hybrid.temperature, hybrid.alpha]).toEqual([undefined, 0.2]); // 0.07 and 4 differ
    hybrid.temperature = 0.5;
    hybrid.alpha = 0.9;
    expect(
      hybrid.parts.slice(0, 2).map(({ strategy }) => (strategy as ResponseDistillationStrategy).temperature),
    ).toEqual([0.5, 0.5]);
    expect([hybrid.temperature, hybrid.alpha]).toEqual([0.5, 0.9]);
    expect(() => {
      hybrid.temperature = -1;
    }).toThrow(/temperature.*> 0.*-1/);
    const without = new HybridDistillationStrategy([{ strategy: new SimilarityPreservingStrategy(), weight: 1 }]);
    expect(() => {
      without.alpha = 0.5;
    }).toThrow(/no part has an option alpha/);
  });

  it.each<[string, unknown, RegExp]>([
    ['no parts', [], /list of parts/],
    ['no list', undefined, /list of parts/],
    ['no strategy', [{ strategy: {}, weight: 1 }], /part 0.*DistillationStrategy/],
    ['NaN', [{ strategy: contrastive, weight: Number.NaN }], /part 0.*weight ≥ 0.*NaN/],
    ['negative', [{ strategy: contrastive, weight: -1 }], /weight ≥ 0.*-1/],
    ['all zero', [{ strategy: contrastive, weight: 0 }], /only zeros/],
  ])('refuses %s', (_, parts, message) => {
    expect(() => new HybridDistillationStrategy(parts as HybridPart[])).toThrow(message);
  });
});

describe('in training', () => {
  it('a strategy without a loss for embeddings is refused', async () => {
    const data = wordNetTexts(10);
    const strategy = new ResponseDistillationStrategy();
    const parts = { teacher: bagOfWordsRows(data.texts, 4), data, strategy, epochs: 1, batchSize: 5 };
    const small = tinyStudent(data.texts, { width: 4, dimension: 4, seed: 0 });
    await expect(distill({ ...parts, student: small })).rejects.toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        message: expect.stringMatching(/Response.*embeddings of a teacher, got none.*Choose another/),
      }),
    );
  });

  it('a student of another width keeps relations; a hybrid logs its parts', async () => {
    const data = wordNetTexts(120);
    const rows = bagOfWordsRows(data.texts, 24);
    const strategy = new HybridDistillationStrategy([
      { strategy: new RelationalDistillationStrategy({ angleWeight: 0 }), weight: 1 },
      { strategy: new SimilarityPreservingStrategy(), weight: 1 },
    ]);
    const losses: number[] = [];
    const names = new Set<string>();
    const small = tinyStudent(data.texts, { width: 8, dimension: 10, seed: 0 });
    await distill({
      ...{
        teacher: rows,
        student: small,
        data,
        strategy,
        epochs: 12,
        batchSize: 30,
        optimizer: { learningRate: 0.02 },
      },
      onStep: ({ loss, components }) => {
        losses.push(loss);
        for (const name of Object.keys(components)) names.add(name);
      },
    });
    const mean = (values: number[]) => values.reduce((total, value) => total + value, 0) / values.length;
    expect(mean(losses.slice(-4))).toBeLessThan(0.7 * mean(losses.slice(0, 4))); // last epoch against first
    expect([...names]).toEqual(['distances (part 0)', 'similarities (part 1)']);
  });
});
