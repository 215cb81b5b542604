/** The files of a tokenizer for an exported model: tokenizer.json and tokenizer_config.json. */
import type { TokenizerJson } from './tokenizer-json.ts';

export interface TokenizerFileParts {
  maxTokens: number;
  padId: number;
  padToken: string;
  unknownToken: string | undefined;
  /** The tokens that are put before and after a text. */
  prefix: readonly string[];
  suffix: readonly string[];
}

/** Name → text, as transformers.js and Python's transformers read them. */
export function tokenizerFiles(json: TokenizerJson, parts: TokenizerFileParts): Map<string, string> {
  const { model, normalizer, added_tokens } = json;
  const { maxTokens, padId, padToken, unknownToken, prefix, suffix } = parts;
  const written: TokenizerJson = {
    ...json,
    truncation: { direction: 'Right', max_length: maxTokens, strategy: 'LongestFirst', stride: 0 },
    padding: {
      strategy: 'BatchLongest',
      direction: 'Right',
      pad_to_multiple_of: null,
      pad_id: padId,
      pad_type_id: 0,
      pad_token: padToken,
    },
  };
  const special = (...names: string[]) => added_tokens.find(({ content }) => names.includes(content))?.content;
  // The class decides whether transformers.js also makes token_type_ids, which BERT's graphs ask for.
  const isBert = model.type === 'WordPiece' && special('[CLS]') && special('[SEP]');
  const config = {
    tokenizer_class: isBert ? 'BertTokenizer' : 'PreTrainedTokenizerFast',
    model_max_length: maxTokens,
    padding_side: 'right',
    truncation_side: 'right',
    clean_up_tokenization_spaces: true,
    ...(model.type === 'WordPiece' && {
      do_lower_case: normalizer?.lowercase ?? false,
      strip_accents: normalizer?.strip_accents ?? null,
      tokenize_chinese_chars: normalizer?.handle_chinese_chars ?? false,
    }),
    unk_token: unknownToken,
    pad_token: padToken,
    cls_token: prefix[0],
    sep_token: suffix[suffix.length - 1],
    mask_token: special('[MASK]', '<mask>'),
  };
  return new Map([
    ['tokenizer.json', `${JSON.stringify(written)}\n`],
    ['tokenizer_config.json', `${JSON.stringify(config, null, 2)}\n`],
  ]);
}
