/**
 * Text to token ids: a WordPiece tokenizer.json, truncation under our own control, and pruning of the vocabulary to
 * what a corpus uses. Splitting text is left to @huggingface/tokenizers, which transformers.js uses too, so that a
 * student tokenizes the same way in training and in a browser. (That library and the Rust one differ on two things: a
 * capital sigma at the end of a word, and Chinese characters beyond U+FFFF.)
 *
 * Not a trainer of vocabularies, and not for BPE or Unigram models. It reads no files: the caller brings the JSON.
 */
import { Tokenizer } from '@huggingface/tokenizers';
import { LimbeckError, show } from '../errors.ts';
import {
  corruptTokenizer,
  parseTokenizerJson,
  postProcessorTokens,
  type TokenizerJson,
  withVocabulary,
} from './tokenizer-json.ts';

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
  /** How many single characters were kept that the corpus never uses, so that unseen words still have pieces. */
  fallbackTokens: number;
}

/**
 * A WordPiece tokenizer with a limit of length.
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
  /** The id of a word that has no pieces. */
  readonly unknownId: number;
  /** The ids of the special tokens, ascending. */
  readonly specialIds: readonly number[];
  readonly #json: TokenizerJson;
  // Written out because the library's own declarations do not resolve under NodeNext and would be `any`.
  readonly #library: { encode(text: string): { ids: number[] } };
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
    this.#ids = new Map(Object.entries(json.model.vocab));
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
    this.unknownId = this.#idOf(json.model.unk_token, 'the unknown token');
    this.padId = this.#idOf(
      json.padding?.pad_token ?? (this.#ids.has('<pad>') ? '<pad>' : '[PAD]'),
      'the padding token',
    );
    this.specialIds = json.added_tokens.flatMap(({ special, id }) => (special ? [id] : [])).sort((a, b) => a - b);

    // What goes around a text is learned from the behaviour, which serves every kind of post-processor.
    const empty = this.#library.encode('').ids;
    const filled = this.#library.encode('a').ids;
    const start = empty.findIndex((id, i) => id !== filled[i]);
    this.#prefix = start < 0 ? empty : empty.slice(0, start);
    this.#suffix = start < 0 ? [] : empty.slice(start);
    if (!Number.isInteger(maxTokens) || maxTokens <= empty.length) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `maxTokens: expected a whole number above ${empty.length}, as there are special tokens around a text, ` +
          `got ${show(maxTokens)}.`,
      );
    }
    this.maxTokens = maxTokens;
  }

  /**
   * Reads the text of a tokenizer.json. Its own truncation and padding are ignored in favour of `maxTokens`.
   *
   * @throws LimbeckError FILE_CORRUPT when it is not JSON or not a tokenizer, UNSUPPORTED when its model is not
   * WordPiece, INVALID_OPTION for an impossible `maxTokens`
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
    return this.#truncate(this.#encodeWhole(text, 'text'));
  }

  /**
   * {@link encode} for many texts.
   *
   * @param onTruncated called once with how many texts were longer than `maxTokens`, when there are any
   */
  encodeAll(texts: readonly string[], onTruncated?: (count: number) => void): Int32Array[] {
    let truncated = 0;
    const result = texts.map((text, i) => {
      const ids = this.#encodeWhole(text, `texts[${i}]`);
      if (ids.length > this.maxTokens) truncated++;
      return this.#truncate(ids);
    });
    if (truncated > 0) onTruncated?.(truncated);
    return result;
  }

  /**
   * A tokenizer with the special tokens (first, in their old order), the tokens that occur in `encoded`, and every
   * single character of the vocabulary, at the start of a word and inside one.
   *
   * The texts behind `encoded` keep their pieces: WordPiece takes the longest piece that fits, those pieces were kept,
   * and no longer ones came in. The characters keep the tokenizer total: a word that the corpus never used falls back
   * to shorter pieces, which still tell it from other words. Without them it would become the unknown token as soon as
   * one letter in one position had not occurred.
   *
   * @param encoded results of this tokenizer's {@link encode}
   * @throws LimbeckError INVALID_ARGUMENT for an id that is not in the vocabulary
   */
  prune(encoded: Iterable<Int32Array>): PrunedTokenizer {
    const used = new Set<number>();
    for (const ids of encoded) for (const id of ids) used.add(id);
    const first = new Set([this.padId, this.unknownId]);
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
    const { continuing_subword_prefix: prefix } = this.#json.model;
    for (const [token, id] of this.#ids) if (!first.has(id) && isSingleCharacter(token, prefix)) rest.add(id);

    const oldIds = Int32Array.from([...Int32Array.from(first).sort(), ...Int32Array.from(rest).sort()]);
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
    const { model, normalizer, added_tokens } = this.#json;
    const json: TokenizerJson = {
      ...this.#json,
      truncation: { direction: 'Right', max_length: this.maxTokens, strategy: 'LongestFirst', stride: 0 },
      padding: {
        strategy: 'BatchLongest',
        direction: 'Right',
        pad_to_multiple_of: null,
        pad_id: this.padId,
        pad_type_id: 0,
        pad_token: this.#tokens.get(this.padId)!,
      },
    };
    const special = (...names: string[]) => added_tokens.find(({ content }) => names.includes(content))?.content;
    const config = {
      // The class decides whether transformers.js also makes token_type_ids, which BERT's graphs ask for.
      tokenizer_class: special('[CLS]') && special('[SEP]') ? 'BertTokenizer' : 'PreTrainedTokenizerFast',
      model_max_length: this.maxTokens,
      padding_side: 'right',
      truncation_side: 'right',
      clean_up_tokenization_spaces: true,
      do_lower_case: normalizer?.lowercase ?? false,
      strip_accents: normalizer?.strip_accents ?? null,
      tokenize_chinese_chars: normalizer?.handle_chinese_chars ?? false,
      unk_token: model.unk_token,
      pad_token: this.#tokens.get(this.padId),
      cls_token: this.#tokens.get(this.#prefix[0]),
      sep_token: this.#tokens.get(this.#suffix[this.#suffix.length - 1]),
      mask_token: special('[MASK]', '<mask>'),
    };
    return new Map([
      ['tokenizer.json', `${JSON.stringify(json)}\n`],
      ['tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`],
    ]);
  }

  #encodeWhole(text: string, name: string): Int32Array {
    if (typeof text !== 'string') {
      throw new LimbeckError('INVALID_ARGUMENT', `${name}: expected a string, got ${show(text)}.`);
    }
    return Int32Array.from(this.#library.encode(text).ids);
  }

  #truncate(ids: Int32Array): Int32Array {
    if (ids.length <= this.maxTokens) return ids;
    const result = ids.slice(0, this.maxTokens);
    result.set(this.#suffix, this.maxTokens - this.#suffix.length);
    return result;
  }

  #idOf(token: string, role: string): number {
    const id = this.#ids.get(token);
    if (id === undefined) throw corruptTokenizer(this.name, `${role} in the vocabulary, got none for ${show(token)}`);
    return id;
  }
}

/** One character at the start of a word ("a") or inside one ("##a"); a character is a code point, not a UTF-16 unit. */
function isSingleCharacter(token: string, prefix: string): boolean {
  const length = [...token].length;
  return length === 1 || (token.startsWith(prefix) && length === [...prefix].length + 1);
}
