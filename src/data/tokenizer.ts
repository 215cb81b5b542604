/**
 * Text to token ids: a tokenizer.json of the kinds WordPiece, BPE and Unigram, truncation under our own control, and
 * pruning of the vocabulary to what a corpus uses. Splitting text is left to @huggingface/tokenizers, which
 * transformers.js uses too, so that a student tokenizes the same way in training and in a browser. (That library and
 * the Rust one differ on a capital sigma at the end of a word, on Chinese characters beyond U+FFFF in WordPiece, and,
 * under SentencePiece's map of characters, which XLM-R and T5 have, on three characters: the zero-width joiner, the
 * Arabic letter mark and U+0344.)
 *
 * Not a trainer of vocabularies: that is `trainTokenizer`. It reads no files: the caller brings the JSON.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { LimbeckError, show } from '../errors.ts';
import { encodeStart } from './encode-start.ts';
import { tokenText } from './token-text.ts';
import { corruptTokenizer } from './tokenizer-checks.ts';
import { tokenizerFiles } from './tokenizer-files.ts';
import { parseTokenizerJson, postProcessorTokens, type TokenizerJson, withVocabulary } from './tokenizer-json.ts';
import { isSingleCharacter, tokensBehind, unknownTokenOf, vocabularyOf } from './tokenizer-model.ts';

/** What to fill batches with where the file does not say: any id would do, because the attention mask hides it. */
const PADDING_TOKENS = ['[PAD]', '<pad>', '<|pad|>', '<|padding|>', '<|endoftext|>', '</s>'];
/** The unknown token of models that never make one themselves, because they know every byte. */
const UNKNOWN_TOKENS = ['<unk>', '[UNK]', '<|unk|>'];
/** Stands for a text where only what is put around it matters. */
const ANY_TOKEN = '\u0000';

// Written out because the library's own declarations do not resolve under NodeNext and would be `any`.
interface Library {
  encode(text: string): { ids: number[] };
  post_processor: { post_process(tokens: string[]): { tokens: string[] } } | null;
  model: { encode(words: string[]): string[]; tokenize?(word: string): string[] };
}

export interface TextTokenizerOptions {
  /** Longest result of `encode`, special tokens included. */
  maxTokens: number;
  /** How the tokenizer is called in messages, for instance the path of its file. */
  name: string;
}

/** What {@link TextTokenizer.prune} gives. */
export interface PrunedTokenizer {
  tokenizer: TextTokenizer;
  /** `oldIds[newId] = oldId`, one entry for each token that was kept: gathers the rows of an embedding table. */
  oldIds: Int32Array;
  /**
   * How many tokens were kept that the corpus never uses: single characters, so that unseen words still have pieces,
   * and what BPE and Unigram need to come to the pieces of the corpus.
   */
  fallbackTokens: number;
}

/**
 * A tokenizer with a limit of length.
 *
 * @example
 * const json = await readFile('tokenizer.json', 'utf8');
 * const tokenizer = TextTokenizer.fromJson(json, { maxTokens: 512, name: 'MiniLM' });
 * tokenizer.encode('a large musical instrument'); // Int32Array [101, 1037, 2312, 3315, 6602, 102]
 * const { tokenizer: small, oldIds } = tokenizer.prune(tokenizer.encodeAll(corpus));
 * small.toFiles().get('tokenizer.json');          // the same pieces for the corpus, fewer ids
 */
export class TextTokenizer {
  readonly name: string;
  readonly maxTokens: number;
  /** Rows that an embedding table for these ids needs: the largest id plus one. */
  readonly vocabularySize: number;
  /** The id to fill batches with. */
  readonly padId: number;
  /** The id of a word that has no pieces; undefined where the vocabulary has no such token. */
  readonly unknownId: number | undefined;
  /** The ids of the special tokens, ascending. */
  readonly specialIds: readonly number[];
  readonly #json: TokenizerJson;
  readonly #library: Library;
  /** Token → id, added tokens included, and back. */
  readonly #ids: Map<string, number>;
  readonly #tokens: Map<number, string>;
  /** The ids around a text: `[CLS]` and `[SEP]` for BERT. */
  readonly #prefix: readonly number[];
  readonly #suffix: readonly number[];

