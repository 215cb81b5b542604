import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Dataset } from '../../src/data/dataset.ts';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { textDataset } from '../../src/data/text-dataset.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { readSafetensors } from '../../src/teachers/safetensors.ts';
import type { EmbedOptions, Teacher } from '../../src/teachers/teacher.ts';
import { type CacheTeacherRowsOptions, cacheTeacherRows } from '../../src/teachers/teacher-cache.ts';
import { listTeacherCaches, teacherCacheFolder } from '../../src/teachers/teacher-cache-manifest.ts';
import type { TeacherCacheProgress } from '../../src/teachers/teacher-cache-progress.ts';
import { CountingTeacher } from './counting-teacher.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

let root: string;
let warnings: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'limbeck-rows-'));
  warnings = [];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const cache = <Sample>(
  teacher: Teacher<Sample>,
  data: Dataset<Sample>,
  options: Partial<CacheTeacherRowsOptions<Sample>> = {},
) =>
  cacheTeacherRows({
    teacher,
    data,
    directory: root,
    shardRows: 8,
    onWarning: (message) => warnings.push(message),
    ...options,
  });

/** Images of 2 × 2 bytes that all differ. */
const images = Array.from({ length: 21 }, (_, i) => Uint8Array.of(i, 2 * i, 255 - i, 7));
const imageData = imageDataset({ images });

/** Rows and logits that are plain functions of the bytes. */
class PixelTeacher implements Teacher<Uint8Array | Float32Array> {
  readonly fingerprint = 'pixels/1';
  readonly dimension = 3;
  readonly classes = 2;
  readonly calls: number[][] = [];

  row(image: ArrayLike<number>): number[] {
    return [image[0] / 3, Math.sqrt(image[1]), 1 / image[2]];
  }

  logits(image: ArrayLike<number>): number[] {
    return [image[0] / 7, -image[1] / 11];
  }

  async embed(inputs: readonly (Uint8Array | Float32Array)[]): Promise<Matrix> {
    return Matrix.from(inputs.map((image) => this.row(image)));
  }

  async predict(
    inputs: readonly (Uint8Array | Float32Array)[],
    options?: EmbedOptions<Uint8Array | Float32Array>,
  ): Promise<{ embeddings: Matrix; outputs: Matrix }> {
    this.calls.push(Array.from(options?.samples?.numbers ?? []));
    return {
      embeddings: await this.embed(inputs),
      outputs: Matrix.from(inputs.map((image) => this.logits(image))),
    };
  }
}

/** Half precision by the definition of its spacing: eleven significant bits, multiples of 2⁻²⁴ at the least; ties to even. */
function nearestHalf(x: number): number {
  const spacing = 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 10, -24);
  const below = Math.floor(x / spacing);
  const rest = x / spacing - below;
  return (rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below) * spacing;
}

