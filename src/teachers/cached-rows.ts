/**
 * Rows of a teacher that stay on the disk: each is read from its shard when it is asked for. What is in memory is where every
 * row lies, four bytes each; the operating system keeps what is read often. Not a check: shards were checked when the
 * cache was opened.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LimbeckError, show } from '../errors.ts';
import { halvesToFloats } from '../matrix/half-precision.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { CacheDtype, StoredShard } from './teacher-cache-shard.ts';

/** Files that are kept open: as many as a new cache has at most; a process may have some thousand. */
const MOST_OPEN = 256;

/** Rows that lie side by side and are asked for together are read at once, up to as many bytes. */
const MOST_BYTES = 2 ** 20;

/** Shard files, opened when they are read; those that were read longest ago are closed first. */
export class ShardFiles {
  readonly shards: readonly StoredShard[];
  /** Insertion order is order of use. */
  readonly #descriptors = new Map<string, number>();

  constructor(shards: readonly StoredShard[]) {
    this.shards = shards;
  }

  /** @throws LimbeckError FILE_UNREADABLE for a file that has gone, FILE_CORRUPT for one that has become shorter */
  read(path: string, offset: number, bytes: Uint8Array): void {
    const descriptor = this.#open(path);
    for (let read = 0; read < bytes.length; ) {
      const count = readSync(descriptor, bytes, read, bytes.length - read, offset + read);
      if (count === 0) {
        throw new LimbeckError(
          'FILE_CORRUPT',
          `${path}: expected ${bytes.length} bytes at ${offset}, got ${read}: the file has changed since it was opened. ` +
            'Start again; the shard is then computed anew.',
        );
      }
      read += count;
    }
  }

  #open(path: string): number {
    const known = this.#descriptors.get(path);
    if (known !== undefined) {
      this.#descriptors.delete(path);
      this.#descriptors.set(path, known);
      return known;
    }
    for (const [oldest, descriptor] of this.#descriptors) {
      if (this.#descriptors.size < MOST_OPEN) break;
      this.#descriptors.delete(oldest);
      closeSync(descriptor);
    }
    try {
      const descriptor = openSync(path, 'r');
      this.#descriptors.set(path, descriptor);
      return descriptor;
    } catch (error) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${path}: expected to read rows of a teacher, got ${(error as Error).message}. Start again; what has gone is then computed anew.`,
        { cause: error },
      );
    }
  }

  close(): void {
    for (const descriptor of this.#descriptors.values()) closeSync(descriptor);
    this.#descriptors.clear();
  }
}

/** Embeddings or outputs of a teacher, float32, read as they are asked for. */
export class CachedRows implements RowSource {
  readonly rows: number;
  readonly columns: number;
  /** Of the teacher, the data and the precision, not of the numbers. */
  readonly fingerprint: string;
  /** What the rows are stored as. */
  readonly dtype: CacheDtype;
  readonly #files: ShardFiles;
  readonly #what: 'embeddings' | 'outputs';
  readonly #shardRows: number;
  /** The place of each row: shard and place in it as one number. */
  readonly #places: Int32Array;

  constructor(parts: {
    readonly files: ShardFiles;
    readonly what: 'embeddings' | 'outputs';
    readonly places: Int32Array;
    readonly shardRows: number;
    readonly columns: number;
    readonly dtype: CacheDtype;
    readonly fingerprint: string;
  }) {
    this.rows = parts.places.length;
    this.columns = parts.columns;
    this.fingerprint = parts.fingerprint;
    this.dtype = parts.dtype;
    this.#files = parts.files;
    this.#what = parts.what;
    this.#places = parts.places;
    this.#shardRows = parts.shardRows;
  }

  /**
   * The rows of these numbers, float32, in that order.
   *
   * @throws LimbeckError INVALID_ARGUMENT for a number that is no row; FILE_UNREADABLE, FILE_CORRUPT when files have gone or shrunk
   */
  gather(numbers: ArrayLike<number>): Matrix {
    const result = Matrix.zeros(numbers.length, this.columns);
    const places = Int32Array.from(numbers, (number) => this.#placeOf(number));
    // By place: files are read front to back, and neighbours at once.
    const order = Int32Array.from(places.keys()).sort((a, b) => places[a] - places[b]);
    const most = Math.max(1, Math.floor(MOST_BYTES / (4 * this.columns)));
    for (let start = 0; start < order.length; ) {
      const first = places[order[start]];
      let end = start + 1;
      while (end < order.length && this.#follows(places[order[end - 1]], places[order[end]], first, most)) end++;
      const run = this.#read(first, places[order[end - 1]] - first + 1);
      for (let i = start; i < end; i++) {
        const from = (places[order[i]] - first) * this.columns;
        result.data.set(run.subarray(from, from + this.columns), order[i] * this.columns);
      }
      start = end;
    }
    return result;
  }

  /** All rows in memory, float32. */
  toMatrix(): Matrix {
    return this.gather(Int32Array.from(this.#places.keys()));
  }

  /** Closes the files; a later {@link gather} opens them again. */
  release(): void {
    this.#files.close();
  }

  #placeOf(number: number): number {
    if (Number.isInteger(number) && number >= 0 && number < this.rows) return this.#places[number];
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Teacher rows: expected numbers 0 … ${this.rows - 1}, got ${show(number)}.`,
    );
  }

  /** Whether `place` can be read together with those from `first` to `last`. */
  #follows(last: number, place: number, first: number, most: number): boolean {
    if (place - last > 1 || place - first >= most) return false;
    return Math.floor(place / this.#shardRows) === Math.floor(first / this.#shardRows);
  }

  #read(place: number, count: number): Float32Array {
    const shard = this.#files.shards[Math.floor(place / this.#shardRows)];
    const half = this.dtype === 'float16';
    const data = half ? new Uint16Array(count * this.columns) : new Float32Array(count * this.columns);
    const offset = (place % this.#shardRows) * this.columns * data.BYTES_PER_ELEMENT;
    this.#files.read(shard.path, (shard[this.#what] as number) + offset, new Uint8Array(data.buffer));
    return data instanceof Uint16Array ? halvesToFloats(data) : data;
  }
}
