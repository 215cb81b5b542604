/**
 * Learns the pieces of a WordPiece vocabulary from counted words: single characters first, then, again and again, the
 * pair of neighbouring pieces that occurs most often becomes one piece. The same as `WordPieceTrainer` of Hugging
 * Face's tokenizers, which is byte-pair encoding over characters with "##" inside words, not Google's original
 * likelihood criterion.
 *
 * A pair knows the words that hold it, and a heap knows the most frequent pair, so that a merge touches only the words
 * that change. It knows nothing of texts and special tokens: `trainTokenizer` brings the words.
 */

/** The sign of a piece inside a word. */
export const CONTINUATION = '##';

export interface WordPieceLimits {
  /** How many pieces at most, single characters included. */
  pieces: number;
  /** A pair that occurs more rarely is not merged. */
  minimumCount: number;
}

/** A pair of neighbouring pieces: how often it occurs, and the words that held it at some time. */
interface PairEntry {
  readonly left: number;
  readonly right: number;
  count: number;
  readonly words: number[];
}

/** A pair with the count it had when it was put into the heap. */
interface Candidate {
  readonly entry: PairEntry;
  readonly count: number;
}

/**
 * The characters of words, and the pieces that merging them gives.
 *
 * Deterministic: of pairs with the same count, the one whose left piece came first into the list is merged, then the
 * one whose right piece did. Order of the result: `starts`, then `insides` with "##", each as given, then the merged
 * pieces, most frequent first.
 *
 * @param counts word → how often it occurs. Words with a character that is in neither list are passed over
 * @param starts single characters at the start of a word
 * @param insides single characters inside a word
 * @returns distinct pieces, at most `pieces` of them or as many as there are characters
 */
export function learnWordPieces(
  counts: ReadonlyMap<string, number>,
  starts: readonly string[],
  insides: readonly string[],
  { pieces: limit, minimumCount }: WordPieceLimits,
): string[] {
  const pieces = [...starts, ...insides.map((character) => CONTINUATION + character)];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const words: number[][] = [];
  const wordCounts: number[] = [];
  for (const [word, count] of counts) {
    const symbols = [...word].map((character, i) => ids.get(i === 0 ? character : CONTINUATION + character));
    if (!symbols.every((id) => id !== undefined)) continue;
    words.push(symbols);
    wordCounts.push(count);
  }

  const pairs = new PairTable();
  words.forEach((symbols, word) => {
    for (let i = 1; i < symbols.length; i++) pairs.add(symbols[i - 1], symbols[i], wordCounts[word], word);
  });
  const heap = new CandidateHeap();
  for (const entry of pairs.entries()) heap.push({ entry, count: entry.count });

  while (pieces.length < limit) {
    const candidate = heap.pop();
    if (candidate === undefined) break;
    const { left, right, count } = candidate.entry;
    if (count !== candidate.count) {
      if (count > 0) heap.push({ entry: candidate.entry, count });
      continue;
    }
    if (count < minimumCount) break;
    const piece = pieces[left] + pieces[right].slice(CONTINUATION.length);
    // Two ways of merging may lead to the same piece, which then has one number.
    const merged = ids.get(piece) ?? pieces.push(piece) - 1;
    ids.set(piece, merged);
    for (const entry of mergeInWords(candidate.entry, merged, words, wordCounts, pairs)) {
      heap.push({ entry, count: entry.count });
    }
  }
  return pieces;
}

/** Replaces a pair by one piece wherever it occurs. Returns the pairs that may have become more frequent. */
function mergeInWords(
  { left, right, words: holders }: PairEntry,
  merged: number,
  words: number[][],
  wordCounts: readonly number[],
  pairs: PairTable,
): Set<PairEntry> {
  const grown = new Set<PairEntry>();
  for (const word of new Set(holders)) {
    const before = words[word];
    const after: number[] = [];
    for (let i = 0; i < before.length; i++) {
      if (before[i] === left && before[i + 1] === right) {
        after.push(merged);
        i++;
      } else after.push(before[i]);
    }
    if (after.length === before.length) continue;
    const count = wordCounts[word];
    for (let i = 1; i < before.length; i++) pairs.subtract(before[i - 1], before[i], count);
    for (let i = 1; i < after.length; i++) {
      const isNew = after[i - 1] === merged || after[i] === merged;
      const entry = pairs.add(after[i - 1], after[i], count, isNew ? word : undefined);
      if (isNew) grown.add(entry);
    }
    words[word] = after;
  }
  pairs.delete(left, right);
  return grown;
}

/** The pairs by their two pieces. */
class PairTable {
  readonly #byLeft = new Map<number, Map<number, PairEntry>>();

  /** @param word added to the words that hold the pair, if it is given */
  add(left: number, right: number, count: number, word?: number): PairEntry {
    let row = this.#byLeft.get(left);
    if (row === undefined) {
      row = new Map();
      this.#byLeft.set(left, row);
    }
    let entry = row.get(right);
    if (entry === undefined) {
      entry = { left, right, count: 0, words: [] };
      row.set(right, entry);
    }
    entry.count += count;
    if (word !== undefined) entry.words.push(word);
    return entry;
  }

  subtract(left: number, right: number, count: number): void {
    this.#byLeft.get(left)!.get(right)!.count -= count;
  }

  delete(left: number, right: number): void {
    this.#byLeft.get(left)!.delete(right);
  }

  *entries(): Generator<PairEntry> {
    for (const row of this.#byLeft.values()) yield* row.values();
  }
}

/** Whether `a` is merged before `b`: by count, then by the pieces' numbers. */
function precedes(a: Candidate, b: Candidate): boolean {
  if (a.count !== b.count) return a.count > b.count;
  if (a.entry.left !== b.entry.left) return a.entry.left < b.entry.left;
  return a.entry.right < b.entry.right;
}

/** A binary heap, the first in the order of `precedes` on top. */
class CandidateHeap {
  readonly #items: Candidate[] = [];

  push(candidate: Candidate): void {
    const items = this.#items;
    let at = items.push(candidate) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!precedes(candidate, items[parent])) break;
      items[at] = items[parent];
      at = parent;
    }
    items[at] = candidate;
  }

  pop(): Candidate | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < items.length && precedes(items[child + 1], items[child])) child++;
      if (child >= items.length || !precedes(items[child], last)) break;
      items[at] = items[child];
      at = child;
    }
    items[at] = last;
    return top;
  }
}
