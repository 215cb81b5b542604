/** Pairs of runs, and of gains, against plain loops. */
import { describe, expect, it } from 'vitest';
import type { ComparisonResult } from '../../src/report/comparison-record.ts';
import { pairedDifference } from '../../src/report/paired-difference.ts';
import { gainPairs, scoredPairs } from '../../src/report/scored-pairs.ts';

const result = (method: string, seed: number, metrics: Record<string, number>): ComparisonResult => ({
  ...{ method, student: 'small', seed, digest: `${method} ${seed}`, identity: {}, limbeck: '0.1.0' },
  ...{ startedAt: '2026-01-02T03:04:05.006Z', architecture: 'static embeddings', parameters: 1, dimension: 2 },
  ...{ sizeBytes: null, steps: 1, samplesSeen: 1, loss: null, metrics, trainingSeconds: 1, evaluationSeconds: 1 },
  ...{ samplesPerSecond: null, latency: null },
});
const scores = new Map([
  ['a 0', { recallAt1: [1, 1, 0, 1] }],
  ['a 1', { recallAt1: [1, 1, 1, 1] }],
  ['b 0', { recallAt1: [1, 0, 0, 1] }],
  ['b 1', { recallAt1: [0, 0, 0, 1] }],
]);
const a = [result('a', 0, { recallAt1: 0.75 }), result('a', 1, { recallAt1: 1 })];
const b = [result('b', 1, { recallAt1: 0.25 }), result('b', 0, { recallAt1: 0.5 })];

describe('pairs of runs', () => {
  it('are of one seed, with the scores of both', () => {
    expect(scoredPairs('recallAt1', a, b, scores)).toEqual([
      { seed: 0, challenger: 0.75, baseline: 0.5, challengerScores: [1, 1, 0, 1], baselineScores: [1, 0, 0, 1] },
      { seed: 1, challenger: 1, baseline: 0.25, challengerScores: [1, 1, 1, 1], baselineScores: [0, 0, 0, 1] },
    ]);
  });

  it('a seed, or a metric, that one does not have makes no pair', () => {
    expect(scoredPairs('recallAt1', a, b.slice(1), scores).map(({ seed }) => seed)).toEqual([0]);
    expect(scoredPairs('recallAt1', a, [result('b', 0, {})], scores)).toEqual([]);
    expect(scoredPairs('recallAt1', [], b, scores)).toEqual([]);
    expect(scoredPairs('accuracy', a, b, scores)).toEqual([]);
  });
});

describe('pairs of gains', () => {
  const ahead = scoredPairs('recallAt1', a, b, scores);
  const behind = scoredPairs('recallAt1', b, a, scores);

  it('are differences of differences, of the metric and of every sample', () => {
    const pairs = gainPairs(ahead, behind, { sameSamples: true });
    expect(pairs.map(({ challenger, baseline }) => challenger - baseline)).toEqual([0.5, 1.5]);
    for (const [k, { challengerScores = [], baselineScores = [] }] of pairs.entries()) {
      for (let i = 0; i < 4; i++) {
        const gain = scores.get(`a ${k}`)!.recallAt1[i] - scores.get(`b ${k}`)!.recallAt1[i];
        expect([challengerScores[i], baselineScores[i]]).toEqual([gain, -gain + 0]);
      }
    }
    expect(pairedDifference(pairs, 'higher')).toMatchObject({ mean: 1, seeds: 2, samples: 4 });
  });

  it('of other samples, or without scores: over seeds alone', () => {
    expect(pairedDifference(gainPairs(ahead, behind, { sameSamples: false }), 'higher').samples).toBeNull();
    const bare = scoredPairs('recallAt1', a, b, new Map());
    expect(pairedDifference(gainPairs(bare, behind, { sameSamples: true }), 'higher').samples).toBeNull();
    expect(gainPairs(ahead, behind.slice(0, 1), { sameSamples: true }).map(({ seed }) => seed)).toEqual([
      behind[0].seed,
    ]);
  });
});
