/** Augmentation against naive loops over pixels, and its looks against each other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { imageDataset } from '../../../src/data/image-dataset.ts';
import { enlarge, mirror, recolour, shift } from '../../../src/data/images/augment-pixels.ts';
import { type AugmentationOptions, augmented } from '../../../src/data/images/augmented.ts';
import { LimbeckError } from '../../../src/errors.ts';
import type { ImageFormat, ImageSample } from '../../../src/students/images/pixels.ts';
import { caught } from '../../caught.ts';

const formats = fc.record({
  channels: fc.constantFrom(1, 2, 3),
  height: fc.integer({ min: 1, max: 7 }),
  width: fc.integer({ min: 1, max: 7 }),
});
const imageOf = ({ channels, height, width }: ImageFormat, start = 0): Uint8Array =>
  Uint8Array.from({ length: channels * height * width }, (_, i) => ((i + start) * 53 + (i >> 2) * 7) % 256);
/** An image from what is said of channel, row and column. */
const drawn = ({ channels, height, width }: ImageFormat, at: (c: number, y: number, x: number) => number): number[] => {
  const pixels: number[] = [];
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) pixels.push(at(c, y, x));
  return pixels;
};
const reader =
  (image: ImageSample, { height, width }: ImageFormat) =>
  (c: number, y: number, x: number) =>
    image[(c * height + y) * width + x];
const close = (pixels: ImageSample, expected: number[], tolerance: number) => {
  expect(pixels.length).toBe(expected.length);
  for (const [i, value] of expected.entries()) {
    const held = pixels instanceof Uint8Array ? Math.min(255, Math.max(0, value)) : value;
    expect(Math.abs(pixels[i] - held)).toBeLessThanOrEqual(tolerance);
  }
};

describe('pixels', () => {
  it('shift is a cut from the padded image', () => {
    fc.assert(
      fc.property(formats, fc.integer(), fc.integer(), fc.constantFrom('reflect', 'zero'), (format, a, b, padding) => {
        const { height, width } = format;
        const most = Math.max(0, Math.min(height, width) - 1);
        const [down, right] = [(a % (most + 1)) | 0, (b % (most + 1)) | 0];
        const image = imageOf(format);
        const at = reader(image, format);
        const padded = (c: number, y: number, x: number): number => {
          if (y < 0 || y >= height || x < 0 || x >= width) {
            if (padding === 'zero') return 0;
            const back = (i: number, n: number) => (i < 0 ? -i : i >= n ? n - 1 - (i - (n - 1)) : i);
            return at(c, back(y, height), back(x, width));
          }
          return at(c, y, x);
        };
        const expected = drawn(format, (c, y, x) => padded(c, y + down, x + right));
        expect([...shift(image, format, { down, right }, padding as 'zero')]).toEqual(expected);
      }),
    );
  });

  it('a reflection leaves out the border: b | a b c | b', () => {
    const format = { channels: 1, height: 1, width: 3 };
    const of = (right: number) => [...shift(Uint8Array.of(1, 2, 3), format, { down: 0, right }, 'reflect')];
    expect([of(-2), of(-1), of(1), of(2)]).toEqual([
      [3, 2, 1],
      [2, 1, 2],
      [2, 3, 2],
      [3, 2, 1],
    ]);
  });

  it('mirror', () => {
    fc.assert(
      fc.property(formats, (format) => {
        const image = imageOf(format);
        const at = reader(image, format);
        expect([...mirror(image, format)]).toEqual(drawn(format, (c, y, x) => at(c, y, format.width - 1 - x)));
        expect(mirror(mirror(image, format), format)).toEqual(image);
      }),
    );
  });

  it('enlarge is a weighted mean over all pixels of the box, weights falling to nothing within one pixel', () => {
    fc.assert(
      fc.property(formats, fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), (format, [a, b, c, d]) => {
        const { height, width } = format;
        const box = { height: 1 + (a % height), width: 1 + (b % width), top: 0, left: 0 };
        box.top = c % (height - box.height + 1);
        box.left = d % (width - box.width + 1);
        for (const image of [imageOf(format), Float32Array.from(imageOf(format), (v) => v / 255)]) {
          const at = reader(image, format);
          const weights = (i: number, size: number, length: number) => {
            const place = Math.min(length - 1, Math.max(0, ((i + 0.5) * length) / size - 0.5));
            return Array.from({ length }, (_, k) => Math.max(0, 1 - Math.abs(k - place)));
          };
          const expected = drawn(format, (channel, y, x) => {
            let sum = 0;
            for (const [i, u] of weights(y, height, box.height).entries()) {
              for (const [k, v] of weights(x, width, box.width).entries()) {
                sum += u * v * at(channel, box.top + i, box.left + k);
              }
            }
            return sum;
          });
          close(enlarge(image, format, box), expected, image instanceof Uint8Array ? 0.5001 : 1e-6);
        }
        const whole = { top: 0, left: 0, height, width };
        expect(enlarge(imageOf(format), format, whole)).toEqual(imageOf(format));
      }),
    );
  });

  it('recolour is brightness, then contrast, then saturation, one after the other', () => {
    const factor = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(formats, factor, factor, factor, (format, brightness, contrast, saturation) => {
        const { channels, height, width } = format;
        const greyOf = (values: number[]) =>
          channels === 3
            ? 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2]
            : values.reduce((sum, v) => sum + v, 0) / channels;
        for (const image of [imageOf(format), Float32Array.from(imageOf(format), (v) => v / 255 - 0.3)]) {
          const at = reader(image, format);
          const pixels = drawn({ channels: 1, height, width }, (_, y, x) => y * width + x).map((i) =>
            Array.from({ length: channels }, (_, c) => at(c, Math.floor(i / width), i % width)),
          );
          const bright = pixels.map((values) => values.map((v) => v * brightness));
          const mean = bright.reduce((sum, values) => sum + greyOf(values), 0) / bright.length;
          const contrasted = bright.map((values) => values.map((v) => mean + contrast * (v - mean)));
          const final = contrasted.map((values) => {
            const grey = greyOf(values);
            return channels === 3 ? values.map((v) => grey + saturation * (v - grey)) : values;
          });
          const expected = drawn(format, (c, y, x) => final[y * width + x][c]);
          close(
            recolour(image, format, { brightness, contrast, saturation }),
            expected,
            image instanceof Uint8Array ? 0.5001 : 1e-5,
          );
        }
      }),
    );
  });
});

