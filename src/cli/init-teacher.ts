/** What somebody names as a teacher, as the section of a configuration: a model's folder, a file, an id of the hub, or none. */
import { existsSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { ConfigInput } from '../config/schema.ts';
import { LimbeckError } from '../errors.ts';
import { surveyOnnxFile } from '../runtime/onnx-file.ts';
import { vectorColumns } from './init-data.ts';

type TeacherInput = ConfigInput['teacher'];
export type TeacherKind = 'bert' | 'onnx' | 'transformers' | 'embeddings' | 'none';

const ROW_FILES = ['.npy', '.safetensors', '.jsonl', '.parquet'];

/** By what it looks like. */
export function teacherKind(text: string): TeacherKind {
  const extension = extname(text).toLowerCase();
  if (text === 'none') return 'none';
  if (extension === '.onnx') return 'onnx';
  if (ROW_FILES.includes(extension)) return 'embeddings';
  return existsSync(join(text, 'config.json')) && !existsSync(join(text, 'onnx')) ? 'bert' : 'transformers';
}

/**
 * @param byId whether the data have ids that rows can be aligned by
 * @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, INVALID_ARGUMENT
 */
export async function teacherOf(
  kind: TeacherKind,
  text: string,
  { texts, byId }: { readonly texts: boolean; readonly byId: boolean },
): Promise<TeacherInput> {
  switch (kind) {
    case 'none':
      return 'none';
    case 'bert':
      return { bert: text };
    case 'transformers':
      return { transformers: text };
    case 'onnx':
      return onnxTeacher(text, texts);
    case 'embeddings': {
      requireFile(text);
      const { column, idColumn } = await vectorColumns(text);
      const align = idColumn !== undefined && byId ? { align: 'id' as const, idColumn } : {};
      return { embeddings: text, ...(column !== undefined && { column }), ...align };
    }
  }
}

function requireFile(path: string): void {
  if (existsSync(path)) return;
  throw new LimbeckError(
    'FILE_UNREADABLE',
    `${path}: expected the rows of a teacher, got no such file. Check the path.`,
  );
}

/** Names that exporters give to the embeddings of a model, the likeliest first. */
const EMBEDDINGS = [
  'sentence_embedding',
  'embeddings',
  'image_embeds',
  'text_embeds',
  'pooler_output',
  'last_hidden_state',
];
const OUTPUTS = ['logits', 'output', 'scores'];

async function onnxTeacher(path: string, texts: boolean): Promise<TeacherInput> {
  const { outputs, embeddings } = await surveyOnnxFile(path);
  const tensors = [
    ...outputs.filter(({ shape }) => shape?.length === 2 || shape?.length === 3),
    ...[...embeddings].reverse(),
  ];
  const chosen =
    EMBEDDINGS.map((name) => tensors.find((tensor) => tensor.name === name)).find((found) => found) ?? tensors[0];
  if (!chosen) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected a model with a tensor [batch, width] or [batch, length, width], got none. limbeck inspect shows what it has.`,
    );
  }
  const logits = outputs.find(({ name }) => OUTPUTS.includes(name) && name !== chosen.name);
  const tokenizer = [dirname(path), dirname(dirname(path))]
    .map((folder) => join(folder, 'tokenizer.json'))
    .find((file) => existsSync(file));
  if (texts && tokenizer === undefined) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${path}: expected the model's tokenizer.json beside it or in the folder above, got none. Put it there.`,
    );
  }
  return {
    onnx: path,
    embeddings: chosen.name,
    ...(chosen.shape?.length === 3 && { pooling: 'mean' as const }),
    ...(logits && { outputs: logits.name }),
    ...(texts && { tokenizer }),
  };
}
