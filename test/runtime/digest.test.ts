/** SHA-256 in JavaScript, which browsers get, against Node's. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as node from '../../src/runtime/digest-node.ts';
import * as web from '../../src/runtime/digest-web.ts';

const expected = (...parts: (string | Uint8Array)[]) =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest('hex');

for (const [name, { sha256, sha256Of }] of Object.entries({ node, web })) {
  it(`${name}: every length around the borders of blocks`, () => {
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => (i * 37 + length) % 256);
      expect(sha256().update(bytes).hex()).toBe(expected(bytes));
      expect(Buffer.from(sha256Of(bytes)).toString('hex')).toBe(expected(bytes));
    }
  });

  it(`${name}: texts and bytes in any number of parts`, () => {
    const part = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.uint8Array({ maxLength: 200 }));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const digest = parts.reduce((made, one) => made.update(one), sha256());
        expect(digest.hex()).toBe(expected(...parts));
      }),
    );
  });

  it(`${name}: a view counts as its own bytes, and a million of them`, () => {
    const whole = Uint8Array.from({ length: 1_000_003 }, (_, i) => i % 251);
    expect(
      sha256()
        .update(new DataView(whole.buffer, 5, 999_000))
        .hex(),
    ).toBe(expected(whole.subarray(5, 999_005)));
  });
}
