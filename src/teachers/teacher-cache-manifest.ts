/** What a teacher cache belongs to and how it is cut: `manifest.json` in its folder, and the list of all such folders. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { readBytes } from '../runtime/read-files.ts';
import type { Teacher } from './teacher.ts';
import { type CacheDtype, sha256 } from './teacher-cache-shard.ts';

const FORMAT_VERSION = 1;
const MANIFEST = 'manifest.json';

export interface TeacherCacheManifest {
  readonly formatVersion: number;
  readonly teacherFingerprint: string;
  readonly dataFingerprint: string;
  readonly rows: number;
  readonly dimension: number;
  readonly dtype: CacheDtype;
  /** Width of the outputs, where the teacher has any. */
  readonly classes?: number;
  readonly shardRows: number;
}

/** A cache as {@link listTeacherCaches} finds it. */
export interface TeacherCacheEntry extends TeacherCacheManifest {
  readonly folder: string;
  /** Rows in finished shards, which this does not check. */
  readonly storedRows: number;
}

/** What a cache is of. */
export interface CacheIdentity {
  readonly teacher: Pick<Teacher<never>, 'fingerprint'>;
  readonly data: Pick<Dataset<unknown>, 'fingerprint'>;
  readonly dtype: CacheDtype;
}

/** 64 hexadecimal digits that stand for teacher, data and precision. */
export function cacheKey({ teacher, data, dtype }: CacheIdentity): string {
  return sha256(JSON.stringify([teacher.fingerprint, data.fingerprint, dtype]));
}

/** The folder in which the rows of this teacher for this data set are, or would be. */
export function teacherCacheFolder({
  directory,
  teacher,
  data,
  dtype = 'float32',
}: Omit<CacheIdentity, 'dtype'> & { readonly directory: string; readonly dtype?: CacheDtype }): string {
  return join(directory, cacheKey({ teacher, data, dtype }).slice(0, 16));
}

/**
 * The caches in a directory with what each belongs to, by name of the folder; none when there is no such directory. What is no
 * cache is passed over. Only manifests and names are read, no rows.
 *
 * @throws LimbeckError FILE_UNREADABLE
 *
 * @example
 * for (const { folder, rows, storedRows } of await listTeacherCaches('cache')) console.log(folder, storedRows / rows);
 */
export async function listTeacherCaches(directory: string): Promise<TeacherCacheEntry[]> {
  const caches: TeacherCacheEntry[] = [];
  for (const name of (await namesIn(directory)).filter((name) => /^[0-9a-f]{16}$/.test(name)).sort()) {
    const folder = join(directory, name);
    const names = await namesIn(folder);
    if (!names.includes(MANIFEST)) continue;
    const manifest = await readManifest(folder);
    if (!manifest) continue;
    const { rows, shardRows } = manifest;
    const counts = shardsAmong(names).map((shard) => Math.min(shardRows, rows - shardNumber(shard) * shardRows));
    caches.push({ ...manifest, folder, storedRows: counts.reduce((sum, count) => sum + Math.max(0, count), 0) });
  }
  return caches;
}

/** The names of the finished shards in a cache folder, in order; none when there is no such folder. */
export async function listShards(folder: string): Promise<string[]> {
  return shardsAmong(await namesIn(folder));
}

export function shardName(k: number): string {
  return `rows-${String(k).padStart(5, '0')}.safetensors`;
}

const shardNumber = (name: string): number => Number(/\d+/.exec(name));

function shardsAmong(names: readonly string[]): string[] {
  return names
    .filter((name) => /^rows-\d{5,}\.safetensors$/.test(name))
    .sort((a, b) => shardNumber(a) - shardNumber(b));
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new LimbeckError(
      'FILE_UNREADABLE',
      `${directory}: expected a directory of teacher rows, got ${(error as Error).message}. Choose another directory.`,
      { cause: error },
    );
  }
}

/**
 * Writes the manifest of a new cache, or checks the one there is. A damaged one is reported and written anew.
 *
 * @throws LimbeckError CACHE_MISMATCH, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function openManifest(
  folder: string,
  wanted: Omit<TeacherCacheManifest, 'formatVersion'>,
  onWarning: (message: string) => void,
): Promise<TeacherCacheManifest> {
  const path = join(folder, MANIFEST);
  const { shardRows, ...rest } = wanted;
  const expected: TeacherCacheManifest = { formatVersion: FORMAT_VERSION, ...rest, shardRows };
  if ((await namesIn(folder)).includes(MANIFEST)) {
    const found = await readManifest(folder);
    if (found) {
      checkManifest(found, expected, folder);
      return found;
    }
    onWarning(`${path}: expected the manifest of a teacher cache, got something else; it is written anew.`);
  }
  await writeFileAtomic(path, `${JSON.stringify(expected, null, 2)}\n`);
  return expected;
}

async function readManifest(folder: string): Promise<TeacherCacheManifest | undefined> {
  const bytes = await readBytes(join(folder, MANIFEST), 'the manifest of a teacher cache');
  try {
    const { shardRows, ...rest } = JSON.parse(new TextDecoder().decode(bytes)) as TeacherCacheManifest;
    return Number.isInteger(shardRows) && shardRows >= 1 ? { shardRows, ...rest } : undefined;
  } catch {
    return undefined;
  }
}

function checkManifest(found: TeacherCacheManifest, expected: TeacherCacheManifest, folder: string): void {
  for (const name of [
    'formatVersion',
    'teacherFingerprint',
    'dataFingerprint',
    'rows',
    'dimension',
    'dtype',
    'classes',
  ] as const) {
    if (found[name] === expected[name]) continue;
    throw new LimbeckError(
      'CACHE_MISMATCH',
      `${folder}: expected a cache with ${name} ${show(expected[name])}, got ${show(found[name])}. ` +
        'Use another cache directory, or delete this folder. If the teacher changed, its fingerprint has to change as well.',
    );
  }
}
