/**
 * A run record as a table: one row a method, one column a measure, and a verdict. The table is data, so that terminal
 * (text-table.ts) and page (results-section.ts) say the same thing.
 */

import { METRICS } from '../evaluation/metrics.ts';
import { summary } from '../evaluation/summary.ts';
import { formatCount, formatMegabytes, formatPercent, formatScore, formatSeconds, formatSpread } from './format.ts';
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

const MEASURES: readonly Measure[] = [
  ...METRICS.map((metric) => ({
    ...metric,
    value: (result: MethodResult) => result.metrics[metric.key],
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
    key: 'textsPerSecond',
    label: 'texts/s',
    description: 'texts embedded a second on this machine, tokenizing included',
    value: (result) => result.textsPerSecond,
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

const ORDER = ['teacher', 'untrained', 'cosine', 'ntxent-bank'];

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
  const rows = methods.map((method) => tableRow(of(method)));
  const verdicts = compareMethods(of('ntxent-bank'), of('cosine'));
  const labelOf = (method: string) => rows.find((row) => row.method === method)?.label ?? method;
  return {
    columns: MEASURES.map(({ key, label, description }) => ({ key, label, description })),
    rows,
    comparison:
      verdicts.length > 0 ? { challenger: labelOf('ntxent-bank'), baseline: labelOf('cosine'), verdicts } : null,
    notes: notes(record, rows, verdicts),
  };
}

function tableRow(results: readonly MethodResult[]): ResultsRow {
  const [{ method, label }] = results;
  const cells = MEASURES.map(({ value, format, formatSpread: spreadFormat = format }): ResultsCell => {
    const values = results.map(value).filter((entry) => entry !== null);
    if (values.length === 0) return { text: '–', spread: null };
    const { mean, standardDeviation } = summary(values);
    const spread = standardDeviation === null || spreadFormat === null ? null : spreadFormat(standardDeviation);
    return { text: format(mean), spread };
  });
  return { method, label, count: results.length, cells };
}

function notes(record: RunRecord, rows: readonly ResultsRow[], verdicts: readonly Verdict[]): string[] {
  const { data, status } = record;
  const seeds = Math.max(0, ...rows.map((row) => row.count));
  const result = [];
  if (status === 'running') result.push('This run is not complete: results may be missing.');
  if (rows.length === 0) result.push('No results yet.');
  if (seeds > 1)
    result.push(`Mean ± sample standard deviation over ${seeds} seeds where a method was trained more than once.`);
  result.push(
    `kNN-10 votes among ${data.classes} classes; always answering the largest (${data.majorityClass.name}) ` +
      `would score ${formatScore(data.majorityClass.share)} (${formatPercent(data.majorityClass.share)}).`,
  );
  if (verdicts.length > 0) result.push(VERDICT_RULE);
  return result;
}
