/**
 * A run record as a table: one row a method, one column a measure, and a verdict. The table is data, so that terminal
 * (text-table.ts) and page (results-section.ts) say the same thing.
 */

import { describeMetric, METRICS } from '../evaluation/metrics.ts';
import { summary } from '../evaluation/summary.ts';
import { formatCount, formatMegabytes, formatPercent, formatScore, formatSeconds, formatSpread } from './format.ts';
import { samplesName } from './names.ts';
import type { MethodResult, RunRecord } from './run-record.ts';
import { compareMethods, VERDICT_RULE, type Verdict } from './verdict.ts';

export interface ResultsColumn {
  readonly key: string;
  readonly label: string;
  readonly description: string;
}

export interface ResultsCell {
  /** The mean over seeds as text; a dash where the measure does not apply. */
  readonly text: string;
  /** The sample standard deviation over seeds as text; null with one value, and for sizes. */
  readonly spread: string | null;
}

export interface ResultsRow {
  readonly method: string;
  readonly label: string;
  /** How many results the row is the mean of. */
  readonly count: number;
  /** One a column, in the order of the columns. */
  readonly cells: readonly ResultsCell[];
}

export interface ResultsTable {
  readonly columns: readonly ResultsColumn[];
  readonly rows: readonly ResultsRow[];
  /** NT-Xent with the bank against the cosine baseline; null until both have a seed in common. */
  readonly comparison: {
    readonly challenger: string;
    readonly baseline: string;
    readonly verdicts: readonly Verdict[];
  } | null;
  readonly notes: readonly string[];
}

interface Measure extends ResultsColumn {
  readonly value: (result: MethodResult) => number | null;
  readonly format: (value: number) => string;
  /** How its spread is written, where not like the value itself; null where a spread over seeds says nothing: size, and speeds, which vary with the machine. */
  readonly formatSpread?: ((value: number) => string) | null;
}

/** Every measure that the results may have; metrics that are in no table stand after those that are. */
function measures(record: RunRecord): Measure[] {
  const keys = new Set(record.results.flatMap(({ metrics }) => Object.keys(metrics)));
  const known = METRICS.filter(({ key }) => key !== 'loss');
  const unknown = [...keys].filter((key) => !METRICS.some((metric) => metric.key === key)).map(describeMetric);
  const samples = samplesName(record);
  return [
    ...[...known, ...unknown].map(({ key, label, description }) => ({
      key,
      label,
      description,
      value: ({ metrics }: MethodResult) => metrics[key] ?? null,
      format: formatScore,
      formatSpread,
    })),
    {
      key: 'sizeBytes',
      label: 'MB',
      description: 'size of the model in megabytes (10⁶ bytes)',
      value: (result) => result.sizeBytes,
      format: formatMegabytes,
      formatSpread: null,
    },
    {
      key: 'samplesPerSecond',
      label: `${samples}/s`,
      description: `${samples} embedded a second on this machine, ${samples === 'texts' ? 'tokenizing' : 'decoding'} included`,
      value: (result) => result.samplesPerSecond,
      format: formatCount,
      formatSpread: null,
    },
    {
      key: 'trainingSeconds',
      label: 'train',
      description: 'time that training took, without the teacher pass',
      value: (result) => result.trainingSeconds,
      format: formatSeconds,
      formatSpread: null,
    },
  ];
}

const ORDER = ['teacher', 'untrained', 'cosine', 'ntxent-bank', 'student'];

/**
 * The table of a run. Methods that have no result yet are left out; methods it does not know stand last, as recorded.
 *
 * @throws LimbeckError NON_FINITE when a measure is NaN
 *
 * @example
 * renderTextTable(resultsTable(parseRunRecord(text)), { width: 80 });
 */
export function resultsTable(record: RunRecord): ResultsTable {
  const known = new Set(record.results.map((result) => result.method));
  const methods = [...ORDER.filter((id) => known.has(id)), ...[...known].filter((id) => !ORDER.includes(id))];
  const of = (method: string) => record.results.filter((result) => result.method === method);
  // A measure that nothing was measured by is no column.
  const columns = measures(record).filter(({ value }) => record.results.some((result) => value(result) !== null));
  const rows = methods.map((method) => tableRow(of(method), columns));
  const verdicts = compareMethods(of('ntxent-bank'), of('cosine'));
  const labelOf = (method: string) => rows.find((row) => row.method === method)?.label ?? method;
  return {
    columns: columns.map(({ key, label, description }) => ({ key, label, description })),
    rows,
    comparison:
      verdicts.length > 0 ? { challenger: labelOf('ntxent-bank'), baseline: labelOf('cosine'), verdicts } : null,
    notes: notes(record, rows, verdicts),
  };
}

function tableRow(results: readonly MethodResult[], columns: readonly Measure[]): ResultsRow {
  const [{ method, label }] = results;
  const cells = columns.map(({ value, format, formatSpread: spreadFormat = format }): ResultsCell => {
    const values = results.map(value).filter((entry) => entry !== null);
    if (values.length === 0) return { text: '–', spread: null };
    const { mean, standardDeviation } = summary(values);
    const spread = standardDeviation === null || spreadFormat === null ? null : spreadFormat(standardDeviation);
    return { text: format(mean), spread };
  });
  return { method, label, count: results.length, cells };
}

function notes(record: RunRecord, rows: readonly ResultsRow[], verdicts: readonly Verdict[]): string[] {
  const { classes, majorityClass } = record.data;
  const seeds = Math.max(0, ...rows.map((row) => row.count));
  const result = [...unfinished(record)];
  if (rows.length === 0) result.push('No results yet.');
  if (seeds > 1)
    result.push(`Mean ± sample standard deviation over ${seeds} seeds where a method was trained more than once.`);
  const measured = (key: string) => record.results.some(({ metrics }) => key in metrics);
  if (classes !== undefined && majorityClass && (measured('knnAccuracy') || measured('accuracy'))) {
    result.push(
      `${measured('knnAccuracy') ? 'kNN-10 votes among' : 'There are'} ${classes} classes; always answering the largest ` +
        `(${majorityClass.name}) would score ${formatScore(majorityClass.share)} (${formatPercent(majorityClass.share)}).`,
    );
  }
  if (verdicts.length > 0) result.push(VERDICT_RULE);
  return result;
}

function unfinished({ status, error }: RunRecord): string[] {
  if (status === 'running') return ['This run is not complete: results may be missing.'];
  if (status === 'interrupted')
    return ['This run was interrupted: results may be missing. The same command goes on with it.'];
  if (status === 'failed') return [`This run failed${error === undefined ? '' : `: ${error}`}`];
  return [];
}
