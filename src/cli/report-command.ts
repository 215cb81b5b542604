/** The command line of `limbeck report`: options, help, what goes to stdout. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
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
  limbeck report runs/glosses            of a comparison: page and table anew from its results
`;

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
    .argument('<directory>', 'the directory of a run of limbeck distill or limbeck demo, or of a comparison')
    .option('--out <file>', 'where to write the report (default: report.html in the directory)')
    .option('--json', 'print the record of the run as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(report);
}

async function report(directory: string, { out, json }: ReportFlags): Promise<void> {
  if (existsSync(join(directory, 'comparison.json'))) {
    const { drawComparison } = await import('./compare-report.ts');
    const { summary, text, report: page } = await drawComparison(directory, out);
    const drawn = () => JSON.stringify({ report: page, ...summary }, null, 2);
    process.stdout.write(json ? `${drawn()}\n` : `${text}\nReport: ${page}\n`);
    return;
  }
  const { resultsTable } = await import('../report/results-table.ts');
  const { renderTextTable } = await import('../report/text-table.ts');
  const { drawReport } = await import('./draw-report.ts');
  const { readRunDirectory } = await import('./read-run.ts');
  const run = await readRunDirectory(directory);
  const { record } = run;
  const file = out ?? join(directory, 'report.html');
  await drawReport(file, run);
  const table = () => renderTextTable(resultsTable(record), { width: terminalWidth() });
  process.stdout.write(
    json ? `${JSON.stringify({ report: file, ...record }, null, 2)}\n` : `${table()}\nReport: ${file}\n`,
  );
}
