/** Decoding against pixels that are known before they are encoded, and against sums written out here. */
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { convertPixels, decodeImage, type ImageTarget } from '../../../src/data/images/decode-image.ts';

const [H, W] = [4, 6];
/** A colour of its own for every pixel, [height, width, 3]. */
const SOURCE = Uint8Array.from({ length: H * W * 3 }, (_, i) => (i * 37 + (i % 3) * 11) % 256);
const image = (pixels = SOURCE, channels: 1 | 3 | 4 = 3, width = W, height = H) =>
  sharp(pixels, { raw: { width, height, channels } });
const target = (change: Partial<ImageTarget> = {}): ImageTarget => ({
  channels: 3,
  height: H,
  width: W,
  fit: 'cover',
  background: '#ffffff',
  ...change,
});
/** Channel by channel what `at` says of row, column and channel. */
const planes = (height: number, width: number, channels: number, at: (y: number, x: number, c: number) => number) =>
  Array.from({ length: channels * height * width }, (_, k) => {
    const [c, rest] = [Math.floor(k / (height * width)), k % (height * width)];
    return at(Math.floor(rest / width), rest % width, c);
  });
const pixel = (y: number, x: number, c: number) => SOURCE[(y * W + x) * 3 + c];
const decoded = async (bytes: Uint8Array, to = target()): Promise<number[]> => {
  const result = await decodeImage(bytes, to);
  if ('reason' in result) throw new Error(result.reason);
  return Array.from(result.pixels);
};
const reason = async (bytes: Uint8Array): Promise<string> => {
  const result = await decodeImage(bytes, target());
  return 'reason' in result ? result.reason : 'none';
};
const within = (pixels: number[], expected: number[], tolerance: number) => {
  expect(pixels.length).toBe(expected.length);
  expect(Math.max(...pixels.map((value, i) => Math.abs(value - expected[i])))).toBeLessThanOrEqual(tolerance);
};

