/** What two data sets have in common: found whatever the case and the white space, and said. */
import { describe, expect, it } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { findOverlap, refuseOverlap } from '../../src/data/overlap.ts';
import { subset } from '../../src/data/subset.ts';
import { textDataset } from '../../src/data/text-dataset.ts';

const texts = (...list: string[]) => textDataset({ texts: list });

describe('findOverlap', () => {
  it('equal texts, and those that are equal but for case, white space and composition', async () => {
    const training = texts('a dog', 'A cat', 'cafe\u0301', 'a  bird', 'Straße');
    const test = texts('a dog', 'a CAT', 'caf\u00e9', ' a bird ', 'strasse', 'a fish');
    expect(await findOverlap(training, test)).toEqual({
      exact: 1,
      folded: 3,
      examples: [
        { first: 0, second: 0, exact: true },
        { first: 1, second: 1, exact: false },
        { first: 2, second: 2, exact: false },
      ],
    });
  });

  it('every sample of the second counts, also repeated ones; nothing in common with nothing', async () => {
    expect(await findOverlap(texts('x', 'x'), texts('x', 'x', 'X'))).toMatchObject({ exact: 2, folded: 1 });
    expect(await findOverlap(texts(), texts('x'))).toEqual({ exact: 0, folded: 0, examples: [] });
    expect(await findOverlap(texts('x'), texts())).toEqual({ exact: 0, folded: 0, examples: [] });
  });

  it('finds one among thousands, in data read block by block', async () => {
    const many = textDataset({ texts: Array.from({ length: 3000 }, (_, i) => `text ${i}`) });
    const test = textDataset({
      texts: Array.from({ length: 2000 }, (_, i) => (i === 1999 ? 'TEXT 2999' : `other ${i}`)),
    });
    expect(await findOverlap(many, test)).toMatchObject({
      exact: 0,
      folded: 1,
      examples: [{ first: 2999, second: 1999 }],
    });
  });

  it('images with the same pixels', async () => {
    const image = (value: number) => new Float32Array(4).fill(value);
    const data = (...values: number[]) => imageDataset({ images: values.map(image) });
    expect(await findOverlap(data(0, 0.5), data(0.25, 0.5))).toMatchObject({ exact: 1, folded: 0 });
  });

  it('refuses augmented data', async () => {
    await expect(findOverlap({ ...texts('a'), augmented: true }, texts('a'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });
});

describe('refuseOverlap', () => {
  it('says how many, which, and where in their sources', async () => {
    const training = subset(texts('x', 'y', 'a dog'), [1, 2]);
    const test = texts('a cat', 'A dog');
    const error = await refuseOverlap(training, test, ['the training data', 'the test data']).catch((one) => one);
    expect(error).toMatchObject({ code: 'DATA_OVERLAP', details: { exact: 0, folded: 1 } });
    expect(error.message).toMatch(
      /got 0 equal ones and 1 equal but for case.*"A dog", sample 3 of the training data and 2 of the test data\. Take them out/,
    );
    await refuseOverlap(training, texts('z'), ['a', 'b']);
  });
});