describe('rows on the disk', () => {
  it('are those of the teacher, by number, in any order, repeated or none', async () => {
    const random = new Random(3);
    const texts = Array.from({ length: 61 }, (_, i) => 'abcdefg '.repeat(1 + random.integer(9)) + i);
    const expected = await new CountingTeacher(5).embed(texts);
    for (const shardRows of [1, 7, 61, 1000]) {
      const directory = join(root, `${shardRows}`);
      const { embeddings } = await cache(new CountingTeacher(5), textDataset({ texts }), { shardRows, directory });
      expect([embeddings.rows, embeddings.columns, embeddings.dtype]).toEqual([61, 5, 'float32']);
      expect(embeddings.toMatrix()).toEqual(expected);
      for (const numbers of [
        [],
        [60],
        [3, 3, 3],
        [59, 0, 17, 0, 60, 1],
        Int32Array.from({ length: 300 }, () => random.integer(61)),
      ]) {
        expect(embeddings.gather(numbers)).toEqual(expected.gather(numbers));
      }
      embeddings.release();
      expect(embeddings.gather([5])).toEqual(expected.gather([5]));
      embeddings.release();
    }
  });

  it('need no more open files than a few', async () => {
    const texts = Array.from({ length: 400 }, (_, i) => `text ${i}`);
    const { embeddings } = await cache(new CountingTeacher(5), textDataset({ texts }), { shardRows: 1 });
    const open = () => readdirSync('/proc/self/fd').length;
    const before = process.platform === 'linux' ? open() : 0;
    expect(embeddings.toMatrix()).toEqual(await new CountingTeacher(5).embed(texts));
    if (process.platform === 'linux') expect(open() - before).toBeLessThanOrEqual(256);
    embeddings.release();
    if (process.platform === 'linux') expect(open()).toBeLessThanOrEqual(before);
  });

  it.each([-1, 21, 1.5, Number.NaN])('refuse the number %d', async (number) => {
    const { embeddings } = await cache(new PixelTeacher(), imageData);
    expect(() => embeddings.gather([0, number])).toThrow(code('INVALID_ARGUMENT'));
    embeddings.release();
  });

  it('have a fingerprint of teacher, data, precision and kind', async () => {
    const a = await cache(new PixelTeacher(), imageData);
    const b = await cache(new PixelTeacher(), imageData, { dtype: 'float16' });
    const c = await cache(new PixelTeacher(), imageDataset({ images: images.slice(1) }));
    const again = await cache(new PixelTeacher(), imageData);
    expect(again.embeddings.fingerprint).toBe(a.embeddings.fingerprint);
    const all = [a, b, c].flatMap(({ embeddings, outputs }) => [embeddings.fingerprint, outputs?.fingerprint]);
    expect(new Set(all).size).toBe(6);
  });

  it('say when their file has gone or shrunk', async () => {
    const { embeddings, folder } = await cache(new PixelTeacher(), imageData);
    truncateSync(join(folder, 'rows-00000.safetensors'), 300);
    expect(() => embeddings.toMatrix()).toThrow(code('FILE_CORRUPT'));
    embeddings.release();
    rmSync(join(folder, 'rows-00001.safetensors'));
    expect(() => embeddings.gather([8])).toThrow(code('FILE_UNREADABLE'));
  });
});

describe('half precision', () => {
  it('is the nearest half of each entry, logits staying as they are', async () => {
    const teacher = new PixelTeacher();
    const expected = images.map((image) => teacher.row(image).map((x) => nearestHalf(Math.fround(x))));
    for (const reused of [0, 21]) {
      const rows = await cache(teacher, imageData, { dtype: 'float16' });
      expect(rows.reused).toBe(reused);
      expect(rows.embeddings.toMatrix().toArray()).toEqual(expected);
      expect(rows.outputs?.toMatrix()).toEqual(Matrix.from(images.map((image) => teacher.logits(image))));
    }
    const { folder } = await cache(teacher, imageData, { dtype: 'float16' });
    const shard = readSafetensors(new Uint8Array(readFileSync(join(folder, 'rows-00000.safetensors'))), 'shard');
    expect(shard.entries.get('rows')).toMatchObject({ dtype: 'F16', shape: [8, 3] });
    expect(shard.entries.get('outputs')).toMatchObject({ dtype: 'F32', shape: [8, 2] });
  });

  it.each([65_505, -70_000])('refuses %d and says to take float32, which takes it', async (value) => {
    const large: Teacher = {
      fingerprint: 'large',
      dimension: 2,
      embed: async (texts) => Matrix.from(texts.map((text) => [0, text === 'bb' ? value : 65_504])),
    };
    const data = textDataset({ texts: ['a', 'bb'] });
    const refused = cache(large, data, { dtype: 'float16' });
    await expect(refused).rejects.toThrow(code('INVALID_OPTION'));
    await expect(refused).rejects.toThrow(/in column 1 for text 1, "bb".*Use dtype: 'float32'/);
    const { embeddings } = await cache(large, data);
    expect(embeddings.toMatrix().toArray()).toEqual([
      [0, 65_504],
      [0, value],
    ]);
  });
});

