/**
 * How often each word occurs in a stream of texts, in memory bounded by the number of distinct words.
 *
 * It does not split texts itself, and learns nothing from the counts: that is `learnWordPieces`.
 */

/**
 * Counts words. Above `limit` distinct words the rarest are forgotten, those that occurred once, then twice and so on,
 * until half the limit is left; a word that comes again counts from one. So the counts of rare words are then lower
 * bounds, as in every count of a stream in bounded memory; frequent words keep theirs.
 *
 * @example
 * const words = new WordCounts((text) => text.split(' '), 2_000_000);
 * words.add('a b a');
 * words.counts; // Map { 'a' => 2, 'b' => 1 }
 */
export class WordCounts {
  readonly counts = new Map<string, number>();
  /** How many times words were forgotten, each time with all their occurrences. */
  forgotten = 0;
  readonly #split: (text: string) => string[];
  readonly #limit: number;

  constructor(split: (text: string) => string[], limit: number) {
    this.#split = split;
    this.#limit = limit;
  }

  /** Counts the words of one text. */
  add(text: string): void {
    const { counts } = this;
    for (const word of this.#split(text)) {
      const count = counts.get(word);
      if (count === undefined && counts.size >= this.#limit) this.#forgetRarest();
      counts.set(word, (count ?? 0) + 1);
    }
  }

  #forgetRarest(): void {
    for (let rarest = 1; this.counts.size > this.#limit / 2; rarest++) {
      for (const [word, count] of this.counts) {
        if (count > rarest) continue;
        this.counts.delete(word);
        this.forgotten++;
      }
    }
  }
}
