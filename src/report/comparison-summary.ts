/**
 * A comparison as numbers: for every student and method the means of its final figures, and how far they are from the baseline's. This is
 * what terminal, page, CSV and `--json` all show.
 */
import { AGREEMENT_METRICS } from '../evaluation/agreement.ts';
import { describeMetric, METRICS, type MetricDescription } from '../evaluation/metrics.ts';
import { SAMPLE_METRICS } from '../evaluation/sample-scores.ts';
import { summary } from '../evaluation/summary.ts';
import {
  type ComparedMethod,
  type ComparisonRecord,
  type ComparisonResult,
  resultsOfRuns,
} from './comparison-record.ts';
import { formatCount } from './format.ts';
import { DIFFERENCE_RULE, type PairedDifference, pairedDifference } from './paired-difference.ts';
import { type ScoresOfRuns, scoredPairs } from './scored-pairs.ts';

export interface ComparisonParts {
  readonly record: ComparisonRecord;
  /** Of this comparison or not; those of no run of the record are left out. */
  readonly results: readonly ComparisonResult[];
  /** Of as many runs as have them. */
  readonly scores: ScoresOfRuns;
}

export interface SummarizedMetric {
  readonly mean: number;
  /** Sample standard deviation over seeds; null with one. */
  readonly standardDeviation: number | null;
  /** By seed, in the order of {@link MethodSummary.seeds}; null where that run does not have it. */
  readonly values: readonly (number | null)[];
}

export interface MethodSummary extends ComparedMethod {
  /** Of the runs that are done, those that failed included. */
  readonly seeds: readonly number[];
  readonly failures: readonly { readonly seed: number; readonly error: string }[];
  readonly steps: number;
  readonly samplesSeen: number;
  /** Mean over seeds; null for a student that is not trained. */
  readonly trainingSeconds: number | null;
  /** In batches, and milliseconds for one sample alone: medians over the runs. */
  readonly samplesPerSecond: number | null;
  readonly latency: number | null;
  readonly metrics: Readonly<Record<string, SummarizedMetric>>;
  /** Against the baseline, by metric; none of the baseline itself, and none where no seed has both. */
  readonly differences: Readonly<Record<string, PairedDifference>>;
}

export interface StudentSummary {
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly dimension: number;
  readonly sizeBytes: number | null;
  /** The median over its runs. */
  readonly samplesPerSecond: number | null;
  readonly methods: readonly MethodSummary[];
}

export interface ComparisonSummary {
  readonly name: string;
  readonly status: ComparisonRecord['status'];
  readonly baseline: string;
  readonly measuredOn: 'test' | 'validation';
  /** Measured samples. */
  readonly samples: number;
  readonly planned: number;
  readonly done: number;
  /** Over all runs that are done. */
  readonly trainingSeconds: number;
  readonly metrics: readonly MetricDescription[];
  readonly teacher: { readonly name: string; readonly metrics: Readonly<Record<string, number>> } | null;
  /** Those with a run that is done. */
  readonly students: readonly StudentSummary[];
  readonly notes: readonly string[];
}

/** @throws LimbeckError NON_FINITE when a metric is NaN */
export function summarizeComparison({ record, results, scores }: ComparisonParts): ComparisonSummary {
  const done = resultsOfRuns(record, results);
  const metrics = shownMetrics(record, done);
  const students = record.students.flatMap((name) => {
    const mine = done.filter((result) => result.student === name);
    return mine.length === 0 ? [] : [studentSummary(name, mine, { record, metrics, scores })];
  });
  const { teacher } = record;
  return {
    name: record.name,
    status: record.status,
    baseline: record.baseline,
    measuredOn: record.measuredOn,
    samples: record.data.heldOut ?? 0,
    planned: record.runs.length,
    done: done.length,
    trainingSeconds: done.reduce((sum, { trainingSeconds }) => sum + (trainingSeconds ?? 0), 0),
    metrics,
    teacher: teacher ? { name: teacher.name, metrics: { ...teacher.metrics } } : null,
    students,
    notes: [...notes(record, done, students), ...missingScores(done, scores)],
  };
}

/** In the order that was asked for; else that of the table of metrics, those that it does not know behind. */
function shownMetrics({ metrics: wanted }: ComparisonRecord, done: readonly ComparisonResult[]): MetricDescription[] {
  const measured = new Set(done.flatMap(({ metrics }) => Object.keys(metrics)));
  const all = [...METRICS.map(({ key }) => key as string), ...measured];
  return [...new Set(wanted ?? all)].filter((key) => measured.has(key)).map(describeMetric);
}

interface Shown extends Pick<ComparisonParts, 'record' | 'scores'> {
  readonly metrics: readonly MetricDescription[];
}

function studentSummary(name: string, results: readonly ComparisonResult[], shown: Shown): StudentSummary {
  const [{ architecture, parameters, dimension, sizeBytes }] = results;
  const baseline = results.filter(({ method }) => method === shown.record.baseline);
  return {
    ...{ name, architecture, parameters, dimension, sizeBytes },
    samplesPerSecond: median(results.flatMap(({ samplesPerSecond }) => samplesPerSecond ?? [])),
    methods: shown.record.methods.flatMap((method) => {
      const mine = results.filter((result) => result.method === method.name);
      return mine.length === 0 ? [] : [methodSummary(method, mine, baseline, shown)];
    }),
  };
}