describe('any data, any teacher', () => {
  it('asks once about every sample, in the order of the data, with their numbers', async () => {
    const teacher = new PixelTeacher();
    const seen: TeacherCacheProgress[] = [];
    const read: number[][] = [];
    const data: Dataset<Uint8Array | Float32Array> = {
      size: 21,
      fingerprint: 'streamed',
      read: async (numbers) => {
        read.push(Array.from(numbers));
        return Array.from(numbers, (i) => images[i]);
      },
    };
    await cache(teacher, data, { onProgress: (progress) => seen.push(progress) });
    const slices = [0, 8, 16].map((start) => [...images.keys()].slice(start, start + 8));
    expect(teacher.calls).toEqual(slices);
    expect(read).toEqual(slices);
    expect(seen.map(({ doneWork, totalWork, workUnit }) => [doneWork, totalWork, workUnit])).toEqual(
      [0, 8, 16, 21].map((done) => [done, 21, 'rows']),
    );
  });

  it('takes the longest first where the data know lengths, and counts work by them', async () => {
    const teacher = new PixelTeacher();
    const seen: TeacherCacheProgress[] = [];
    const lengths = Int32Array.from(images, (_, i) => (i * 8) % 21);
    await cache(teacher, { ...imageData, lengths }, { onProgress: (progress) => seen.push(progress) });
    const order = [...images.keys()].sort((a, b) => lengths[b] - lengths[a] || a - b);
    expect(teacher.calls.flat()).toEqual(order);
    const first = order.slice(0, 8).reduce((sum, i) => sum + lengths[i], 0);
    expect(seen[1]).toMatchObject({ doneWork: first, totalWork: 210, workUnit: 'lengths' });
  });

  it('an empty data set', async () => {
    const { embeddings, outputs, reused, computed } = await cache(new PixelTeacher(), imageDataset({ images: [] }));
    expect([embeddings.rows, outputs?.rows, reused, computed]).toEqual([0, 0, 0, 0]);
    expect(embeddings.gather([])).toEqual(Matrix.zeros(0, 3));
  });

  it('refuses augmented data, lengths that do not fit, and data that lose samples', async () => {
    const teacher = new PixelTeacher();
    await expect(cache(teacher, { ...imageData, augmented: true })).rejects.toThrow(code('INVALID_ARGUMENT'));
    await expect(cache(teacher, { ...imageData, lengths: [1, 2] })).rejects.toThrow(code('SHAPE_MISMATCH'));
    const bad = Array.from(images, (_, i) => (i === 4 ? Number.NaN : 1));
    await expect(cache(teacher, { ...imageData, lengths: bad })).rejects.toThrow('Length 4');
    await expect(cache(teacher, { ...imageData, read: async () => images.slice(0, 3) })).rejects.toThrow(
      code('DATA_MISMATCH'),
    );
    await expect(cache(teacher, imageData, { dtype: 'int8' as 'float16' })).rejects.toThrow(code('INVALID_OPTION'));
  });

  it('refuses outputs that are missing, of another width, or not finite, and stores nothing of that shard', async () => {
    const teacher = new PixelTeacher();
    const that = (outputs: (count: number) => Matrix | undefined): Teacher<Uint8Array | Float32Array> => ({
      fingerprint: 'outputs',
      dimension: 3,
      classes: 2,
      embed: (inputs) => teacher.embed(inputs),
      predict: async (inputs) => ({ embeddings: await teacher.embed(inputs), outputs: outputs(inputs.length) }),
    });
    await expect(
      cache(
        that(() => undefined),
        imageData,
      ),
    ).rejects.toThrow('outputs of 2 classes, as it announces');
    await expect(
      cache(
        that((count) => Matrix.zeros(count, 3)),
        imageData,
      ),
    ).rejects.toThrow(code('SHAPE_MISMATCH'));
    const nan = that((count) => new Matrix(count, 2, new Float32Array(count * 2).fill(Number.NaN, 5, 6)));
    const ids = images.map((_, i) => `image-${i}.png`);
    const refused = cache(nan, { ...imageData, ids });
    await expect(refused).rejects.toThrow(code('NON_FINITE'));
    await expect(refused).rejects.toThrow(/Teacher outputs.*column 1 for sample 2, "image-2.png"/);
    expect(readdirSync(teacherCacheFolder({ directory: root, teacher: nan, data: imageData }))).toEqual([
      'manifest.json',
    ]);
  });

  it('a teacher that has outputs now and had none is a mismatch', async () => {
    const { predict: _, ...teacher } = { ...new PixelTeacher(), predict: undefined };
    const plain = { ...teacher, embed: async () => Matrix.zeros(8, 3) } as Teacher<Uint8Array | Float32Array>;
    await cache(plain, imageDataset({ images: images.slice(0, 8) }));
    await expect(cache(new PixelTeacher(), imageDataset({ images: images.slice(0, 8) }))).rejects.toThrow(
      'expected a cache with classes 2, got undefined',
    );
  });
});

