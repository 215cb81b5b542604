/** Image files as a loaded student takes them. */
import { LimbeckError } from '../errors.ts';
import { readBytes } from '../runtime/read-files.ts';
import type { DecodeImage } from '../students/loaded-student.ts';

export const decodeForStudent: DecodeImage = async (image, { channels, height, width, fit }, place) => {
  const name = typeof image === 'string' ? image : place;
  const bytes = typeof image === 'string' ? await readBytes(image, 'an image') : image.encoded;
  const { default: sharp } = await import('sharp');
  try {
    const picture = sharp(bytes).autoOrient().resize(width, height, { fit });
    const coloured = channels === 1 ? picture.flatten().greyscale() : picture.flatten().toColourspace('srgb');
    const { data } = await coloured.raw().toBuffer({ resolveWithObject: true });
    const pixels = new Uint8Array(channels * height * width);
    for (let k = 0; k < pixels.length; k++)
      pixels[(k % channels) * height * width + Math.floor(k / channels)] = data[k];
    return pixels;
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new LimbeckError('FILE_CORRUPT', `${name}: expected an image, got an error: ${reason}. Check the file.`, {
      cause,
    });
  }
};