describe('augmented', () => {
  const format = { channels: 3, height: 8, width: 6 };
  const images = Array.from({ length: 40 }, (_, i) => imageOf(format, i * 1000));
  const data = imageDataset({ images, labels: images.map((_, i) => i % 2), classNames: ['a', 'b'], format });
  const everything: AugmentationOptions = { resizedCrop: [0.3, 0.9], flip: true, colour: 0.4 };
  const numbers = images.map((_, i) => i);

  it('is a function of seed, view and sample, whatever is asked for with it or before', async () => {
    const set = augmented(data, everything);
    const views = [await set.read(numbers, 0), await set.read(numbers, 1)];
    const again = augmented(data, everything);
    expect(await again.read([7, 3, 7], 1)).toEqual([views[1][7], views[1][3], views[1][7]]);
    expect(await again.read(numbers, 0)).toEqual(views[0]);
    for (const i of numbers) {
      expect(views[0][i]).not.toEqual(views[1][i]);
      expect(views[0][i]).not.toEqual(images[i]);
    }
    expect(await augmented(data, { ...everything, seed: 1 }).read([0], 0)).not.toEqual([views[0][0]]);
  });

  it('without a view the images are as they are; the originals are never written to', async () => {
    const copies = images.map((image) => image.slice());
    const set = augmented(data, everything);
    await set.read(numbers, 5);
    expect(await set.read(numbers)).toEqual(copies);
    expect(images).toEqual(copies);
  });

  it('flips one of two, moves evenly in both directions', async () => {
    const one = { channels: 1, height: 3, width: 3 };
    const mark = imageDataset({ images: [Uint8Array.of(0, 0, 0, 1, 2, 0, 0, 0, 0)], format: one });
    const flips = augmented(mark, { flip: true });
    const moves = augmented(mark, { crop: 1, padding: 'zero' });
    const places = new Array<number>(9).fill(0);
    let flipped = 0;
    for (let view = 0; view < 900; view++) {
      const [image] = await flips.read([0], view);
      if (image[5] === 1) flipped++;
      else expect(image[3]).toBe(1);
      places[(await moves.read([0], view))[0].indexOf(2)]++;
    }
    expect(Math.abs(flipped - 450)).toBeLessThan(75); // five standard deviations
    for (const count of places) expect(Math.abs(count - 100)).toBeLessThan(47);
  });

  it('cuts within the share of the area that is asked for, and colours within their range', async () => {
    const wide = { channels: 1, height: 64, width: 64 };
    // Along a row each pixel says where it is.
    const ramp = imageDataset({ images: [Float32Array.from({ length: 4096 }, (_, i) => i % 64)], format: wide });
    const cut = augmented(ramp, { resizedCrop: [0.25, 0.5] });
    const widths: number[] = [];
    for (let view = 0; view < 300; view++) {
      const [image] = await cut.read([0], view);
      widths.push(image[63] - image[0] + 1);
    }
    // √(0.25 · 3/4) to √(0.5 · 4/3) of 64 pixels; what is at the borders of a square may be a pixel inside.
    expect(Math.min(...widths)).toBeGreaterThanOrEqual(Math.round(64 * Math.sqrt(0.25 * 0.75)) - 1);
    expect(Math.max(...widths)).toBeLessThanOrEqual(Math.round(64 * Math.sqrt(0.5 / 0.75)) + 1);
    expect(Math.max(...widths) - Math.min(...widths)).toBeGreaterThan(15);
    const grey = imageDataset({ images: [Float32Array.of(0.5)], format: { channels: 1, height: 1, width: 1 } });
    const coloured = augmented(grey, { colour: 0.2 });
    const levels: number[] = [];
    for (let view = 0; view < 300; view++) levels.push((await coloured.read([0], view))[0][0] / 0.5);
    expect(Math.min(...levels)).toBeGreaterThanOrEqual(0.8);
    expect(Math.max(...levels)).toBeLessThanOrEqual(1.2);
    expect(Math.max(...levels) - Math.min(...levels)).toBeGreaterThan(0.35);
  });

  it('keeps what else the data says; its fingerprint is another, and changes with every option', () => {
    const set = augmented({ ...data, ids: ['x'], positions: Int32Array.of(3), skipped: [], lengths: [1] }, everything);
    expect(set).toMatchObject({
      size: 40,
      augmented: true,
      format,
      labels: data.labels,
      classNames: ['a', 'b'],
      ids: ['x'],
      positions: Int32Array.of(3),
      skipped: [],
      lengths: [1],
    });
    expect(set).not.toHaveProperty('samples');
    const other = imageDataset({ images: images.slice(1), format });
    const prints = [data, set, augmented(other, everything)].map(({ fingerprint }) => fingerprint);
    for (const options of [
      { crop: 2 },
      { crop: 3 },
      { crop: 2, padding: 'zero' },
      { resizedCrop: [0.5, 1] },
      { flip: true },
      { colour: 0.1 },
      { flip: true, seed: 1 },
    ] as AugmentationOptions[]) {
      prints.push(augmented(data, options).fingerprint);
    }
    expect(new Set(prints).size).toBe(prints.length);
    expect(augmented(data, everything).fingerprint).toBe(set.fingerprint);
  });

  it('no image, one pixel, images without a format', async () => {
    expect(await augmented(imageDataset({ images: [], format }), everything).read([], 0)).toEqual([]);
    const pixel = imageDataset({ images: [Uint8Array.of(7)], format: { channels: 1, height: 1, width: 1 } });
    expect(await augmented(pixel, { resizedCrop: [0.1, 1], flip: true }).read([0], 3)).toEqual([Uint8Array.of(7)]);
    const bare = imageDataset({ images });
    expect(caught(() => augmented(bare, everything))).toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect((await augmented(bare, { ...everything, format }).read([0], 0))[0].length).toBe(144);
    const wrong = augmented(bare, { flip: true, format: { ...format, height: 7 } });
    await expect(wrong.read([0], 0)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
    for (const view of [-1, 0.5, Number.NaN]) {
      await expect(augmented(data, everything).read([0], view)).rejects.toBeInstanceOf(LimbeckError);
    }
    expect(caught(() => imageDataset({ images, format: { ...format, width: 1 } })).code).toBe('SHAPE_MISMATCH');
  });

  it.each([
    [{}, /got none of them/],
    [{ crop: 2, resizedCrop: [0.5, 1] }, /got both/],
    [{ crop: 6 }, /crop of at most 5 for images of 8 × 6 with padding 'reflect', got 6/],
    [{ crop: 7, padding: 'zero' }, /at most 6/],
    [{ crop: 1.5 }, /option crop/],
    [{ resizedCrop: [0.9, 0.5] }, /option resizedCrop/],
    [{ colour: 2 }, /option colour/],
    [{ colour: Number.NaN }, /option colour/],
    [{ flipp: true }, /Did you mean flip/],
  ])('refuses %j', (options, message) => {
    const error = caught(() => augmented(data, options as AugmentationOptions));
    expect([error.code, error.message]).toEqual(['INVALID_OPTION', expect.stringMatching(message)]);
  });
});
