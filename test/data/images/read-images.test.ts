/** readImages() on folders, lists and arrays made here: what is found, left out, refused, and read back. */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eachConcurrently } from '../../../src/data/images/each-concurrently.ts';
import { readImages } from '../../../src/data/images/read-images.ts';
import type { ReadImagesOptions } from '../../../src/data/images/read-images-options.ts';
import { LimbeckError } from '../../../src/errors.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'limbeck-images-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
};
/** A flat image, whose every decoded byte is `level`. */
const flat = (level: number, size = 4) =>
  sharp({ create: { width: size, height: size, channels: 3, background: { r: level, g: level, b: level } } })
    .png()
    .toBuffer();
const putImages = async (names: readonly string[]) => {
  for (const [i, name] of names.entries()) put(name, await flat(10 + i));
};
const levels = (images: readonly ArrayLike<number>[]) => images.map((image) => image[0]);
const refusal = async (promise: Promise<unknown>): Promise<LimbeckError> => {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof LimbeckError) return error;
  throw error ?? new Error('expected a LimbeckError, got none');
};
const read = (source: string, options: ReadImagesOptions = {}) => readImages(source, { size: 4, ...options });

describe('a directory', () => {
  it('with a folder per class: sorted by path, classes by folder, everything else listed', async () => {
    await putImages(['dog/B.png', 'dog/a.PNG', 'cat/deep/er/z.png', 'cat/Ünïcode 猫.png', 'cat/10.png', 'cat/9.png']);
    put('cat/notes.txt', 'x');
    put('.hidden/a.png', 'x');
    put('dog/.DS_Store', 'x');
    const data = await read(folder);
    // By UTF-16 code units: '1' < '9' < 'd' < 'Ü', and capitals first.
    expect(data.ids).toEqual([
      'cat/10.png',
      'cat/9.png',
      'cat/deep/er/z.png',
      'cat/Ünïcode 猫.png',
      'dog/B.png',
      'dog/a.PNG',
    ]);
    expect(data.classNames).toEqual(['cat', 'dog']);
    expect([...(data.labels as Int32Array)]).toEqual([0, 0, 0, 0, 1, 1]);
    expect([data.size, data.format, data.positions]).toEqual([6, { channels: 3, height: 4, width: 4 }, undefined]);
    expect(levels(await data.read([0, 1, 2, 3, 4, 5]))).toEqual([14, 15, 12, 13, 10, 11]);
    expect(data.skipped).toEqual([
      { where: '.hidden', reason: 'hidden' },
      { where: 'cat/notes.txt', reason: 'not an image by its name' },
      { where: 'dog/.DS_Store', reason: 'hidden' },
    ]);
  });

  it('with images and no folders: no labels', async () => {
    await putImages(['b.png', 'a.png']);
    const data = await read(folder, { channels: 1 });
    expect([data.ids, data.labels, data.classNames]).toEqual([['a.png', 'b.png'], undefined, undefined]);
    expect(await data.read([1, 0, 1])).toEqual([10, 11, 10].map((level) => new Uint8Array(16).fill(level)));
    expect(await data.read([])).toEqual([]);
    expect((await refusal(data.read([2]))).code).toBe('INVALID_ARGUMENT');
  });

  it('leaves out what does not decode, and says where and why', async () => {
    await putImages(['a.png', 'd.png', 'f.png']);
    const noise = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) % 251);
    const jpeg = await sharp(noise, { raw: { width: 100, height: 100, channels: 3 } })
      .jpeg()
      .toBuffer();
    put('b.jpg', jpeg.subarray(0, jpeg.length / 2));
    put('c.png', new Uint8Array());
    put('e.png', 'text');
    const data = await read(folder);
    expect(data.ids).toEqual(['a.png', 'd.png', 'f.png']);
    expect([...(data.positions as Int32Array)]).toEqual([0, 3, 5]);
    expect(data.skipped).toEqual([
      { where: 'b.jpg', reason: expect.stringMatching(/^does not decode: .*premature end of JPEG/) },
      { where: 'c.png', reason: 'does not decode: an empty file' },
      { where: 'e.png', reason: 'does not decode: not in a known image format' },
    ]);
    expect(levels(await data.read([2, 1]))).toEqual([12, 11]);
  });

  it('with verify false, what does not decode is an error when it is read', async () => {
    await putImages(['a.png']);
    put('b.png', 'text');
    const data = await read(folder, { verify: false });
    expect([data.size, data.skipped]).toEqual([2, []]);
    expect(levels(await data.read([0]))).toEqual([10]);
    const error = await refusal(data.read([0, 1]));
    expect([error.code, error.message]).toEqual(['FILE_CORRUPT', expect.stringMatching(/b\.png: .*verify: true/)]);
  });

  it('a file that has changed or is gone since: DATA_MISMATCH', async () => {
    await putImages(['a.png', 'b.png', 'c.png']);
    const data = await read(folder);
    put('a.png', await flat(99));
    unlinkSync(join(folder, 'b.png'));
    for (const [i, got] of ['a.png: .* got other bytes', 'b.png: .* got ENOENT'].entries()) {
      const error = await refusal(data.read([2, i]));
      expect([error.code, error.message]).toEqual(['DATA_MISMATCH', expect.stringMatching(got)]);
    }
    // The same bytes at another time are the same file.
    copyFileSync(join(folder, 'c.png'), join(folder, 'd.png'));
    renameSync(join(folder, 'd.png'), join(folder, 'c.png'));
    expect(levels(await data.read([2]))).toEqual([12]);
  });

  it('the fingerprint names contents, order, labels and format, not paths; equal files are found', async () => {
    await putImages(['x/a.png', 'x/b.png', 'y/c.png']);
    const base = await read(join(folder));
    expect([base.duplicateOf, base.fingerprint]).toEqual([undefined, expect.stringMatching(/^[0-9a-f]{64}$/)]);
    renameSync(join(folder, 'x'), join(folder, 'w'));
    expect((await read(folder)).fingerprint).toBe(base.fingerprint);
    const prints = [base.fingerprint];
    for (const options of [
      { size: 5 },
      { channels: 1 },
      { fit: 'fill' },
      { background: '#000000' },
      { limit: 2 },
    ] as const) {
      prints.push((await read(folder, options)).fingerprint);
    }
    prints.push((await read(folder, { classNames: ['y', 'w'] })).fingerprint);
    put('w/b.png', await flat(10));
    const changed = await read(folder);
    expect([...(changed.duplicateOf as Int32Array)]).toEqual([0, 0, 2]);
    prints.push(changed.fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });

  it('classNames orders classes, may name more, and has to name all', async () => {
    await putImages(['cat/a.png', 'dog/b.png']);
    const data = await read(folder, { classNames: ['dog', 'horse', 'cat'] });
    expect([...(data.labels as Int32Array)]).toEqual([2, 0]);
    expect(data.classNames).toEqual(['dog', 'horse', 'cat']);
    const error = await refusal(read(folder, { classNames: ['dogs', 'cat'] }));
    expect([error.code, error.message]).toEqual(['INVALID_ARGUMENT', expect.stringMatching(/got "dog".*"dogs"/)]);
  });

  it('a limit takes from every class in turn', async () => {
    await putImages(['a/1.png', 'a/2.png', 'a/3.png', 'b/1.png', 'b/2.png', 'c/1.png']);
    const data = await read(folder, { limit: 4 });
    expect(data.ids).toEqual(['a/1.png', 'a/2.png', 'b/1.png', 'c/1.png']);
    expect([...(data.positions as Int32Array)]).toEqual([0, 1, 3, 5]);
    expect((await read(folder, { limit: 9 })).size).toBe(6);
  });

  it('follows links, to a directory once', async () => {
    await putImages(['a/1.png', 'b/2.png']);
    symlinkSync(join(folder, 'a', '1.png'), join(folder, 'b', 'link.png'));
    symlinkSync(folder, join(folder, 'a', 'up'));
    symlinkSync(join(folder, 'b'), join(folder, 'a', 'other'));
    symlinkSync(join(folder, 'nothing'), join(folder, 'b', 'gone.png'));
    const outside = mkdtempSync(join(tmpdir(), 'limbeck-outside-'));
    try {
      writeFileSync(join(outside, '3.png'), await flat(50));
      symlinkSync(outside, join(folder, 'c'));
      const data = await read(folder);
      expect(data.ids).toEqual(['a/1.png', 'b/2.png', 'b/link.png', 'c/3.png']);
      expect(data.skipped).toEqual([
        { where: 'a/other', reason: `the same directory as ${join(folder, 'b')}` },
        { where: 'a/up', reason: `the same directory as ${folder}` },
        { where: 'b/gone.png', reason: 'a link to nothing' },
      ]);
    } finally {
      rmSync(outside, { recursive: true });
    }
  });

  it('refuses what is no set of images', async () => {
    expect((await refusal(read(join(folder, 'none')))).message).toMatch(
      /none: expected to read a directory .* got ENOENT/,
    );
    const empty = await refusal(read(folder));
    expect([empty.code, empty.message]).toEqual(['INVALID_ARGUMENT', expect.stringMatching(/got none among 0 other/)]);
    put('notes.md', 'x');
    expect((await refusal(read(folder))).message).toMatch(/got none among 1 other/);
    expect((await refusal(read(join(folder, 'notes.md')))).message).toMatch(/got another file/);
    put('bad.png', 'x');
    expect((await refusal(read(folder))).message).toMatch(/images that decode, got none; .*bad\.png: does not decode/);
    await putImages(['cat/a.png']);
    expect((await refusal(read(folder))).message).toMatch(
      /got 1 in it \("bad.png"\) and 1 in folders \("cat\/a.png"\)/,
    );
    unlinkSync(join(folder, 'bad.png'));
    mkdirSync(join(folder, 'dog'));
    const lacking = await refusal(read(folder));
    expect([lacking.code, lacking.message]).toEqual(['INVALID_ARGUMENT', expect.stringMatching(/got none in "dog"/)]);
    put('dog/a.png', 'x');
    expect((await refusal(read(folder))).message).toMatch(/images that decode in class "dog", got none/);
  });

  it('checks options and source', async () => {
    await putImages(['a.png']);
    expect((await refusal(readImages(folder))).message).toMatch(/option size: expected .* got undefined/);
    expect((await refusal(read(folder, { size: 0 }))).code).toBe('INVALID_OPTION');
    expect((await refusal(read(folder, { channels: 2 as never }))).code).toBe('INVALID_OPTION');
    expect((await refusal(read(folder, { classNames: ['a', 'a'] }))).message).toMatch(/distinct names/);
    expect((await refusal(read(folder, { background: 'white' }))).message).toMatch(/a colour such as #ffffff/);
    expect((await refusal(read(folder, { sise: 4 } as never))).message).toMatch(/Did you mean size/);
    expect((await refusal(readImages(7 as never, { size: 4 }))).code).toBe('INVALID_ARGUMENT');
  });

  it('reports progress and stops on a signal', async () => {
    await putImages(['a.png', 'b.png', 'c.png', 'd.png']);
    const seen: string[] = [];
    await read(folder, { onProgress: (done, total) => seen.push(`${done}/${total}`) });
    expect(seen).toEqual(['1/4', '2/4', '3/4', '4/4']);
    const controller = new AbortController();
    const stopped = read(folder, { concurrency: 1, signal: controller.signal, onProgress: () => controller.abort() });
    const error = await refusal(stopped);
    expect([error.code, error.message]).toEqual(['ABORTED', expect.stringMatching(/after 1 of 4/)]);
  });

  it('keeps the order when images take unlike long', async () => {
    for (let i = 0; i < 12; i++) put(`${String(i).padStart(2, '0')}.png`, await flat(100 + i, i % 3 === 0 ? 900 : 3));
    const data = await read(folder, { concurrency: 5, verify: false });
    const numbers = [11, 0, 5, 3, 3, 8, 1, 6, 9, 2, 10, 4, 7];
    expect(levels(await data.read(numbers))).toEqual(numbers.map((i) => 100 + i));
  });
});

