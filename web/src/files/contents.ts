/** What chosen files hold, as bytes or as checked text, within what a page can keep in memory. */
import { LimbeckError } from 'limbeck';
import { type ChosenFile, nameOf } from './chosen-file.ts';

/** A page's memory is a browser's to give; beyond this the command line reads from the disk. */
const MOST_BYTES = 2 ** 30;

/** Longer ones are no strings in any browser. */
const MOST_TEXT = 2 ** 29 - 2 ** 20;

/** @throws LimbeckError UNSUPPORTED for a file that is too large, FILE_UNREADABLE */
export async function bytesOf(file: ChosenFile, most = MOST_BYTES): Promise<Uint8Array> {
  const { size } = file.blob;
  if (size > most) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${nameOf(file)}: expected at most ${Math.round(most / 2 ** 20)} MiB, which a page can hold, got ${Math.round(size / 2 ** 20)} MiB. ` +
        'Take a part of it, or use the command line: npx limbeck distill.',
    );
  }
  try {
    return new Uint8Array(await file.blob.arrayBuffer());
  } catch (cause) {
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${nameOf(file)}: expected to read it, got ${(cause as Error).name}: ${(cause as Error).message}. Choose the file again.`,
      { cause },
    );
  }
}

/** @throws LimbeckError NOT_TEXT naming the first wrong byte; as {@link bytesOf} */
export async function textOf(file: ChosenFile): Promise<string> {
  const bytes = await bytesOf(file, MOST_TEXT);
  const zero = bytes.indexOf(0);
  try {
    if (zero < 0) return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // The decoder does not say where; that is found out below.
  }
  const wrong = zero >= 0 ? zero : firstWrongByte(bytes);
  throw new LimbeckError(
    'NOT_TEXT',
    `${nameOf(file)}: expected UTF-8 text, got byte 0x${(bytes[wrong] ?? 0).toString(16).padStart(2, '0')} at offset ${wrong}. ` +
      'Save the file as UTF-8, or check that this is the right file.',
  );
}

/** Where the longest beginning that is text ends: halved down to a piece, then byte by byte. */
function firstWrongByte(bytes: Uint8Array): number {
  const isText = (end: number): boolean => {
    try {
      // A character that is cut at the end is not wrong yet.
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, end), { stream: true });
      return true;
    } catch {
      return false;
    }
  };
  let good = 0;
  let bad = bytes.length + 1;
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isText(middle)) good = middle;
    else bad = middle;
  }
  return Math.min(good, bytes.length - 1);
}
