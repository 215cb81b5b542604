/** The sections `teacher` and `cache` of a run's configuration: whose space the student learns, and where its rows are kept. */
import * as z from 'zod';
import { embeddingsTeacherOptionsSchema } from '../teachers/embeddings-teacher.ts';
import { ensembleTeacherOptionsSchema } from '../teachers/ensemble-teacher.ts';
import { onnxTeacherOptionsSchema } from '../teachers/onnx-teacher.ts';
import { transformersTeacherOptionsSchema } from '../teachers/transformers-teacher.ts';
import { cacheOptionsSchema } from '../training/distill-options.ts';
import { path } from './data-schema.ts';

const maxTokens = () =>
  z.int().min(3).optional().describe('a whole number ≥ 3: longer texts are cut; by default as many as the model takes');
const perChannel = (what: string) =>
  z.array(z.number()).min(1).optional().describe(`a list of numbers, one for each channel: ${what}`);

const onnx = onnxTeacherOptionsSchema.omit({ layers: true, name: true }).shape;

/** The first key of each says what the teacher is. A description completes "expected …". */
export const TEACHERS = {
  bert: z.strictObject({
    bert: path(
      'the path of a directory with config.json, tokenizer.json and weights in .safetensors, of an encoder of the BERT family',
    ),
    maxTokens: maxTokens(),
  }),
  onnx: z.strictObject({
    onnx: path('the path of an .onnx file, from any tool'),
    ...onnx,
    embeddings: onnx.embeddings.describe(
      'the name of the tensor that holds the embeddings; limbeck inspect lists them',
    ),
    outputs: onnx.outputs.describe('the name of the tensor that holds the logits, of models that classify'),
    tokenizer: path('the path of the tokenizer.json that belongs to the model; needed for texts').optional(),
    maxTokens: maxTokens(),
    mean: perChannel('what is taken off pixels from 0 to 1; by default nothing'),
    std: perChannel('what pixels are then divided by; by default nothing'),
  }),
  transformers: z.strictObject({
    transformers: path(
      'a model id of the Hugging Face hub, or a directory; for texts; needs the npm package @huggingface/transformers',
    ),
    ...transformersTeacherOptionsSchema.omit({ name: true }).shape,
  }),
  embeddings: z.strictObject({
    embeddings: path('the path of a file of rows: .npy, .safetensors, .jsonl or .parquet'),
    ...embeddingsTeacherOptionsSchema.omit({ name: true }).shape,
  }),
} as const;

const anyTeacher = z.union([TEACHERS.bert, TEACHERS.onnx, TEACHERS.transformers, TEACHERS.embeddings]);

export const teacherSchema = z
  .union([
    z.literal('none'),
    TEACHERS.bert,
    TEACHERS.onnx,
    TEACHERS.transformers,
    TEACHERS.embeddings,
    z.strictObject({
      ensemble: z.array(anyTeacher).min(2).describe('a list of two or more teachers'),
      ...ensembleTeacherOptionsSchema.omit({ seed: true }).shape,
    }),
  ])
  .describe("'none', or one of bert, onnx, transformers, embeddings and ensemble with their options");

export const cacheSchema = z.strictObject({
  ...cacheOptionsSchema.shape,
  directory: path('the path of a directory: rows are computed once and kept there').default('.limbeck/teacher-cache'),
});

export type TeacherConfig = z.output<typeof teacherSchema>;
export type SingleTeacherConfig = z.output<typeof anyTeacher>;
export type CacheConfig = z.output<typeof cacheSchema>;