describe('decodeImage', () => {
  const exact = planes(H, W, 3, pixel);

  it.each([
    ['png', () => image().png()],
    ['16-bit png', () => image().toColourspace('rgb16').png()],
    ['lossless webp', () => image().webp({ lossless: true })],
    ['gif with a palette', () => image().gif()],
    ['png with a palette', () => image().png({ palette: true, dither: 0 })],
    ['lossless avif', () => image().avif({ lossless: true })],
    ['tiff', () => image().tiff({ compression: 'lzw' })],
  ])('%s: exactly the pixels, channel by channel', async (_, encode) => {
    expect(await decoded(await encode().toBuffer())).toEqual(exact);
  });

  it.each([
    ['jpeg', () => image(flat(160, 110, 100)).jpeg({ quality: 100 })],
    [
      'CMYK jpeg',
      () =>
        image(flat(160, 110, 100))
          .toColourspace('cmyk')
          .jpeg({ quality: 100 }),
    ],
    ['lossy webp', () => image(flat(160, 110, 100)).webp({ quality: 100 })],
  ])('%s: a flat colour to the error of its compression', async (_, encode) => {
    within(
      await decoded(await encode().toBuffer()),
      planes(H, W, 3, (_y, _x, c) => [160, 110, 100][c]),
      8,
    );
  });

  // Where the pixel at row y, column x of the upright image comes from in what the file holds (EXIF 2.3, tag 274).
  it.each([
    [1, H, W, (y: number, x: number) => [y, x]],
    [2, H, W, (y: number, x: number) => [y, W - 1 - x]],
    [3, H, W, (y: number, x: number) => [H - 1 - y, W - 1 - x]],
    [4, H, W, (y: number, x: number) => [H - 1 - y, x]],
    [5, W, H, (y: number, x: number) => [x, y]],
    [6, W, H, (y: number, x: number) => [H - 1 - x, y]],
    [7, W, H, (y: number, x: number) => [H - 1 - x, W - 1 - y]],
    [8, W, H, (y: number, x: number) => [x, W - 1 - y]],
  ])('EXIF orientation %i is undone', async (orientation, height, width, from) => {
    const bytes = await image().withMetadata({ orientation }).png().toBuffer();
    const expected = planes(height, width, 3, (y, x, c) => pixel(...(from(y, x) as [number, number]), c));
    expect(await decoded(bytes, target({ height, width }))).toEqual(expected);
  });

  it('grey images have three equal channels, or one', async () => {
    const grey = Uint8Array.from({ length: H * W }, (_, i) => (i * 10) % 256);
    for (const bytes of [
      await image(grey, 1).toColourspace('b-w').png().toBuffer(),
      await image(grey, 1).toColourspace('grey16').png().toBuffer(),
    ]) {
      expect(await decoded(bytes)).toEqual(planes(H, W, 3, (y, x) => grey[y * W + x]));
      expect(await decoded(bytes, target({ channels: 1 }))).toEqual(Array.from(grey));
    }
  });

  it('colours become grey by their luminance', async () => {
    // IEC 61966-2-1: linear light, weighed, and back.
    const linear = (v: number) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const encode = (l: number) => 255 * (l <= 0.0031308 ? l * 12.92 : 1.055 * l ** (1 / 2.4) - 0.055);
    const luminance = (y: number, x: number) =>
      encode(0.2126 * linear(pixel(y, x, 0)) + 0.7152 * linear(pixel(y, x, 1)) + 0.0722 * linear(pixel(y, x, 2)));
    within(await decoded(await image().png().toBuffer(), target({ channels: 1 })), planes(H, W, 1, luminance), 2);
  });

  it('transparency is laid on the background', async () => {
    const alpha = [0, 255, 128, 64];
    const rgba = Uint8Array.from({ length: H * W * 4 }, (_, i) =>
      i % 4 === 3 ? alpha[(i >> 2) % 4] : SOURCE[(i >> 2) * 3 + (i % 4)],
    );
    const bytes = await image(rgba, 4).png().toBuffer();
    for (const [background, under] of [
      ['#ffffff', [255, 255, 255]],
      ['#00ff80', [0, 255, 128]],
    ] as const) {
      const over = (y: number, x: number, c: number) => {
        const share = alpha[(y * W + x) % 4] / 255;
        return share * pixel(y, x, c) + (1 - share) * under[c];
      };
      within(await decoded(bytes, target({ background })), planes(H, W, 3, over), 1);
    }
    const transparent = await sharp({ create: { width: 3, height: 3, channels: 4, background: '#12345600' } })
      .png()
      .toBuffer();
    expect(await decoded(transparent, target({ channels: 1, height: 2, width: 2 }))).toEqual([255, 255, 255, 255]);
  });

  it('the first frame of an animation', async () => {
    const frames = Uint8Array.from({ length: 2 * 2 * 2 * 3 }, (_, i) => (i < 12 ? 40 : 200));
    const bytes = await sharp(frames, { raw: { width: 2, height: 4, channels: 3, pageHeight: 2 } })
      .gif()
      .toBuffer();
    expect((await sharp(bytes, { animated: true }).metadata()).pages).toBe(2);
    expect(await decoded(bytes, target({ height: 2, width: 2 }))).toEqual(new Array(12).fill(40));
  });

  it('cover cuts, contain adds margins, fill stretches', async () => {
    // Left half red, right half blue, twice as wide as high.
    const halves = Uint8Array.from({ length: 40 * 80 * 3 }, (_, i) => {
      const left = Math.floor(i / 3) % 80 < 40;
      return i % 3 === (left ? 0 : 2) ? 255 : 0;
    });
    const bytes = await image(halves, 3, 80, 40).png().toBuffer();
    const at = async (fit: ImageTarget['fit'], y: number, x: number) => {
      const pixels = await decoded(bytes, target({ height: 20, width: 20, fit, background: '#00ff00' }));
      return [0, 1, 2].map((c) => pixels[c * 400 + y * 20 + x]);
    };
    const [red, blue, green] = [
      [255, 0, 0],
      [0, 0, 255],
      [0, 255, 0],
    ];
    // cover: the middle 40 of 80 columns, half of each; contain: 10 rows of picture between 5 and 5 of background.
    for (const fit of ['cover', 'fill'] as const) {
      expect([await at(fit, 0, 2), await at(fit, 19, 17)]).toEqual([red, blue]);
    }
    expect([await at('contain', 2, 2), await at('contain', 17, 17)]).toEqual([green, green]);
    expect([await at('contain', 10, 2), await at('contain', 10, 17)]).toEqual([red, blue]);
    // A mark at a quarter of the width is cut off by cover and kept by fill.
    const marked = halves.slice();
    for (let y = 0; y < 40; y++) for (let x = 0; x < 8; x++) marked.fill(255, (y * 80 + x) * 3, (y * 80 + x) * 3 + 3);
    const whites = async (fit: ImageTarget['fit']) => {
      const pixels = await decoded(
        await image(marked, 3, 80, 40).png().toBuffer(),
        target({ height: 20, width: 20, fit }),
      );
      return pixels.slice(400, 800).filter((green) => green > 200).length;
    };
    expect([await whites('cover'), await whites('fill')]).toEqual([0, 40]);
  });

  it('a single pixel fills the image; a single pixel is left of an image', async () => {
    const one = await image(Uint8Array.of(10, 20, 30), 3, 1, 1)
      .png()
      .toBuffer();
    expect(await decoded(one, target({ height: 2, width: 3 }))).toEqual(
      planes(2, 3, 3, (_y, _x, c) => [10, 20, 30][c]),
    );
    const wide = await image(flat(10, 20, 30, 5000), 3, 5000, 1)
      .png()
      .toBuffer();
    expect(await decoded(wide, target({ height: 1, width: 1 }))).toEqual([10, 20, 30]);
    expect((await decoded(wide, target({ height: 32, width: 32, fit: 'contain' }))).length).toBe(3072);
    expect(await decoded(wide, target({ height: 32, width: 32 }))).toEqual(
      planes(32, 32, 3, (_y, _x, c) => [10, 20, 30][c]),
    );
  });

  it('says why something does not decode', async () => {
    const noise = Uint8Array.from({ length: 100 * 100 * 3 }, (_, i) => (i * i) % 251);
    const jpeg = await image(noise, 3, 100, 100).jpeg().toBuffer();
    const png = await image(noise, 3, 100, 100).png().toBuffer();
    expect(await reason(new Uint8Array())).toBe('an empty file');
    expect(await reason(Buffer.from('no image'))).toBe('not in a known image format');
    expect(await reason(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'))).toBe(
      'not in a known image format',
    );
    for (const share of [0.9, 0.5, 0.01]) {
      expect(await reason(jpeg.subarray(0, jpeg.length * share))).toMatch(/premature end|Premature end|header/);
      expect(await reason(png.subarray(0, png.length * share))).toMatch(/read error|corrupt|header/);
    }
    const damaged = png.slice();
    damaged.fill(0, 200, 260);
    expect(await reason(damaged)).not.toBe('none');
    expect(await reason(hugePng())).toMatch(/exceeds pixel limit/);
  });
});

it('convertPixels: pixels that are decoded already go the same way', async () => {
  const grey = Uint8Array.from({ length: 4 }, (_, i) => i * 60);
  const format = { channels: 1, height: 2, width: 2 };
  expect(await convertPixels(grey, format, target({ height: 2, width: 2 }))).toEqual({
    pixels: Uint8Array.from([...grey, ...grey, ...grey]),
  });
  const colour = Uint8Array.from(planes(H, W, 3, pixel));
  const same = await convertPixels(colour, { channels: 3, height: H, width: W }, target());
  expect(same).toEqual({ pixels: colour });
  expect(
    await convertPixels(Uint8Array.of(7), { channels: 1, height: 1, width: 1 }, target({ height: 3, width: 3 })),
  ).toEqual({
    pixels: new Uint8Array(27).fill(7),
  });
});

function flat(r: number, g: number, b: number, count = H * W): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: count * 3 }, (_, i) => [r, g, b][i % 3]);
}

/** 20,000 × 20,000 pixels as a header says, in a few bytes. */
function hugePng(): Uint8Array {
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(20_000, 0);
  header.writeUInt32BE(20_000, 4);
  header[8] = 8;
  const data = deflateSync(Buffer.alloc(1000));
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', data),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}
