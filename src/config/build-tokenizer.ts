/** How a student of texts cuts them into tokens: with the teacher's tokenizer, one from a file, or one made from the training texts. */
import type { Dataset } from '../data/dataset.ts';
import { TextTokenizer } from '../data/tokenizer.ts';
import { trainTokenizer } from '../data/train-tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import { readText } from '../runtime/read-files.ts';
import type { TeacherTokens } from '../students/teacher-tokens.ts';

export interface TokenizerRequest {
  readonly tokenizer?: string | undefined;
  readonly vocabularySize?: number | undefined;
  readonly maxTokens?: number | undefined;
  readonly pruned: boolean;
}

export interface BuiltTokenizer {
  readonly tokenizer: TextTokenizer;
  /** The ids that tokens had before the vocabulary was cut down; undefined when it was not. */
  readonly oldIds: Int32Array | undefined;
  /** Training texts that are longer than the tokenizer's limit. */
  readonly truncated: number;
  /** What the teacher says of its tokens, once somebody has asked. */
  teacherTokens?: TeacherTokens;
}

/** BERT's, where nothing else is known. */
const MAX_TOKENS = 512;

/** Texts that are read and cut into tokens at once. */
const TEXTS_AT_ONCE = 8192;

/**
 * @param teacher the teacher's own tokenizer, where it has one
 * @throws LimbeckError FILE_UNREADABLE, FILE_CORRUPT, INVALID_OPTION; errors of the data
 */
export async function buildTokenizer(
  { tokenizer: wanted, vocabularySize, maxTokens, pruned }: TokenizerRequest,
  data: Dataset<string>,
  teacher: TextTokenizer | undefined,
): Promise<BuiltTokenizer> {
  if (wanted === 'train') {
    const tokenizer = await trainTokenizer(texts(data), {
      ...(vocabularySize !== undefined && { vocabularySize }),
      maxTokens: maxTokens ?? MAX_TOKENS,
    });
    return { tokenizer, oldIds: undefined, truncated: await countTruncated(tokenizer, data) };
  }
  const whole = await found(wanted, maxTokens, teacher);
  let truncated = 0;
  const used = new Set<number>();
  for await (const part of parts(data)) {
    const encoded = whole.encodeAll(part, (count) => {
      truncated += count;
    });
    for (const ids of encoded) for (const id of ids) used.add(id);
  }
  if (!pruned) return { tokenizer: whole, oldIds: undefined, truncated };
  return { ...whole.prune([Int32Array.from(used)]), truncated };
}

async function found(
  wanted: string | undefined,
  maxTokens: number | undefined,
  teacher: TextTokenizer | undefined,
): Promise<TextTokenizer> {
  if (wanted !== undefined && wanted !== 'teacher') {
    const text = await readText(wanted, 'the tokenizer of the student');
    return TextTokenizer.fromJson(text, { maxTokens: maxTokens ?? MAX_TOKENS, name: wanted });
  }
  if (!teacher) {
    throw new LimbeckError(
      'INVALID_OPTION',
      "student.tokenizer: expected 'train' or the path of a tokenizer.json, since the teacher's own tokenizer is not known, got 'teacher'.",
    );
  }
  if (maxTokens === undefined) return teacher;
  const json = teacher.toFiles().get('tokenizer.json') as string;
  return TextTokenizer.fromJson(json, { maxTokens, name: teacher.name });
}

async function countTruncated(tokenizer: TextTokenizer, data: Dataset<string>): Promise<number> {
  let truncated = 0;
  for await (const part of parts(data)) {
    tokenizer.encodeAll(part, (count) => {
      truncated += count;
    });
  }
  return truncated;
}

async function* texts(data: Dataset<string>): AsyncGenerator<string> {
  for await (const part of parts(data)) yield* part;
}

/** The ids of all texts, some thousand at a time. */
export async function* encodedParts(tokenizer: TextTokenizer, data: Dataset<string>): AsyncGenerator<Int32Array[]> {
  for await (const part of parts(data)) yield tokenizer.encodeAll(part);
}

async function* parts(data: Dataset<string>): AsyncGenerator<readonly string[]> {
  for (let start = 0; start < data.size; start += TEXTS_AT_ONCE) {
    const count = Math.min(TEXTS_AT_ONCE, data.size - start);
    yield data.read(Int32Array.from({ length: count }, (_, i) => start + i));
  }
}
