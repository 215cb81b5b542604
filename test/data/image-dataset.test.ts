import { expect, it } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import { caught } from '../caught.ts';

const images = [Uint8Array.of(1, 2), Uint8Array.of(3, 4), Uint8Array.of(1, 2)];

it('holds images, labels and names, and says which images are the same', () => {
  const data = imageDataset({ images, labels: [0, 1, 0], classNames: ['a', 'b'] });
  expect(data.samples).toEqual(images);
  expect([...(data.labels as Int32Array)]).toEqual([0, 1, 0]);
  expect([...(data.duplicateOf as Int32Array)]).toEqual([0, 1, 0]);
  expect(imageDataset({ images: images.slice(0, 2) }).duplicateOf).toBeUndefined();
});

it('the fingerprint changes with a pixel, the order, and a label', () => {
  const prints = [
    imageDataset({ images }),
    imageDataset({ images: [images[1], images[0], images[2]] }),
    imageDataset({ images: [images[0], images[1], Uint8Array.of(1, 3)] }),
    imageDataset({ images, labels: [0, 0, 0] }),
    imageDataset({ images, labels: [0, 1, 0] }),
  ].map(({ fingerprint }) => fingerprint);
  expect(new Set(prints).size).toBe(5);
  expect(imageDataset({ images: images.map((image) => image.slice()) }).fingerprint).toBe(prints[0]);
});

it('refuses what is no image, images of unequal size or type, pixels that are no numbers, labels that do not fit', () => {
  expect(caught(() => imageDataset({ images: [[1, 2]] as never })).code).toBe('INVALID_ARGUMENT');
  expect(caught(() => imageDataset({ images: [Uint8Array.of(1), Uint8Array.of(1, 2)] })).code).toBe('SHAPE_MISMATCH');
  expect(caught(() => imageDataset({ images: [Uint8Array.of(1), Float32Array.of(1)] })).code).toBe('SHAPE_MISMATCH');
  const nan = caught(() => imageDataset({ images: [Float32Array.of(1, Number.NaN)] }));
  expect([nan.code, nan.message]).toEqual(['NON_FINITE', expect.stringMatching(/Image 0.*NaN at place 1/)]);
  expect(caught(() => imageDataset({ images, labels: [0, 1] })).message).toMatch(/one per image, 3 in all, got 2/);
});
