/** The fingerprint of data, taken sample by sample, so that data need not be in memory for it. */
import { sha256 } from '#digest';

/** SHA-256 over the samples, each as its number of bytes and those bytes, then the labels, little-endian. */
export class DataFingerprint {
  readonly #hash = sha256();

  /** @param what one sample: "text" */
  constructor(what: string, samples: number) {
    // Lengths go in front because a separator could occur inside a sample.
    this.#hash.update(`${what}s ${samples}\n`);
  }

  add(bytes: Uint8Array): void {
    this.#hash.update(`${bytes.length}\n`).update(bytes);
  }

  finish(labels: Int32Array | undefined): string {
    if (labels) {
      const bytes = new DataView(new ArrayBuffer(labels.length * 4));
      for (let i = 0; i < labels.length; i++) bytes.setInt32(i * 4, labels[i], true);
      this.#hash.update(`labels ${labels.length}\n`).update(bytes);
    }
    return this.#hash.hex();
  }
}
