/**
 * From the bytes of an image file to pixels, by sharp (libvips): upright, without transparency, in one size, channel by channel.
 * The one place that knows sharp. Decoding runs on threads of its own, so that training goes on meanwhile.
 */
import type { Sharp } from 'sharp';
import type { ImageFormat } from '../../students/images/pixels.ts';
import { channelFirst, channelLast } from './channel-order.ts';

/** What images are brought to. */
export interface ImageTarget extends ImageFormat {
  readonly channels: 1 | 3;
  readonly fit: 'cover' | 'contain' | 'fill';
  /** `#rrggbb`: what shows through transparent pixels, and in margins. */
  readonly background: string;
}

/** Pixels, or why there are none. */
export type Decoded = { readonly pixels: Uint8Array } | { readonly reason: string };

/** What names of image files end in, in lower case. */
export const IMAGE_EXTENSIONS: readonly string[] = [
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.avif', '.tif', '.tiff'],
];

/**
 * Decodes an image file of one of the formats JPEG, PNG, WebP, GIF, AVIF and TIFF, its first frame or page: turned as its EXIF
 * orientation says, brought to sRGB or grey by its colour profile, laid on the background, resized (Lanczos).
 * What is damaged does not decode, a missing end included; neither do more than 268 million pixels.
 *
 * @returns bytes [channels, height, width], or the reason why it does not decode
 *
 * @example
 * const target = { channels: 3, height: 224, width: 224, fit: 'cover', background: '#ffffff' } as const;
 * const decoded = await decodeImage(await readFile('cat.jpg'), target);
 */
export async function decodeImage(bytes: Uint8Array, target: ImageTarget): Promise<Decoded> {
  // Asked for first: sharp would also render what only calls itself an image, such as SVG, and follow what that refers to.
  if (!isImage(bytes)) return { reason: bytes.length === 0 ? 'an empty file' : 'not in a known image format' };
  const sharp = await loadSharp();
  return finish(sharp(bytes, { failOn: 'warning' }).autoOrient(), target);
}

/** The same for pixels [channels, height, width] of 1 or 3 channels that are decoded already. */
export async function convertPixels(pixels: Uint8Array, from: ImageFormat, target: ImageTarget): Promise<Decoded> {
  const { height, width } = from;
  const channels = from.channels as 1 | 3;
  const sharp = await loadSharp();
  return finish(sharp(channelLast(pixels, channels), { raw: { height, width, channels } }), target);
}

async function finish(image: Sharp, target: ImageTarget): Promise<Decoded> {
  const { channels, height, width, fit, background } = target;
  const upright = image
    .flatten({ background })
    .resize({ width, height, fit, background })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw({ depth: 'uchar' });
  try {
    const { data, info } = await upright.toBuffer({ resolveWithObject: true });
    if (info.channels !== channels || data.length !== channels * height * width) {
      return { reason: `decodes to ${info.height} × ${info.width} pixels of ${info.channels} channels` };
    }
    return { pixels: channelFirst(new Uint8Array(data.buffer, data.byteOffset, data.length), channels) };
  } catch (error) {
    const [reason] = (error as Error).message.trim().split('\n');
    // The decoder's words for a warning of which nothing else is known.
    return { reason: reason.startsWith('Warning treated as error') ? 'damaged' : reason };
  }
}

let loaded: Promise<typeof import('sharp').default> | undefined;

/** sharp, when it is first needed: it brings a native library. */
function loadSharp(): Promise<typeof import('sharp').default> {
  loaded ??= import('sharp').then(({ default: sharp }) => {
    // Every image is another one: a cache of operations would only hold memory. Several images at once, one thread each.
    sharp.cache(false);
    sharp.concurrency(1);
    return sharp;
  });
  return loaded;
}

/** Whether a file begins like one of the formats that are read. */
function isImage(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 32)).toString('latin1');
  return [
    /^\xff\xd8\xff/, // JPEG
    /^\x89PNG\r\n/,
    /^GIF8[79]a/,
    /^RIFF....WEBP/s,
    /^....ftyp(avif|avis|mif1)/s, // AVIF
    /^(II\*\0|MM\0\*|II\+\0|MM\0\+)/, // TIFF, BigTIFF
  ].some((pattern) => pattern.test(start));
}
