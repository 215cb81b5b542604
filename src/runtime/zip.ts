/**
 * Directories as one file: .zip, both ways. Entries are stored, not packed, since weights hardly shrink; packed ones are read too. Not for
 * files of any size: everything is in memory.
 */
import { unzipSync, zipSync } from 'fflate';
import { LimbeckError } from '../errors.ts';

/** Bytes that an archive may unpack to, whatever its size; and beyond them how many times its size. */
const ALWAYS_ALLOWED = 64 * 2 ** 20;
const LARGEST_RATIO = 20;

/** 1 January 1980, the first date that the format knows: equal files, equal archive. */
const TIME = new Date(1980, 0, 1);

/**
 * @param files relative path with forward slashes → content; texts become UTF-8
 *
 * @example
 * const bytes = zipFiles(await student.toFiles());
 */
export function zipFiles(files: ReadonlyMap<string, string | Uint8Array>): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const entries = [...files].map(([name, data]) => [name, typeof data === 'string' ? encoder.encode(data) : data]);
  return new Uint8Array(zipSync(Object.fromEntries(entries), { level: 0, mtime: TIME }));
}

/**
 * @param name how the archive is called in messages
 * @returns relative path → bytes, in the order of the archive; entries of folders are left out
 * @throws LimbeckError FILE_CORRUPT for what is no .zip or is damaged, for paths that lead out of it, and for archives that would unpack to
 *   more than 64 MiB and 20 times their size
 *
 * @example
 * const student = await Student.load(unzipFiles(await readFile('student.zip'), 'student.zip'));
 */
export function unzipFiles(bytes: Uint8Array, name: string): Map<string, Uint8Array> {
  let total = 0;
  const corrupt = (expected: string, got: string, cause?: unknown): LimbeckError =>
    new LimbeckError('FILE_CORRUPT', `${name}: expected ${expected}, got ${got}. Save or download it again.`, {
      cause,
    });
  try {
    const entries = unzipSync(bytes, {
      filter(entry) {
        if (entry.name.endsWith('/')) return false;
        if (entry.name.includes('\\') || entry.name.split('/').some((part) => ['', '.', '..'].includes(part))) {
          throw corrupt('relative paths with forward slashes', `"${entry.name}"`);
        }
        // Before it is unpacked: more than this is never written to, whatever is packed.
        total += entry.originalSize;
        if (total > Math.max(ALWAYS_ALLOWED, LARGEST_RATIO * bytes.length)) {
          throw corrupt(
            'an archive of weights and texts',
            `one of ${bytes.length} bytes that unpacks to more than ${total}`,
          );
        }
        return true;
      },
    });
    return new Map(Object.entries(entries));
  } catch (cause) {
    if (cause instanceof LimbeckError) throw cause;
    throw corrupt('a .zip archive', `an error: ${(cause as Error).message}`, cause);
  }
}
