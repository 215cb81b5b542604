/**
 * The first tokens of a text of any length, without tokenizing all of it: the libraries take time and stack for every
 * token, and what lies beyond the limit of length is thrown away.
 */

/** Characters for each token that is asked for; words of English have about four and a half for each of their pieces. */
const CHARACTERS_PER_TOKEN = 8;
/**
 * Tokens beyond the limit that must come before a cut. Cutting at whitespace changes at most the pieces of the word
 * before it, and of the whitespace; a word of more than this many pieces is no word.
 */
const MARGIN = 64;
/**
 * Where there is no whitespace for so many UTF-16 units (Chinese, base64), the cut is made without. That may change
 * pieces before the margin only where Unigram finds two ways of cutting equally good all along, as in "aaaa…".
 */
const LONGEST_SEARCH = 10_000;

/**
 * Ids that begin with the same ids as those of the whole text, `count` of them without special tokens at the end, and
 * are more than `count` exactly if those are.
 *
 * @param encode ids of a text, with at most `around` special tokens
 * @example
 * encodeStart('word '.repeat(1e6), 512, 2, (text) => library.encode(text).ids); // encodes 4,096 characters or more
 */
export function encodeStart(text: string, count: number, around: number, encode: (text: string) => number[]): number[] {
  const wanted = count + around + MARGIN;
  for (let length = wanted * CHARACTERS_PER_TOKEN; ; length *= 4) {
    const end = boundary(text, length);
    const ids = encode(end < text.length ? text.slice(0, end) : text);
    if (end >= text.length || ids.length >= wanted) return ids;
  }
}

/** The first place from `from` on where whitespace follows something else, or else one that halves no character. */
function boundary(text: string, from: number): number {
  const last = Math.min(text.length, from + LONGEST_SEARCH);
  for (let i = from; i < last; i++) if (isSpace(text, i) && !isSpace(text, i - 1)) return i;
  const isHalved = last < text.length && text.codePointAt(last - 1)! > 0xffff;
  return isHalved ? last - 1 : last;
}

function isSpace(text: string, i: number): boolean {
  const code = text.charCodeAt(i);
  return code === 32 || (code > 8 && code < 14);
}
