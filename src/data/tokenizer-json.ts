/**
 * The file format tokenizer.json, as far as Limbeck reads and rewrites it: a checked view of a tokenizer, and its parts
 * under new ids. Everything that is not named here is carried along untouched.
 *
 * Not the tokenizer itself: that is `TextTokenizer`. The part "model" has a file of its own.
 */
import { LimbeckError, show } from '../errors.ts';
import { corruptTokenizer, isId, isObject } from './tokenizer-checks.ts';
import { checkModel, modelWithVocabulary, type TokenizerModel } from './tokenizer-model.ts';

/** One entry of `added_tokens`: a piece of text that is found before any normalisation. */
export interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
  [key: string]: unknown;
}

/** A tokenizer.json that has passed {@link parseTokenizerJson}. */
export interface TokenizerJson {
  model: TokenizerModel;
  added_tokens: AddedToken[];
  normalizer: { [key: string]: unknown } | null;
  post_processor: PostProcessor | null;
  padding?: { pad_token?: string; [key: string]: unknown } | null;
  truncation?: unknown;
  [key: string]: unknown;
}

/** What puts the special tokens around a text; the only part besides the vocabulary and added tokens that holds ids. */
type PostProcessor =
  | { type: 'TemplateProcessing'; special_tokens: Record<string, { tokens: string[]; ids: number[] }> }
  | { type: 'BertProcessing' | 'RobertaProcessing'; sep: [string, number]; cls: [string, number] }
  | { type: 'Sequence'; processors: PostProcessor[] }
  | { type: 'ByteLevel' };

/**
 * Parses the text of a tokenizer.json and checks what Limbeck relies on.
 *
 * @param name how the tokenizer is called in messages
 * @throws LimbeckError FILE_CORRUPT when it is not JSON or not a tokenizer, UNSUPPORTED when it is of another kind
 */
export function parseTokenizerJson(text: string, name: string): TokenizerJson {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw corruptTokenizer(name, `JSON, got ${text.length} characters that are not: ${show(text)}`, { cause });
  }
  if (!isObject(parsed) || !isObject(parsed.model)) {
    const got = isObject(parsed) ? `the keys ${Object.keys(parsed).slice(0, 8).join(', ') || '(none)'}` : show(parsed);
    throw corruptTokenizer(name, `a tokenizer, which is an object with a "model", got ${got}`);
  }
  const model = checkModel(parsed.model, name);
  const added = parsed.added_tokens ?? [];
  if (!Array.isArray(added) || !added.every((t) => isObject(t) && typeof t.content === 'string' && isId(t.id))) {
    throw corruptTokenizer(name, `added_tokens to be a list of { id, content }, got ${show(added)}`);
  }
  if (parsed.post_processor !== undefined && parsed.post_processor !== null) {
    checkPostProcessor(parsed.post_processor, name);
  }
  // Absent and null mean the same; the library that builds the parts wants the keys to be there.
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { ...parts, ...parsed, model, added_tokens: added } as TokenizerJson;
}

/** The tokens that the post-processor puts around a text or a pair of texts. */
export function postProcessorTokens(processor: PostProcessor | null): string[] {
  if (processor === null || processor.type === 'ByteLevel') return [];
  if (processor.type === 'Sequence') return processor.processors.flatMap(postProcessorTokens);
  if (processor.type !== 'TemplateProcessing') return [processor.cls[0], processor.sep[0]];
  return Object.values(processor.special_tokens).flatMap(({ tokens }) => tokens);
}

/**
 * The same tokenizer with another vocabulary.
 *
 * @param newIds token → id; holds at least the added tokens, the unknown token and those of the post-processor
 */
export function withVocabulary(json: TokenizerJson, newIds: ReadonlyMap<string, number>): TokenizerJson {
  const { model, added_tokens, post_processor: processor } = json;
  const idOf = (token: string) => newIds.get(token)!;
  return {
    ...json,
    added_tokens: added_tokens.map((t) => ({ ...t, id: idOf(t.content) })).sort((a, b) => a.id - b.id),
    post_processor: processor && renumbered(processor, idOf),
    model: modelWithVocabulary(model, newIds),
  };
}

function renumbered(processor: PostProcessor, idOf: (token: string) => number): PostProcessor {
  if (processor.type === 'ByteLevel') return processor;
  if (processor.type === 'Sequence') {
    return { ...processor, processors: processor.processors.map((part) => renumbered(part, idOf)) };
  }
  if (processor.type === 'TemplateProcessing') {
    const entries = Object.entries(processor.special_tokens);
    const special = entries.map(([key, entry]) => [key, { ...entry, ids: entry.tokens.map(idOf) }] as const);
    return { ...processor, special_tokens: Object.fromEntries(special) };
  }
  const pair = ([token]: [string, number]): [string, number] => [token, idOf(token)];
  return { ...processor, sep: pair(processor.sep), cls: pair(processor.cls) };
}

function checkPostProcessor(processor: unknown, name: string): void {
  const isPair = (value: unknown) => Array.isArray(value) && typeof value[0] === 'string';
  const isEntry = (value: unknown) =>
    isObject(value) && Array.isArray(value.tokens) && value.tokens.every((token) => typeof token === 'string');
  const type = isObject(processor) ? processor.type : processor;
  let fine = false;
  if (!isObject(processor)) fine = false;
  else if (type === 'ByteLevel') fine = true;
  else if (type === 'TemplateProcessing') {
    fine = isObject(processor.special_tokens) && Object.values(processor.special_tokens).every(isEntry);
  } else if (type === 'BertProcessing' || type === 'RobertaProcessing') {
    fine = isPair(processor.sep) && isPair(processor.cls);
  } else if (type === 'Sequence' && Array.isArray(processor.processors)) {
    for (const part of processor.processors) checkPostProcessor(part, name);
    fine = true;
  } else {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected a post-processor of type TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel ` +
        `or Sequence, got ${show(type)}. Choose a model that puts special tokens around a text in one of these ways.`,
    );
  }
  if (!fine) {
    const got = isObject(processor) ? Object.keys(processor).join(', ') : show(processor);
    throw corruptTokenizer(name, `the special tokens of its post-processor, got ${got}`);
  }
}
