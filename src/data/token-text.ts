/**
 * A token as a text of its own: "ing" for "##ing" of WordPiece, "ing" for "Ġing" and "▁ing", "é" for byte-level "Ã©". By hand, since many
 * files have no decoder and those that have one treat the first token of a text like no other.
 */
import type { TokenizerJson } from './tokenizer-json.ts';

/** The characters that stand for bytes in byte-level models (Radford et al. 2019, GPT-2): printable ones for themselves, the rest from U+0100 on. */
const BYTES: ReadonlyMap<string, number> = (() => {
  const printable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return new Map(
    Array.from({ length: 256 }, (_, byte) => [String.fromCodePoint(printable(byte) ? byte : next++), byte] as const),
  );
})();

/** What turns the tokens of a tokenizer into texts: '' for what is no whole character. */
export function tokenText(json: TokenizerJson): (token: string) => string {
  const { continuing_subword_prefix: prefix, end_of_word_suffix: suffix, byte_fallback: fallback } = json.model;
  const inBytes = mentionsByteLevel(json.pre_tokenizer) || mentionsByteLevel(json.decoder);
  return (token) => {
    const byte = fallback === true ? /^<0x([0-9A-F]{2})>$/.exec(token) : null;
    if (byte) return fromUtf8([Number.parseInt(byte[1], 16)]).trim();
    let text = token;
    if (isMark(prefix) && text.startsWith(prefix) && text !== prefix) text = text.slice(prefix.length);
    if (isMark(suffix) && text.endsWith(suffix)) text = text.slice(0, -suffix.length);
    if (inBytes) text = fromUtf8([...text].flatMap((character) => BYTES.get(character) ?? []));
    return text.replaceAll('▁', ' ').trim();
  };
}

/** '' for what is not UTF-8: part of a character. By way of an escaped URI, since TextDecoder is not a part of the language. */
function fromUtf8(bytes: readonly number[]): string {
  try {
    return decodeURIComponent(bytes.map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''));
  } catch {
    return '';
  }
}

const isMark = (mark: unknown): mark is string => typeof mark === 'string' && mark !== '';

/** Whether a part of a tokenizer, or one of the parts of a sequence, is of the type ByteLevel. */
function mentionsByteLevel(part: unknown): boolean {
  if (Array.isArray(part)) return part.some(mentionsByteLevel);
  if (typeof part !== 'object' || part === null) return false;
  const { type, pretokenizers, decoders } = part as Record<string, unknown>;
  return type === 'ByteLevel' || mentionsByteLevel(pretokenizers) || mentionsByteLevel(decoders);
}