function methodSummary(
  method: ComparedMethod,
  results: readonly ComparisonResult[],
  baseline: readonly ComparisonResult[],
  { record, metrics, scores }: Shown,
): MethodSummary {
  const [{ steps, samplesSeen }] = results;
  const seconds = results.flatMap(({ trainingSeconds }) => trainingSeconds ?? []);
  const measured = metrics.filter(({ key }) => results.some((result) => key in result.metrics));
  return {
    ...method,
    seeds: results.map(({ seed }) => seed),
    failures: results.flatMap(({ seed, error }) => (error === undefined ? [] : [{ seed, error }])),
    ...{ steps, samplesSeen },
    trainingSeconds: seconds.length === 0 ? null : summary(seconds).mean,
    samplesPerSecond: median(results.flatMap(({ samplesPerSecond }) => samplesPerSecond ?? [])),
    latency: median(results.flatMap(({ latency }) => latency?.p50 ?? [])),
    metrics: Object.fromEntries(
      measured.map(({ key }) => {
        const values = results.map((result) => result.metrics[key] ?? null);
        const { mean, standardDeviation } = summary(values.filter((value) => value !== null));
        return [key, { mean, standardDeviation, values }];
      }),
    ),
    differences: Object.fromEntries(
      measured.flatMap(({ key, better }) => {
        const pairs = method.name === record.baseline ? [] : scoredPairs(key, results, baseline, scores);
        return pairs.length === 0 ? [] : [[key, pairedDifference(pairs, better)]];
      }),
    ),
  };
}

function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

const AGAINST_TEACHER = AGREEMENT_METRICS.map((key) => describeMetric(key).label).join(', ');

/** What a reader has to know beside the numbers. */
function notes(
  record: ComparisonRecord,
  done: readonly ComparisonResult[],
  students: readonly StudentSummary[],
): string[] {
  const { status, error, runs, seeds, methods, data } = record;
  const found: string[] = [];
  if (status === 'failed') found.push(`The comparison failed${error === undefined ? '.' : `: ${error}`}`);
  if (done.length < runs.length) {
    found.push(
      `${done.length} of ${runs.length} runs are done; the same command goes on with the rest. Nothing can be concluded from a part.`,
    );
  }
  if (done.length === 0) return found;
  found.push(budget(done, methods));
  if (seeds.length > 1)
    found.push(`Mean ± sample standard deviation over ${seeds.length} seeds, of the last step of every run.`);
  else found.push('Figures are those of the last step of every run.');
  if (
    data.classes !== undefined &&
    data.majorityClass &&
    done.some(({ metrics }) => 'accuracy' in metrics || 'knnAccuracy' in metrics)
  ) {
    const { name, share } = data.majorityClass;
    found.push(`Always answering the largest of ${data.classes} classes (${name}) would score ${share.toFixed(3)}.`);
  }
  const own = methods.filter(({ ownSpace }) => ownSpace).map(({ name }) => name);
  if (own.length > 0 && done.some(({ metrics }) => 'meanCosine' in metrics)) {
    found.push(
      `${own.join(', ')}: the space is not the teacher's own, so that figures by the teacher's rows (${AGAINST_TEACHER}) say nothing of what was learned.`,
    );
  }
  const failed = students.flatMap(({ name, methods: of }) =>
    of.flatMap((method) =>
      method.failures.map(({ seed, error: why }) => `${method.name}, ${name}, seed ${seed}: ${why}`),
    ),
  );
  if (failed.length > 0) found.push(`Runs without a result: ${failed.join(' · ')}`);
  if (methods.length > 1) found.push(DIFFERENCE_RULE);
  return found;
}

/** Intervals over samples are drawn from files of their own, which a copy of the results may lack: a clone of a repository does. */
function missingScores(done: readonly ComparisonResult[], scores: ComparisonParts['scores']): string[] {
  const scored = done.filter(({ metrics }) => SAMPLE_METRICS.some((key) => key in metrics));
  const missing = scored.filter(({ digest }) => !scores.has(digest)).length;
  if (missing === 0) return [];
  return [
    `Of ${missing} of ${scored.length} runs the scores of single samples are not here (runs/…/scores.safetensors): intervals of their ` +
      'differences cover the luck of the seeds alone. Compared again into another directory, with --out, they have both.',
  ];
}

/** That budgets are equal, or which are not. */
function budget(done: readonly ComparisonResult[], methods: readonly ComparedMethod[]): string {
  const trained = done.filter(({ steps }) => steps > 0);
  const own = methods.filter(({ differs }) => differs.length > 0);
  const steps = [...new Set(trained.map((result) => result.steps))];
  const samples = [...new Set(trained.map((result) => result.samplesSeen))];
  const equal =
    steps.length === 1 && samples.length === 1
      ? `Every method was trained for ${formatCount(steps[0])} steps on ${formatCount(samples[0])} samples, repetitions counted.`
      : `Budgets are not equal: ${[...steps]
          .sort((a, b) => a - b)
          .map(formatCount)
          .join(', ')} steps.`;
  const others = own.map(({ name, differs }) => `${name} has ${differs.join(', ')}`);
  return trained.length === 0 ? 'No method was trained.' : [equal, ...others.map((text) => `${text}.`)].join(' ');
}
