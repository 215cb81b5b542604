/**
 * Teacher rows on disk: a frozen teacher embeds a data set once, shard by shard; a pass that is killed goes on at the first
 * missing shard. Not a cache of single samples: other data, or the same in another order, is another cache.
 *
 *   <directory>/<16 hex of the key>/manifest.json            what the cache belongs to and how it is cut
 *   <directory>/<16 hex of the key>/rows-00000.safetensors   rows [n, D] float32 or float16; index [n] int32, their positions in
 *                                                            the data; of teachers that classify also outputs [n, C] float32
 *
 * Texts are taken longest first, so that batches are homogeneous and the largest use of memory comes at once, not after hours;
 * so are other samples of which the data know the lengths. Shard k holds slice k of that order; order and shards follow from the
 * data alone.
 *
 * Every file is written under a temporary name and renamed. Two processes on one cache at once therefore waste work but harm
 * nothing: both compute the same rows, and each rename puts a complete shard in the place of an equal one. Every shard is checked
 * in full when the cache is opened, one after another; a damaged one is reported and computed again. Rows stay on the disk and
 * are read as they are asked for.
 */
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { removeStaleTemporaries } from '../runtime/files.ts';
import { CachedRows, ShardFiles } from './cached-rows.ts';
import type { Teacher } from './teacher.ts';
import { cacheKey, listShards, openManifest, shardName, teacherCacheFolder } from './teacher-cache-manifest.ts';
import type { TeacherCacheProgress } from './teacher-cache-progress.ts';
import { askTeacher } from './teacher-cache-rows.ts';
import { type CacheDtype, checkShard, type Shard, type StoredShard, writeShard } from './teacher-cache-shard.ts';
import { workOf } from './teacher-cache-work.ts';

export interface CacheTeacherRowsOptions<Sample> {
  readonly teacher: Teacher<Sample>;
  readonly data: Dataset<Sample>;
  /** Where caches are kept; each gets a folder of its own in it. */
  readonly directory: string;
  /** What embeddings are stored as: float16 takes half the space and keeps three digits. Outputs are always float32. Default 'float32'. */
  readonly dtype?: CacheDtype | undefined;
  /**
   * Rows per shard file of a new cache: what a killed pass loses at most. An existing cache keeps its own. Default 1024, and more where
   * that would be more than 256 files, since rows are read at random and files are then opened again and again.
   */
  readonly shardRows?: number | undefined;
  /** Called once when the stored rows are checked, then after every shard. */
  readonly onProgress?: ((progress: TeacherCacheProgress) => void) | undefined;
  /** Called with a sentence for each damaged file that is made anew. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const SHARD_ROWS = 1024;
const MOST_SHARDS = 256;

export interface CachedTeacherRows {
  /** [samples, teacher dimension] */
  readonly embeddings: CachedRows;
  /** Logits, [samples, classes]; of teachers that classify. */
  readonly outputs?: CachedRows;
  /** Where the files are. */
  readonly folder: string;
  /** Rows taken from the disk, and rows computed by this call. */
  readonly reused: number;
  readonly computed: number;
  /** Time spent on the computed rows. */
  readonly seconds: number;
}

/**
 * The teacher's row for every sample of a data set: from the cache where it has them, else computed and stored.
 *
 * @throws LimbeckError CACHE_MISMATCH when the folder holds rows of another teacher, other data or another width; NON_FINITE
 *   naming the sample for which the teacher gave NaN or Infinity; SHAPE_MISMATCH when it gave the wrong number of rows or columns;
 *   INVALID_ARGUMENT for augmented data, of which every view has other rows; ABORTED on `signal`, with all finished shards kept;
 *   INVALID_OPTION, also for rows too large for float16; FILE_UNREADABLE; FILE_UNWRITABLE, with all finished shards kept. Errors
 *   of the teacher and of the data pass through.
 *
 * @example
 * const { embeddings, reused, computed } = await cacheTeacherRows({ teacher, data, directory: 'cache', dtype: 'float16' });
 * embeddings.gather([0, 7]); // 2 × teacher.dimension
 * embeddings.release();
 */
