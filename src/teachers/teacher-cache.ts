/**
 * Teacher rows on disk: a frozen teacher embeds a data set once, shard by shard; a pass that is killed goes on at the first
 * missing shard. Not a cache of single texts: other data, or the same in another order, is another cache.
 *
 *   <directory>/<16 hex of the key>/manifest.json            what the cache belongs to and how it is cut
 *   <directory>/<16 hex of the key>/rows-00000.safetensors   rows [n, D] float32; index [n] int32, their positions in the data
 *
 * Texts are taken longest first, so that batches are homogeneous and the largest use of memory comes at once, not after hours.
 * Shard k holds slice k of that order; order and shards follow from the data alone.
 *
 * Every file is written under a temporary name and renamed. Two processes on one cache at once therefore waste work but harm
 * nothing: both compute the same rows, and each rename puts a complete shard in the place of an equal one. Every shard that
 * is read is checked in full; a damaged one is reported and computed again.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TextDataset } from '../data/text-dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { removeStaleTemporaries, writeFileAtomic } from '../runtime/files.ts';
import { readBytes } from '../runtime/read-files.ts';
import type { Teacher } from './teacher.ts';
import { firstNonFinite, loadShard, type Shard, sha256, writeShard } from './teacher-cache-shard.ts';

export interface TeacherCacheOptions {
  teacher: Teacher;
  dataset: TextDataset;
  /** Where caches are kept; each gets a folder of its own in it. */
  directory: string;
  /** Rows per shard file of a new cache: what a killed pass loses at most. An existing cache keeps its own. Default 1024. */
  shardRows?: number;
  /** Called once when the stored rows are loaded, then after every shard. */
  onProgress?: (progress: TeacherCacheProgress) => void;
  /** Called with a sentence for each damaged file that is made anew. */
  onWarning?: (message: string) => void;
  signal?: AbortSignal;
}

/**
 * How far a pass is. Work goes with characters, and stored rows cost nothing, so an honest rate is
 * `(doneCharacters − reusedCharacters) / seconds` and the time left `(totalCharacters − doneCharacters) / rate`.
 */
export interface TeacherCacheProgress {
  /** Stored and computed rows together. */
  doneRows: number;
  totalRows: number;
  /** Rows that were on disk already. */
  reusedRows: number;
  /** Characters are UTF-16 code units. */
  doneCharacters: number;
  totalCharacters: number;
  reusedCharacters: number;
  /** Time spent on embedding and writing so far; loading the stored rows is not in it. */
  seconds: number;
}

export interface TeacherCacheResult {
  /** float32, [texts, teacher dimension], in the order of the data. */
  rows: Matrix;
  /** Rows taken from the disk, and rows computed by this call. */
  reused: number;
  computed: number;
  /** Time spent on the computed rows. */
  seconds: number;
}

const FORMAT_VERSION = 1;
const DTYPE = 'float32';

interface Manifest {
  formatVersion: number;
  teacherFingerprint: string;
  dataFingerprint: string;
  rows: number;
  dimension: number;
  dtype: string;
  shardRows: number;
}

/**
 * The teacher's row for every text of a data set: from the cache where it has them, else computed and stored.
 *
 * @throws LimbeckError CACHE_MISMATCH when the folder holds rows of another teacher, other data or another width; NON_FINITE
 *   naming the text for which the teacher gave NaN or Infinity; SHAPE_MISMATCH when it gave the wrong number of rows or columns;
 *   ABORTED on `signal`, with all finished shards kept; INVALID_OPTION; FILE_UNREADABLE. Errors of the teacher pass through.
 *
 * @example
 * const { rows, reused, computed } = await embedWithCache({ teacher, dataset, directory: 'cache/teachers' });
 */