describe('damage', () => {
  const damages: [string, (bytes: Buffer) => Buffer, RegExp][] = [
    ['a flipped bit in the logits', (bytes) => flipped(bytes, bytes.length - 50), /checksum/],
    ['a flipped bit in the halves', (bytes) => flipped(bytes, bytes.length - 1), /checksum/],
    ['a truncated file', (bytes) => bytes.subarray(0, 200), /.*/],
    [
      'no logits',
      (bytes) => Buffer.from(bytes.toString('latin1').replace('"outputs"', '"0utputs"'), 'latin1'),
      /expected a tensor "outputs"/,
    ],
    [
      'another type',
      (bytes) => Buffer.from(bytes.toString('latin1').replace('F16', 'I16'), 'latin1'),
      /expected rows of type F16, got "I16"/,
    ],
  ];
  const flipped = (bytes: Buffer, place: number) => {
    bytes[place] ^= 1;
    return bytes;
  };

  it.each(damages)('%s is reported and mended', async (_, damage, message) => {
    const first = await cache(new PixelTeacher(), imageData, { dtype: 'float16' });
    const shard = join(first.folder, 'rows-00001.safetensors');
    const sound = readFileSync(shard);
    writeFileSync(shard, damage(readFileSync(shard)));
    const teacher = new PixelTeacher();
    const second = await cache(teacher, imageData, { dtype: 'float16' });
    expect(warnings).toEqual([expect.stringMatching(message)]);
    expect([second.reused, second.computed, teacher.calls.length]).toEqual([13, 8, 1]);
    expect(readFileSync(shard).equals(sound)).toBe(true);
  });
});

describe('directories', () => {
  it('a file in the way is FILE_UNWRITABLE or FILE_UNREADABLE, never a rejection without a code', async () => {
    const file = join(root, 'file');
    writeFileSync(file, '');
    await expect(cache(new PixelTeacher(), imageData, { directory: file })).rejects.toThrow(
      expect.objectContaining({ name: 'LimbeckError' }),
    );
  });

  it.runIf(process.getuid?.() !== 0)('that are read-only serve a complete cache, and refuse a new one', async () => {
    const { folder, embeddings } = await cache(new PixelTeacher(), imageData);
    const expected = embeddings.toMatrix();
    for (const path of [folder, root]) chmodSync(path, 0o555);
    try {
      expect((await cache(new PixelTeacher(), imageData)).embeddings.toMatrix()).toEqual(expected);
      await expect(cache(new PixelTeacher(), imageData, { dtype: 'float16' })).rejects.toThrow(code('FILE_UNWRITABLE'));
    } finally {
      for (const path of [root, folder]) chmodSync(path, 0o755);
    }
  });

  it.runIf(process.getuid?.() !== 0)('that may not be entered are FILE_UNREADABLE', async () => {
    chmodSync(root, 0);
    try {
      await expect(cache(new PixelTeacher(), imageData)).rejects.toThrow(code('FILE_UNREADABLE'));
    } finally {
      chmodSync(root, 0o755);
    }
  });

  it('lists caches, finished or not, and passes over what is none', async () => {
    expect(await listTeacherCaches(join(root, 'nothing'))).toEqual([]);
    const a = await cache(new PixelTeacher(), imageData, { dtype: 'float16' });
    const b = await cache(new CountingTeacher(4), textDataset({ texts: ['one', 'two'] }));
    rmSync(join(a.folder, 'rows-00002.safetensors'));
    mkdirSync(join(root, '0123456789abcdef'));
    mkdirSync(join(root, 'ffffffffffffffff'));
    writeFileSync(join(root, 'ffffffffffffffff', 'manifest.json'), 'null');
    writeFileSync(join(root, 'notes.txt'), '');
    const caches = await listTeacherCaches(root);
    expect(caches).toEqual(
      [
        expect.objectContaining({
          folder: a.folder,
          teacherFingerprint: 'pixels/1',
          rows: 21,
          storedRows: 16,
          dtype: 'float16',
          classes: 2,
        }),
        expect.objectContaining({ folder: b.folder, rows: 2, storedRows: 2, dimension: 4, dtype: 'float32' }),
      ].sort((x, y) => (x.sample.folder < y.sample.folder ? -1 : 1)),
    );
  });
});
