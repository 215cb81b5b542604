/** Texts that a teacher has to cut: counted and told, never cut in silence. */
import { warnOnConsole } from '../warnings.ts';

/** Counts texts that were cut. */
export class TruncationCount {
  /** Texts cut so far. */
  count = 0;
  readonly #what: string;
  readonly #onTruncated: ((count: number) => void) | undefined;

  /**
   * @param what the teacher's name, for the message
   * @param onTruncated called with how many texts of a call were cut; without it the first such call warns on the console
   */
  constructor(what: string, onTruncated?: ((count: number) => void) | undefined) {
    this.#what = what;
    this.#onTruncated = onTruncated;
  }

  add(count: number): void {
    if (this.#onTruncated) this.#onTruncated(count);
    else if (this.count === 0) {
      const texts = count === 1 ? '1 text has' : `${count} texts have`;
      warnOnConsole(
        `${this.#what}: ${texts} more tokens than it takes, what is beyond is cut; further ones are only counted.`,
      );
    }
    this.count += count;
  }
}
