/** Reading files in Node: every failure says which file, what it was to hold, and why it cannot be used. */
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { LimbeckError } from '../errors.ts';

/**
 * The bytes of a file.
 *
 * @param what what the file was to hold, for the message: "the teacher's weights"
 * @throws LimbeckError FILE_UNREADABLE naming the path, what it was to hold, and why it cannot be read
 */
export async function readBytes(path: string, what: string): Promise<Uint8Array> {
  try {
    const buffer = await readFile(path);
    // A plain view: a Buffer's own slice() shares memory where a Uint8Array's copies.
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  } catch (error) {
    throw await unreadable(path, what, error);
  }
}

/** The error for a file that the system does not let us read. */
export async function unreadable(path: string, what: string, error: unknown): Promise<LimbeckError> {
  const reason = await whyUnreadable(path, error);
  return new LimbeckError('FILE_UNREADABLE', `${path}: expected to read ${what}, got ${reason}`, { cause: error });
}

/**
 * The text of a UTF-8 file, without its byte order mark if it has one.
 *
 * @param what what the file was to hold, for the message
 * @throws LimbeckError FILE_UNREADABLE as {@link readBytes}; NOT_TEXT with the offset of the first byte that is NUL or that
 *   begins a sequence which is not UTF-8
 */
export async function readText(path: string, what: string): Promise<string> {
  const bytes = await readBytes(path, what);
  const offset = firstByteThatIsNotText(bytes);
  if (offset >= 0) throw notText(path, what, bytes[offset], offset);
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** The error for a byte that is not UTF-8 text. */
export function notText(path: string, what: string, byte: number, offset: number): LimbeckError {
  return new LimbeckError(
    'NOT_TEXT',
    `${path}: expected ${what} as UTF-8 text, got byte 0x${byte.toString(16).padStart(2, '0')} at offset ${offset}. ` +
      'Check that this is the right file; if it is text in another encoding, save it as UTF-8.',
  );
}

async function whyUnreadable(path: string, error: unknown): Promise<string> {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT': {
      const folder = dirname(resolve(path));
      const missing = await stat(folder).then(
        () => '',
        () => ` (nor its directory ${folder})`,
      );
      return `no such file${missing}. Check the path.`;
    }
    case 'EISDIR':
      return 'a directory. Name a file inside it.';
    case 'EACCES':
    case 'EPERM':
      return 'permission denied. Make the file readable for this user.';
    default:
      return `this from the system: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Offset of the first NUL, or of the first byte of a sequence that is not UTF-8 (Unicode 16, table 3-7); −1 for text. */
export function firstByteThatIsNotText(bytes: Uint8Array): number {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i];
    if (lead < 0x80) {
      if (lead === 0) return i;
      i++;
      continue;
    }
    const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (length === 0 || i + length > bytes.length) return i;
    // No overlong forms, no surrogates, nothing above U+10FFFF.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (bytes[i + 1] < low || bytes[i + 1] > high) return i;
    for (let k = 2; k < length; k++) if ((bytes[i + k] & 0xc0) !== 0x80) return i;
    i += length;
  }
  return -1;
}
