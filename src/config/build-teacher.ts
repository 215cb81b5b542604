/** From the section `teacher` to something that can be asked for rows. */
import { TextTokenizer } from '../data/tokenizer.ts';
import { readText } from '../runtime/read-files.ts';
import type { ImageSample } from '../students/images/pixels.ts';
import { imageInputs, type OnnxInputs, textInputs } from '../students/onnx/onnx-inputs.ts';
import { BertTeacher } from '../teachers/bert-teacher.ts';
import { EmbeddingsTeacher } from '../teachers/embeddings-teacher.ts';
import { EnsembleTeacher } from '../teachers/ensemble-teacher.ts';
import { OnnxTeacher } from '../teachers/onnx-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { TransformersTeacher } from '../teachers/transformers-teacher.ts';
import { bertFiles, modelName } from './bert-directory.ts';
import type { RunConfig } from './complete-config.ts';
import type { SingleTeacherConfig } from './teacher-schema.ts';

/** A teacher, and what records say of it. */
export interface BuiltTeacher<Sample> {
  readonly teacher: Teacher<Sample>;
  readonly name: string;
  readonly parameters?: number | undefined;
  readonly sizeBytes?: number | undefined;
  /** Its own, where that is known. */
  readonly tokenizer?: TextTokenizer | undefined;
}

type Build<Sample> = (config: SingleTeacherConfig) => Promise<BuiltTeacher<Sample>>;

/** @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, INVALID_OPTION, MISSING_PACKAGE */
export function buildTextTeacher(config: RunConfig): Promise<BuiltTeacher<string> | undefined> {
  return build<string>(config, async (one) => {
    if ('onnx' in one) {
      const tokenizer = await readTokenizer(one.tokenizer as string, one.maxTokens);
      return { ...(await onnxTeacher(one, textInputs(tokenizer), config)), tokenizer };
    }
    if ('bert' in one) return bertTeacher(one);
    if ('transformers' in one) {
      const { transformers, ...options } = one;
      const name = modelName(transformers);
      return { teacher: await TransformersTeacher.load(transformers, { ...options, name }), name };
    }
    return embeddingsTeacher(one);
  });
}

/** @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, INVALID_OPTION, MISSING_PACKAGE */
export function buildImageTeacher(config: RunConfig): Promise<BuiltTeacher<ImageSample> | undefined> {
  return build<ImageSample>(config, async (one) => {
    if ('onnx' in one) {
      const { mean, std } = one;
      const channels = (mean ?? std ?? []).length;
      const statistics = { mean: mean ?? Array(channels).fill(0), std: std ?? Array(channels).fill(1) };
      return onnxTeacher(one, imageInputs(channels > 0 ? statistics : undefined), config);
    }
    if ('embeddings' in one && !('onnx' in one) && 'align' in one) return embeddingsTeacher(one);
    throw new Error('a teacher of texts passed the checks for images');
  });
}

async function build<Sample>(
  { teacher: config }: RunConfig,
  one: Build<Sample>,
): Promise<BuiltTeacher<Sample> | undefined> {
  if (config === 'none') return undefined;
  if (!('ensemble' in config)) return one(config);
  const { ensemble, ...options } = config;
  const members: BuiltTeacher<Sample>[] = [];
  try {
    for (const member of ensemble) members.push(await one(member));
    return {
      teacher: new EnsembleTeacher(
        members.map(({ teacher }) => teacher),
        options,
      ),
      name: members.map(({ name }) => name).join(' + '),
    };
  } catch (error) {
    for (const { teacher } of members) await teacher.release?.();
    throw error;
  }
}

async function bertTeacher({
  bert,
  maxTokens,
}: Extract<SingleTeacherConfig, { bert: string }>): Promise<BuiltTeacher<string>> {
  const name = modelName(bert);
  const teacher = await BertTeacher.load(await bertFiles(bert), {
    name,
    ...(maxTokens !== undefined && { maxTokens }),
  });
  const { tokenizer, parameterCount: parameters, sizeBytes } = teacher;
  return { teacher, name, tokenizer, parameters, sizeBytes };
}

async function onnxTeacher<Sample>(
  config: Extract<SingleTeacherConfig, { onnx: string }>,
  inputs: OnnxInputs<Sample, unknown>,
  { training: { device } }: RunConfig,
): Promise<BuiltTeacher<Sample>> {
  const { onnx, tokenizer: _, maxTokens: __, mean: ___, std: ____, ...options } = config;
  const name = modelName(onnx);
  return { teacher: await OnnxTeacher.load(onnx, { ...options, name, inputs, device }), name };
}

async function readTokenizer(path: string, maxTokens = 512): Promise<TextTokenizer> {
  return TextTokenizer.fromJson(await readText(path, 'the tokenizer of the teacher'), { maxTokens, name: path });
}

async function embeddingsTeacher<Sample>(
  config: Extract<SingleTeacherConfig, { align: unknown }>,
): Promise<BuiltTeacher<Sample>> {
  const { embeddings, ...options } = config;
  return {
    teacher: await EmbeddingsTeacher.load<Sample>(embeddings, { ...options, name: modelName(embeddings) }),
    name: modelName(embeddings),
  };
}
