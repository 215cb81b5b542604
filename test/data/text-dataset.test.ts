import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { textDataset } from '../../src/data/text-dataset.ts';

const code = (code: string) => expect.objectContaining({ name: 'LimbeckError', code });

describe('textDataset', () => {
  it('copies its parts, so that the fingerprint stays true', () => {
    const texts = ['a', 'b'];
    const labels = [0, 1];
    const data = textDataset({ texts, labels, classNames: ['x', 'y'] });
    texts[0] = 'changed';
    labels[0] = 1;
    expect(data.texts).toEqual(['a', 'b']);
    expect(data.labels).toEqual(Int32Array.of(0, 1));
    expect(data.classNames).toEqual(['x', 'y']);
    expect(Object.isFrozen(data.texts)).toBe(true);
  });

  it('has the fingerprint that its documentation describes', () => {
    const labels = Buffer.from([1, 0, 0, 0, 0, 1, 0, 0]);
    const described = createHash('sha256').update('texts 2\n2\né0\nlabels 2\n').update(labels).digest('hex');
    expect(textDataset({ texts: ['é', ''], labels: [1, 256] }).fingerprint).toBe(described);
  });

  it('tells different data apart, borders between texts and labels included', () => {
    const different = [
      textDataset({ texts: [] }),
      textDataset({ texts: [''] }),
      textDataset({ texts: ['ab', 'c'] }),
      textDataset({ texts: ['a', 'bc'] }),
      textDataset({ texts: ['bc', 'a'] }),
      textDataset({ texts: ['a\n2\nbc'] }),
      textDataset({ texts: ['ab', 'c'], labels: [0, 1] }),
      textDataset({ texts: ['ab', 'c'], labels: [1, 0] }),
    ].map(({ fingerprint }) => fingerprint);
    expect(new Set(different).size).toBe(different.length);
    expect(textDataset({ texts: ['ab', 'c'] }).fingerprint).toBe(different[2]);
  });

  it('refuses what is not text, and half a surrogate pair', () => {
    expect(() => textDataset({ texts: ['a', 3 as unknown as string] })).toThrow('Text 1: expected a string, got 3');
    expect(() => textDataset({ texts: ['🧪'.slice(0, 1)] })).toThrow(code('INVALID_ARGUMENT'));
    expect(textDataset({ texts: ['🧪'] }).texts).toEqual(['🧪']);
  });

  it('refuses labels that do not fit', () => {
    expect(() => textDataset({ texts: ['a'], labels: [0, 1] })).toThrow(code('SHAPE_MISMATCH'));
    for (const label of [-1, 2, 0.5, Number.NaN]) {
      expect(() => textDataset({ texts: ['a'], labels: [label], classNames: ['x', 'y'] })).toThrow(
        `Label 0: expected a whole number in 0 … 1, got ${label}`,
      );
    }
  });

  it('refuses class names that are repeated or have no labels', () => {
    expect(() => textDataset({ texts: ['a'], labels: [0], classNames: ['x', 'x'] })).toThrow(code('INVALID_ARGUMENT'));
    expect(() => textDataset({ texts: ['a'], classNames: ['x'] })).toThrow('Give both or neither');
  });
});
