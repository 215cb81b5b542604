/**
 * The bytes of a text file in pieces, unpacked if need be, each piece checked to be whole UTF-8 characters. How files larger than
 * memory are read; not for positioned reads.
 */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { LimbeckError } from '../errors.ts';
import { firstByteThatIsNotText, notText, unreadable } from '../runtime/read-files.ts';

const CHUNK_BYTES = 1 << 18;

/**
 * @param path a name that ends in ".gz" is unpacked
 * @throws LimbeckError FILE_UNREADABLE; FILE_CORRUPT for a damaged archive; NOT_TEXT with the offset of the first byte that is not
 *   text (in an archive, of the unpacked text)
 */
export async function* textChunks(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  for await (const chunk of isGzip(path) ? unpacked(path) : stored(path)) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = endOfCharacters(bytes);
    const whole = bytes.subarray(0, end);
    checkText(whole, offset, path);
    offset += end;
    rest = bytes.subarray(end);
    if (end > 0) yield whole;
  }
  checkText(rest, offset, path);
}

export function isGzip(path: string): boolean {
  return path.toLowerCase().endsWith('.gz');
}

async function* stored(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
  } catch (error) {
    throw await unreadable(path, 'data', error);
  }
}

async function* unpacked(path: string): AsyncGenerator<Buffer> {
  const unpacking = createGunzip();
  // The pipeline closes the file when reading ends early, and hands errors of the file on.
  pipeline(Readable.from(stored(path), { objectMode: false }), unpacking, () => {});
  try {
    yield* unpacking as AsyncIterable<Buffer>;
  } catch (error) {
    if (error instanceof LimbeckError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected a whole gzip archive, got "${reason}". Fetch the file again, or take .gz off a name of plain text.`,
      { cause: error },
    );
  }
}

/** Where the last character that may go on in the next piece begins, else the length. */
function endOfCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function checkText(bytes: Buffer, offset: number, path: string): void {
  if (isUtf8(bytes) && !bytes.includes(0)) return;
  const wrong = firstByteThatIsNotText(bytes);
  throw notText(path, 'data', bytes[wrong], offset + wrong);
}
