/**
 * Numbers by what they belong to, texts or bytes, in 24 to 40 bytes each however long those are: 128 bits of a SHA-256 with open
 * addressing. It finds what is equal and does not keep what it was given.
 */
import { sha256Of } from '#digest';

/**
 * @example
 * const index = new DigestIndex();
 * index.add('a dog', 0); // 0
 * index.add('a dog', 1); // 0: the first number of an equal key
 * index.find('a cat');   // -1
 */
export class DigestIndex {
  /** Four words for each kept key, in the order of keeping. */
  #digests = new Uint32Array(4 * 512);
  #numbers = new Int32Array(512);
  #size = 0;
  /** Place of a key plus one, 0 for a free slot; a power of two of them, at most half in use. */
  #slots = new Int32Array(1024);

  /** How many different keys there are. */
  get size(): number {
    return this.#size;
  }

  /** Keeps a number under its key, unless the key has one. @returns the number of the key */
  add(key: string | Uint8Array, number: number): number {
    const digest = digestOf(key);
    const slot = this.#slotOf(digest);
    if (this.#slots[slot] > 0) return this.#numbers[this.#slots[slot] - 1];
    if (this.#size === this.#numbers.length) {
      this.#grow();
      return this.add(key, number);
    }
    this.#digests.set(digest, 4 * this.#size);
    this.#numbers[this.#size] = number;
    this.#slots[slot] = ++this.#size;
    return number;
  }

  /** The number of a key, or −1. */
  find(key: string | Uint8Array): number {
    const place = this.#slots[this.#slotOf(digestOf(key))];
    return place > 0 ? this.#numbers[place - 1] : -1;
  }

  #slotOf(digest: Uint32Array): number {
    const mask = this.#slots.length - 1;
    let slot = digest[0] & mask;
    while (this.#slots[slot] > 0 && !this.#holds(this.#slots[slot] - 1, digest)) slot = (slot + 1) & mask;
    return slot;
  }

  #holds(place: number, digest: Uint32Array): boolean {
    for (let word = 0; word < 4; word++) if (this.#digests[4 * place + word] !== digest[word]) return false;
    return true;
  }

  #grow(): void {
    const digests = new Uint32Array(2 * this.#digests.length);
    const numbers = new Int32Array(2 * this.#numbers.length);
    digests.set(this.#digests);
    numbers.set(this.#numbers);
    this.#digests = digests;
    this.#numbers = numbers;
    this.#slots = new Int32Array(2 * this.#slots.length);
    for (let place = 0; place < this.#size; place++) {
      this.#slots[this.#slotOf(digests.subarray(4 * place, 4 * place + 4))] = place + 1;
    }
  }
}

function digestOf(key: string | Uint8Array): Uint32Array {
  const { buffer, byteOffset } = sha256Of(key);
  const bytes = new DataView(buffer, byteOffset);
  const words = new Uint32Array(4);
  for (let word = 0; word < 4; word++) words[word] = bytes.getUint32(4 * word, true);
  return words;
}

/** For every key the first that is equal; undefined when all differ. */
export function firstOfEqual(keys: Iterable<string | Uint8Array>): Int32Array | undefined {
  const index = new DigestIndex();
  const result = Int32Array.from(keys, (key, i) => index.add(key, i));
  return index.size === result.length ? undefined : result;
}
