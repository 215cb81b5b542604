/**
 * The file format tokenizer.json, as far as Limbeck reads and rewrites it: a checked view of a WordPiece tokenizer, and
 * its parts under new ids. Everything that is not named here is carried along untouched.
 *
 * Not the tokenizer itself: that is `TextTokenizer`.
 */
import { LimbeckError, show } from '../errors.ts';

/** One entry of `added_tokens`: a piece of text that is found before any normalisation. */
export interface AddedToken {
  id: number;
  content: string;
  special?: boolean;
  [key: string]: unknown;
}

/** A tokenizer.json that has passed {@link parseTokenizerJson}. */
export interface TokenizerJson {
  model: {
    type: 'WordPiece';
    vocab: Record<string, number>;
    unk_token: string;
    continuing_subword_prefix: string;
    [key: string]: unknown;
  };
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
  | { type: 'BertProcessing' | 'RobertaProcessing'; sep: [string, number]; cls: [string, number] };

type JsonObject = Record<string, unknown>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isId = (value: unknown) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x7fffffff;

/** The error of a damaged file, one wording for all: `expected <expectedAndGot>`. */
export function corruptTokenizer(name: string, expectedAndGot: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError(
    'FILE_CORRUPT',
    `${name}: expected ${expectedAndGot}. Fetch tokenizer.json from the model's source again.`,
    options,
  );
}

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
  checkPostProcessor(parsed.post_processor, name);
  // Absent and null mean the same; the library that builds the parts wants the keys to be there.
  const parts = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null };
  return { ...parts, ...parsed, model, added_tokens: added } as TokenizerJson;
}

/** The tokens that the post-processor puts around a text or a pair of texts. */
export function postProcessorTokens(processor: PostProcessor | null): string[] {
  if (processor === null) return [];
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
  let renumbered = processor;
  if (processor?.type === 'TemplateProcessing') {
    const entries = Object.entries(processor.special_tokens);
    const special = entries.map(([key, entry]) => [key, { ...entry, ids: entry.tokens.map(idOf) }] as const);
    renumbered = { ...processor, special_tokens: Object.fromEntries(special) };
  } else if (processor) {
    const pair = ([token]: [string, number]): [string, number] => [token, idOf(token)];
    renumbered = { ...processor, sep: pair(processor.sep), cls: pair(processor.cls) };
  }
  return {
    ...json,
    added_tokens: added_tokens.map((t) => ({ ...t, id: idOf(t.content) })).sort((a, b) => a.id - b.id),
    post_processor: renumbered,
    // fromEntries defines own properties, so that a token named __proto__ survives.
    model: { ...model, vocab: Object.fromEntries(newIds) },
  };
}

function checkModel(model: JsonObject, name: string): TokenizerJson['model'] {
  // Files from before 2021 leave the type out; only WordPiece has a prefix for continuing pieces and no merges.
  const legacy = model.type === undefined && 'continuing_subword_prefix' in model && !('merges' in model);
  if (model.type !== 'WordPiece' && !legacy) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected a WordPiece tokenizer (BERT and its relatives), got ${show(model.type)}. ` +
        'Choose a model with a WordPiece vocabulary.',
    );
  }
  const { vocab, unk_token: unknown, continuing_subword_prefix: prefix } = model;
  if (typeof unknown !== 'string' || typeof prefix !== 'string') {
    const got = `${show(unknown)} and ${show(prefix)}`;
    throw corruptTokenizer(name, `unk_token and continuing_subword_prefix to be strings, got ${got}`);
  }
  const entries = isObject(vocab) ? Object.entries(vocab) : [];
  const wrong = entries.find(([, id]) => !isId(id));
  if (entries.length === 0 || wrong) {
    const got = wrong ? `${show(wrong[1])} for ${show(wrong[0])}` : `${show(vocab)} without entries`;
    throw corruptTokenizer(name, `a vocabulary of tokens with an id each, got ${got}`);
  }
  return { ...model, type: 'WordPiece' } as TokenizerJson['model'];
}

function checkPostProcessor(processor: unknown, name: string): void {
  if (processor === undefined || processor === null) return;
  const type = isObject(processor) ? processor.type : processor;
  if (!isObject(processor) || !['TemplateProcessing', 'BertProcessing', 'RobertaProcessing'].includes(String(type))) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected a post-processor of type TemplateProcessing, BertProcessing or RobertaProcessing, ` +
        `got ${show(type)}. Choose a model that puts special tokens around a text in one of these ways.`,
    );
  }
  const isPair = (value: unknown) => Array.isArray(value) && typeof value[0] === 'string';
  const isEntry = (value: unknown) =>
    isObject(value) && Array.isArray(value.tokens) && value.tokens.every((token) => typeof token === 'string');
  const fine =
    type === 'TemplateProcessing'
      ? isObject(processor.special_tokens) && Object.values(processor.special_tokens).every(isEntry)
      : isPair(processor.sep) && isPair(processor.cls);
  if (!fine)
    throw corruptTokenizer(name, `the special tokens of its ${type}, got ${Object.keys(processor).join(', ')}`);
}
