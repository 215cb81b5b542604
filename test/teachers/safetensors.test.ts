import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { readSafetensors, type SafetensorsInput, writeSafetensors } from '../../src/teachers/safetensors.ts';
import { MINILM } from '../material.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

/** A file from its header, as text or object, and its data; written without the writer under test. */
function fileOf(header: unknown, data: ArrayLike<number> = []): Uint8Array {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return new Uint8Array(Buffer.concat([length, json, Uint8Array.from(data)]));
}
const entry = (dtype: string, shape: unknown, data_offsets: unknown) => ({ dtype, shape, data_offsets });

describe('half precision', () => {
  const halves = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  const bytes = writeSafetensors({ h: { shape: [65_536], data: halves, dtype: 'F16' } });
  const { data } = readSafetensors(bytes, 'h').tensor('h');

  /** The definition in IEEE 754-2019, section 3.4, in double precision. */
  function definition(half: number): number {
    const sign = half >= 0x8000 ? -1 : 1;
    const exponent = Math.floor(half / 1024) % 32;
    const fraction = half % 1024;
    if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
    return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }

  it('gives the defined value for all 65,536 patterns: subnormals, signed zeros, infinities, NaN', () => {
    for (let half = 0; half < 65_536; half++) {
      if (!Object.is(data[half], definition(half))) expect.fail(`0x${half.toString(16)}: ${data[half]}`);
    }
  });

  it('keeps sign and payload of every NaN', () => {
    const bits = new Uint32Array(data.buffer);
    for (let half = 0x7c01; half < 0x8000; half++) {
      expect(bits[half]).toBe(0x7f800000 + (half % 1024) * 2 ** 13);
      expect(bits[half + 0x8000]).toBe(0xff800000 + (half % 1024) * 2 ** 13);
    }
  });

  it('reads bfloat16 as the upper half of a float32', () => {
    const bf16 = { shape: [3], data: Uint16Array.of(0x3f80, 0xc2f7, 0x7f80), dtype: 'BF16' } as const;
    expect([...readSafetensors(writeSafetensors({ x: bf16 }), 'x').tensor('x').data]).toEqual([
      1,
      -123.5,
      Number.POSITIVE_INFINITY,
    ]);
  });
});

describe('reading', () => {
  it('reads a file made by hand', () => {
    const header = { __metadata__: { format: 'pt' }, a: entry('F32', [1, 2], [0, 8]), b: entry('I64', [], [8, 16]) };
    const file = readSafetensors(
      fileOf(header, [0, 0, 128, 63, 0, 0, 0, 192, 255, 255, 255, 255, 255, 255, 255, 255]),
      'hand',
    );
    expect(file.metadata).toEqual(new Map([['format', 'pt']]));
    expect([...file.entries.keys()]).toEqual(['a', 'b']);
    expect(file.tensor('a')).toEqual({ shape: [1, 2], data: Float32Array.of(1, -2) });
    expect(file.tensorOf('b', 'I64')).toEqual({ shape: [], data: BigInt64Array.of(-1n) });
  });

  it('reads from any offset of a larger buffer, and hands out copies', () => {
    const bytes = writeSafetensors({ a: { shape: [2], data: Float32Array.of(3, 4) } });
    for (const offset of [0, 1, 3]) {
      const shifted = new Uint8Array(bytes.length + 8).subarray(offset, offset + bytes.length);
      shifted.set(bytes);
      const file = readSafetensors(shifted, 'shifted');
      file.tensor('a').data[0] = 9;
      expect([...file.tensor('a').data]).toEqual([3, 4]);
    }
  });

  it('reads the weights of MiniLM', () => {
    const weights = join(MINILM, 'model.fp16.safetensors');
    const file = readSafetensors(new Uint8Array(readFileSync(weights)), 'model.safetensors');
    const { shape, data } = file.tensor('embeddings.word_embeddings.weight');
    expect(shape).toEqual([30_522, 384]);
    expect(data.length).toBe(30_522 * 384);
    expect(data.every(Number.isFinite)).toBe(true);
    expect(() => file.tensor('embedding.word_embeddings.weight')).toThrow('"embeddings.word_embeddings.weight"');
  });
});