export async function cacheTeacherRows<Sample>(options: CacheTeacherRowsOptions<Sample>): Promise<CachedTeacherRows> {
  const { teacher, data, onProgress, onWarning = () => {}, signal } = options;
  const { dtype, shardRows: wantedRows, classes } = checkOptions(options);
  // Rows may depend on where samples stand, not on the samples alone.
  const fingerprint = teacher.fingerprintFor?.(data) ?? teacher.fingerprint;
  const identity = { teacher: { fingerprint }, data, dtype };
  const folder = teacherCacheFolder({ directory: options.directory, ...identity });
  const { order, sum, unit } = workOf(data);
  const { shardRows } = await openManifest(
    folder,
    {
      teacherFingerprint: fingerprint,
      dataFingerprint: data.fingerprint,
      rows: data.size,
      dimension: teacher.dimension,
      dtype,
      ...(classes === undefined ? {} : { classes }),
      shardRows: wantedRows,
    },
    onWarning,
  );
  await removeStaleTemporaries(folder);

  const names = new Set(await listShards(folder));
  const key = cacheKey(identity);
  const stored: StoredShard[] = [];
  const missing: (Shard & { readonly k: number })[] = [];
  const reused = { rows: 0, work: 0 };
  for (let k = 0; k * shardRows < order.length; k++) {
    const positions = order.subarray(k * shardRows, (k + 1) * shardRows);
    const shard = { path: join(folder, shardName(k)), key, positions, dimension: teacher.dimension, dtype, classes };
    throwIfAborted(signal, reused.rows, data.size);
    const found = names.has(shardName(k)) ? await checkShard(shard, onWarning) : undefined;
    if (found) {
      stored[k] = found;
      reused.rows += positions.length;
      reused.work += sum(positions);
    } else {
      missing.push({ ...shard, k });
    }
  }

  const done = { ...reused };
  const totalWork = sum(order);
  const start = performance.now();
  const seconds = () => (performance.now() - start) / 1000;
  const report = () =>
    onProgress?.({
      doneRows: done.rows,
      totalRows: data.size,
      reusedRows: reused.rows,
      doneWork: done.work,
      totalWork,
      reusedWork: reused.work,
      workUnit: unit,
      seconds: seconds(),
    });
  report();
  for (const shard of missing) {
    throwIfAborted(signal, done.rows, data.size);
    const rows = await askTeacher(teacher, data, shard, signal).catch((error) => {
      throwIfAborted(signal, done.rows, data.size, error);
      throw error;
    });
    stored[shard.k] = await writeShard(shard, rows);
    done.rows += shard.positions.length;
    done.work += sum(shard.positions);
    report();
  }

  const files = new ShardFiles(stored);
  const places = new Int32Array(order.length);
  for (const [place, position] of order.entries()) places[position] = place;
  const rowsOf = (what: 'embeddings' | 'outputs', columns: number, dtype: CacheDtype) =>
    new CachedRows({ files, what, places, shardRows, columns, dtype, fingerprint: `teacher ${what} ${key}` });
  return {
    embeddings: rowsOf('embeddings', teacher.dimension, dtype),
    ...(classes === undefined ? {} : { outputs: rowsOf('outputs', classes, 'float32') }),
    folder,
    reused: reused.rows,
    computed: done.rows - reused.rows,
    seconds: seconds(),
  };
}

export interface TeacherCacheOptions<Sample = string> extends Omit<CacheTeacherRowsOptions<Sample>, 'data' | 'dtype'> {
  readonly dataset: Dataset<Sample>;
}

export interface TeacherCacheResult {
  /** float32, [samples, teacher dimension], in the order of the data. */
  readonly rows: Matrix;
  /** Rows taken from the disk, and rows computed by this call. */
  readonly reused: number;
  readonly computed: number;
  /** Time spent on the computed rows. */
  readonly seconds: number;
}

/**
 * The same in memory: for data whose rows fit there.
 *
 * @throws LimbeckError as {@link cacheTeacherRows}
 *
 * @example
 * const { rows, reused, computed } = await embedWithCache({ teacher, dataset, directory: 'cache/teachers' });
 */
export async function embedWithCache<Sample>({
  dataset,
  ...options
}: TeacherCacheOptions<Sample>): Promise<TeacherCacheResult> {
  const { embeddings, reused, computed, seconds } = await cacheTeacherRows({ ...options, data: dataset });
  try {
    return { rows: embeddings.toMatrix(), reused, computed, seconds };
  } finally {
    embeddings.release();
  }
}

function checkOptions<Sample>({
  teacher,
  data,
  dtype = 'float32',
  shardRows = Math.max(SHARD_ROWS, Math.ceil(data.size / MOST_SHARDS)),
}: CacheTeacherRowsOptions<Sample>): {
  readonly dtype: CacheDtype;
  readonly shardRows: number;
  readonly classes: number | undefined;
} {
  const refuse = (what: string, expected: string, got: unknown, advice = '') => {
    throw new LimbeckError('INVALID_OPTION', `${what}: expected ${expected}, got ${show(got)}.${advice}`);
  };
  const isCount = (value: number) => Number.isInteger(value) && value >= 1;
  if (!isCount(shardRows)) refuse('shardRows', 'a whole number ≥ 1', shardRows);
  if (dtype !== 'float32' && dtype !== 'float16') refuse('dtype', "'float32' or 'float16'", dtype);
  const { dimension, fingerprint } = teacher;
  const classes = teacher.predict ? teacher.classes : undefined;
  if (!isCount(dimension)) refuse('Teacher dimension', 'a whole number ≥ 1', dimension);
  if (classes !== undefined && !isCount(classes)) refuse('Teacher classes', 'a whole number ≥ 1', classes);
  if (typeof fingerprint !== 'string' || fingerprint === '') {
    const advice = ' Name the model and everything else that changes its rows: the cache is keyed by it.';
    refuse('Teacher fingerprint', 'a non-empty string', fingerprint, advice);
  }
  if (data.augmented) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'Teacher rows: expected data that look the same each time, got augmented data. Ask the teacher at every batch, or cache the ' +
        'data without augmentation.',
    );
  }
  return { dtype, shardRows, classes };
}

function throwIfAborted(signal: AbortSignal | undefined, done: number, total: number, cause?: unknown): void {
  if (!signal?.aborted) return;
  throw new LimbeckError(
    'ABORTED',
    `Teacher rows: interrupted with ${done} of ${total} rows done and stored. The same call goes on from there.`,
    { cause: cause ?? signal.reason },
  );
}
