/**
 * SHA-256, at once and without waiting, which fingerprints need and the Web's own `crypto.subtle` does not give. `digest-node.ts`
 * implements it with Node's, `digest-web.ts` in JavaScript; package.json "imports" chooses, as for "#backend". Both give the same bytes.
 */

/** A SHA-256 in the making. Texts count as their UTF-8 bytes. */
export interface Digest {
  update(part: string | Uint8Array | DataView): this;
  /** The 32 bytes; nothing can be added afterwards. */
  bytes(): Uint8Array<ArrayBuffer>;
  /** {@link bytes} as 64 hexadecimal digits. */
  hex(): string;
}

export type Sha256 = () => Digest;

/** The digest of one part. */
export type Sha256Of = (part: string | Uint8Array) => Uint8Array<ArrayBuffer>;
