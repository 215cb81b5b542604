/**
 * What a run directory's two text files hold: `run.json` (one {@link RunRecord}) and `metrics.jsonl` (one
 * {@link MetricsLine} a line). These types are the contract between the command that runs and everything that reports.
 *
 * A report drawn from a damaged file would look like a result, so reading holds every field against its type. Unknown
 * fields are dropped, so that a later version may add some. Not file access: the caller hands in the text.
 */
import { z } from 'zod';
import { LimbeckError, show } from '../errors.ts';
import type { Metrics } from '../evaluation/metrics.ts';

/** What a model scores, by name. */
export type RunMetrics = Metrics;

/** One model that was evaluated: a method and, if it was trained, the seed that it was trained with. */
export interface MethodResult {
  /** Stable id: 'teacher' | 'untrained' | 'cosine' | 'ntxent-bank'. */
  method: string;
  label: string;
  seed: number | null;
  metrics: RunMetrics;
  trainingSeconds: number | null;
  sizeBytes: number;
  textsPerSecond: number;
  parameters: number;
}

/** Everything about a run that is not a curve: enough to repeat it and to judge it. */
export interface RunRecord {
  format: 'limbeck-run/1';
  status: 'running' | 'complete';
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
  config: Record<string, string | number | boolean | readonly number[] | null>;
  data: {
    name: string;
    train: number;
    heldOut: number;
    classes: number;
    majorityClass: { name: string; share: number };
    fingerprint: string;
    vocabulary: number;
  };
  teacher: {
    name: string;
    fingerprint: string;
    dimension: number;
    parameters: number;
    sizeBytes: number;
    rowsReused: number;
    rowsComputed: number;
    seconds: number;
    /** Null when every row came from the cache. */
    textsPerSecond: number | null;
  };
  results: MethodResult[];
}

/** One point of a training curve. */
export interface MetricsLine {
  method: string;
  seed: number;
  step: number;
  epoch: number;
  loss: number;
  components: Record<string, number>;
  learningRate: number;
  gradientNorm?: number;
  /** Since the training of this method and seed began. */
  seconds: number;
  validation?: Partial<RunMetrics>;
}

const count = z.int().nonnegative();
const seconds = z.number().nonnegative();

const metrics = z.record(z.string(), z.number());

const methodResult = z.object({
  method: z.string().min(1),
  label: z.string(),
  seed: z.int().nullable(),
  metrics,
  trainingSeconds: seconds.nullable(),
  sizeBytes: count,
  textsPerSecond: z.number().nonnegative(),
  parameters: count,
});

const runRecord: z.ZodType<RunRecord> = z.object({
  format: z.literal('limbeck-run/1'),
  status: z.enum(['running', 'complete']),
  limbeck: z.string(),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  command: z.string(),
  machine: z.object({
    cpu: z.string(),
    cores: count,
    memoryBytes: count,
    platform: z.string(),
    node: z.string(),
    onnxruntime: z.string(),
  }),
  config: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.number()), z.null()])),
  data: z.object({
    name: z.string(),
    train: count,
    heldOut: count,
    classes: count,
    majorityClass: z.object({ name: z.string(), share: z.number().min(0).max(1) }),
    fingerprint: z.string(),
    vocabulary: count,
  }),
  teacher: z.object({
    name: z.string(),
    fingerprint: z.string(),
    dimension: count,
    parameters: count,
    sizeBytes: count,
    rowsReused: count,
    rowsComputed: count,
    seconds,
    textsPerSecond: z.number().nonnegative().nullable(),
  }),
  results: z.array(methodResult),
});

const metricsLine: z.ZodType<MetricsLine> = z.object({
  method: z.string().min(1),
  seed: z.int(),
  step: count,
  epoch: z.number().nonnegative(),
  loss: z.number(),
  components: z.record(z.string(), z.number()),
  learningRate: z.number(),
  gradientNorm: z.number().exactOptional(),
  seconds,
  validation: metrics.exactOptional(),
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
  return check(runRecord, text, source, 'Run again into a new directory, or restore the file.');
}

/**
 * Reads the text of a `metrics.jsonl`: one JSON object a line, blank lines ignored.
 *
 * @param source how the file is called in the message
 * @throws LimbeckError FILE_CORRUPT naming the line and the field
 *
 * @example
 * parseMetricsLines(''); // []
 */
export function parseMetricsLines(text: string, source = 'metrics.jsonl'): MetricsLine[] {
  return text
    .split('\n')
    .map((line, i) => ({ line: line.trim(), place: `${source}, line ${i + 1}` }))
    .filter(({ line }) => line !== '')
    .map(({ line, place }) => check(metricsLine, line, place, 'Remove the damaged line, or run again.'));
}

function check<T>(schema: z.ZodType<T>, text: string, place: string, nextStep: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const got = text.trim() === '' ? 'an empty file' : `${text.length} characters that are not JSON`;
    throw new LimbeckError('FILE_CORRUPT', `${place}: expected JSON, got ${got}. ${nextStep}`, { cause });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const where = field === '' ? place : `${place}, ${field.replace(/^\./, '')}`;
  const got = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  // zod says what it expected in front of a comma, and what it received behind it without showing the value.
  const expected = issue.message.replace(/^Invalid input: |^Too (?:small|big): /, '').replace(/, received .*$/, '');
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${where}: ${/^expected/.test(expected) ? expected : `expected a valid value (${expected})`}, ` +
      `got ${got === undefined ? 'nothing' : show(got)}. ${nextStep}`,
    { cause: result.error },
  );
}
