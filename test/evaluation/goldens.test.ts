/** The measures of evaluation against scikit-learn, scipy and numpy (test/goldens/evaluation.py). */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectedCalibrationError, negativeLogLikelihood } from '../../src/evaluation/calibration.ts';
import { averageRanks, pearson, spearman } from '../../src/evaluation/correlation.ts';
import { nearestCentroids } from '../../src/evaluation/few-shot.ts';
import { linearCka } from '../../src/evaluation/linear-cka.ts';
import { linearProbe } from '../../src/evaluation/linear-probe.ts';
import { type LogisticModel, LogisticRegression, predictClasses } from '../../src/evaluation/logistic-regression.ts';
import { nearestNeighbourAccuracy } from '../../src/evaluation/nearest-neighbour-accuracy.ts';
import { neighbourOverlap } from '../../src/evaluation/neighbour-overlap.ts';
import { pairSimilarity } from '../../src/evaluation/pair-similarity.ts';
import { rankedRetrieval } from '../../src/evaluation/ranked-retrieval.ts';
import { similarityCorrelation } from '../../src/evaluation/similarity-correlation.ts';
import { alignment, classAlignment, uniformity } from '../../src/evaluation/uniformity.ts';
import { everyNumber } from '../../src/matrix/every-number.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { unitRows } from '../../src/matrix/unit-rows.ts';

const golden = JSON.parse(readFileSync(new URL('../goldens/evaluation.json', import.meta.url), 'utf8'));
const { inputs } = golden;
const [rows, other, testRows, logits] = [inputs.rows, inputs.other, inputs.testRows, inputs.logits].map((list) =>
  Matrix.from(list, 'float64'),
);
const { labels, testLabels } = inputs as { labels: number[]; testLabels: number[] };
/** The first six columns of the other space, for what needs one width. */
const six = Matrix.from(
  inputs.other.map((row: number[]) => row.slice(0, 6)),
  'float64',
);

it('calibration error of 1, 5 and 15 bins; negative log-likelihood', () => {
  for (const bins of [1, 5, 15]) {
    expect(expectedCalibrationError(logits, labels, { bins })).toBeCloseTo(golden.calibrationError[bins], 12);
  }
  expect(expectedCalibrationError(logits, labels)).toBeCloseTo(golden.calibrationError[15], 12);
  expect(negativeLogLikelihood(logits, labels)).toBeCloseTo(golden.negativeLogLikelihood, 12);
  expect(golden.likelihoodByHand).toBeCloseTo(golden.negativeLogLikelihood, 12);
});

it('ranks, Spearman and Pearson with many ties', () => {
  expect(Array.from(averageRanks(inputs.ties))).toEqual(golden.correlation.ranks);
  expect(spearman(inputs.ties, inputs.partner)).toBeCloseTo(golden.correlation.spearman, 13);
  expect(pearson(inputs.ties, inputs.partner)).toBeCloseTo(golden.correlation.pearson, 13);
  const found = pairSimilarity({ left: rows, right: six, scores: inputs.scores });
  expect(found.spearman).toBeCloseTo(golden.pairSimilarity.spearman, 12);
  expect(found.pearson).toBeCloseTo(golden.pairSimilarity.pearson, 12);
});

it('agreement of spaces of unequal width', () => {
  expect(similarityCorrelation(rows, other)).toEqual({
    spearman: expect.closeTo(golden.similarityCorrelation, 12),
    pairs: 1770,
    drawn: false,
  });
  expect(linearCka(rows, other)).toBeCloseTo(golden.linearCka, 12);
  for (const k of [1, 5, 10]) {
    expect(neighbourOverlap(rows, other, { k })).toBeCloseTo(golden.neighbourOverlap[k], 12);
  }
});

it('uniformity and alignment', () => {
  expect(uniformity(rows)).toBeCloseTo(golden.uniformity, 12);
  expect(alignment(rows, six)).toBeCloseTo(golden.alignment, 12);
  expect(classAlignment(rows, labels)).toBeCloseTo(golden.classAlignment, 12);
});

it('nearest neighbour and nearest centroid', () => {
  const task = { queries: testRows, queryLabels: testLabels, index: rows, indexLabels: labels, k: 1 };
  expect(nearestNeighbourAccuracy(task)).toBeCloseTo(golden.nearestNeighbours, 12);
  const found = nearestCentroids(unitRows(rows, 'rows'), labels, unitRows(testRows, 'rows'));
  expect(Array.from(found)).toEqual(golden.nearestCentroids);
});

it('nDCG by class and graded, with exact ties', () => {
  const { index: list, labels: classes, grades, classNdcg, gradedNdcg } = golden.ranked;
  const index = Matrix.from(list, 'float64');
  const ks = [1, 2, 3, 5, 10];
  const own = everyNumber(index.rows);
  const byClass = rankedRetrieval({
    queries: index,
    index,
    relevance: { queryLabels: classes, indexLabels: classes },
    own,
    ks,
  });
  const graded = rankedRetrieval({
    queries: index,
    index,
    relevance: grades.map((row: number[]) => new Map(row.flatMap((gain, i) => (gain > 0 ? [[i, gain] as const] : [])))),
    ks,
  });
  for (const k of ks) {
    expect(byClass.ndcgAt[k], `${k}`).toBeCloseTo(classNdcg[k], 12);
    expect(graded.ndcgAt[k], `${k}`).toBeCloseTo(gradedNdcg[k], 12);
  }
});

describe('logistic regression', () => {
  let regression: LogisticRegression;
  beforeAll(async () => {
    regression = await LogisticRegression.open();
  });
  afterAll(() => regression.release());

  const probabilities = ({ weights, bias }: LogisticModel, row: ArrayLike<number>) => {
    const exponents = Array.from(bias, (b, c) =>
      Math.exp(Array.from(row).reduce((sum, value, j) => sum + value * weights.get(j, c), b)),
    );
    const total = exponents.reduce((sum, value) => sum + value, 0);
    return exponents.map((value) => value / total);
  };

  it.each(golden.probes as { name: string; c: number; classes: number; probabilities: number[][] }[])(
    '$name: probabilities within 1e-6, every prediction, and the standardized probe',
    async ({ c, classes, ...expected }) => {
      const numbers = labels.flatMap((label, i) => (label < classes ? [i] : []));
      const known = rows.gather(numbers);
      const knownLabels = numbers.map((i) => labels[i]);
      const model = await regression.fit(known, knownLabels, { c, tolerance: 1e-9 });
      expect(model.converged).toBe(true);
      for (const [i, list] of expected.probabilities.entries()) {
        for (const [k, value] of probabilities(model, testRows.row(i)).entries()) expect(value).toBeCloseTo(list[k], 6);
      }
      const { predicted, standardizedAccuracy } = expected as unknown as Record<string, never>;
      expect(Array.from(predictClasses(model, testRows))).toEqual(predicted);
      const probe = await linearProbe({ rows: known, labels: knownLabels, testRows, testLabels, c });
      expect(probe).toEqual({ accuracy: expect.closeTo(standardizedAccuracy, 12), converged: true });
    },
  );
});