describe('refuses hostile files', () => {
  const good = { a: entry('F32', [2], [0, 8]) };
  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'expected at least 8 bytes, got 0'],
    ['a file cut in the length', fileOf(good).slice(0, 5), 'expected at least 8 bytes, got 5'],
    ['a file cut in the header', fileOf(good).slice(0, 20), 'bytes after the first 8, got 12'],
    ['a header of 2⁶⁴ − 1 bytes', new Uint8Array(16).fill(255), 'expected a header of 18446744073709551615 bytes'],
    ['a header that is not JSON', fileOf('{"a":'), 'expected a header in JSON'],
    ['a header that is not UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0x7d), 'expected a header in JSON'],
    ['a header that is a list', fileOf([1]), 'expected a header that is a JSON object, got Array of 1'],
    ['a header that is null', fileOf('null'), 'expected a header that is a JSON object, got null'],
    ['metadata that is no object', fileOf({ __metadata__: 3 }), '__metadata__: expected an object, got 3'],
    ['metadata that is no text', fileOf({ __metadata__: { a: 1 } }), 'metadata "a": expected a string, got 1'],
    ['an entry that is null', fileOf({ a: null }), 'tensor "a": expected an object, got null'],
    ['an entry without type', fileOf({ a: {} }), 'tensor "a": expected a type, got undefined'],
    ['a negative size', fileOf({ a: entry('F32', [-2], [0, 8]) }, Array(8)), 'got [-2]'],
    ['a fractional size', fileOf({ a: entry('F32', [0.5], [0, 2]) }, Array(2)), 'got [0.5]'],
    ['a shape that is no list', fileOf({ a: entry('F32', { length: 1 }, [0, 8]) }, Array(8)), 'expected a shape'],
    ['sizes that overflow', fileOf({ a: entry('F32', [2 ** 52, 2 ** 52], [0, 8]) }, Array(8)), 'expected 8'],
    ['data cut short', fileOf(good, Array(7)), 'inside the 7 bytes of data, got [0, 8]'],
    ['offsets beyond the end', fileOf({ a: entry('F32', [2], [8, 16]) }, Array(8)), 'inside the 8 bytes'],
    ['offsets in reverse', fileOf({ a: entry('F32', [2], [8, 0]) }, Array(8)), 'got [8, 0]'],
    ['three offsets', fileOf({ a: entry('F32', [2], [0, 8, 8]) }, Array(8)), 'got [0, 8, 8]'],
    [
      'a shape that does not fit',
      fileOf({ a: entry('F32', [3], [0, 8]) }, Array(8)),
      'expected 12 bytes for F32 of shape [3], got 8',
    ],
    ['overlapping tensors', fileOf({ ...good, b: entry('F32', [2], [4, 12]) }, Array(12)), 'an overlap'],
    ['a gap', fileOf({ ...good, b: entry('F32', [1], [12, 16]) }, Array(16)), 'a gap'],
    ['bytes behind the last tensor', fileOf(good, Array(9)), 'expected the file to end at byte'],
  ])('%s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes, 'evil.safetensors')).toThrow(code('FILE_CORRUPT'));
    expect(() => readSafetensors(bytes, 'evil.safetensors')).toThrow(`evil.safetensors: `);
    expect(() => readSafetensors(bytes, 'evil.safetensors')).toThrow(message);
  });

  it('an unknown element type is unsupported, not damage; inherited names are not types', () => {
    for (const dtype of ['F8_E4M3', 'constructor']) {
      expect(() => readSafetensors(fileOf({ a: entry(dtype, [1], [0, 1]) }, [0]), 'x')).toThrow(code('UNSUPPORTED'));
    }
  });

  it('a missing tensor: the nearest names are listed; a wrong type is named', () => {
    const ints = { shape: [1], data: Int32Array.of(1) };
    const file = readSafetensors(
      writeSafetensors({ 'encoder.0.weight': ints, 'encoder.0.bias': ints, z: ints }),
      'model',
    );
    expect(() => file.tensor('encoder.0.wieght')).toThrow(code('FILE_CORRUPT'));
    expect(() => file.tensor('encoder.0.wieght')).toThrow('among others "encoder.0.weight", "encoder.0.bias", "z"');
    expect(() => file.tensor('z')).toThrow('expected type F32, F16 or BF16, got I32');
    expect(() => file.tensorOf('z', 'I64')).toThrow('expected type I64, got I32');
    expect(() => readSafetensors(fileOf({}), 'model').tensor('a')).toThrow('got no tensors at all');
  });

  it('any damage gives a LimbeckError or a consistent file, never another error', () => {
    const bytes = writeSafetensors(
      { a: { shape: [2, 2], data: new Float32Array(4) }, b: { shape: [3], data: new Int32Array(3) } },
      { note: 'x' },
    );
    const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { maxLength: 3 }), fc.nat(bytes.length), (changes, length) => {
        const damaged = bytes.slice(0, length % 3 === 0 ? length : bytes.length);
        for (const [place, value] of changes) if (place < damaged.length) damaged[place] = value;
        try {
          const file = readSafetensors(damaged, 'damaged');
          for (const [name, { dtype, shape }] of file.entries) {
            expect(file.tensorOf(name, dtype).data.length).toBe(shape.reduce((product, size) => product * size, 1));
          }
        } catch (error) {
          if (!(error instanceof LimbeckError)) throw error;
        }
      }),
      { numRuns: 3000, seed: 2 },
    );
  });
});

