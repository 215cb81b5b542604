/** IDX files: the genuine MNIST, small files made here, and files that lie. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseIdx, parseIdxImages } from '../../src/data/idx.ts';
import { caught } from '../caught.ts';
import { MNIST } from '../material.ts';

const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const file = (shape: number[], entries: number[], type = 8) =>
  Uint8Array.from([0, 0, type, shape.length, ...shape.flatMap(uint32), ...entries]);

describe('parseIdx', () => {
  it('reads sizes and entries, also from the middle of a buffer', () => {
    const bytes = file([2, 1, 3], [1, 2, 3, 4, 5, 255]);
    const wide = new Uint8Array(bytes.length + 7);
    wide.set(bytes, 5);
    for (const given of [bytes, wide.subarray(5, 5 + bytes.length)]) {
      const { shape, data } = parseIdx(given, 'small');
      expect(shape).toEqual([2, 1, 3]);
      expect(Array.from(data)).toEqual([1, 2, 3, 4, 5, 255]);
    }
    expect(parseIdx(file([0, 28, 28], []), 'none')).toEqual({ shape: [0, 28, 28], data: new Uint8Array() });
  });

  it.each([
    ['nothing', new Uint8Array(), 'begins with 00 00 and has axes, got nothing'],
    ['three bytes', Uint8Array.of(0, 0, 8), 'got 00 00 08'],
    ['another magic', Uint8Array.of(0x89, 0x50, 8, 1, 0, 0, 0, 0), 'got 89 50 08 01'],
    ['no axes', Uint8Array.of(0, 0, 8, 0), 'got 00 00 08 00'],
    ['a gzip archive', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), 'got a gzip archive. Unpack it first.'],
    ['a cut header', file([2, 3], []).subarray(0, 9), 'a header of 12 bytes for 2 axes, got 9'],
    ['a cut end', file([2, 2], [1, 2, 3]), '2 × 2 = 4 entries as its header says, got 3'],
    ['a longer end', file([1, 2], [1, 2, 3]), '1 × 2 = 2 entries as its header says, got 3'],
    ['a huge count', file([0xffffffff], [1]), '4294967295 = 4294967295 entries'],
    ['sizes whose product overflows', file([65536, 65536, 65536, 65536], []), '18446744073709552000 entries'],
    ['255 axes', Uint8Array.from([0, 0, 8, 255, ...new Array(1020).fill(255)]), 'Infinity entries'],
  ])('%s: FILE_CORRUPT', (_, bytes, message) => {
    expect(caught(() => parseIdx(bytes, 'digits'))).toMatchObject({
      code: 'FILE_CORRUPT',
      message: expect.stringMatching(/^digits: expected .* Fetch the file again\.$/),
    });
    expect(caught(() => parseIdx(bytes, 'digits')).message).toContain(message);
  });

  it('entries of other types: UNSUPPORTED', () => {
    expect(caught(() => parseIdx(file([1], [0, 0, 0, 0], 0x0d), 'floats'))).toMatchObject({
      code: 'UNSUPPORTED',
      message: 'floats: expected entries of type 0x08, unsigned bytes, got 0x0d.',
    });
  });
});

describe('parseIdxImages', () => {
  it('reads the genuine test set of MNIST', () => {
    const read = (name: string) => readFileSync(join(MNIST, name));
    const { images, labels, height, width } = parseIdxImages(
      read('t10k-images-idx3-ubyte'),
      read('t10k-labels-idx1-ubyte'),
    );
    expect([images.length, labels.length, height, width]).toEqual([10000, 10000, 28, 28]);
    // The published beginning of the labels, and how many there are of each class.
    expect(Array.from(labels.subarray(0, 8))).toEqual([7, 2, 1, 0, 4, 1, 4, 9]);
    const counts = new Array(10).fill(0);
    for (const label of labels) counts[label]++;
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
    expect(images.every((image) => image.length === 784)).toBe(true);
    const total = images.reduce((sum, image) => sum + image.reduce((a, b) => a + b, 0), 0);
    expect(total / 255 / 7_840_000).toBeCloseTo(0.1325, 4); // the set's mean, as everybody quotes it
  });

  it.each([
    ['another number of labels', file([2, 1, 1], [1, 2]), file([3], [0, 1, 2]), '[2, 1, 1] and [3]'],
    ['the files changed over', file([2], [1, 2]), file([2, 1, 1], [0, 1]), '[2] and [2, 1, 1]'],
  ])('%s: SHAPE_MISMATCH', (_, images, labels, got) => {
    const error = caught(() => parseIdxImages(images, labels));
    expect(error.code).toBe('SHAPE_MISMATCH');
    expect(error.message).toContain(`got ${got}. Take the two files of one set.`);
  });
});
