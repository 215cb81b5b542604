/**
 * A tokenizer learned from the user's own texts, for students of teachers that bring none: embeddings that were bought
 * from a service come without a tokenizer.json. The result is BERT's kind of WordPiece, which transformers.js and
 * Python's transformers read.
 *
 * Not the learning of pieces (`learnWordPieces`) nor the counting (`WordCounts`): this file says how texts are split and
 * what the tokenizer.json holds. Texts are split by the parts that the finished tokenizer encodes with.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { LimbeckError, show } from '../errors.ts';
import { TextTokenizer } from './tokenizer.ts';
import { WordCounts } from './word-counts.ts';
import { CONTINUATION, learnWordPieces } from './word-pieces.ts';

const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
/** WordPiece makes longer words the unknown token. In code points. */
const LONGEST_WORD = 100;
const MOST_DISTINCT_WORDS = 2_000_000;
/** As many characters as BERT's own English vocabulary has; it keeps texts of many scripts from filling the vocabulary. */
const MOST_CHARACTERS = 1_000;

export interface TrainTokenizerOptions {
  /** Tokens at most, special tokens and single characters included. 20,000. */
  vocabularySize?: number;
  /** Longest result of `encode`, special tokens included. 512. */
  maxTokens?: number;
  /** Whether capital letters and accents are dropped, as in BERT's uncased models. true. */
  lowercase?: boolean;
  /** A piece of several characters occurs at least so often when it is made. 2. */
  minimumCount?: number;
  /** How the tokenizer is called in messages. "own tokenizer". */
  name?: string;
}

/**
 * Learns a WordPiece tokenizer from texts.
 *
 * Every character of the texts has a token, at the start of a word and, where words can hold it inside, also there, so
 * that words which the texts never used still have pieces. (Of more than 1,000 different characters the 1,000 most
 * frequent ones; words with another become the unknown token.) The same texts in another order give the same tokenizer
 * unless there are more than 2,000,000 distinct words: above that the rarest are forgotten as the texts come in.
 *
 * @param texts read once, one at a time, so that they need not fit into memory
 * @throws LimbeckError INVALID_ARGUMENT for texts that are no strings or hold no words, INVALID_OPTION for impossible
 * options, for instance a vocabulary that is smaller than the characters of the texts
 *
 * @example
 * const tokenizer = await trainTokenizer(texts, { vocabularySize: 20_000, maxTokens: 128 });
 * const student = new StaticEmbeddingStudent(tokenizer, { width: 128, dimension: 256, seed: 1 });
 */
export async function trainTokenizer(
  texts: Iterable<string> | AsyncIterable<string>,
  options: TrainTokenizerOptions = {},
): Promise<TextTokenizer> {
  const { vocabularySize = 20_000, maxTokens = 512, lowercase = true, minimumCount = 2 } = options;
  const { name = 'own tokenizer' } = options;
  requireWholeNumber('vocabularySize', vocabularySize, SPECIAL_TOKENS.length + 1);
  requireWholeNumber('maxTokens', maxTokens, 3);
  requireWholeNumber('minimumCount', minimumCount, 1);
  if (typeof lowercase !== 'boolean') {
    throw new LimbeckError('INVALID_OPTION', `lowercase: expected true or false, got ${show(lowercase)}.`);
  }

  const split = bertSplitter(lowercase);
  const words = await countWords(texts, split);
  const { starts, insides } = alphabet(words, split);
  const smallest = SPECIAL_TOKENS.length + starts.length + insides.length;
  if (vocabularySize < smallest) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `vocabularySize: expected at least ${smallest}, the special tokens and the single characters of the texts, ` +
        `got ${vocabularySize}. Ask for more.`,
    );
  }
  const limits = { pieces: vocabularySize - SPECIAL_TOKENS.length, minimumCount };
  // "[UNK]" and its like cannot come out: brackets are words of their own.
  const tokens = [...SPECIAL_TOKENS, ...learnWordPieces(words, starts, insides, limits)];
  return TextTokenizer.fromJson(JSON.stringify(bertTokenizerJson(tokens, lowercase)), { maxTokens, name });
}

async function countWords(
  texts: Iterable<string> | AsyncIterable<string>,
  split: (text: string) => string[],
): Promise<ReadonlyMap<string, number>> {
  const isIterable =
    typeof texts === 'object' && texts !== null && (Symbol.iterator in texts || Symbol.asyncIterator in texts);
  if (!isIterable) {
    throw new LimbeckError('INVALID_ARGUMENT', `texts: expected an array or a stream of texts, got ${show(texts)}.`);
  }
  const words = new WordCounts((text) => split(text).filter((word) => !isTooLong(word)), MOST_DISTINCT_WORDS);
  let count = 0;
  for await (const text of texts) {
    if (typeof text !== 'string') {
      throw new LimbeckError('INVALID_ARGUMENT', `texts[${count}]: expected a string, got ${show(text)}.`);
    }
    words.add(text);
    count++;
  }
  if (words.counts.size === 0) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `texts: expected at least one word to learn from, got ${count} texts without any. Check what is read.`,
    );
  }
  return words.counts;
}

const isTooLong = (word: string) => word.length > LONGEST_WORD && [...word].length > LONGEST_WORD;

/** The characters of words, in the order of their code points. */
function alphabet(words: ReadonlyMap<string, number>, split: (text: string) => string[]) {
  const counts = new Map<string, number>();
  for (const [word, count] of words) {
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  }
  const byCodePoint = (a: string, b: string) => a.codePointAt(0)! - b.codePointAt(0)!;
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || byCodePoint(a, b));
  const starts = byCount.slice(0, MOST_CHARACTERS).map(([character]) => character);
  starts.sort(byCodePoint);
  // Punctuation and Chinese characters are always words of their own, and need no token inside a word.
  return { starts, insides: starts.filter((character) => split(`a${character}a`).length === 1) };
}

/** What splits texts into words, built from the same JSON as the finished tokenizer. */
function bertSplitter(lowercase: boolean): (text: string) => string[] {
  // Written out because the library's own declarations do not resolve under NodeNext and would be `any`.
  const parts: { normalizer(text: string): string; pre_tokenizer(text: string): string[] } = new Tokenizer(
    bertTokenizerJson(SPECIAL_TOKENS, lowercase),
    {},
  );
  return (text) => parts.pre_tokenizer(parts.normalizer(text));
}

/** A tokenizer.json as BERT's: `tokens` by id, the special ones first. */
function bertTokenizerJson(tokens: readonly string[], lowercase: boolean) {
  const idOf = (token: string) => SPECIAL_TOKENS.indexOf(token);
  const special = (id: string, type_id: number) => ({ SpecialToken: { id, type_id } });
  const sequence = (id: string, type_id: number) => ({ Sequence: { id, type_id } });
  const single = [special('[CLS]', 0), sequence('A', 0), special('[SEP]', 0)];
  const templateToken = (token: string) => [token, { id: token, ids: [idOf(token)], tokens: [token] }] as const;
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: SPECIAL_TOKENS.map((content, id) => ({ id, content, ...flags })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, sequence('B', 1), special('[SEP]', 1)],
      special_tokens: Object.fromEntries(['[CLS]', '[SEP]'].map(templateToken)),
    },
    decoder: { type: 'WordPiece', prefix: CONTINUATION, cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: CONTINUATION,
      max_input_chars_per_word: LONGEST_WORD,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
}

function requireWholeNumber(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new LimbeckError('INVALID_OPTION', `${name}: expected a whole number from ${least} on, got ${show(value)}.`);
}
