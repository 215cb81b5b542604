/**
 * One file of a teacher cache: rows, the positions that they belong to, and the checksum that they are believed by.
 * Which positions go into which shard is decided in teacher-cache.ts; rows are read one by one in cached-rows.ts.
 */
import { createHash } from 'node:crypto';
import { LimbeckError, show } from '../errors.ts';
import { floatsToHalves } from '../matrix/half-precision.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { readBytes } from '../runtime/read-files.ts';
import { readSafetensors, type SafetensorsFile, type SafetensorsInput, writeSafetensors } from './safetensors.ts';

/** What embeddings are stored as; outputs are always float32. */
export type CacheDtype = 'float32' | 'float16';

/** The largest finite number of half precision. */
export const LARGEST_HALF = 65_504;

/** What a shard has to be. */
export interface Shard {
  readonly path: string;
  readonly key: string;
  readonly positions: Int32Array;
  readonly dimension: number;
  readonly dtype: CacheDtype;
  /** Width of the outputs, where the teacher has any. */
  readonly classes?: number | undefined;
}

/** What goes into a shard, row after row. */
export interface ShardRows {
  readonly embeddings: Float32Array;
  readonly outputs?: Float32Array | undefined;
}

/** A shard that is on the disk and sound: where in the file its numbers begin, in bytes. */
export interface StoredShard {
  readonly path: string;
  readonly embeddings: number;
  readonly outputs: number | undefined;
}

/**
 * Writes a shard under its final name, whole or not at all.
 *
 * @throws LimbeckError FILE_UNWRITABLE
 */
export async function writeShard(shard: Shard, { embeddings, outputs }: ShardRows): Promise<StoredShard> {
  const { path, key, positions, dimension, dtype, classes } = shard;
  const data = dtype === 'float16' ? floatsToHalves(embeddings) : embeddings;
  const tensors: Record<string, SafetensorsInput> = {
    rows: { shape: [positions.length, dimension], data, dtype: dtype === 'float16' ? 'F16' : 'F32' },
    index: { shape: [positions.length], data: positions },
  };
  if (outputs && classes !== undefined) tensors.outputs = { shape: [positions.length, classes], data: outputs };
  const checksum = sha256(...[data, positions, ...(outputs ? [outputs] : [])].map(bytesOf));
  const bytes = writeSafetensors(tensors, { format: 'limbeck teacher rows', key, sha256: checksum });
  await writeFileAtomic(path, bytes);
  return placesIn(readSafetensors(bytes, path));
}

function placesIn({ name, entries }: SafetensorsFile): StoredShard {
  return {
    path: name,
    embeddings: entries.get('rows')?.begin as number,
    outputs: entries.get('outputs')?.begin,
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/**
 * Checks a stored shard in full; undefined, after a warning, when anything about it is not as it was written.
 *
 * @throws LimbeckError FILE_UNREADABLE
 */
export async function checkShard(shard: Shard, onWarning: (message: string) => void): Promise<StoredShard | undefined> {
  const bytes = await readBytes(shard.path, 'rows of a teacher');
  try {
    return verifyShard(bytes, shard);
  } catch (error) {
    if (!(error instanceof LimbeckError)) throw error;
    onWarning(`Damaged shard, computed again: ${error.message}`);
    return undefined;
  }
}

function verifyShard(bytes: Uint8Array, { path, key, positions, dimension, dtype, classes }: Shard): StoredShard {
  const file = readSafetensors(bytes, path);
  const index = file.tensorOf('index', 'I32');
  const check = (holds: boolean, expected: string, got: unknown) => {
    if (!holds) throw new LimbeckError('FILE_CORRUPT', `${path}: expected ${expected}, got ${show(got)}.`);
  };
  const tensors: [string, 'F16' | 'F32', number][] = [['rows', dtype === 'float16' ? 'F16' : 'F32', dimension]];
  if (classes !== undefined) tensors.push(['outputs', 'F32', classes]);
  for (const [name, type, width] of tensors) {
    const shape = `${positions.length},${width}`;
    // Asked of the file, so that a tensor that is not there is named with those that are.
    file.bytesOf(name);
    const entry = file.entries.get(name);
    check(entry?.dtype === type, `${name} of type ${type}`, entry?.dtype);
    check(String(entry?.shape) === shape, `${name} of shape [${shape}]`, String(entry?.shape));
  }
  check(String(index.shape) === String(positions.length), `an index of ${positions.length}`, String(index.shape));
  const wrong = positions.findIndex((position, i) => index.data[i] !== position);
  check(wrong < 0, `position ${positions[wrong]} at place ${wrong} of the index`, index.data[wrong]);
  check(file.metadata.get('key') === key, `rows of the cache ${key}`, file.metadata.get('key'));
  const [rows, ...outputs] = tensors.map(([name]) => file.bytesOf(name));
  const checksum = sha256(rows, file.bytesOf('index'), ...outputs);
  check(file.metadata.get('sha256') === checksum, `bytes with the checksum ${checksum}`, file.metadata.get('sha256'));
  for (const [name, type] of tensors) {
    const { data } = file.tensorOf(name, type);
    const bad = firstNonFinite(data);
    check(bad < 0, 'finite numbers', data[bad]);
  }
  return placesIn(file);
}

/** Place of the first NaN or Infinity, or −1. */
export function firstNonFinite(data: ArrayLike<number>): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i;
  return -1;
}

/** Hexadecimal SHA-256 of the parts one after another. */
export function sha256(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
