/** A comparison that has everything a page can show: two students, a method with four temperatures, one with a space of its own, kept samples. */
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import type { ComparisonRecord, ComparisonResult } from '../../src/report/comparison-record.ts';
import type { ComparisonSamples } from '../../src/report/comparison-samples.ts';
import { clusters } from '../evaluation/naive.ts';
import { sampleRecord } from './sample-record.ts';

const TEMPERATURES = [0.02, 0.05, 0.1, 0.5];
const STUDENTS = ['small', 'large'];
const SEEDS = [0, 1];
const METHODS = ['untrained', 'cosine', 'crd', ...TEMPERATURES.map((temperature) => `bank-${temperature}`)];

/** R@1 of the large student with seed 0; that of the small one is lower by 0.1, that of seed 1 by 0.01 to 0.03. */
const RECALL = [0.01, 0.6, 0.02, 0.7, 0.8, 0.65, 0.4];

function strategyOf(method: string): object {
  if (method === 'cosine') return { kind: 'feature', distance: 'cosine' };
  if (method === 'crd') return { kind: 'contrastive', mode: 'crd', temperature: 0.07, bank: 'momentum' };
  return { kind: 'contrastive', mode: 'ntxent', temperature: Number(method.slice('bank-'.length)), bank: 100_000 };
}

const results = SEEDS.flatMap((seed) =>
  STUDENTS.flatMap((student) =>
    METHODS.map((method, place): ComparisonResult => {
      const large = student === 'large';
      const trained = method !== 'untrained';
      const recallAt1 = Math.max(0, RECALL[place] - (large ? 0 : 0.1) - 0.01 * seed * (1 + (place % 3)));
      return {
        ...{ method, student, seed, digest: `${method} ${student} ${seed}`, limbeck: '0.1.0' },
        identity: {
          student: { width: large ? 96 : 16 },
          seed,
          ...(trained && { strategy: { ...strategyOf(method) }, training: { epochs: 6, batchSize: 128 } }),
        },
        ...{ startedAt: '2026-01-02T03:04:05.006Z', architecture: 'static embeddings' },
        ...{ parameters: large ? 650_000 : 80_000, dimension: 24, sizeBytes: large ? 2_700_000 : 360_000 },
        ...{ steps: trained ? 96 : 0, samplesSeen: trained ? 12_288 : 0, loss: trained ? 0.25 : null },
        metrics: { recallAt1, knnAccuracy: 0.3 + recallAt1 / 4, meanCosine: 0.2 + recallAt1 / 2 },
        ...{ trainingSeconds: trained ? 3 + place : null, evaluationSeconds: 1 },
        samplesPerSecond: (large ? 21_000 : 34_000) + 700 * place - 900 * seed,
        latency: { p50: large ? 0.09 : 0.06, p99: 0.4 },
        ...(trained && {
          curve: Array.from({ length: 40 }, (_, i): [number, number] => [
            2.4 * i + 1,
            (4 + place) / (1 + i) + 0.1 * seed,
          ]),
        }),
      };
    }),
  ),
);

const { machine, data, teacher } = sampleRecord(1);

const record: ComparisonRecord = {
  ...{ format: 'limbeck-comparison/1', status: 'complete', limbeck: '0.1.0', name: 'temperatures' },
  ...{ command: 'limbeck compare temperatures.yaml', machine, config: { seeds: 2 } },
  ...{ startedAt: '2026-01-02T03:04:05.006Z', finishedAt: '2026-01-02T03:09:05.006Z' },
  ...{ baseline: 'cosine', students: STUDENTS, seeds: SEEDS, measuredOn: 'test' },
  metrics: ['recallAt1', 'knnAccuracy', 'meanCosine'],
  methods: METHODS.map((name) => ({ name, description: `what ${name} is`, differs: [], ownSpace: name === 'crd' })),
  runs: results.map(({ method, student, seed, digest }) => ({ method, student, seed, digest })),
  data: { ...data, heldOutFingerprint: 'x' },
  ...(teacher && { teacher: { ...teacher, metrics: { knnAccuracy: 0.6 } } }),
};

/** @param texts as many as there are rows; every tenth is of another of ten classes */
export function sampleComparison(texts: readonly string[]): {
  readonly record: ComparisonRecord;
  readonly results: readonly ComparisonResult[];
  readonly samples: ComparisonSamples;
} {
  const labels = texts.map((_, i) => i % 10);
  const teacherRows = clusters(new Random(1), labels, 24, 0.5);
  const near = (noise: number, seed: number): Matrix => {
    const random = new Random(seed);
    return new Matrix(
      texts.length,
      24,
      Float32Array.from(teacherRows.data, (x) => x + noise * random.normal()),
    );
  };
  return {
    record,
    results,
    samples: {
      texts,
      classes: labels.map((label) => `noun.class-${label}`),
      teacher: teacherRows,
      rows: new Map([
        ['cosine large 0', near(0.4, 2)],
        ['bank-0.05 large 0', near(0.15, 3)],
      ]),
    },
  };
}
