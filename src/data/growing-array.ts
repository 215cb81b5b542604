/** A typed array that grows at its end: one number per sample while the number of samples is not known. Not a queue. */

type NumberArray = Int32Array | Uint32Array | Float32Array | Float64Array;

/**
 * @example
 * const lengths = new GrowingArray(Int32Array);
 * lengths.push(3);
 * lengths.finish(); // Int32Array [3]
 */
export class GrowingArray<T extends NumberArray> {
  #array: T;
  #length = 0;
  readonly #kind: new (
    length: number,
  ) => T;

  constructor(kind: new (length: number) => T) {
    this.#kind = kind;
    this.#array = new kind(1024);
  }

  get length(): number {
    return this.#length;
  }

  push(value: number): void {
    if (this.#length === this.#array.length) {
      const larger = new this.#kind(this.#length * 2);
      larger.set(this.#array);
      this.#array = larger;
    }
    this.#array[this.#length++] = value;
  }

  at(place: number): number {
    return this.#array[place];
  }

  /** The entries so far, in memory of their own. */
  finish(): T {
    return this.#array.slice(0, this.#length) as T;
  }
}
