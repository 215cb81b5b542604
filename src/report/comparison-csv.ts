/** The results of a comparison as CSV (RFC 4180): a row a run, for spreadsheets and for whatever draws figures. */
import { METRICS } from '../evaluation/metrics.ts';
import { type ComparisonRecord, type ComparisonResult, resultsOfRuns } from './comparison-record.ts';

const FACTS = [
  'steps',
  'samplesSeen',
  'loss',
  'trainingSeconds',
  'evaluationSeconds',
  'parameters',
  'sizeBytes',
  'samplesPerSecond',
  'error',
] as const satisfies readonly (keyof ComparisonResult)[];

/** Runs in the order of the record, each with its metrics; numbers as they are, and nothing where there is none. */
export function renderComparisonCsv(record: ComparisonRecord, results: readonly ComparisonResult[]): string {
  const done = resultsOfRuns(record, results);
  const measured = new Set(done.flatMap(({ metrics }) => Object.keys(metrics)));
  const metrics = [...new Set([...METRICS.map(({ key }) => key as string), ...measured])].filter((key) =>
    measured.has(key),
  );
  const rows = done.map((result) => [
    ...[result.student, result.method, result.seed],
    ...metrics.map((key) => result.metrics[key]),
    ...FACTS.map((key) => result[key]),
  ]);
  return [['student', 'method', 'seed', ...metrics, ...FACTS], ...rows]
    .map((row) => `${row.map(field).join(',')}\r\n`)
    .join('');
}

function field(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
