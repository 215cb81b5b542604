/** The command line of `limbeck inspect`: options, help, what goes to stdout. */
import { type Command, InvalidArgumentError } from 'commander';
import { terminalWidth } from './terminal-width.ts';

interface InspectFlags {
  readonly all: boolean;
  readonly size: Readonly<Record<string, number>>;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  limbeck inspect model.onnx                     what can be trained, and why not
  limbeck inspect model.onnx --all               every node, not only those with weights
  limbeck inspect model.onnx --size height=224 --size width=224
                                                 for models that need sizes to be fixed
  limbeck inspect model.onnx --json > model.json for programs
`;

/** Adds `limbeck inspect`. */
export function addInspectCommand(program: Command): void {
  program
    .command('inspect')
    .showHelpAfterError('(limbeck inspect --help lists the options)')
    .summary('show what an ONNX file consists of, and what of it can be trained')
    .description(
      'Shows the inputs and outputs of an ONNX file, its layers with shapes and parameters, which of them can be trained and why ' +
        'the others cannot, and which tensors could be the embedding layer of an OnnxStudent.',
    )
    .argument('<model.onnx>', 'the file; what it keeps in other files is read from its own folder')
    .option('--all', 'list every node and every tensor that could be the embedding layer', false)
    .option('--size <name=n>', 'fix a size that only the run knows; can be repeated', collectSize, {})
    .option('--json', 'print everything as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(inspect);
}

function collectSize(text: string, sofar: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const cut = text.lastIndexOf('=');
  const size = Number(text.slice(cut + 1));
  if (cut < 1 || cut === text.length - 1 || !Number.isInteger(size) || size < 1) {
    throw new InvalidArgumentError('Expected a name and a whole number ≥ 1: height=224.');
  }
  return { ...sofar, [text.slice(0, cut)]: size };
}

async function inspect(file: string, { all, size, json }: InspectFlags): Promise<void> {
  const { surveyOnnxFile } = await import('../runtime/onnx-file.ts');
  const { renderSurvey } = await import('./render-survey.ts');
  const survey = await surveyOnnxFile(file, { sizes: size });
  const unknown = (_: string, value: unknown) => value ?? null;
  process.stdout.write(
    json
      ? `${JSON.stringify({ file, ...survey }, unknown, 2)}\n`
      : renderSurvey(survey, { file, all, width: terminalWidth() }),
  );
}
