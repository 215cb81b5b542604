/** From the section `student` to the model that is trained. */
import type { Dataset } from '../data/dataset.ts';
import { textDataset } from '../data/text-dataset.ts';
import { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import type { ImageStudent } from '../students/images/image-student.ts';
import { mlp } from '../students/images/mlp.ts';
import { mobilenet } from '../students/images/mobilenet.ts';
import type { ImageSample } from '../students/images/pixels.ts';
import { resnet } from '../students/images/resnet.ts';
import { wideResnet } from '../students/images/wide-resnet.ts';
import { imageInputs, textInputs } from '../students/onnx/onnx-inputs.ts';
import { StaticEmbeddingStudent } from '../students/static-embedding-student.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { StudentFilesOptions } from '../students/student-files.ts';
import { teacherTokens } from '../students/teacher-tokens.ts';
import { transformerEncoder } from '../students/transformer/transformer-encoder.ts';
import { parseBertCheckpoint } from '../teachers/parse-bert-checkpoint.ts';
import { Student } from '../training/student.ts';
import { bertFiles } from './bert-directory.ts';
import type { ImageRunData, RunData } from './build-data.ts';
import { comparesRows, readsOutputs } from './build-strategy.ts';
import { type BuiltTokenizer, buildTokenizer, encodedParts } from './build-tokenizer.ts';
import type { RunConfig } from './complete-config.ts';
import type { StudentConfig } from './student-schema.ts';

/** What of a teacher decides on the student's shape. */
export interface TeacherShape {
  readonly dimension?: number | undefined;
  readonly classes?: number | undefined;
  readonly tokenizer?: TextTokenizer | undefined;
}

/** A teacher that can also be asked for rows of samples beside the data. */
export interface AskedTeacher<Sample> extends TeacherShape {
  readonly embed?: ((data: Dataset<Sample>) => Promise<Matrix>) | undefined;
}

/** A student that can be trained and saved. */
export type SavableStudent<Sample> = TrainableStudent<Sample, unknown> & {
  readonly parameterCount: number;
  save(directory: string, options?: StudentFilesOptions): Promise<void>;
};

export interface BuiltStudent<Sample> {
  readonly student: SavableStudent<Sample>;
  /** "static embeddings", "resnet-8", …. */
  readonly architecture: string;
  /** Tokens that it knows; of students of texts. */
  readonly vocabulary?: number;
  readonly maxTokens?: number;
  /** Training texts that lose their end. */
  readonly truncated: number;
}

/**
 * @param tokenizers those of students that were built before from the same data and teacher, by what was asked for
 * @throws LimbeckError INVALID_OPTION, FILE_UNREADABLE, FILE_CORRUPT; errors of the data
 */
export async function buildTextStudent(
  config: RunConfig,
  { training }: RunData<string>,
  teacher: AskedTeacher<string>,
  tokenizers: Map<string, BuiltTokenizer> = new Map(),
): Promise<BuiltStudent<string>> {
  const { student: options } = config;
  const { seed } = config.training;
  if (options.kind === 'onnx') return onnxTextStudent(options);
  if (options.kind !== 'static' && options.kind !== 'transformer') throw wrongKind(options.kind, 'texts');
  const { tokenizer: wanted, vocabularySize: size, maxTokens: longest, pruned } = options;
  const key = JSON.stringify([wanted, size, longest, pruned]);
  const built = tokenizers.get(key) ?? (await buildTokenizer(options, training, teacher.tokenizer));
  tokenizers.set(key, built);
  const { tokenizer, oldIds, truncated } = built;
  const { vocabularySize: vocabulary, maxTokens } = tokenizer;
  const known = { vocabulary, maxTokens, truncated };
  const dimension = dimensionOf(config, options.dimension, teacher);
  if (options.kind === 'static') {
    if (dimension === undefined) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'student.dimension: expected a whole number ≥ 1, since there is no teacher whose width could be taken, got nothing.',
      );
    }
    const { width, initialization, precision } = options;
    const { embed } = teacher;
    if (initialization === 'teacher' && embed) {
      built.teacherTokens ??= await teacherTokens(tokenizer, encodedParts(tokenizer, training), (texts) =>
        embed(textDataset({ texts })),
      );
    }
    const fromTeacher = initialization === 'teacher' ? built.teacherTokens : undefined;
    const student = new StaticEmbeddingStudent(tokenizer, { width, dimension, seed, precision, fromTeacher });
    return { student, architecture: 'static embeddings', ...known };
  }
  const { layers, heads, hidden, intermediate, fromTeacher } = options;
  const sizes = fromTeacher
    ? { fromTeacher: { checkpoint: await checkpointOf(config), layers: fromTeacher, ...(oldIds && { oldIds }) } }
    : { layers, heads, hidden, intermediate };
  const classes = classesOf(config, options.classes, training, teacher);
  const student = transformerEncoder(tokenizer, { ...sizes, dimension, classes, seed });
  return { student, architecture: 'transformer', ...known };
}

