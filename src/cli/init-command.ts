/** The command line of `limbeck init`: three questions, or flags, and a commented configuration that runs as it is. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createInterface, type Interface } from 'node:readline/promises';
import { type Command, Option } from 'commander';
import { commentedConfig } from '../config/commented-config.ts';
import { parseConfigText } from '../config/config-text.ts';
import { parseConfig } from '../config/read-config.ts';
import type { ConfigInput } from '../config/schema.ts';
import { STUDENTS_OF_IMAGES, STUDENTS_OF_TEXTS } from '../config/student-schema.ts';
import { TEXT_RECIPE } from '../config/text-recipe.ts';
import { LimbeckError } from '../errors.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { DEFAULT_FILE } from './config-flags.ts';
import { dataOf } from './init-data.ts';
import { type TeacherKind, teacherKind, teacherOf } from './init-teacher.ts';

interface InitFlags {
  readonly texts?: string;
  readonly images?: string;
  readonly bert?: string;
  readonly onnx?: string;
  readonly transformers?: string;
  readonly embeddings?: string;
  readonly student?: string;
  readonly force: boolean;
  readonly json: boolean;
  /** False with --no-teacher. */
  readonly teacher: boolean;
}

const EXAMPLES = `
Examples:
  limbeck init                                   asks three questions
  limbeck init --texts glosses.jsonl --bert models/all-MiniLM-L6-v2
  limbeck init --texts docs.parquet --embeddings docs.npy
                                                 rows that an embedding service gave
  limbeck init --images photos --onnx clip-image.onnx --student mobilenet
  limbeck init search --texts search/docs.txt --transformers Xenova/all-MiniLM-L6-v2
                                                 writes search/limbeck.yaml

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
`;

/** Fills in `limbeck init`. */
export function fillInitCommand(command: Command): void {
  const students = [...new Set([...STUDENTS_OF_TEXTS, ...STUDENTS_OF_IMAGES])].filter((kind) => kind !== 'onnx');
  command
    .showHelpAfterError('(limbeck init --help lists the options)')
    .description(
      'Writes limbeck.yaml, a commented configuration that limbeck distill runs as it is. Looks at the data for the names of columns. ' +
        'Asks for what the flags do not say, where there is somebody to ask.',
    )
    .argument('[directory]', 'where the file goes', '.')
    .option('--texts <file>', 'the texts: .txt, .jsonl, .csv, .tsv or .parquet')
    .option('--images <path>', 'the images: a folder of class folders, a list of files, or an IDX file')
    .option('--bert <directory>', 'the teacher: a BERT encoder with config.json, tokenizer.json and weights')
    .option('--onnx <file>', 'the teacher: any .onnx file')
    .option('--transformers <id>', 'the teacher: a model of the Hugging Face hub, or a directory of one')
    .option('--embeddings <file>', 'the teacher: rows in .npy, .safetensors, .jsonl or .parquet')
    .option('--no-teacher', 'no teacher: labels alone')
    .addOption(new Option('--student <kind>', 'what is trained').choices(students))
    .option('--force', 'replace a limbeck.yaml that is there', false)
    .option('--json', 'print what was written as JSON', false)
    .addHelpText('after', EXAMPLES)
    .action(init);
}