export async function embedWithCache(options: TeacherCacheOptions): Promise<TeacherCacheResult> {
  const { teacher, dataset, onProgress, onWarning = () => {}, signal } = options;
  checkOptions(options);
  const folder = teacherCacheFolder(options);
  await removeStaleTemporaries(folder);
  const { shardRows } = await openManifest(folder, options, onWarning);

  const { texts } = dataset;
  const order = longestFirst(texts);
  const stored = new Set(await listShards(folder));
  const rows = Matrix.zeros(texts.length, teacher.dimension);
  const key = cacheKey(teacher, dataset);
  const missing: Shard[] = [];
  let reusedRows = 0;
  let reusedCharacters = 0;
  for (let k = 0; k * shardRows < order.length; k++) {
    const positions = order.subarray(k * shardRows, (k + 1) * shardRows);
    const shard = { path: join(folder, shardName(k)), key, positions, dimension: teacher.dimension };
    throwIfAborted(signal, reusedRows, texts.length);
    const found = stored.has(shardName(k)) ? await loadShard(shard, onWarning) : undefined;
    if (found === undefined) {
      missing.push(shard);
      continue;
    }
    scatter(found, positions, rows);
    reusedRows += positions.length;
    reusedCharacters += countCharacters(texts, positions);
  }

  let doneRows = reusedRows;
  let doneCharacters = reusedCharacters;
  const totalRows = texts.length;
  const totalCharacters = countCharacters(texts, order);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const report = () =>
    onProgress?.({
      doneRows,
      totalRows,
      reusedRows,
      doneCharacters,
      totalCharacters,
      reusedCharacters,
      seconds: seconds(),
    });
  report();
  for (const shard of missing) {
    const { positions } = shard;
    throwIfAborted(signal, doneRows, totalRows);
    const computed = await embedChecked(teacher, texts, positions, signal).catch((error) => {
      throwIfAborted(signal, doneRows, totalRows, error);
      throw error;
    });
    await writeShard(shard, computed);
    scatter(computed, positions, rows);
    doneRows += positions.length;
    doneCharacters += countCharacters(texts, positions);
    report();
  }
  return { rows, reused: reusedRows, computed: doneRows - reusedRows, seconds: seconds() };
}

/** The folder in which the rows of this teacher for this data set are, or would be. */
export function teacherCacheFolder(where: {
  directory: string;
  teacher: Pick<Teacher, 'fingerprint'>;
  dataset: Pick<TextDataset, 'fingerprint'>;
}): string {
  return join(where.directory, cacheKey(where.teacher, where.dataset).slice(0, 16));
}

/** The names of the finished shards in a cache folder, in order; none when there is no such folder. */
export async function listShards(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const number = (name: string) => Number(/\d+/.exec(name));
  return names.filter((name) => /^rows-\d{5,}\.safetensors$/.test(name)).sort((a, b) => number(a) - number(b));
}

function shardName(k: number): string {
  return `rows-${String(k).padStart(5, '0')}.safetensors`;
}

function cacheKey(teacher: Pick<Teacher, 'fingerprint'>, dataset: Pick<TextDataset, 'fingerprint'>): string {
  return sha256(JSON.stringify([teacher.fingerprint, dataset.fingerprint, DTYPE]));
}

function checkOptions({ teacher, shardRows = 1024 }: TeacherCacheOptions): void {
  if (!Number.isInteger(shardRows) || shardRows < 1) {
    throw new LimbeckError('INVALID_OPTION', `shardRows: expected a whole number ≥ 1, got ${show(shardRows)}.`);
  }
  const { dimension, fingerprint } = teacher;
  if (!Number.isInteger(dimension) || dimension < 1) {
    throw new LimbeckError('INVALID_OPTION', `Teacher dimension: expected a whole number ≥ 1, got ${show(dimension)}.`);
  }
  if (typeof fingerprint !== 'string' || fingerprint === '') {
    throw new LimbeckError(
      'INVALID_OPTION',
      `Teacher fingerprint: expected a non-empty string, got ${show(fingerprint)}. ` +
        'Name the model and everything else that changes its rows: the cache is keyed by it.',
    );
  }
}

