/** The command line of `limbeck distill`: options, help, what goes to stdout, what happens on Ctrl-C. */
import type { Command } from 'commander';
import type { RunConfig } from '../config/complete-config.ts';
import { configToYaml } from '../config/write-config.ts';
import { resultsTable } from '../report/results-table.ts';
import type { RunRecord } from '../report/run-record.ts';
import { renderTextTable } from '../report/text-table.ts';
import { addConfigFlags, configOf, type GivenFlags } from './config-flags.ts';
import { DistillDirectory } from './distill-directory.ts';
import { runDistill } from './distill-run.ts';
import { commandLine, interruptible } from './interruptible.ts';
import { Progress } from './progress.ts';
import { terminalWidth } from './terminal-width.ts';

interface DistillFlags extends GivenFlags {
  readonly printConfig: boolean;
  readonly force: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  limbeck init                                   writes a limbeck.yaml to begin with
  limbeck distill                                runs limbeck.yaml; started again, goes on where it was
  limbeck distill limbeck.yaml --epochs 20 --out runs/longer
                                                 flags go over the file
  limbeck distill --texts glosses.jsonl --teacher-bert models/all-MiniLM-L6-v2
                                                 no file at all
  limbeck distill --print-config --set training.optimizer.method=lion
                                                 every value of the run, and nothing else

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.
`;

/** Fills in `limbeck distill`. */
export function fillDistillCommand(command: Command): void {
  addConfigFlags(
    command
      .showHelpAfterError('(limbeck distill --help lists the options)')
      .description(
        'Trains a student as a configuration file and flags say, into a run directory: the student, curves, a report, checkpoints. Started again ' +
          'with the same configuration it goes on where it was, after Ctrl-C and after a crash, to the same bits.',
      )
      .argument('[config.yaml]', 'the run, YAML or JSON (default: limbeck.yaml, where there is one)'),
  )
    .option('--print-config', 'print the whole configuration, defaults and flags included, and do nothing else', false)
    .option('--force', 'begin anew, whatever run the directory holds', false)
    .option('--json', 'print the record of the run, or the configuration, as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(distillCommand);
}

async function distillCommand(file: string | undefined, flags: DistillFlags): Promise<void> {
  const config = await configOf(file, flags, 'distill');
  if (flags.printConfig) {
    process.stdout.write(flags.json ? `${JSON.stringify(config, null, 2)}\n` : configToYaml(config));
    return;
  }
  const progress = new Progress(process.stderr);
  const directory = await DistillDirectory.open(config, { again: flags.force });
  if (directory.earlier?.status === 'complete') {
    progress.finish('complete', `${directory.path} holds this run, finished. --force begins anew.`);
    show(directory.earlier, config, flags);
    return;
  }
  const record = await interruptible(
    (signal) => runDistill(config, { directory, progress, signal, command: commandLine() }),
    (error) => `limbeck: interrupted. ${error.message} Go on with: ${commandLine(['--force'])}`,
  );
  if (record) show(record, config, flags);
}

function show(record: RunRecord, { output: { directory } }: RunConfig, { json }: DistillFlags): void {
  process.stdout.write(
    json
      ? `${JSON.stringify(record, null, 2)}\n`
      : `\n${renderTextTable(resultsTable(record), { width: terminalWidth() })}\nReport and student: ${directory}\n`,
  );
}
