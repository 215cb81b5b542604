/**
 * The part "model" of a tokenizer.json, which cuts words into pieces: WordPiece (BERT), BPE (GPT-2, RoBERTa,
 * ModernBERT) and Unigram (XLM-R, T5). Checked views of the three, and what pruning needs to know of each.
 *
 * Not the cutting itself, which @huggingface/tokenizers does.
 */
import { LimbeckError, show } from '../errors.ts';
import { corruptTokenizer, isId, isObject, type JsonObject } from './tokenizer-checks.ts';

export interface WordPieceModel {
  type: 'WordPiece';
  vocab: Record<string, number>;
  unk_token: string;
  continuing_subword_prefix: string;
  [key: string]: unknown;
}

export interface BpeModel {
  type: 'BPE';
  vocab: Record<string, number>;
  /** Most important first; "a b" in older files. */
  merges: ([string, string] | string)[];
  unk_token?: string | null;
  end_of_word_suffix?: string | null;
  [key: string]: unknown;
}

export interface UnigramModel {
  type: 'Unigram';
  /** Token and the logarithm of its probability; the place in the list is the id. */
  vocab: [string, number][];
  unk_id: number;
  [key: string]: unknown;
}

export type TokenizerModel = WordPieceModel | BpeModel | UnigramModel;

/** Token → id, without the added tokens. */
export function vocabularyOf(model: TokenizerModel): Map<string, number> {
  return model.type === 'Unigram' ? new Map(model.vocab.map(([token], id) => [token, id])) : mapOf(model.vocab);
}

/** The token of a word without pieces; byte-level models may have none, because every text has bytes. */
export function unknownTokenOf(model: TokenizerModel): string | undefined {
  return model.type === 'Unigram' ? model.vocab[model.unk_id][0] : (model.unk_token ?? undefined);
}

/**
 * Whether a token is kept for words that a corpus does not use: one character, at the start of a word ("a"), inside
 * one ("##a") or at its end ("a</w>"), or one byte ("<0x0A>"). A character is a code point, not a UTF-16 unit.
 */
export function isSingleCharacter(token: string, model: TokenizerModel): boolean {
  const length = [...token].length;
  if (length === 1) return true;
  if (model.type === 'WordPiece') {
    const prefix = model.continuing_subword_prefix;
    return token.startsWith(prefix) && length === [...prefix].length + 1;
  }
  if (model.type === 'Unigram') return false;
  const suffix = model.end_of_word_suffix ?? '';
  return /^<0x[0-9A-F]{2}>$/.test(token) || (token.endsWith(suffix) && length === [...suffix].length + 1);
}

/**
 * The tokens that must stay besides `used` for the same texts to get the same pieces.
 *
 * BPE: whatever can be merged into a used token, and so on down to characters. Then every merge that happened on the
 * way to a used piece is still there; a merge that is gone had not happened, and taking away what is not chosen does
 * not change what is. Unigram: one piece with the lowest score, from which the score of an unknown character is
 * derived; the best cut of a text stays the best among fewer. WordPiece: nothing, as it takes the longest piece.
 */
export function tokensBehind(used: Iterable<string>, model: TokenizerModel): Set<string> {
  const result = new Set(used);
  if (model.type === 'Unigram') {
    result.add(model.vocab.reduce((lowest, entry) => (entry[1] < lowest[1] ? entry : lowest))[0]);
  } else if (model.type === 'BPE') {
    const parts = new Map<string, string[]>();
    for (const merge of model.merges) {
      const [left, right] = pairOf(merge);
      const known = parts.get(left + right);
      if (known) known.push(left, right);
      else parts.set(left + right, [left, right]);
    }
    // A set gives what is added while it is walked through.
    for (const token of result) for (const part of parts.get(token) ?? []) result.add(part);
  }
  return result;
}

/** The model with the tokens of `newIds` alone. For Unigram these are the numbers from 0 on. */
export function modelWithVocabulary(model: TokenizerModel, newIds: ReadonlyMap<string, number>): TokenizerModel {
  if (model.type === 'Unigram') {
    const scores = new Map(model.vocab);
    const tokens = [...newIds].sort(([, a], [, b]) => a - b).map(([token]) => token);
    const unknown = newIds.get(model.vocab[model.unk_id][0])!;
    return {
      ...model,
      unk_id: unknown,
      vocab: tokens.map((token): [string, number] => [token, scores.get(token) ?? 0]),
    };
  }
  // fromEntries defines own properties, so that a token named __proto__ survives.
  const vocab = Object.fromEntries(newIds);
  if (model.type === 'WordPiece') return { ...model, vocab };
  const isKept = (merge: BpeModel['merges'][number]) => {
    const [left, right] = pairOf(merge);
    return newIds.has(left) && newIds.has(right) && newIds.has(left + right);
  };
  return { ...model, vocab, merges: model.merges.filter(isKept) };
}