  private constructor(json: TokenizerJson, { maxTokens, name }: TextTokenizerOptions) {
    this.name = name;
    this.#json = json;
    try {
      this.#library = new Tokenizer(json, {});
    } catch (cause) {
      throw corruptTokenizer(name, `parts that can be built, got ${show((cause as Error).message)}`, { cause });
    }
    const { model } = this.#library;
    // The library hands all pieces of a text to one call, which overflows the stack when there are 100,000.
    if (model.tokenize) model.encode = (words) => words.flatMap((word) => model.tokenize!(word));
    this.#ids = vocabularyOf(json.model);
    for (const { content, id } of json.added_tokens) this.#ids.set(content, id);
    this.#tokens = new Map([...this.#ids].map(([token, id]) => [id, token]));
    if (this.#tokens.size !== this.#ids.size) {
      const [token, id] = [...this.#ids].find(([token, id]) => this.#tokens.get(id) !== token)!;
      throw corruptTokenizer(
        name,
        `an id for each token, got ${id} for ${show(token)} and ${show(this.#tokens.get(id))}`,
      );
    }
    for (const token of postProcessorTokens(json.post_processor)) this.#idOf(token, 'a special token');
    this.vocabularySize = [...this.#tokens.keys()].reduce((a, b) => Math.max(a, b)) + 1;
    this.specialIds = json.added_tokens.flatMap(({ special, id }) => (special ? [id] : [])).sort((a, b) => a - b);
    const unknown = unknownTokenOf(json.model);
    this.unknownId = unknown === undefined ? this.#firstOf(UNKNOWN_TOKENS) : this.#idOf(unknown, 'the unknown token');
    const padding = json.padding?.pad_token;
    this.padId =
      padding === undefined
        ? (this.#firstOf(PADDING_TOKENS) ?? this.specialIds[0] ?? this.#ids.values().next().value!)
        : this.#idOf(padding, 'the padding token');

    const around = this.#library.post_processor?.post_process([ANY_TOKEN]).tokens ?? [ANY_TOKEN];
    const place = around.indexOf(ANY_TOKEN);
    if (place < 0) throw corruptTokenizer(name, `a post-processor that keeps the text, got ${show(around)}`);
    this.#prefix = around.slice(0, place).map((token) => this.#idOf(token, 'a special token'));
    this.#suffix = around.slice(place + 1).map((token) => this.#idOf(token, 'a special token'));
    const special = this.#prefix.length + this.#suffix.length;
    if (!Number.isInteger(maxTokens) || maxTokens <= special) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `maxTokens: expected a whole number above ${special}, as there are special tokens around a text, ` +
          `got ${show(maxTokens)}.`,
      );
    }
    this.maxTokens = maxTokens;
  }

  /**
   * Reads the text of a tokenizer.json. Its own truncation and padding are ignored in favour of `maxTokens`.
   *
   * @throws LimbeckError FILE_CORRUPT when it is not JSON or not a tokenizer, UNSUPPORTED when its model is not
   * WordPiece, BPE or Unigram, INVALID_OPTION for an impossible `maxTokens`
   */
  static fromJson(tokenizerJson: string, options: TextTokenizerOptions): TextTokenizer {
    return new TextTokenizer(parseTokenizerJson(tokenizerJson, options.name), options);
  }

  /**
   * The ids of a text, special tokens included, at most `maxTokens` of them: a longer text loses its end, and keeps the
   * closing special token.
   *
   * @throws LimbeckError INVALID_ARGUMENT when it is not a string
   */
  encode(text: string): Int32Array {
    return this.#truncate(this.#encodeStart(text, 'text'));
  }

  /**
   * {@link encode} for many texts.
   *
   * @param onTruncated called once with how many texts were longer than `maxTokens`, when there are any
   */
  encodeAll(texts: readonly string[], onTruncated?: (count: number) => void): Int32Array[] {
    let truncated = 0;
    const result = texts.map((text, i) => {
      const ids = this.#encodeStart(text, `texts[${i}]`);
      if (ids.length > this.maxTokens) truncated++;
      return this.#truncate(ids);
    });
    if (truncated > 0) onTruncated?.(truncated);
    return result;
  }

  /**
   * A tokenizer with the special tokens (first, in their old order), the tokens that occur in `encoded`, every single
   * character of the vocabulary, at the start of a word and inside one, and what BPE and Unigram need besides.
   *
   * The texts behind `encoded` keep their pieces. WordPiece takes the longest piece that fits, those pieces were kept,
   * and no longer ones came in; for the others see {@link tokensBehind}. Only of a text that was truncated inside a
   * word may BPE and Unigram cut that last word otherwise, because its end is not known.
   *
   * The characters keep the tokenizer total: a word that the corpus never used falls back to shorter pieces, which
   * still tell it from other words. Without them it would become the unknown token as soon as one letter in one
   * position had not occurred.
   *
   * Unigram numbers its pieces first and then the special tokens that are no pieces, as its files demand.
   *
   * @param encoded results of this tokenizer's {@link encode}
   * @throws LimbeckError INVALID_ARGUMENT for an id that is not in the vocabulary
   */
  prune(encoded: Iterable<Int32Array>): PrunedTokenizer {
    const used = new Set<number>();
    for (const ids of encoded) for (const id of ids) used.add(id);
    const first = new Set([this.padId]);
    if (this.unknownId !== undefined) first.add(this.unknownId);
    for (const { id } of this.#json.added_tokens) first.add(id);
    for (const token of postProcessorTokens(this.#json.post_processor)) first.add(this.#ids.get(token)!);

    const rest = new Set<number>();
    for (const id of used) {
      if (!this.#tokens.has(id)) {
        throw new LimbeckError(
          'INVALID_ARGUMENT',
          `prune: expected ids of ${this.name}, 0 … ${this.vocabularySize - 1}, got ${id}. Encode with it first.`,
        );
      }
      if (!first.has(id)) rest.add(id);
    }
    const occurring = rest.size;
    const { model } = this.#json;
    for (const token of tokensBehind(
      Array.from(rest, (id) => this.#tokens.get(id)!),
      model,
    )) {
      const id = this.#ids.get(token);
      if (id !== undefined && !first.has(id)) rest.add(id);
    }
    for (const [token, id] of this.#ids) if (!first.has(id) && isSingleCharacter(token, model)) rest.add(id);

    const pieces = vocabularyOf(model);
    const isLast = (id: number) => model.type === 'Unigram' && !pieces.has(this.#tokens.get(id)!);
    const inOrder = [...first].sort((a, b) => a - b);
    const oldIds = Int32Array.from([
      ...inOrder.filter((id) => !isLast(id)),
      ...Int32Array.from(rest).sort(),
      ...inOrder.filter(isLast),
    ]);
    const newIds = new Map(Array.from(oldIds, (oldId, newId) => [this.#tokens.get(oldId)!, newId]));
    const options = { maxTokens: this.maxTokens, name: `${this.name}, pruned` };
    const tokenizer = new TextTokenizer(withVocabulary(this.#json, newIds), options);
    return { tokenizer, oldIds, fallbackTokens: rest.size - occurring };
  }

  /**
   * The files of an exported model, name → text: `tokenizer.json` and `tokenizer_config.json`, as transformers.js and
   * Python's transformers read them. Both truncate to `maxTokens` and pad to the longest text of a batch. (When
   * transformers.js truncates, it cuts off the closing special token with the rest.)
   */
  toFiles(): Map<string, string> {
    const token = (id: number) => this.#tokens.get(id)!;
    return tokenizerFiles(this.#json, {
      maxTokens: this.maxTokens,
      padId: this.padId,
      padToken: token(this.padId),
      unknownToken: this.unknownId === undefined ? undefined : token(this.unknownId),
      prefix: this.#prefix.map(token),
      suffix: this.#suffix.map(token),
    });
  }

  /**
   * Every token as a text of its own, one per id below {@link vocabularySize}: "ing" for "##ing". Empty for special tokens, for ids without
   * a token, and for what is no whole character.
   */
  tokenTexts(): string[] {
    const special = new Set(this.specialIds);
    const textOf = tokenText(this.#json);
    return Array.from({ length: this.vocabularySize }, (_, id) => {
      const token = this.#tokens.get(id);
      return token === undefined || special.has(id) ? '' : textOf(token);
    });
  }

  /** The ids of a text, cut off somewhere beyond `maxTokens`. */
  #encodeStart(text: string, name: string): Int32Array {
    if (typeof text !== 'string') {
      throw new LimbeckError('INVALID_ARGUMENT', `${name}: expected a string, got ${show(text)}.`);
    }
    const around = this.#prefix.length + this.#suffix.length;
    return Int32Array.from(encodeStart(text, this.maxTokens, around, (start) => this.#library.encode(start).ids));
  }

  #truncate(ids: Int32Array): Int32Array {
    if (ids.length <= this.maxTokens) return ids;
    const result = ids.slice(0, this.maxTokens);
    result.set(this.#suffix, this.maxTokens - this.#suffix.length);
    return result;
  }

  #firstOf(tokens: readonly string[]): number | undefined {
    return tokens.map((token) => this.#ids.get(token)).find((id) => id !== undefined);
  }

  #idOf(token: string, role: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw corruptTokenizer(this.name, `${role} in the vocabulary, got none for ${show(token)}`);
    return id;
  }
}