describe('writing', () => {
  const tensors: Record<string, SafetensorsInput> = {
    u8: { shape: [3], data: Uint8Array.of(1, 2, 255) },
    i8: { shape: [1], data: Int8Array.of(-1) },
    bool: { shape: [2], data: Uint8Array.of(0, 1), dtype: 'BOOL' },
    i16: { shape: [1], data: Int16Array.of(-2) },
    u16: { shape: [1], data: Uint16Array.of(65_535) },
    f32: { shape: [2, 2], data: Float32Array.of(1, -0, Number.NaN, 1e-40) },
    i32: { shape: [1], data: Int32Array.of(-3) },
    f64: { shape: [1], data: Float64Array.of(Math.PI) },
    i64: { shape: [2, 1], data: BigInt64Array.of(-1n, 2n ** 62n) },
    empty: { shape: [0, 5], data: new Float32Array(0) },
    scalar: { shape: [], data: Float32Array.of(4) },
    ['__proto__']: { shape: [1], data: Float32Array.of(5) },
  };

  it('gives back what was written: every type, empty, scalar, odd names, metadata', () => {
    const file = readSafetensors(writeSafetensors(tensors, { b: 'ü', a: '' }), 'round trip');
    expect(file.metadata).toEqual(
      new Map([
        ['a', ''],
        ['b', 'ü'],
      ]),
    );
    expect([...file.entries.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [name, { shape, data }] of Object.entries(tensors)) {
      expect(file.tensorOf(name, file.entries.get(name)!.dtype)).toEqual({ shape, data });
    }
  });

  it('gives equal bytes for any order of keys, and aligns every tensor', () => {
    const bytes = writeSafetensors(tensors, { a: '1', b: '2' });
    const reversed = Object.fromEntries(Object.entries(tensors).reverse());
    expect(writeSafetensors(reversed, { b: '2', a: '1' })).toEqual(bytes);
    for (const { data, begin } of [...readSafetensors(bytes, 'x').entries].map(([name, e]) => ({
      ...tensors[name],
      ...e,
    }))) {
      expect(begin % data.BYTES_PER_ELEMENT).toBe(0);
    }
  });

  it('refuses shapes and types that do not fit, and the reserved name', () => {
    const data = new Float32Array(4);
    expect(() => writeSafetensors({ a: { shape: [3], data } })).toThrow(
      'expected a shape with 4 entries, as the data have, got [3]',
    );
    expect(() => writeSafetensors({ a: { shape: [-2, -2], data } })).toThrow(code('SHAPE_MISMATCH'));
    expect(() => writeSafetensors({ a: { shape: [4], data, dtype: 'F16' } })).toThrow(code('INVALID_ARGUMENT'));
    expect(() => writeSafetensors({ a: { shape: [1], data: [1] as unknown as Float32Array } })).toThrow(
      code('INVALID_ARGUMENT'),
    );
    expect(() => writeSafetensors({ __metadata__: { shape: [4], data } })).toThrow('reserved');
  });
});
