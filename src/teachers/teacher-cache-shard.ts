/**
 * One file of a teacher cache: rows, the positions that they belong to, and the checksum that they are believed by.
 * Which positions go into which shard is decided in teacher-cache.ts.
 */
import { createHash } from 'node:crypto';
import { LimbeckError, show } from '../errors.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { readBytes } from '../runtime/read-files.ts';
import { readSafetensors, writeSafetensors } from './safetensors.ts';

export interface Shard {
  path: string;
  key: string;
  positions: Int32Array;
  dimension: number;
}

/** Writes a shard under its final name, whole or not at all. */
export async function writeShard({ path, key, positions, dimension }: Shard, data: Float32Array): Promise<void> {
  const tensors = {
    rows: { shape: [positions.length, dimension], data },
    index: { shape: [positions.length], data: positions },
  };
  const checksum = sha256(bytesOf(data), bytesOf(positions));
  await writeFileAtomic(path, writeSafetensors(tensors, { format: 'limbeck teacher rows', key, sha256: checksum }));
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** The rows of a stored shard; undefined, after a warning, when anything about it is not as it was written. */
export async function loadShard(shard: Shard, onWarning: (message: string) => void): Promise<Float32Array | undefined> {
  const bytes = await readBytes(shard.path, 'rows of a teacher');
  try {
    return verifyShard(bytes, shard);
  } catch (error) {
    if (!(error instanceof LimbeckError)) throw error;
    onWarning(`Damaged shard, computed again: ${error.message}`);
    return undefined;
  }
}

function verifyShard(bytes: Uint8Array, { path, key, positions, dimension }: Shard): Float32Array {
  const file = readSafetensors(bytes, path);
  const rows = file.tensorOf('rows', 'F32');
  const index = file.tensorOf('index', 'I32');
  const check = (holds: boolean, expected: string, got: unknown) => {
    if (!holds) throw new LimbeckError('FILE_CORRUPT', `${path}: expected ${expected}, got ${show(got)}.`);
  };
  const shape = `${positions.length},${dimension}`;
  check(String(rows.shape) === shape, `rows of shape [${shape}]`, String(rows.shape));
  check(String(index.shape) === String(positions.length), `an index of ${positions.length}`, String(index.shape));
  const wrong = positions.findIndex((position, i) => index.data[i] !== position);
  check(wrong < 0, `position ${positions[wrong]} at place ${wrong} of the index`, index.data[wrong]);
  check(file.metadata.get('key') === key, `rows of the cache ${key}`, file.metadata.get('key'));
  const checksum = sha256(file.bytesOf('rows'), file.bytesOf('index'));
  check(file.metadata.get('sha256') === checksum, `bytes with the checksum ${checksum}`, file.metadata.get('sha256'));
  const bad = firstNonFinite(rows.data);
  check(bad < 0, 'finite numbers', rows.data[bad]);
  return rows.data;
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
