/**
 * What a run directory's `run.json` holds. These types are the contract between the command that runs and everything that reports.
 *
 * A report drawn from a damaged file would look like a result, so reading holds every field against its type. Unknown fields are
 * dropped, so that a later version may add some. Not file access: the caller hands in the text.
 */
import * as z from 'zod';
import type { Metrics } from '../evaluation/metrics.ts';
import { checkValue, parseJson } from './check-json.ts';

/** One model that was evaluated: a method and, if it was trained, the seed that it was trained with. */
export interface MethodResult {
  /** Stable id: 'teacher' | 'untrained' | 'student', in the demo 'cosine' | 'ntxent-bank'. */
  method: string;
  label: string;
  seed: number | null;
  metrics: Metrics;
  trainingSeconds: number | null;
  /** Of the model file; null where there is none to look at, as of a teacher that is a file of rows. The same for what follows. */
  sizeBytes: number | null;
  samplesPerSecond: number | null;
  parameters: number | null;
}

/** A validation during training. */
export interface ValidationResult {
  step: number;
  epoch: number;
  metrics: Metrics;
}

/** Plain data, as JSON has it. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** 'interrupted' by the user, to be gone on with; 'failed' with {@link CommandFacts.error}. */
export type RunStatus = 'running' | 'complete' | 'interrupted' | 'failed';

/** The command that leaves a record: when and where it ran, and how it ended. */
export interface CommandFacts {
  status: RunStatus;
  /** What ended it when it failed. */
  error?: string;
  /** Version of this package. */
  limbeck: string;
  /** ISO 8601. */
  startedAt: string;
  finishedAt: string | null;
  command: string;
  machine: {
    cpu: string;
    cores: number;
    memoryBytes: number;
    platform: string;
    node: string;
    onnxruntime: string;
  };
}

/** Everything about a run that is not a curve: enough to repeat it and to judge it. */
export interface RunRecord extends CommandFacts {
  format: 'limbeck-run/1';
  /** The effective configuration, defaults included. */
  config: Record<string, JsonValue>;
  data: {
    name: string;
    /** Default 'text'. */
    kind?: 'text' | 'image';
    /** Samples trained on. */
    train: number;
    /** Samples measured on. */
    heldOut?: number;
    classes?: number;
    majorityClass?: { name: string; share: number };
    fingerprint: string;
    vocabulary?: number;
    /** Samples that were left out: how many, by reason. */
    skipped?: Record<string, number>;
  };
  /** Absent in training by labels alone. */
  teacher?: {
    name: string;
    fingerprint: string;
    dimension: number;
    parameters?: number;
    sizeBytes?: number;
    rowsReused?: number;
    rowsComputed?: number;
    /** Spent on the rows. */
    seconds?: number;
    /** Null when every row came from the cache. */
    samplesPerSecond?: number | null;
  };
  /** What `limbeck distill` trains; the demo, which trains several, has none. */
  student?: {
    /** "static embeddings", "resnet-8", …. */
    kind: string;
    parameters: number;
    dimension: number;
    /** Of the model file, once there is one. */
    sizeBytes?: number;
  };
  /** In order. */
  validation?: ValidationResult[];
  /** The best validation by the metric of early stopping or of the best checkpoint. */
  best?: ValidationResult;
  results: MethodResult[];
}

const count = z.int().nonnegative();
const seconds = z.number().nonnegative();
export const metricsValue = z.record(z.string(), z.number());
const rate = z.number().nonnegative().nullable();
export const jsonValue: z.ZodType<JsonValue> = z.json();

const methodResult = z.object({
  method: z.string().min(1),
  label: z.string(),
  seed: z.int().nullable(),
  metrics: metricsValue,
  trainingSeconds: seconds.nullable(),
  sizeBytes: count.nullable(),
  samplesPerSecond: rate,
  parameters: count.nullable(),
});

const validationResult = z.object({ step: count, epoch: z.number().nonnegative(), metrics: metricsValue });

const machineFacts = z.object({
  cpu: z.string(),
  cores: count,
  memoryBytes: count,
  platform: z.string(),
  node: z.string(),
  onnxruntime: z.string(),
});

/** Of the command that leaves a record. */
export const commandFacts = {
  status: z.enum(['running', 'complete', 'interrupted', 'failed']),
  error: z.string().exactOptional(),
  limbeck: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  command: z.string(),
  machine: machineFacts,
};

export const dataFacts = z.object({
  name: z.string(),
  kind: z.enum(['text', 'image']).exactOptional(),
  train: count,
  heldOut: count.exactOptional(),
  classes: count.exactOptional(),
  majorityClass: z.object({ name: z.string(), share: z.number().min(0).max(1) }).exactOptional(),
  fingerprint: z.string(),
  vocabulary: count.exactOptional(),
  skipped: z.record(z.string(), count).exactOptional(),
});

export const teacherFacts = z.object({
  name: z.string(),
  fingerprint: z.string(),
  dimension: count,
  parameters: count.exactOptional(),
  sizeBytes: count.exactOptional(),
  rowsReused: count.exactOptional(),
  rowsComputed: count.exactOptional(),
  seconds: seconds.exactOptional(),
  samplesPerSecond: rate.exactOptional(),
});

const runRecord: z.ZodType<RunRecord> = z.object({
  format: z.literal('limbeck-run/1'),
  ...commandFacts,
  config: z.record(z.string(), jsonValue),
  data: dataFacts,
  teacher: teacherFacts.exactOptional(),
  student: z
    .object({ kind: z.string(), parameters: count, dimension: count, sizeBytes: count.exactOptional() })
    .exactOptional(),
  validation: z.array(validationResult).exactOptional(),
  best: validationResult.exactOptional(),
  results: z.array(methodResult),
});

/**
 * Reads the text of a `run.json`.
 *
 * @param source how the file is called in the message
 * @throws LimbeckError FILE_CORRUPT naming the field, what it should hold, and what to do
 *
 * @example
 * const record = parseRunRecord(await readFile('run/run.json', 'utf8'));
 * record.results.length; // 8
 */
export function parseRunRecord(text: string, source = 'run.json'): RunRecord {
  const nextStep = 'Run again into a new directory, or restore the file.';
  return checkValue(runRecord, withNewNames(parseJson(text, source, nextStep)), source, nextStep);
}

/** Records of early demos call samples texts. */
function withNewNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withNewNames);
  if (typeof value !== 'object' || value === null) return value;
  const { results, teacher, textsPerSecond, ...rest } = value as Record<string, unknown>;
  return {
    ...rest,
    ...(results !== undefined && { results: withNewNames(results) }),
    ...(teacher !== undefined && { teacher: withNewNames(teacher) }),
    ...(textsPerSecond !== undefined && { samplesPerSecond: textsPerSecond }),
  };
}

/**
 * Counts samples that were left out by reason: what is particular to one, such as a line or the words of a decoder, does not count
 * as a reason of its own.
 *
 * @example
 * countByReason([{ reason: 'duplicate of line 3' }, { reason: 'duplicate of line 9' }]); // { duplicate: 2 }
 */
export function countByReason(skipped: Iterable<{ readonly reason: string }>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { reason } of skipped) {
    const kind = reason.replace(/:.*$| of .*$/s, '');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}