async function onnxTextStudent(options: Extract<StudentConfig, { kind: 'onnx' }>): Promise<BuiltStudent<string>> {
  const path = options.tokenizer as string;
  const tokenizer = TextTokenizer.fromJson(await readText(path, 'the tokenizer of the student'), {
    maxTokens: options.maxTokens ?? 512,
    name: path,
  });
  const student = await Student.fromOnnx(options.file, { ...onnxOptions(options), inputs: textInputs(tokenizer) });
  const { vocabularySize: vocabulary, maxTokens } = tokenizer;
  return { student, architecture: 'ONNX model', vocabulary, maxTokens, truncated: 0 };
}

/** @throws LimbeckError INVALID_OPTION, FILE_UNREADABLE, FILE_CORRUPT, UNSUPPORTED */
export async function buildImageStudent(
  config: RunConfig,
  { training, format }: ImageRunData,
  teacher: AskedTeacher<ImageSample>,
): Promise<BuiltStudent<ImageSample>> {
  const { student: options } = config;
  if (options.kind === 'onnx') {
    const student = await Student.fromOnnx(options.file, { ...onnxOptions(options), inputs: imageInputs() });
    return { student, architecture: 'ONNX model', truncated: 0 };
  }
  if (options.kind === 'static' || options.kind === 'transformer') throw wrongKind(options.kind, 'images');
  const student = imageStudent(options, {
    channels: format.channels,
    size: [format.height, format.width],
    seed: config.training.seed,
    dimension: dimensionOf(config, options.dimension, teacher),
    classes: classesOf(config, options.classes, training, teacher),
  });
  return { student, architecture: student.name, truncated: 0 };
}

type ImageArchitecture = Exclude<StudentConfig, { kind: 'onnx' | 'static' | 'transformer' }>;

interface CommonOptions {
  readonly channels: number;
  readonly size: [number, number];
  readonly seed: number;
  readonly dimension: number | undefined;
  readonly classes: number | undefined;
}

function imageStudent(options: ImageArchitecture, common: CommonOptions): ImageStudent {
  switch (options.kind) {
    case 'resnet':
      return resnet({ depth: options.depth, width: options.width, stemStride: options.stemStride, ...common });
    case 'wideResnet':
      return wideResnet({ depth: options.depth, widen: options.widen, ...common });
    case 'mobilenet':
      return mobilenet({ width: options.width, stem: options.stem, ...common });
    case 'mlp':
      return mlp({ widths: options.widths, activation: options.activation, ...common });
  }
}

function onnxOptions({ embeddings, outputs, pooling, sizes }: Extract<StudentConfig, { kind: 'onnx' }>) {
  return { embeddings, outputs, pooling, sizes };
}

/** What of a student's shape depends on teacher, labels and strategy; undefined where its own features, or no classes, are meant. */
export function studentShape(
  config: RunConfig,
  { training }: RunData<unknown>,
  teacher: TeacherShape,
): { readonly dimension: number | undefined; readonly classes: number | undefined } {
  const { student } = config;
  if (student.kind === 'onnx') return { dimension: undefined, classes: undefined };
  return {
    dimension: dimensionOf(config, student.dimension, teacher),
    classes: student.kind === 'static' ? undefined : classesOf(config, student.classes, training, teacher),
  };
}

function dimensionOf(config: RunConfig, given: number | undefined, teacher: TeacherShape): number | undefined {
  if (given !== undefined) return given;
  // A static student has no features of its own that could be its embedding.
  return comparesRows(config) || config.student.kind === 'static' ? teacher.dimension : undefined;
}

/** The teacher's classes, or those of the labels; where both are there and differ, training says so. */
function classesOf(
  config: RunConfig,
  given: number | undefined,
  { labels, classNames }: RunData<unknown>['training'],
  teacher: TeacherShape,
): number | undefined {
  if (given !== undefined || !readsOutputs(config)) return given;
  if (teacher.classes !== undefined || !labels || config.training.useLabels === false) return teacher.classes;
  return classNames?.length ?? labels.reduce((most, label) => Math.max(most, label), 0) + 1;
}

async function checkpointOf({ teacher }: RunConfig) {
  if (teacher === 'none' || !('bert' in teacher)) throw wrongKind('transformer', 'fromTeacher');
  const files = await bertFiles(teacher.bert);
  const [text, bytes] = await Promise.all([
    readText(files.config, 'the configuration of the teacher'),
    readBytes(files.weights, 'the weights of the teacher'),
  ]);
  return parseBertCheckpoint(text, bytes, files);
}

/** The configuration was checked before: this is a bug of ours. */
const wrongKind = (kind: string, what: string): Error => new Error(`student ${kind} for ${what} passed the checks`);
