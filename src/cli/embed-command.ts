/** The command line of `limbeck embed`: options, help, what goes to stdout. */
import type { Command } from 'commander';
import { LimbeckError } from '../errors.ts';
import { addConfigFlags, configOf, type GivenFlags } from './config-flags.ts';
import { type EmbedResult, runEmbed } from './embed-run.ts';
import { commandLine, interruptible } from './interruptible.ts';
import { Progress } from './progress.ts';
import { count } from './teacher-progress.ts';
import { rowFormat } from './write-rows.ts';

interface EmbedFlags extends GivenFlags {
  readonly out?: string;
  readonly student?: string;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  limbeck embed limbeck.yaml                     the teacher's rows, for limbeck distill to find
  limbeck embed --texts docs.jsonl --teacher-bert models/all-MiniLM-L6-v2 --out docs.npy
                                                 and a file of them: an index to search
  limbeck embed --texts queries.txt --student runs/docs/student --out queries.npy
                                                 the same by a student that was trained

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 130 interrupted.
`;

/** Fills in `limbeck embed`. */
export function fillEmbedCommand(command: Command): void {
  addConfigFlags(
    command
      .showHelpAfterError('(limbeck embed --help lists the options)')
      .description(
        'Computes the rows of a teacher for the data of a configuration and keeps them in the cache, where limbeck distill finds them. An ' +
          'interrupted pass goes on where it was. Or embeds with a saved student. Nothing is trained.',
      )
      .argument('[config.yaml]', 'the run, YAML or JSON (default: limbeck.yaml, where there is one)'),
    ['student', 'strategy', 'epochs', 'batch-size', 'learning-rate', 'seed', 'out'],
  )
    .option('--out <file>', 'also write all rows, in the order of the data, to a .npy, .safetensors or .jsonl file')
    .option('--student <directory>', 'embed with this saved student instead of the teacher; needs --out')
    .option('--json', 'print what was done as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(embedCommand);
}

async function embedCommand(file: string | undefined, { out, student, ...flags }: EmbedFlags): Promise<void> {
  // Found out now, and not after the rows are computed.
  if (out !== undefined) rowFormat(out);
  if (student !== undefined && out === undefined) {
    throw new LimbeckError(
      'INVALID_OPTION',
      'limbeck embed: expected --out beside --student, the file to write its rows to, got none.',
    );
  }
  const config = await configOf(file, flags, 'embed', {
    training: false,
    ...(student !== undefined && { teacher: 'none' }),
  });
  const result = await interruptible(
    (signal) => runEmbed(config, { out, student }, { progress: new Progress(process.stderr), signal }),
    (error) => `limbeck: interrupted. ${error.message} Go on with: ${commandLine()}`,
  );
  if (result) process.stdout.write(flags.json ? `${JSON.stringify(result, null, 2)}\n` : text(result));
}

function text({ model, dimension, rows, cache = {}, out }: EmbedResult): string {
  return [
    `${count(rows)} rows of ${model}, ${count(dimension)} numbers each`,
    ...Object.entries(cache).map(([what, { folder, rows: some }]) => `  ${what}: ${count(some)} rows in ${folder}`),
    ...(out === undefined ? [] : [`  all: ${out}`]),
    '',
  ].join('\n');
}