describe('a list', () => {
  beforeEach(() => putImages(['images/a.png', 'images/b b.png', 'images/c.png']));

  it.each([
    ['csv', 'path,label\nimages/b b.png,dog\n"images/a.png",cat\n\nimages/c.png,dog\n'],
    ['csv', '\ufefflabel,path\r\ndog,images/b b.png\r\ncat,images/a.png\r\ndog,images/c.png'],
    [
      'jsonl',
      '{"path":"images/b b.png","label":"dog"}\n\n{"label":"cat","path":"images/a.png"}\n{"path":"images/c.png","label":"dog"}',
    ],
    ['txt', 'images/b b.png\tdog\nimages/a.png\tcat\r\nimages/c.png\tdog\n'],
  ])('%s: in the order of its lines, labels by name', async (kind, text) => {
    const data = await read(put(`list.${kind}`, text));
    expect(data.ids).toEqual(['images/b b.png', 'images/a.png', 'images/c.png']);
    expect([data.classNames, [...(data.labels as Int32Array)]]).toEqual([
      ['cat', 'dog'],
      [1, 0, 1],
    ]);
    expect(levels(await data.read([0, 1, 2]))).toEqual([11, 10, 12]);
  });

  it.each([
    ['csv', 'path\nimages/a.png\nimages/c.png'],
    ['jsonl', '{"path":"images/a.png"}\n{"path":"images/c.png","label":null}'],
    ['txt', 'images/a.png\nimages/c.png'],
  ])('%s without labels', async (kind, text) => {
    const data = await read(put(`list.${kind}`, text));
    expect([data.ids, data.labels]).toEqual([['images/a.png', 'images/c.png'], undefined]);
  });

  it('labels by number; other columns by name; absolute paths', async () => {
    const list = put('l.csv', `file,kind\nimages/a.png,4\n${join(folder, 'images/c.png')},0`);
    const columns = { pathColumn: 'file', labelColumn: 'kind' };
    const data = await read(list, columns);
    expect([data.classNames, [...(data.labels as Int32Array)]]).toEqual([undefined, [4, 0]]);
    const named = await read(list, { ...columns, classNames: ['v', 'w', 'x', 'y', 'z'] });
    expect([named.classNames?.[4], [...(named.labels as Int32Array)]]).toEqual(['z', [4, 0]]);
    // Names that look like numbers are names.
    const digits = await read(list, { ...columns, classNames: ['4', '0', '1', '2', '3'] });
    expect([...(digits.labels as Int32Array)]).toEqual([0, 1]);
    const error = await refusal(read(list, { ...columns, classNames: ['v', 'w', 'x', 'y'] }));
    expect([error.code, error.message]).toEqual([
      'INVALID_ARGUMENT',
      expect.stringMatching(/l\.csv, line 2: .*got "4"/),
    ]);
  });

  it('what does not decode is left out with its line; a limit takes the first', async () => {
    put('images/b b.png', 'x');
    const list = put('l.txt', 'images/a.png\nimages/b b.png\nimages/c.png\n');
    const data = await read(list);
    expect([data.ids, [...(data.positions as Int32Array)]]).toEqual([
      ['images/a.png', 'images/c.png'],
      [0, 2],
    ]);
    expect(data.skipped).toEqual([{ where: `${list}, line 2`, reason: expect.stringMatching(/does not decode/) }]);
    expect((await read(list, { limit: 1 })).ids).toEqual(['images/a.png']);
  });

  it.each([
    [
      'a missing image',
      'csv',
      'path\n\nimages/a.png\nimages/none.png',
      'FILE_UNREADABLE',
      /l\.csv, line 4: expected the image "images\/none.png"/,
    ],
    [
      'no path column',
      'csv',
      'file,label\na,b',
      'FILE_CORRUPT',
      /line 1: expected a column "path", got "file", "label"/,
    ],
    ['a ragged line', 'csv', 'path,label\nimages/a.png,1\nimages/c.png', 'FILE_CORRUPT', /line 3/],
    ['an open quote', 'csv', 'path\n"images/a.png', 'FILE_CORRUPT', /line 2/],
    ['no path', 'csv', 'path,label\n,1', 'FILE_CORRUPT', /line 2: expected the path/],
    [
      'a label on some lines',
      'csv',
      'path,label\nimages/a.png,1\nimages/c.png,',
      'FILE_CORRUPT',
      /line 3: expected a label .* got none/,
    ],
    [
      'no label on some lines',
      'txt',
      'images/a.png\nimages/c.png\tcat',
      'FILE_CORRUPT',
      /line 2: expected no label .* got "cat"/,
    ],
    ['no JSON', 'jsonl', '{"path":"images/a.png"}\n{"path"', 'FILE_CORRUPT', /line 2: expected a JSON object/],
    ['a JSON number', 'jsonl', '7', 'FILE_CORRUPT', /line 1: expected an object/],
    ['null', 'jsonl', 'null', 'FILE_CORRUPT', /line 1: expected an object/],
    [
      'a label that is a list',
      'jsonl',
      '{"path":"images/a.png","label":[1]}',
      'FILE_CORRUPT',
      /line 1: expected a string or a number/,
    ],
    ['an empty list', 'txt', '\n\n', 'INVALID_ARGUMENT', /empty list/],
    ['a header alone', 'csv', 'path,label\n', 'INVALID_ARGUMENT', /empty list/],
    ['bytes that are no text', 'txt', 'a\0b', 'NOT_TEXT', /offset 1/],
  ] as const)('%s (%s)', async (_, kind, text, code, message) => {
    const error = await refusal(read(put(`l.${kind}`, text)));
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('an image that cannot be read is no image that does not decode', async () => {
    const error = await refusal(read(put('l.txt', 'images/a.png\nimages'), { verify: false }));
    expect([error.code, error.message]).toEqual([
      'FILE_UNREADABLE',
      expect.stringMatching(/expected to read an image, got a directory/),
    ]);
  });

  it('no list; classNames without labels', async () => {
    expect((await refusal(read(join(folder, 'none.csv')))).code).toBe('FILE_UNREADABLE');
    const error = await refusal(read(put('l.txt', 'images/a.png'), { classNames: ['a'] }));
    expect([error.code, error.message]).toEqual([
      'INVALID_ARGUMENT',
      expect.stringMatching(/labels to go with classNames/),
    ]);
  });
});

describe('arrays in IDX files', () => {
  const uint32 = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  const idx = (shape: number[], entries: number[]) =>
    Uint8Array.from([0, 0, 8, shape.length, ...shape.flatMap(uint32), ...entries]);

  it('grey images as they are, with labels or without, a part of them', async () => {
    const images = put('images', idx([3, 1, 2], [1, 2, 3, 4, 5, 6]));
    const labels = put('labels', idx([3], [2, 0, 1]));
    const data = await readImages({ images, labels }, { classNames: ['a', 'b', 'c'] });
    expect([data.format, [...(data.labels as Int32Array)], data.classNames]).toEqual([
      { channels: 1, height: 1, width: 2 },
      [2, 0, 1],
      ['a', 'b', 'c'],
    ]);
    expect(await data.read([2, 0])).toEqual([Uint8Array.of(5, 6), Uint8Array.of(1, 2)]);
    expect((await readImages({ images })).labels).toBeUndefined();
    const part = await readImages({ images, labels }, { limit: 2 });
    expect([part.size, [...(part.labels as Int32Array)]]).toEqual([2, [2, 0]]);
  });

  it('brought to another size and to colour', async () => {
    const images = put('images', idx([1, 2, 2], [9, 9, 9, 9]));
    const data = await readImages({ images }, { size: [3, 4], channels: 3 });
    expect(data.format).toEqual({ channels: 3, height: 3, width: 4 });
    expect(await data.read([0])).toEqual([new Uint8Array(36).fill(9)]);
  });

  it('channels last are brought to the front', async () => {
    const pixels = Array.from({ length: 12 }, (_, i) => i);
    const last = await readImages({ images: put('last', idx([1, 2, 2, 3], pixels)) });
    expect(await last.read([0])).toEqual([Uint8Array.from([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])]);
    const first = await readImages({ images: put('first', idx([1, 3, 2, 2], pixels)) });
    expect(await first.read([0])).toEqual([Uint8Array.from(pixels)]);
  });

  it('refuses what does not fit', async () => {
    const images = put('images', idx([2, 1, 1], [1, 2]));
    const short = await refusal(readImages({ images, labels: put('labels', idx([1], [0])) }));
    expect([short.code, short.message]).toEqual([
      'SHAPE_MISMATCH',
      expect.stringMatching(/expected 2 labels, \[2\].*got \[1\]/),
    ]);
    const high = refusal(readImages({ images, labels: put('high', idx([2], [0, 5])) }, { classNames: ['a', 'b'] }));
    expect((await high).message).toMatch(/Label 1: expected a whole number in 0 … 1, got 5/);
    for (const shape of [[2], [0, 2, 2], [1, 3, 1, 3], [1, 2, 2, 2], [1, 1, 1, 1, 1]]) {
      const entries = new Array(shape.reduce((a, b) => a * b, 1)).fill(0);
      expect((await refusal(readImages({ images: put('odd', idx(shape, entries)) }))).code).toBe('SHAPE_MISMATCH');
    }
    expect((await refusal(readImages({ images: join(folder, 'none') }))).code).toBe('FILE_UNREADABLE');
    expect((await refusal(readImages({ images: put('cut', idx([2, 2, 2], [1])) }))).code).toBe('FILE_CORRUPT');
  });
});

describe('arrays in .npy files', () => {
  const npy = (descr: string, shape: number[], data: ArrayBufferView) => {
    const fields = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`.padEnd(117);
    const header = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${fields}\n`, 'latin1');
    return Buffer.concat([header, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
  };

  it('bytes with channels last, labels of 64 bits', async () => {
    const pixels = Uint8Array.from({ length: 24 }, (_, i) => i);
    const images = put('x.npy', npy('|u1', [2, 2, 2, 3], pixels));
    const labels = put('y.npy', npy('<i8', [2], BigInt64Array.of(1n, 0n)));
    const data = await readImages({ images, labels }, { classNames: ['a', 'b'] });
    expect([data.format, [...(data.labels as Int32Array)]]).toEqual([{ channels: 3, height: 2, width: 2 }, [1, 0]]);
    expect((await data.read([1]))[0]).toEqual(Uint8Array.from([12, 15, 18, 21, 13, 16, 19, 22, 14, 17, 20, 23]));
    expect((await readImages(images)).labels).toBeUndefined();
  });

  it('floats as they are, and in no other size; neither doubles, nor labels that are no whole numbers, nor NaN', async () => {
    const pixels = Float32Array.of(0.5, -1, 2, 0.25);
    const images = put('x.npy', npy('<f4', [2, 1, 2], pixels));
    const data = await readImages(images, { size: [1, 2], channels: 1 });
    expect(await data.read([1, 0])).toEqual([Float32Array.of(2, 0.25), Float32Array.of(0.5, -1)]);
    expect((await refusal(readImages(images, { size: 4 }))).code).toBe('INVALID_OPTION');
    expect((await refusal(readImages(images, { channels: 3 }))).message).toMatch(/Leave size and channels out/);
    const doubles = put('d.npy', npy('<f8', [1, 1, 1], Float64Array.of(1)));
    expect((await refusal(readImages(doubles))).code).toBe('UNSUPPORTED');
    const labels = put('y.npy', npy('<f4', [2], Float32Array.of(0, 0.5)));
    expect((await refusal(readImages({ images, labels }))).message).toMatch(/Label 1: .* got 0.5/);
    const nan = put('n.npy', npy('<f4', [1, 1, 1], Float32Array.of(Number.NaN)));
    expect((await refusal(readImages(nan))).code).toBe('NON_FINITE');
    expect((await refusal(readImages(put('z.npy', 'x')))).code).toBe('FILE_CORRUPT');
  });
});

it('eachConcurrently: never more at once, no further call after a failure, the first failure by number', async () => {
  let [running, most, begun] = [0, 0, 0];
  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  await eachConcurrently(20, 3, async (i) => {
    most = Math.max(most, ++running);
    await pause((i * 7) % 4);
    running--;
  });
  expect([most, running]).toEqual([3, 0]);
  const failing = eachConcurrently(100, 4, async (i) => {
    begun++;
    await pause(i === 1 ? 20 : 5);
    if (i === 1 || i === 3) throw new Error(`number ${i}`);
  });
  await expect(failing).rejects.toThrow('number 1');
  expect(begun).toBeLessThan(10);
});

it('the fingerprint is the SHA-256 that is written here', async () => {
  await putImages(['k/a.png']);
  const data = await read(folder);
  const file = createHash('sha256')
    .update(await flat(10))
    .digest();
  const text = 'image files 1\n3 × 4 × 4 cover #ffffff\n';
  const expected = createHash('sha256').update(text).update(file).update('labels 1\n').update(Buffer.alloc(4));
  expect(data.fingerprint).toBe(expected.digest('hex'));
});