/** Writes the manifest of a new cache, or checks the one there is. A damaged one is reported and written anew. */
async function openManifest(
  folder: string,
  { teacher, dataset, shardRows = 1024 }: TeacherCacheOptions,
  onWarning: (message: string) => void,
): Promise<Manifest> {
  const path = join(folder, 'manifest.json');
  const expected: Manifest = {
    formatVersion: FORMAT_VERSION,
    teacherFingerprint: teacher.fingerprint,
    dataFingerprint: dataset.fingerprint,
    rows: dataset.texts.length,
    dimension: teacher.dimension,
    dtype: DTYPE,
    shardRows,
  };
  const names = await readdir(folder).catch(() => [] as string[]);
  if (names.includes('manifest.json')) {
    const bytes = await readBytes(path, 'the manifest of a teacher cache');
    const found = parseManifest(new TextDecoder().decode(bytes));
    if (found) {
      checkManifest(found, expected, folder);
      return found;
    }
    onWarning(`${path}: expected the manifest of a teacher cache, got something else; it is written anew.`);
  }
  await writeFileAtomic(path, `${JSON.stringify(expected, null, 2)}\n`);
  return expected;
}

function parseManifest(text: string): Manifest | undefined {
  try {
    const { shardRows, ...rest } = JSON.parse(text) as Manifest;
    return Number.isInteger(shardRows) && shardRows >= 1 ? { shardRows, ...rest } : undefined;
  } catch {
    return undefined;
  }
}

function checkManifest(found: Manifest, expected: Manifest, folder: string): void {
  for (const name of [
    'formatVersion',
    'teacherFingerprint',
    'dataFingerprint',
    'rows',
    'dimension',
    'dtype',
  ] as const) {
    if (found[name] === expected[name]) continue;
    throw new LimbeckError(
      'CACHE_MISMATCH',
      `${folder}: expected a cache with ${name} ${show(expected[name])}, got ${show(found[name])}. ` +
        'Use another cache directory, or delete this folder. If the teacher changed, its fingerprint has to change as well.',
    );
  }
}

/** Positions by length of the text in characters, longest first; equal lengths in the order of the data. */
function longestFirst(texts: readonly string[]): Int32Array {
  return Int32Array.from(texts.keys()).sort((a, b) => texts[b].length - texts[a].length || a - b);
}

function countCharacters(texts: readonly string[], positions: Int32Array): number {
  let sum = 0;
  for (const position of positions) sum += texts[position].length;
  return sum;
}

function scatter(source: Float32Array, positions: Int32Array, rows: Matrix): void {
  const { columns } = rows;
  for (const [i, position] of positions.entries()) {
    rows.data.set(source.subarray(i * columns, (i + 1) * columns), position * columns);
  }
}

function throwIfAborted(signal: AbortSignal | undefined, done: number, total: number, cause?: unknown): void {
  if (!signal?.aborted) return;
  throw new LimbeckError(
    'ABORTED',
    `Teacher rows: interrupted with ${done} of ${total} rows done and stored. The same call goes on from there.`,
    { cause: cause ?? signal.reason },
  );
}

/** The rows of one shard from the teacher, checked. */
async function embedChecked(
  teacher: Teacher,
  texts: readonly string[],
  positions: Int32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const inputs = Array.from(positions, (position) => texts[position]);
  const { rows, columns, data } = (await teacher.embed(inputs, signal ? { signal } : {})).as('float32');
  if (rows !== inputs.length || columns !== teacher.dimension) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Teacher: expected ${inputs.length} rows of ${teacher.dimension} for as many texts, got ${rows} × ${columns}.`,
    );
  }
  const bad = firstNonFinite(data);
  if (bad >= 0) {
    const position = positions[Math.floor(bad / columns)];
    throw new LimbeckError(
      'NON_FINITE',
      `Teacher: expected finite numbers, got ${data[bad]} in column ${bad % columns} for text ${position}, ` +
        `${show(texts[position])}. Mend the teacher or take the text out of the data.`,
    );
  }
  return data as Float32Array;
}
export async function cacheTeacherRows<S>(o: {
  teacher: Teacher<S>;
  data: unknown;
  directory: string;
  dtype: string;
  shardRows: number;
  onProgress: (p: TeacherCacheProgress) => void;
  onWarning: (m: string) => void;
  signal?: AbortSignal;
}): Promise<{
  embeddings: Matrix;
  outputs?: Matrix;
  reused: number;
  computed: number;
  seconds: number;
  release(): Promise<void>;
}> {
  const r = await embedWithCache({ ...o, dataset: o.data as TextDataset, teacher: o.teacher as unknown as Teacher });
  return { ...r, embeddings: r.rows, release: async () => {} };
}