async function init(directory: string, flags: InitFlags): Promise<void> {
  const file = join(directory, DEFAULT_FILE);
  if (!flags.force && existsSync(file)) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}: expected no file of that name, got one, which would be replaced. --force replaces it; another directory can be named.`,
    );
  }
  const config = await answered(flags);
  const installed = 'node_modules/limbeck/limbeck.schema.json';
  const text = commentedConfig(config, existsSync(installed) ? toUrl(relative(directory, installed)) : undefined);
  // What would not run is not written: the message names the key.
  parseConfig(parseConfigText(text, file), { file });
  await writeFileAtomic(file, text);
  const next = file === DEFAULT_FILE ? 'limbeck distill' : `limbeck distill ${file}`;
  process.stdout.write(
    flags.json
      ? `${JSON.stringify({ file, next, config }, null, 2)}\n`
      : `${file} written. Look it over, then train:\n\n  ${next}\n\n`,
  );
}

const toUrl = (path: string): string => {
  const slashes = path.replaceAll('\\', '/');
  return slashes.startsWith('.') ? slashes : `./${slashes}`;
};

const TEACHERS = ['bert', 'onnx', 'transformers', 'embeddings'] as const;

async function answered(flags: InitFlags): Promise<ConfigInput> {
  const asking = process.stdin.isTTY ? createInterface({ input: process.stdin, output: process.stderr }) : undefined;
  try {
    const data = await dataAnswer(flags, asking);
    const texts = data.texts !== undefined;
    const { kind, text } = await teacherAnswer(flags, asking);
    const teacher = await teacherOf(kind, text, { texts, byId: data.idColumn !== undefined });
    const student = await studentAnswer(flags, asking, texts);
    return {
      data,
      teacher,
      student: studentOf(student, kind),
      strategy: kind === 'none' ? { kind: 'supervised' } : student === 'static' ? TEXT_RECIPE : { kind: 'contrastive' },
      training: { epochs: 10 },
    } as ConfigInput;
  } finally {
    asking?.close();
  }
}

async function dataAnswer(flags: InitFlags, asking: Interface | undefined): Promise<ConfigInput['data']> {
  if (flags.texts !== undefined && flags.images !== undefined) {
    throw new LimbeckError('INVALID_OPTION', 'limbeck init: expected either --texts or --images, got both.');
  }
  if (flags.texts !== undefined) return dataOf(flags.texts, 'texts');
  if (flags.images !== undefined) return dataOf(flags.images, 'images');
  const question = 'What is the data? A file of texts (.txt, .jsonl, .csv, .parquet), or a folder of images';
  return dataOf(await ask(asking, question, '--texts or --images'), undefined);
}

async function teacherAnswer(
  flags: InitFlags,
  asking: Interface | undefined,
): Promise<{ kind: TeacherKind; text: string }> {
  const given = TEACHERS.filter((kind) => flags[kind] !== undefined);
  if (given.length + (flags.teacher ? 0 : 1) > 1) {
    const names = [...given.map((kind) => `--${kind}`), ...(flags.teacher ? [] : ['--no-teacher'])];
    throw new LimbeckError('INVALID_OPTION', `limbeck init: expected one teacher, got ${names.join(' and ')}.`);
  }
  if (!flags.teacher) return { kind: 'none', text: 'none' };
  const [kind] = given;
  if (kind) return { kind, text: flags[kind] as string };
  const question =
    'Who is the teacher? The folder of a model, an .onnx file, a file of its rows (.npy, .safetensors, .jsonl, .parquet),\n' +
    'a model id of the Hugging Face hub, or none for labels alone';
  const text = await ask(asking, question, '--bert, --onnx, --transformers, --embeddings or --no-teacher');
  return { kind: teacherKind(text), text };
}

async function studentAnswer(flags: InitFlags, asking: Interface | undefined, texts: boolean): Promise<string> {
  const fitting = (texts ? STUDENTS_OF_TEXTS : STUDENTS_OF_IMAGES).filter((kind) => kind !== 'onnx');
  if (flags.student !== undefined) return flags.student;
  if (!asking) return fitting[0];
  const question = `Which student? ${fitting.join(', ')} (${fitting[0]})`;
  return (await answer(asking, question)) || fitting[0];
}

/** Sizes that a kind cannot do without. */
function studentOf(kind: string, teacher: TeacherKind): ConfigInput['student'] {
  switch (kind) {
    case 'transformer':
      return teacher === 'bert' ? { kind, fromTeacher: [0, 5] } : { kind, layers: 2, heads: 4, hidden: 128 };
    case 'wideResnet':
      return { kind, depth: 16, widen: 2 };
    case 'mlp':
      return { kind, widths: [256, 64] };
    default:
      return { kind } as ConfigInput['student'];
  }
}

async function ask(asking: Interface | undefined, question: string, flags: string): Promise<string> {
  if (!asking) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `limbeck init: expected ${flags}, since there is nobody to ask at this terminal, got none.`,
    );
  }
  for (;;) {
    const text = await answer(asking, question);
    if (text !== '') return text;
  }
}

/** Ctrl-C and the end of the input end the command: no question is then ever answered. */
function answer(asking: Interface, question: string): Promise<string> {
  return new Promise((done, failed) => {
    const closed = (): void =>
      failed(new LimbeckError('ABORTED', 'Expected an answer, got none; nothing was written.'));
    asking.once('close', closed);
    asking.question(`${question}: `).then((text) => {
      asking.off('close', closed);
      done(text.trim());
    }, failed);
  });
}
