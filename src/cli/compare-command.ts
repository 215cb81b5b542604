/** The command line of `limbeck compare`: options, help, what goes to stdout, what happens on Ctrl-C. */
import type { Command } from 'commander';
import { stringify } from 'yaml';
import { type Comparison, readComparison } from '../config/read-compare.ts';
import { LimbeckError } from '../errors.ts';
import { ComparisonDirectory } from './compare-directory.ts';
import { drawComparison } from './compare-report.ts';
import { runComparison } from './compare-run.ts';
import { collectSetting, type Setting, settingOverrides } from './config-flags.ts';
import { commandLine, interruptible } from './interruptible.ts';
import { Progress } from './progress.ts';

interface CompareFlags {
  readonly out?: string;
  readonly set?: readonly Setting[];
  readonly rerun: boolean;
  readonly plan: boolean;
  readonly render?: string;
  readonly json: boolean;
}

/** Used when no file is named. */
const DEFAULT_FILE = 'compare.yaml';

const EXAMPLES = `
Examples:
  limbeck compare compare.yaml              runs what is not done yet, and draws table and page
  limbeck compare compare.yaml --plan       which runs there are, and nothing else
  limbeck compare compare.yaml --set training.epochs=1 --set seeds=1 --out runs/quick
                                            a quick look
  limbeck compare --render runs/glosses     draws them anew from the results

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.
`;

/** Fills in `limbeck compare`. */
export function fillCompareCommand(command: Command): void {
  command
    .showHelpAfterError('(limbeck compare --help lists the options)')
    .description(
      'Trains every method of a configuration on every student with every seed, on the same data for as long, and measures all of them on ' +
        'samples that none has seen. Results are kept as they come; started again it goes on with what is missing. Paths in the file are ' +
        'relative to it. docs/compare.md says what may stand there.',
    )
    .argument('[compare.yaml]', `the comparison, YAML or JSON (default: ${DEFAULT_FILE})`)
    .option('--out <directory>', "where everything goes, instead of the file's output.directory")
    .option(
      '--set <key=value>',
      'set any key of the file, for instance training.epochs=5; can be repeated',
      collectSetting,
    )
    .option('--rerun', 'do runs again whose configuration, data or teacher has changed since', false)
    .option('--plan', 'print the runs, and do nothing else', false)
    .option('--render <directory>', 'draw table and page from the results of a directory, and do nothing else')
    .option('--json', 'print the summary as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(compareCommand);
}

async function compareCommand(file: string | undefined, flags: CompareFlags): Promise<void> {
  const { out, set = [], rerun: again, plan, render, json } = flags;
  if (render !== undefined) {
    if (file !== undefined) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'limbeck compare: expected a file or --render, got both. Leave one out.',
      );
    }
    await show(render, json);
    return;
  }
  const comparison = await readComparison({ file: file ?? DEFAULT_FILE, out, overrides: settingOverrides(set) });
  if (plan) {
    process.stdout.write(planOf(comparison, json));
    return;
  }
  const progress = new Progress(process.stderr);
  const directory = await ComparisonDirectory.open(comparison.directory);
  const record = await interruptible(
    (signal) => runComparison(comparison, { directory, progress, signal, command: commandLine(), again }),
    (error) =>
      `limbeck: interrupted. ${error.message} ${directory.results.length} of ${comparison.runs.length} runs are done and kept. ` +
      `Go on with: ${commandLine(['--rerun'])}`,
  );
  if (record) await show(comparison.directory, json);
}

async function show(directory: string, json: boolean): Promise<void> {
  const { summary, text, report } = await drawComparison(directory);
  process.stdout.write(json ? `${JSON.stringify(summary, null, 2)}\n` : `\n${text}\nReport: ${report}\n`);
}

/** Every run with its whole configuration as JSON; for people one line each. */
function planOf({ runs, directory, baseline }: Comparison, json: boolean): string {
  const planned = runs.map(({ method, student, seed, written: { training, strategy, student: kind }, trained }) => ({
    ...{ method, student, seed },
    ...(trained ? { strategy, training } : {}),
    studentOptions: kind,
  }));
  if (json) return `${JSON.stringify({ directory, baseline, runs: planned }, null, 2)}\n`;
  const lines = runs.map(({ method, student, seed }) => ({ method, student, seed }));
  return `${runs.length} runs into ${directory}, held against ${baseline}\n${stringify(lines.map((line) => `${line.method}, ${line.student}, seed ${line.seed}`))}`;
}
