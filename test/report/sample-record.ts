// A run record with round numbers, from which every test takes what it needs.
import type { Metrics } from '../../src/evaluation/metrics.ts';
import type { MethodResult, RunRecord } from '../../src/report/run-record.ts';

export function metrics(recallAt1: number, rest: Metrics = {}): Metrics {
  return { recallAt1, recallAt10: 0.99, meanReciprocalRank: 0.97, meanCosine: 0.8, knnAccuracy: 0.5, ...rest };
}

export function result(method: string, seed: number | null, scores: Metrics): MethodResult {
  const labels: Record<string, string> = {
    teacher: 'teacher: big-encoder',
    untrained: 'student, untrained',
    cosine: 'cosine regression',
    'ntxent-bank': 'NT-Xent + teacher bank',
  };
  const trained = seed !== null;
  return {
    method,
    label: labels[method] ?? method,
    seed,
    metrics: scores,
    trainingSeconds: trained ? 60 + 10 * seed : null,
    sizeBytes: method === 'teacher' ? 45_400_000 : 6_800_000,
    samplesPerSecond: method === 'teacher' ? 475 : 41_000 + 100 * (seed ?? 0),
    parameters: method === 'teacher' ? 22_713_216 : 1_706_784,
  };
}

/** Teacher, untrained student, and both methods on seeds 0 … seeds − 1; the bank is ahead by about .01 in R@1. */
export function sampleRecord(seeds: number): RunRecord {
  const trained = Array.from({ length: seeds }, (_, seed) => [
    result('ntxent-bank', seed, metrics(0.966 + 0.001 * seed, { meanCosine: 0.8, knnAccuracy: 0.55 - 0.03 * seed })),
    result('cosine', seed, metrics([0.956, 0.955, 0.957][seed], { meanCosine: 0.84, loss: 0.16 })),
  ]).flat();
  return {
    format: 'limbeck-run/1',
    status: 'complete',
    limbeck: '0.1.0',
    startedAt: '2026-01-02T03:04:05.006Z',
    finishedAt: '2026-01-02T03:09:05.006Z',
    command: 'limbeck demo --seeds 3',
    machine: {
      cpu: 'A CPU',
      cores: 2,
      memoryBytes: 2 ** 32,
      platform: 'linux x64',
      node: 'v20.19.0',
      onnxruntime: '1.30.0',
    },
    config: { texts: 20000, temperature: 0.05, seeds: [0, 1, 2], resume: null, reuse: true, schedule: 'cosine' },
    data: {
      name: 'WordNet glosses',
      train: 20000,
      heldOut: 1000,
      classes: 45,
      majorityClass: { name: 'noun.artifact', share: 0.121 },
      fingerprint: 'sha256:data',
      vocabulary: 17214,
    },
    teacher: {
      name: 'big-encoder',
      fingerprint: 'sha256:teacher',
      dimension: 384,
      parameters: 22_713_216,
      sizeBytes: 45_400_000,
      rowsReused: 0,
      rowsComputed: 21000,
      seconds: 44.2,
      samplesPerSecond: 475,
    },
    // Out of order on purpose: the table has an order of its own.
    results: [
      ...trained,
      result('teacher', null, metrics(1, { recallAt10: 1, meanReciprocalRank: 1, meanCosine: 1, knnAccuracy: 0.573 })),
      result('untrained', null, metrics(0.001, { recallAt10: 0.01, meanReciprocalRank: 0.007, meanCosine: -0.0002 })),
    ],
  };
}

/** A finished run of `limbeck distill` on images with labels. */
export function distillRecord(): RunRecord {
  const { machine, limbeck, startedAt, finishedAt } = sampleRecord(1);
  const best = { step: 200, epoch: 2, metrics: { recallAt1: 0.75, accuracy: 0.875 } };
  const row = { seed: null, trainingSeconds: null };
  return {
    format: 'limbeck-run/1',
    status: 'complete',
    limbeck,
    startedAt,
    finishedAt,
    command: 'limbeck distill pets.yaml',
    machine,
    config: {
      student: { kind: 'resnet', depth: 8, size: [32, 32] },
      training: { epochs: 3, augment: null },
      parts: [{ a: 1 }],
    },
    data: {
      name: 'pets',
      kind: 'image',
      train: 5000,
      heldOut: 250,
      classes: 2,
      majorityClass: { name: 'cat', share: 0.6 },
      fingerprint: 'sha256:pets',
      skipped: { 'does not decode': 3, duplicate: 12 },
    },
    teacher: {
      name: 'big-eye.onnx',
      fingerprint: 'sha256:eye',
      dimension: 64,
      rowsComputed: 5250,
      rowsReused: 0,
      seconds: 21,
    },
    student: { kind: 'resnet-8', parameters: 77_850, dimension: 64, sizeBytes: 321_000 },
    validation: [{ step: 100, epoch: 1, metrics: { recallAt1: 0.5, accuracy: 0.75 } }, best],
    best,
    results: [
      {
        ...row,
        method: 'student',
        label: 'resnet-8',
        seed: 0,
        metrics: { accuracy: 0.875, recallAt1: 0.75, calibration: 0.1 },
        trainingSeconds: 65,
        sizeBytes: 321_000,
        samplesPerSecond: 4000,
        parameters: 77_850,
      },
      {
        ...row,
        method: 'teacher',
        label: 'teacher: big-eye.onnx',
        metrics: { accuracy: 0.9 },
        sizeBytes: null,
        samplesPerSecond: null,
        parameters: null,
      },
    ],
  };
}
