/** What `limbeck evaluate` says of measures that did not look at everything. */
import { expect, it } from 'vitest';
import { type Evaluation, renderEvaluation } from '../../src/cli/evaluation-render.ts';

const evaluation = (samples: number, fullSamples?: number): Evaluation => ({
  student: { directory: 'student', kind: 'text', dimension: 3, classes: null, sizeBytes: 10 },
  data: { path: 'a.txt', fingerprint: '0', skipped: [], majorityClass: null },
  samples,
  metrics: { recallAt1: 0.5, ...(fullSamples !== undefined && { similarityCorrelation: 0.5 }) },
  ...(fullSamples !== undefined && { fullSamples }),
  latency: { samples: 1, p50: 1, p99: 1 },
  samplesPerSecond: 1,
});
const text = (...sizes: [number, number?]) => renderEvaluation(evaluation(...sizes), 80).replaceAll('\n', ' ');

it('says that samples and pairs were drawn, where they were', () => {
  expect(text(20_000, 5000)).toMatch(/measured on 5,000 of the 20,000 texts, drawn.* is over 200,000 drawn pairs\./);
  expect(text(1000, 1000)).not.toContain('measured on');
  expect(text(1000, 1000)).toContain('over 200,000 drawn pairs');
  for (const all of [text(500, 500), text(20_000)]) expect(all).not.toContain('drawn');
});
