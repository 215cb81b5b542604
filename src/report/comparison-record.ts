/**
 * What the directory of a comparison holds: `comparison.json`, what is compared and on what, and `results.jsonl`, a line for every run that
 * is done. These types are the contract between the command that runs and everything that reports.
 *
 * Not file access: the caller hands in the text.
 */
import * as z from 'zod';
import type { Metrics } from '../evaluation/metrics.ts';
import { checkValue, parseJson } from './check-json.ts';
import type { CommandFacts, JsonValue, RunRecord } from './run-record.ts';
import { commandFacts, dataFacts, jsonValue, metricsValue, teacherFacts } from './run-record.ts';

/** A method as the comparison has it. */
export interface ComparedMethod {
  name: string;
  description: string;
  /** What of its training is other than for the rest: "epochs: 20". */
  differs: string[];
  /** It trains, and does not aim at the teacher's rows: its space is another, or there is no teacher. */
  ownSpace: boolean;
}

/** One run that belongs to the comparison, done or not. */
export interface PlannedRun {
  method: string;
  student: string;
  seed: number;
  /** Of everything that the result depends on. */
  digest: string;
}

export interface ComparisonRecord extends CommandFacts {
  format: 'limbeck-comparison/1';
  name: string;
  /** As the file says it, with defaults. */
  config: Record<string, JsonValue>;
  baseline: string;
  /** Keys of the metrics that are shown; absent: all. */
  metrics?: string[];
  methods: ComparedMethod[];
  /** In order. */
  students: string[];
  seeds: number[];
  measuredOn: 'test' | 'validation';
  runs: PlannedRun[];
  /** `heldOut` are the samples that are measured; `fingerprint` is that of the training data. */
  data: RunRecord['data'] & { heldOutFingerprint: string };
  /** With what its own rows score on the same samples. */
  teacher?: NonNullable<RunRecord['teacher']> & { metrics?: Metrics };
}

/** A run that is done: its final figures, or why it has none. */
export interface ComparisonResult extends PlannedRun {
  /** What the digest is of, to say what has changed. */
  identity: JsonValue;
  limbeck: string;
  startedAt: string;
  /** "static embeddings", "resnet-8", …. */
  architecture: string;
  parameters: number;
  dimension: number;
  /** Of the model file. */
  sizeBytes: number | null;
  /** Of the training; 0 for an untrained student. */
  steps: number;
  /** Training samples that the steps took, repetitions counted. */
  samplesSeen: number;
  /** Mean over the last epoch; null without training. */
  loss: number | null;
  metrics: Metrics;
  trainingSeconds: number | null;
  evaluationSeconds: number | null;
  samplesPerSecond: number | null;
  /** Milliseconds for one sample. */
  latency: { p50: number; p99: number } | null;
  /** Mean loss of stretches of equally many steps, each with its mean step; absent of students that are not trained, and in older results. */
  curve?: [step: number, loss: number][];
  /** Why the training has no result, as when it diverged. */
  error?: string;
}

/**
 * What came out of the runs of a comparison, in its order. Runs are known by their digests: of two methods, or students, that are one and the
 * same under two names, both have the result.
 */
export function resultsOfRuns({ runs }: ComparisonRecord, results: readonly ComparisonResult[]): ComparisonResult[] {
  const byDigest = new Map(results.map((result) => [result.digest, result]));
  return runs.flatMap(({ method, student, digest }) => {
    const result = byDigest.get(digest);
    return result ? { ...result, method, student } : [];
  });
}

const count = z.int().nonnegative();
const amount = z.number().nonnegative().nullable();
const plannedRun = { method: z.string().min(1), student: z.string().min(1), seed: count, digest: z.string().min(1) };

const comparisonRecord: z.ZodType<ComparisonRecord> = z.object({
  format: z.literal('limbeck-comparison/1'),
  ...commandFacts,
  name: z.string(),
  config: z.record(z.string(), jsonValue),
  baseline: z.string(),
  metrics: z.array(z.string()).exactOptional(),
  methods: z.array(
    z.object({ name: z.string(), description: z.string(), differs: z.array(z.string()), ownSpace: z.boolean() }),
  ),
  students: z.array(z.string()),
  seeds: z.array(count),
  measuredOn: z.enum(['test', 'validation']),
  runs: z.array(z.object(plannedRun)),
  data: dataFacts.extend({ heldOutFingerprint: z.string() }),
  teacher: teacherFacts.extend({ metrics: metricsValue.exactOptional() }).exactOptional(),
});

const comparisonResult: z.ZodType<ComparisonResult> = z.object({
  ...plannedRun,
  identity: jsonValue,
  limbeck: z.string(),
  startedAt: z.iso.datetime(),
  architecture: z.string(),
  parameters: count,
  dimension: count,
  sizeBytes: count.nullable(),
  steps: count,
  samplesSeen: count,
  loss: z.number().nullable(),
  metrics: metricsValue,
  trainingSeconds: amount,
  evaluationSeconds: amount,
  samplesPerSecond: amount,
  latency: z.object({ p50: z.number().nonnegative(), p99: z.number().nonnegative() }).nullable(),
  curve: z.array(z.tuple([z.number(), z.number()])).exactOptional(),
  error: z.string().exactOptional(),
});

/**
 * Reads the text of a `comparison.json`.
 *
 * @param source how the file is called in the message
 * @throws LimbeckError FILE_CORRUPT naming the field, what it should hold, and what to do
 */
export function parseComparisonRecord(text: string, source = 'comparison.json'): ComparisonRecord {
  const nextStep = 'Restore the file, or compare again into a new directory.';
  return checkValue(comparisonRecord, parseJson(text, source, nextStep), source, nextStep);
}

/**
 * Reads the text of a `results.jsonl`: one run a line, blank lines ignored.
 *
 * @throws LimbeckError FILE_CORRUPT naming line and field
 */
export function parseComparisonResults(text: string, source = 'results.jsonl'): ComparisonResult[] {
  const nextStep = 'Remove the line, and its run is done again.';
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '') return [];
    const place = `${source}, line ${i + 1}`;
    return [checkValue(comparisonResult, parseJson(line, place, nextStep), place, nextStep)];
  });
}
