/** Compiled programs by key: each is built once, when first asked for. */

export class ProgramCache<T> {
  readonly #entries = new Map<string, Promise<T>>();
  readonly #release: (entry: T) => Promise<void>;

  /** @param release frees one entry's native memory */
  constructor(release: (entry: T) => Promise<void>) {
    this.#release = release;
  }

  /** The entry under a key; `build` makes it the first time. A build that fails is not kept. */
  get(key: string, build: () => Promise<T>): Promise<T> {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = build();
      this.#entries.set(key, entry);
      entry.catch(() => this.#entries.delete(key));
    }
    return entry;
  }

  /** Frees every program. The cache stays usable, and builds anew. */
  async release(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) await this.#release(await entry);
  }
}
