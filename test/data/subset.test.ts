import { describe, expect, it } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { readTexts } from '../../src/data/read-texts.ts';
import { splitByHash } from '../../src/data/split-by-hash.ts';
import { subset } from '../../src/data/subset.ts';
import { textDataset } from '../../src/data/text-dataset.ts';
import { temporaryFiles } from './temporary-files.ts';

const file = temporaryFiles();
const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });
const data = textDataset({
  texts: ['a', 'bb', 'a', 'c', 'bb'],
  labels: [0, 1, 0, 1, 1],
  classNames: ['x', 'y'],
  ids: ['i0', 'i1', 'i2', 'i3', 'i4'],
  positions: Int32Array.of(0, 2, 3, 4, 6),
  sourceSize: 7,
  skipped: [{ where: 'line 2', reason: 'empty text' }],
});

describe('subset', () => {
  it('renumbers everything that is known of a sample', async () => {
    const part = subset(data, [4, 2, 1]);
    expect(part).toMatchObject({
      size: 3,
      texts: ['bb', 'a', 'bb'],
      samples: ['bb', 'a', 'bb'],
      labels: Int32Array.of(1, 0, 1),
      classNames: ['x', 'y'],
      ids: ['i4', 'i2', 'i1'],
      positions: Int32Array.of(6, 3, 2),
      sourceSize: 7,
      lengths: Float64Array.of(2, 1, 2),
      duplicateOf: Int32Array.of(0, 1, 0),
    });
    expect(part.skipped).toBeUndefined();
    expect(await part.read([2, 0])).toEqual(['bb', 'bb']);
    expect(subset(part, [1]).positions).toEqual(Int32Array.of(3));
  });

  it('has a fingerprint of its own, and the one of the whole when it is the whole', () => {
    const prints = [[0, 1], [1, 0], [0, 1, 2], [], [0, 1, 2, 3, 4]].map((numbers) => subset(data, numbers).fingerprint);
    expect(new Set(prints).size).toBe(5);
    expect(prints[4]).toBe(data.fingerprint);
    expect(subset(data, [0, 1]).fingerprint).toBe(prints[0]);
  });

  it('knows the same sample given twice, no duplicates where there are none, and refuses other numbers', () => {
    expect(subset(data, [3, 3]).duplicateOf).toEqual(Int32Array.of(0, 0));
    expect(subset(data, [0, 1, 3]).duplicateOf).toBeUndefined();
    for (const wrong of [5, -1, 0.5, Number.NaN]) expect(() => subset(data, [wrong])).toThrow(code('INVALID_ARGUMENT'));
  });

  it('keeps views apart, and the size of the source as the size of data that had none', async () => {
    const views: unknown[] = [];
    const read = async (numbers: ArrayLike<number>, view?: number) => {
      views.push(Array.from(numbers), view);
      return Array.from(numbers, () => 'x');
    };
    const part = subset({ size: 4, read, fingerprint: 'f', augmented: true }, [3, 1]);
    await part.read([1], 7);
    expect(views).toEqual([[1], 7]);
    expect(part).toMatchObject({ augmented: true, sourceSize: 4, positions: Int32Array.of(3, 1) });
    expect('samples' in part).toBe(false);
  });
});

describe('splitByHash', () => {
  const texts = Array.from({ length: 2000 }, (_, i) => `text ${i % 1500}`);

  it('holds out about the share that is asked for, equal texts on one side', async () => {
    const whole = textDataset({ texts: [...texts, 'Text  7 ', 'TEXT 8'] });
    const { training, heldOut } = await splitByHash(whole, { share: 0.2, seed: 3 });
    expect(training.size + heldOut.size).toBe(2002);
    expect(heldOut.size / 2002).toBeGreaterThan(0.15);
    expect(heldOut.size / 2002).toBeLessThan(0.25);
    const fold = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean).join(' ');
    const held = new Set(heldOut.texts.map(fold));
    expect(training.texts.filter((text) => held.has(fold(text)))).toEqual([]);
  });

  it('keeps samples on their sides when others come, and not with another seed', async () => {
    const sides = async (given: string[], seed: number) =>
      new Set((await splitByHash(textDataset({ texts: given }), { share: 0.3, seed })).heldOut.texts);
    const before = await sides(texts.slice(0, 700), 1);
    const after = await sides(['new', ...texts], 1);
    expect(texts.slice(0, 700).filter((text) => after.has(text))).toEqual([...before]);
    expect(await sides(texts.slice(0, 700), 2)).not.toEqual(before);
  });

  it('splits data on disk like data in memory, and leaves what was skipped with the training part', async () => {
    const path = file('s.txt', `\n${texts.join('\n')}`);
    const held = await splitByHash(await readTexts(path, { stream: false }), { seed: 5 });
    const streamed = await splitByHash(await readTexts(path, { stream: true }), { seed: 5 });
    expect(streamed.heldOut.fingerprint).toBe(held.heldOut.fingerprint);
    expect(await streamed.heldOut.read([1, 0])).toEqual([held.heldOut.texts[1], held.heldOut.texts[0]]);
    expect(held.training.skipped).toEqual([{ where: 's.txt, line 1', reason: 'empty text' }]);
    expect(held.heldOut.skipped).toBeUndefined();
  });

  it('splits images by their pixels, and anything by what is said', async () => {
    const images = Array.from({ length: 200 }, (_, i) => Float32Array.of(i % 50, 1));
    const { heldOut } = await splitByHash(imageDataset({ images }), { share: 0.5 });
    const all = new Set(heldOut.samples.map(([first]) => first));
    expect(heldOut.size).toBe(4 * all.size);
    const objects = { size: 40, read: async (n: ArrayLike<number>) => Array.from(n, (k) => ({ k })), fingerprint: 'f' };
    await expect(splitByHash(objects)).rejects.toThrow(code('INVALID_ARGUMENT'));
    const split = await splitByHash(objects, { by: ({ k }) => `${k % 2}`, share: 0.5, seed: 1 });
    expect([0, 20, 40]).toContain(split.heldOut.size);
  });

  it('takes data of no sample and of one, and refuses options and augmented data', async () => {
    expect((await splitByHash(textDataset({ texts: [] }))).training.size).toBe(0);
    const one = await splitByHash(textDataset({ texts: ['a'] }));
    expect(one.training.size + one.heldOut.size).toBe(1);
    for (const share of [0, 1, Number.NaN])
      await expect(splitByHash(data, { share })).rejects.toThrow(code('INVALID_OPTION'));
    await expect(splitByHash({ ...data, augmented: true })).rejects.toThrow(code('INVALID_ARGUMENT'));
  });
});
