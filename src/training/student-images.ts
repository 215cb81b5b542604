/** Image files as a loaded student takes them. */
import { decodeImage } from '../data/images/decode-image.ts';
import { LimbeckError } from '../errors.ts';
import { readBytes } from '../runtime/read-files.ts';
import type { DecodeImage } from '../students/loaded-student.ts';

/**
 * Decodes as training does, by the same function.
 *
 * @throws LimbeckError FILE_UNREADABLE; FILE_CORRUPT for what does not decode; UNSUPPORTED for students of neither grey nor colour
 */
export const decodeForStudent: DecodeImage = async (image, format, place) => {
  const { channels } = format;
  if (channels !== 1 && channels !== 3) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${place}: expected pixels, since the student takes ${channels} channels and files have 1 or 3, got a file.`,
    );
  }
  const bytes = typeof image === 'string' ? await readBytes(image, 'an image') : image.encoded;
  const decoded = await decodeImage(bytes, { ...format, channels });
  if ('pixels' in decoded) return decoded.pixels;
  const name = typeof image === 'string' ? image : place;
  throw new LimbeckError('FILE_CORRUPT', `${name}: expected an image, got what does not decode: ${decoded.reason}.`);
};
