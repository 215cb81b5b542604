/**
 * Seeded random numbers: the same seed gives the same numbers on every machine. Generators are made where they are needed, from
 * seed and purpose, so that no generator's state has to be kept or restored. Not for cryptography.
 */

/**
 * The generator sfc32 ("small fast counting", Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush.
 *
 * @example
 * const random = new Random(7);
 * random.uniform();    // in [0, 1)
 * random.integer(10);  // 0 … 9
 */
export class Random {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;
  #spare: number | undefined;

  /** @param seed any number; its 32-bit halves are mixed in, so that 0, 1, 2, … give unrelated streams */
  constructor(seed: number) {
    this.#a = seed >>> 0;
    this.#b = Math.floor(seed / 2 ** 32) >>> 0;
    for (let i = 0; i < 20; i++) this.uint32();
  }

  /** A stream of its own for a named purpose, so that drawing more for one purpose does not shift another. */
  static forPurpose(seed: number, purpose: string): Random {
    let hash = 0x811c9dc5; // FNV-1a
    for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
    const random = new Random(seed);
    random.#c = (random.#c ^ hash) >>> 0;
    for (let i = 0; i < 20; i++) random.uint32();
    return random;
  }

  /** 32 random bits. */
  uint32(): number {
    const t = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) >>> 0;
    this.#c = (this.#c + t) >>> 0;
    return t;
  }

  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** Uniform among 0 … n − 1 for 1 ≤ n ≤ 2³², without modulo bias: numbers beyond the last multiple of n are drawn again. */
  integer(n: number): number {
    const limit = 2 ** 32 - (2 ** 32 % n);
    let x = this.uint32();
    while (x >= limit) x = this.uint32();
    return x % n;
  }

  /** Standard normal (Marsaglia's polar method). */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const r = x * x + y * y;
      if (r > 0 && r < 1) {
        const scale = Math.sqrt((-2 * Math.log(r)) / r);
        this.#spare = y * scale;
        return x * scale;
      }
    }
  }

  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(array: T): T {
    for (let i = array.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = array[i];
      array[i] = array[j];
      array[j] = held;
    }
    return array;
  }

  /** `count` distinct numbers of 0 … n − 1, in random order. */
  sample(n: number, count: number): Int32Array {
    const numbers = new Int32Array(n);
    for (let i = 0; i < n; i++) numbers[i] = i;
    for (let i = 0; i < count; i++) {
      const j = i + this.integer(n - i);
      const number = numbers[j];
      numbers[j] = numbers[i];
      numbers[i] = number;
    }
    return numbers.slice(0, count);
  }

  /** 0 … n − 1 in random order, one at a time: Fisher–Yates that costs memory only for what was taken. */
  *permutation(n: number): Generator<number> {
    const moved = new Map<number, number>();
    for (let i = 0; i < n; i++) {
      const j = i + this.integer(n - i);
      const number = moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
      yield number;
    }
  }
}
