/** The command line of `limbeck evaluate`: options, help, what goes to stdout. */
import { type Command, InvalidArgumentError } from 'commander';
import type { RowSource } from '../matrix/row-source.ts';
import type { EvaluationDataFlags, LabelledData } from './evaluation-data.ts';
import { terminalWidth } from './terminal-width.ts';

interface EvaluateFlags extends EvaluationDataFlags {
  readonly embeddings?: string;
  readonly index?: string;
  readonly pairs?: string;
  readonly pairColumns?: string;
  readonly full: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  limbeck evaluate runs/glosses/student --data test.jsonl --embeddings test.npy
                                             does the student find what its teacher would?
  limbeck evaluate runs/glosses/student --data queries.txt --embeddings queries.npy --index documents.npy
                                             and among a million documents?
  limbeck evaluate runs/pets/student --data photos/test
                                             a classifier, on a folder for each class
  limbeck evaluate runs/stars/student --data test.csv --column review --label-column stars --json
                                             for programs
`;

function wholeNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 1) {
    throw new InvalidArgumentError('Expected a whole number ≥ 1.');
  }
  return value;
}

/** Adds `limbeck evaluate`. */
export function addEvaluateCommand(program: Command): void {
  program
    .command('evaluate')
    .showHelpAfterError('(limbeck evaluate --help lists the options)')
    .summary('measure a saved student on data')
    .description(
      'Measures a saved student on data of yours: with rows of its teacher how well it stands in for it, with labels how often it is right, ' +
        'and always how large it is and how long it takes.',
    )
    .argument('<student>', 'the directory of a student, as limbeck distill and save() write it')
    .requiredOption(
      '--data <path>',
      'texts: a file (.txt, .jsonl, .csv, .tsv, .parquet); images: a folder with a folder for each class, a list, or an IDX file',
    )
    .option('--column <name>', 'the column of the texts, or of the paths of images')
    .option('--label-column <name>', 'the column of the labels')
    .option('--labels <file>', 'the IDX file of labels that belongs to an IDX file of images')
    .option('--limit <n>', 'samples to take, from the beginning', wholeNumber)
    .option(
      '--embeddings <file>',
      "the teacher's rows, in the order of the data: .npy, .safetensors, .jsonl or .parquet",
    )
    .option('--cache <directory>', "the teacher cache that holds the teacher's rows of exactly this data")
    .option('--index <file>', "more rows of the teacher, among which a sample's own row has to be found")
    .option(
      '--full',
      'also measure what takes longer: probes, few-shot episodes, nDCG, agreement of whole spaces',
      false,
    )
    .option('--pairs <file>', 'scored pairs of texts (.csv, .tsv, .jsonl): does similarity follow their scores?')
    .option('--pair-columns <names>', 'their columns: text,text,score (default: sentence1,sentence2,score)')
    .option('--json', 'print everything as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(evaluate);
}

async function evaluate(directory: string, flags: EvaluateFlags): Promise<void> {
  const { LimbeckError } = await import('../errors.ts');
  const { evaluateModel } = await import('../evaluation/evaluate-model.ts');
  const { Student } = await import('../training/student.ts');
  const { readEvaluationData } = await import('./evaluation-data.ts');
  const { describeEvaluation, renderEvaluation } = await import('./evaluation-render.ts');
  const { Progress } = await import('./progress.ts');
  if (flags.embeddings !== undefined && flags.cache !== undefined) {
    throw new LimbeckError('INVALID_OPTION', 'evaluate: expected --embeddings or --cache, got both. Leave one out.');
  }
  if (flags.index !== undefined && flags.embeddings === undefined && flags.cache === undefined) {
    throw new LimbeckError(
      'INVALID_OPTION',
      "--index: expected the teacher's rows of the data beside it, got none. Give --embeddings or --cache.",
    );
  }
  const progress = new Progress(process.stderr);
  const interrupted = new AbortController();
  const stop = (): void => interrupted.abort();
  process.once('SIGINT', stop);
  const student = await Student.load(directory);
  try {
    const show = (stage: string, verb: string) => {
      const began = performance.now();
      return (done: number, total: number): void =>
        progress.update(stage, `${verb} ${done.toLocaleString('en')}/${total.toLocaleString('en')}`, {
          done: done / total,
          seconds: (performance.now() - began) / 1000,
        });
    };
    const signal = interrupted.signal;
    const read = await readEvaluationData(student, flags, { signal, onProgress: show('data', 'read') });
    const { data, labels } = read;
    const result = await evaluateModel({
      model: student,
      data: { size: data.size, read: (numbers) => data.read(numbers), labels },
      ...(await teacherRows(flags, read)),
      ...(await pairsOf(flags, student.kind)),
      full: flags.full,
      signal,
      onProgress: show('measure', 'embedded'),
    });
    progress.finish('measure', `${data.size.toLocaleString('en')} samples`);
    const evaluation = describeEvaluation(student, directory, flags.data, read, result);
    process.stdout.write(
      flags.json ? `${JSON.stringify(evaluation, null, 2)}\n` : renderEvaluation(evaluation, terminalWidth()),
    );
  } finally {
    process.off('SIGINT', stop);
    await student.release();
  }
}

async function pairsOf({ pairs, pairColumns }: EvaluateFlags, kind: 'text' | 'image') {
  const { LimbeckError } = await import('../errors.ts');
  if (pairs === undefined) {
    if (pairColumns === undefined) return {};
    throw new LimbeckError('INVALID_OPTION', '--pair-columns: expected --pairs beside it, got none.');
  }
  if (kind !== 'text') {
    throw new LimbeckError('INVALID_OPTION', '--pairs: expected a student of texts, got one of images.');
  }
  const [leftColumn, rightColumn, scoreColumn, ...more] = (pairColumns ?? 'sentence1,sentence2,score').split(',');
  if (!scoreColumn || more.length > 0) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `--pair-columns: expected three names, text,text,score, got ${pairColumns}.`,
    );
  }
  const { readPairs } = await import('../data/read-pairs.ts');
  return { pairs: await readPairs(pairs, { leftColumn, rightColumn, scoreColumn }) };
}

async function teacherRows(
  { embeddings, cache, index }: EvaluateFlags,
  { data }: LabelledData,
): Promise<{ readonly teacher?: RowSource; readonly index?: RowSource }> {
  const { cachedTeacherRows, rowsOfData, rowsOfFile } = await import('./evaluation-data.ts');
  return {
    ...(embeddings !== undefined && { teacher: await rowsOfData(embeddings, data) }),
    ...(cache !== undefined && { teacher: await cachedTeacherRows(cache, data) }),
    ...(index !== undefined && { index: await rowsOfFile(index) }),
  };
}
