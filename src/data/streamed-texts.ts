/**
 * Texts that stay on disk: a plain file with one sample a line, and where each line lies. The index costs about 60 bytes a text; the
 * file is opened for each call and must not change.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { unreadable } from '../runtime/read-files.ts';
import type { TextCollector } from './collect-texts.ts';
import { DataFingerprint } from './data-fingerprint.ts';
import type { Dataset } from './dataset.ts';
import { assertUnchanged, type FileStatus } from './file-identity.ts';
import { GrowingArray } from './growing-array.ts';
import { parseJsonLine } from './line-rows.ts';
import type { RowReader } from './source-row.ts';

/** Lines this close together are read at once, with what lies between them, up to so many bytes. */
const GAP = 4096;
const READ_BYTES = 1 << 22;
/** Samples read at once for the fingerprint. */
const BLOCK = 4096;

/**
 * Reads a file twice: once for the index, once for the fingerprint, which begins with the number of samples.
 *
 * @param parts.json whether lines are JSON objects with the text in `column`, else they are the texts
 * @throws LimbeckError as the reader and the collector; `read()`: DATA_MISMATCH when the file has changed, FILE_UNREADABLE
 */
export async function streamedTexts({
  path,
  status,
  reader,
  collector,
  json,
  column,
}: {
  path: string;
  status: FileStatus;
  reader: RowReader;
  collector: TextCollector;
  json: boolean;
  column: string;
}): Promise<Dataset<string>> {
  const begins = new GrowingArray(Float64Array);
  const sizes = new GrowingArray(Uint32Array);
  index: for await (const rows of reader) {
    for (const row of rows) {
      if (collector.add(row) !== undefined) {
        begins.push(row.begin as number);
        sizes.push(row.length as number);
      }
      if (collector.full) break index;
    }
  }
  const { size } = collector;
  const facts = collector.finish();
  const lines = new LineFile(path, status, begins.finish(), sizes.finish());
  const textOf = json
    ? (line: string, i: number) => parseJsonLine(line, path, i)[column] as string
    : (line: string) => line;
  const read = async (numbers: ArrayLike<number>) => lines.read(numbers, textOf);

  const fingerprint = new DataFingerprint('text', size);
  for (let start = 0; start < size; start += BLOCK) {
    const numbers = Int32Array.from({ length: Math.min(BLOCK, size - start) }, (_, i) => start + i);
    for (const text of await read(numbers)) fingerprint.add(Buffer.from(text));
  }
  return {
    size,
    read,
    ...facts,
    fingerprint: fingerprint.finish(facts.labels),
    duplicateOf: collector.duplicateOf(),
  };
}

/** Lines of a file by number. */
class LineFile {
  readonly #path: string;
  readonly #status: FileStatus;
  readonly #begins: Float64Array;
  readonly #sizes: Uint32Array;

  constructor(path: string, status: FileStatus, begins: Float64Array, sizes: Uint32Array) {
    this.#path = path;
    this.#status = status;
    this.#begins = begins;
    this.#sizes = sizes;
  }

  async read(numbers: ArrayLike<number>, textOf: (line: string, number: number) => string): Promise<string[]> {
    const result = new Array<string>(numbers.length);
    if (numbers.length === 0) return result;
    const path = this.#path;
    const file = await open(path).catch(async (error) => {
      throw await unreadable(path, 'texts', error);
    });
    try {
      assertUnchanged(path, this.#status, await file.stat());
      // In the order of the file, so that neighbours come with one read.
      const places = Int32Array.from(result.keys()).sort((a, b) => numbers[a] - numbers[b]);
      for (let k = 0; k < places.length; ) {
        const first = k;
        const begin = this.#begins[numbers[places[first]]];
        let end = begin;
        for (; k < places.length; k++) {
          const number = numbers[places[k]];
          const next = this.#begins[number] + this.#sizes[number];
          if (k > first && (this.#begins[number] > end + GAP || next - begin > READ_BYTES)) break;
          end = Math.max(end, next);
        }
        const bytes = await readRange(file, begin, end);
        for (const place of places.subarray(first, k)) {
          const number = numbers[place];
          const start = this.#begins[number] - begin;
          result[place] = textOf(bytes.toString('utf8', start, start + this.#sizes[number]), number);
        }
      }
      // A change while reading would have gone unnoticed.
      assertUnchanged(path, this.#status, await file.stat());
    } finally {
      await file.close();
    }
    return result;
  }
}

async function readRange(file: FileHandle, begin: number, end: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - begin);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, bytes.length - done, begin + done);
    // Cut short while it is read: the check of the size afterwards says so.
    if (bytesRead === 0) return bytes.fill(0x20, done);
    done += bytesRead;
  }
  return bytes;
}
