/** What is drawn from the results of a comparison: the page, the CSV of runs, and the summary for programs. */
import { join } from 'node:path';
import { parseHTML } from 'linkedom';
import { renderComparisonCsv } from '../report/comparison-csv.ts';
import { type ComparisonSummary, summarizeComparison } from '../report/comparison-summary.ts';
import { renderComparisonText } from '../report/comparison-text.ts';
import { samplesName } from '../report/names.ts';
import { renderComparison } from '../report/render-comparison.ts';
import { shownRuns, shownStudent } from '../report/shown-runs.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { COMPARISON_FILES, readComparisonParts } from './compare-directory.ts';
import { readSamples } from './compare-samples.ts';
import { terminalWidth } from './terminal-width.ts';

export interface DrawnComparison {
  readonly summary: ComparisonSummary;
  /** For a terminal. */
  readonly text: string;
  /** The page. */
  readonly report: string;
}

/**
 * Draws everything from `comparison.json`, `results.jsonl`, and the scores and rows of the runs.
 *
 * @param out where the page goes; by default into the directory
 * @throws LimbeckError FILE_UNREADABLE for a directory without a comparison, FILE_CORRUPT, FILE_UNWRITABLE
 */
export async function drawComparison(directory: string, out?: string): Promise<DrawnComparison> {
  const parts = await readComparisonParts(directory);
  const { record } = parts;
  const summary = summarizeComparison(parts);
  const samples = await readSamples(directory, record, shownRuns(record, shownStudent(summary)));
  const report = out ?? join(directory, COMPARISON_FILES.report);
  const { document } = parseHTML('<!doctype html><html></html>');
  await writeFileAtomic(join(directory, COMPARISON_FILES.table), renderComparisonCsv(record, parts.results));
  await writeFileAtomic(join(directory, COMPARISON_FILES.summary), `${JSON.stringify(summary, null, 2)}\n`);
  await writeFileAtomic(report, renderComparison({ ...parts, summary, samples, document }));
  const text = renderComparisonText(summary, { width: terminalWidth(), unit: samplesName(record) });
  return { summary, text, report };
}