/**
 * Checks the part "model" of a file.
 *
 * @throws LimbeckError FILE_CORRUPT when it is damaged, UNSUPPORTED when it is of a kind that cannot be encoded with
 */
export function checkModel(model: JsonObject, name: string): TokenizerModel {
  const type = model.type ?? legacyType(model);
  if (type === 'WordPiece') return checkWordPiece({ ...model, type }, name);
  if (type === 'BPE') return checkBpe({ ...model, type }, name);
  if (type === 'Unigram') return checkUnigram({ ...model, type }, name);
  throw new LimbeckError(
    'UNSUPPORTED',
    `${name}: expected a WordPiece, BPE or Unigram tokenizer, got ${show(type)}. ` +
      'Choose a model with one of these, or learn a tokenizer from your texts with trainTokenizer().',
  );
}

/** The type of a file from before 2021, which leaves it out. */
function legacyType(model: JsonObject): string | undefined {
  if (Array.isArray(model.vocab)) return 'Unigram';
  if ('merges' in model) return 'BPE';
  return 'continuing_subword_prefix' in model ? 'WordPiece' : undefined;
}

function checkWordPiece(model: JsonObject, name: string): WordPieceModel {
  const { unk_token: unknown, continuing_subword_prefix: prefix } = model;
  if (typeof unknown !== 'string' || typeof prefix !== 'string') {
    const got = `${show(unknown)} and ${show(prefix)}`;
    throw corruptTokenizer(name, `unk_token and continuing_subword_prefix to be strings, got ${got}`);
  }
  checkVocabulary(model.vocab, name);
  return model as WordPieceModel;
}

function checkBpe(model: JsonObject, name: string): BpeModel {
  const { unk_token: unknown, continuing_subword_prefix: prefix, end_of_word_suffix: suffix, merges } = model;
  if (prefix) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected BPE pieces without a prefix inside words, got ${show(prefix)}. ` +
        'Choose another model, or learn a tokenizer from your texts with trainTokenizer().',
    );
  }
  const isText = (value: unknown) => value === undefined || value === null || typeof value === 'string';
  if (!isText(unknown) || !isText(suffix)) {
    const got = `${show(unknown)} and ${show(suffix)}`;
    throw corruptTokenizer(name, `unk_token and end_of_word_suffix to be strings or null, got ${got}`);
  }
  checkVocabulary(model.vocab, name);
  const isMerge = (merge: unknown) => {
    const pair = typeof merge === 'string' ? merge.split(' ') : merge;
    return Array.isArray(pair) && pair.length === 2 && pair.every((part) => typeof part === 'string');
  };
  const wrong = Array.isArray(merges) ? merges.find((merge) => !isMerge(merge)) : merges;
  if (!Array.isArray(merges) || wrong !== undefined) {
    throw corruptTokenizer(name, `merges to be a list of pairs, got ${show(wrong)}`);
  }
  return model as BpeModel;
}

function checkUnigram(model: JsonObject, name: string): UnigramModel {
  const { vocab, unk_id: unknown, byte_fallback: byteFallback } = model;
  if (byteFallback === true) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected a Unigram tokenizer with an unknown token, got one that falls back to bytes. ` +
        'Choose another model, or learn a tokenizer from your texts with trainTokenizer().',
    );
  }
  const isEntry = (entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === 'string' && Number.isFinite(entry[1]) && entry.length === 2;
  const wrong = Array.isArray(vocab) ? vocab.find((entry) => !isEntry(entry)) : vocab;
  if (!Array.isArray(vocab) || vocab.length === 0 || wrong !== undefined) {
    throw corruptTokenizer(name, `a vocabulary of tokens with a score each, got ${show(wrong ?? vocab)}`);
  }
  if (!isId(unknown) || (unknown as number) >= vocab.length) {
    throw corruptTokenizer(name, `unk_id to be one of ${vocab.length} ids, got ${show(unknown)}`);
  }
  return model as UnigramModel;
}

function checkVocabulary(vocab: unknown, name: string): void {
  const entries = isObject(vocab) ? Object.entries(vocab) : [];
  const wrong = entries.find(([, id]) => !isId(id));
  if (entries.length > 0 && !wrong) return;
  const got = wrong ? `${show(wrong[1])} for ${show(wrong[0])}` : `${show(vocab)} without entries`;
  throw corruptTokenizer(name, `a vocabulary of tokens with an id each, got ${got}`);
}

const mapOf = (record: Record<string, number>) => new Map(Object.entries(record));

function pairOf(merge: BpeModel['merges'][number]): readonly string[] {
  return typeof merge === 'string' ? merge.split(' ') : merge;
}
