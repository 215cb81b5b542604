/** The files of a saved student, alike for every architecture, and how they get to a disk. */
import { storage } from '#storage';
import type { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError, show } from '../errors.ts';
import { type ModelCardFacts, modelCard } from './model-card.ts';
import type { StudentFormat } from './student-format.ts';

/** What a user may say about a student that is saved. */
export interface StudentFilesOptions {
  /** What the model card is to tell beside what the student knows itself; everything that is not given is left out. */
  readonly card?: ModelCardFacts | undefined;
  /** The name of class i at place i, for students that classify. */
  readonly classNames?: readonly string[] | undefined;
}

/** What a student knows of itself. */
export interface StudentParts {
  /** Bytes of the .onnx file. */
  readonly model: Uint8Array;
  /** Entries of config.json beside `limbeck`. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly format: StudentFormat;
  /** The architecture, for instance "static embeddings". */
  readonly architecture: string;
  readonly parameters: number;
  /** Further files: the tokenizer's. */
  readonly files?: ReadonlyMap<string, string>;
}

/** Path of the model in a student directory. */
export const MODEL_FILE = 'onnx/model.onnx';

/**
 * The directory of a student: `onnx/model.onnx`, `config.json`, the tokenizer's files, and `README.md`, its model card.
 *
 * @throws LimbeckError INVALID_OPTION for class names that are not one for each class
 */
export function studentFiles(
  { model, config, format, architecture, parameters, files = new Map() }: StudentParts,
  { card = {}, classNames }: StudentFilesOptions,
): Map<string, string | Uint8Array> {
  if (classNames !== undefined) checkClassNames(classNames, format.classes);
  const named = { ...format, ...(classNames && { classNames: [...classNames] }) };
  const labels = classNames && {
    id2label: Object.fromEntries(classNames.entries()),
    label2id: Object.fromEntries(classNames.map((name, i) => [name, i])),
  };
  const everything = { ...config, ...labels, limbeck: named };
  return new Map<string, string | Uint8Array>([
    [MODEL_FILE, model],
    ['config.json', `${JSON.stringify(everything, null, 2)}\n`],
    ...files,
    ['README.md', modelCard({ format: named, architecture, parameters, modelBytes: model.length }, card)],
  ]);
}

/** What a student of texts that was built here knows of itself: ids and a mask in, tokens pooled to their mean. */
export interface TextStudentParts extends Pick<StudentParts, 'model' | 'architecture' | 'parameters'> {
  readonly tokenizer: TextTokenizer;
  readonly dimension: number;
  readonly classes?: number | undefined;
  /** Entries of config.json of its own, `model_type` among them. */
  readonly config: Readonly<Record<string, unknown>>;
}

/** {@link studentFiles} of a student of texts, laid out as transformers.js expects them. */
export function textStudentFiles(
  { tokenizer, dimension, classes, config, ...parts }: TextStudentParts,
  options: StudentFilesOptions,
): Map<string, string | Uint8Array> {
  const classifier = classes !== undefined && { classes };
  return studentFiles(
    {
      ...parts,
      config: {
        ...config,
        // transformers.js runs it as its base class; Python's transformers has no code for it, and must not think it does.
        architectures: ['PreTrainedModel'],
        vocab_size: tokenizer.vocabularySize,
        hidden_size: dimension,
        ...classifier,
        pad_token_id: tokenizer.padId,
        pooling: 'mean',
        normalize: true,
        // There are no quantized weights, which transformers.js would otherwise ask for in a browser.
        'transformers.js_config': { dtype: 'fp32' },
      },
      format: {
        format: 1,
        kind: 'text',
        dimension,
        ...classifier,
        maxTokens: tokenizer.maxTokens,
        inputs: ['input_ids', 'attention_mask'],
        pooling: 'mean',
      },
      files: tokenizer.toFiles(),
    },
    options,
  );
}

function checkClassNames(names: readonly string[], classes: number | undefined): void {
  const wrong =
    classes === undefined
      ? 'none, since the student does not classify'
      : names.length !== classes || new Set(names).size !== classes || names.some((name) => typeof name !== 'string')
        ? `${classes} different strings, one for each class`
        : undefined;
  if (wrong) throw new LimbeckError('INVALID_OPTION', `classNames: expected ${wrong}, got ${show(names)}.`);
}

/** What may stand in a directory that a student replaces. */
const OWN_NAMES = ['onnx', 'config.json', 'tokenizer.json', 'tokenizer_config.json', 'README.md'];

/**
 * Writes a student directory, complete or not at all. An earlier student in it is replaced; anything else is never removed.
 *
 * @throws LimbeckError INVALID_ARGUMENT when the directory holds something that no student has, FILE_UNWRITABLE
 */
export async function saveStudent(directory: string, files: ReadonlyMap<string, string | Uint8Array>): Promise<void> {
  if (typeof directory !== 'string' || directory === '') {
    throw new LimbeckError('INVALID_ARGUMENT', `save: expected the path of a directory, got ${show(directory)}.`);
  }
  const present = (await storage.list(directory)) ?? [];
  const foreign = present.filter((name) => !OWN_NAMES.includes(name));
  if (present.length > 0 && (foreign.length > 0 || !(await isStudent(directory, present)))) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${directory}: expected a new directory, an empty one, or an earlier student, which would be replaced; got one that holds ` +
        `${[...foreign, ...present].slice(0, 3).join(', ')}. Choose another directory.`,
    );
  }
  await storage.writeDirectory(directory, files);
}

async function isStudent(directory: string, names: readonly string[]): Promise<boolean> {
  if (!names.includes('config.json')) return false;
  const config = await storage.readText(directory, 'config.json', "the student's configuration");
  return /"limbeck"|"limbeck-/.test(config);
}
