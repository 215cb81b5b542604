/** SHA-256 (FIPS 180-4) in JavaScript. Not for secrets: it takes no care that its time tells nothing. */
import type { Digest, Sha256, Sha256Of } from './digest.ts';

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2), and of the square roots of
 * the first 8 (5.3.3). */
const [CONSTANTS, INITIAL] = (() => {
  const primes: number[] = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  // In whole numbers: the root of p · 2^(32 k), whose low 32 bits are the fraction; doubles would round the last bit.
  const fraction = (prime: number, k: bigint): number => {
    const scaled = BigInt(prime) << (32n * k);
    let root = BigInt(Math.floor(Number(scaled) ** (1 / Number(k))));
    while (root ** k > scaled) root--;
    while ((root + 1n) ** k <= scaled) root++;
    return Number(BigInt.asIntN(32, root));
  };
  return [
    Int32Array.from(primes, (prime) => fraction(prime, 3n)),
    Int32Array.from(primes.slice(0, 8), (prime) => fraction(prime, 2n)),
  ];
})();

const BLOCK = 64;
const encoder = new TextEncoder();

class WebDigest implements Digest {
  readonly #state = INITIAL.slice();
  readonly #block = new Uint8Array(BLOCK);
  readonly #words = new DataView(this.#block.buffer);
  readonly #schedule = new Int32Array(64);
  #length = 0;

  update(part: string | Uint8Array | DataView): this {
    const bytes =
      typeof part === 'string' ? encoder.encode(part) : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
    for (let done = 0; done < bytes.length; ) {
      const filled = this.#length % BLOCK;
      const count = Math.min(BLOCK - filled, bytes.length - done);
      this.#block.set(bytes.subarray(done, done + count), filled);
      this.#length += count;
      done += count;
      if (this.#length % BLOCK === 0) this.#compress();
    }
    return this;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const bits = this.#length * 8;
    const filled = this.#length % BLOCK;
    // A one, zeros, and the length in bits as 64-bit number at the end of a block (section 5.1.1).
    const padding = new DataView(new ArrayBuffer((filled < 56 ? BLOCK : 2 * BLOCK) - filled));
    padding.setUint8(0, 0x80);
    padding.setUint32(padding.byteLength - 8, Math.floor(bits / 2 ** 32));
    padding.setUint32(padding.byteLength - 4, bits % 2 ** 32);
    this.update(padding);
    const result = new DataView(new ArrayBuffer(32));
    for (let i = 0; i < 8; i++) result.setInt32(4 * i, this.#state[i]);
    return new Uint8Array(result.buffer);
  }

  hex(): string {
    return Array.from(this.bytes(), (byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  /** Section 6.2.2, in its own letters. */
  #compress(): void {
    const w = this.#schedule;
    for (let t = 0; t < 16; t++) w[t] = this.#words.getInt32(4 * t);
    for (let t = 16; t < 64; t++) {
      const [x, y] = [w[t - 15], w[t - 2]];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = w[t - 16] + s0 + w[t - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = this.#state;
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + CONSTANTS[t] + w[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    const state = this.#state;
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

export const sha256: Sha256 = () => new WebDigest();

export const sha256Of: Sha256Of = (part) => sha256().update(part).bytes();
