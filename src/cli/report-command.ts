/** The command line of `limbeck report`: options, help, what goes to stdout. */
import { join } from 'node:path';
import type { Command } from 'commander';
import type { EmbeddingMap } from '../report/embedding-maps.ts';
import type { HeldOutRows } from './read-run.ts';
import { terminalWidth } from './terminal-width.ts';

interface ReportFlags {
  readonly out?: string;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  limbeck report runs/pets               draw runs/pets/report.html, and print the results
  limbeck report runs/pets --out a.html  draw it elsewhere
  limbeck report runs/pets --json        the record of the run, for programs
`;

/** Seeds the layout of the map. */
const MAP_SEED = 0;

/** Adds `limbeck report`. */
export function addReportCommand(program: Command): void {
  program
    .command('report')
    .showHelpAfterError('(limbeck report --help lists the options)')
    .summary('draw the report of a run, finished or not')
    .description(
      "Draws a run's report from run.json and metrics.jsonl, as one HTML file that loads nothing, and prints its results. Also for runs " +
        'that are under way, were interrupted, or failed.',
    )
    .argument('<directory>', 'the directory of a run of limbeck distill or limbeck demo')
    .option('--out <file>', 'where to write the report (default: report.html in the directory)')
    .option('--json', 'print the record of the run as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(report);
}

async function report(directory: string, { out, json }: ReportFlags): Promise<void> {
  const { parseHTML } = await import('linkedom');
  const { renderReport } = await import('../report/render-report.ts');
  const { resultsTable } = await import('../report/results-table.ts');
  const { renderTextTable } = await import('../report/text-table.ts');
  const { writeFileAtomic } = await import('../runtime/files.ts');
  const { readRunDirectory } = await import('./read-run.ts');
  const { record, curves, heldOut } = await readRunDirectory(directory);
  const file = out ?? join(directory, 'report.html');
  const { document } = parseHTML('<!doctype html><html></html>');
  await writeFileAtomic(file, renderReport({ record, curves, map: heldOut ? await mapOf(heldOut) : null, document }));
  const table = () => renderTextTable(resultsTable(record), { width: terminalWidth() });
  process.stdout.write(
    json ? `${JSON.stringify({ report: file, ...record }, null, 2)}\n` : `${table()}\nReport: ${file}\n`,
  );
}

/** Null for too few rows to draw. */
async function mapOf({ texts, classes, teacher, student }: HeldOutRows): Promise<EmbeddingMap | null> {
  if (texts.length < 2) return null;
  const { projectTogether } = await import('../report/project-together.ts');
  const classNames = [...new Set(classes.map((name) => name ?? 'without a class'))].sort();
  const { a, b } = projectTogether(teacher, student, { seed: MAP_SEED });
  return {
    classNames,
    labels: classes.map((name) => classNames.indexOf(name ?? 'without a class')),
    texts,
    teacher: a,
    student: b,
  };
}
