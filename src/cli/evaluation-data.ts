/** What a saved student is evaluated on, read from files as the student takes it. */
import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import { alignLabels } from '../evaluation/align-labels.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { LoadedStudent } from '../students/loaded-student.ts';

export interface EvaluationDataFlags {
  /** A file of texts; a folder or list of images, or an IDX file of pixels. */
  readonly data: string;
  readonly column?: string;
  readonly labelColumn?: string;
  /** The IDX file of labels that belongs to one of pixels. */
  readonly labels?: string;
  readonly limit?: number;
  /** Directory of a teacher cache that holds rows of the data. */
  readonly cache?: string;
}

export interface ReadControl {
  readonly signal: AbortSignal;
  readonly onProgress: (done: number, total: number) => void;
}

export type Sample = string | Float32Array | Uint8Array;

/** Data as they were read, and their labels as the student numbers its classes. */
export interface LabelledData {
  readonly data: Dataset<Sample>;
  readonly labels: Int32Array | undefined;
  readonly classNames: readonly string[] | undefined;
}

/**
 * Reads the data; labels are numbers of the student's classes, by name where both have names.
 *
 * @throws LimbeckError of the readers; INVALID_ARGUMENT and DATA_MISMATCH for classes that the student does not have
 */
export async function readEvaluationData(
  student: LoadedStudent,
  flags: EvaluationDataFlags,
  control: ReadControl,
): Promise<LabelledData> {
  const data = student.kind === 'text' ? await texts(student, flags) : await images(student, flags, control);
  const { labels, classNames } = data;
  return {
    data: data as Dataset<Sample>,
    labels: labels && alignLabels(labels, classNames, student.classNames),
    classNames: (labels && student.classNames) ?? classNames,
  };
}

async function texts({ classNames }: LoadedStudent, flags: EvaluationDataFlags): Promise<Dataset<string>> {
  const { readTexts } = await import('../data/read-texts.ts');
  const { data, column, labelColumn, limit, labels } = flags;
  if (labels !== undefined) {
    throw new LimbeckError(
      'INVALID_OPTION',
      '--labels: expected an image student, got one of texts. Name the column of the labels with --label-column.',
    );
  }
  return readTexts(data, {
    ...(column !== undefined && { column }),
    ...(labelColumn !== undefined && { labelColumn, ...(classNames && { classNames: [...classNames] }) }),
    ...(limit !== undefined && { limit }),
  });
}

/** What lists of images are called; other files are arrays. */
const LISTS = ['.csv', '.tsv', '.jsonl', '.txt'];

async function images(
  { format, name }: LoadedStudent,
  { data, column, labelColumn, labels, limit }: EvaluationDataFlags,
  { signal, onProgress }: ReadControl,
): Promise<Dataset<Float32Array | Uint8Array>> {
  const { readImages } = await import('../data/images/read-images.ts');
  const { channels, height, width, fit, background } = format as Extract<typeof format, { kind: 'image' }>;
  if (channels !== 1 && channels !== 3) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected a student of 1 or 3 channels, as images have, got ${channels}.`,
    );
  }
  const isFile = await stat(data).then(
    (found) => found.isFile(),
    () => false,
  );
  const arrays = isFile && !LISTS.includes(extname(data).toLowerCase());
  if (labels !== undefined && !arrays) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `--labels: expected an IDX file of pixels in --data, got ${data}. Folders and lists hold their labels themselves.`,
    );
  }
  return readImages(arrays ? { images: data, ...(labels !== undefined && { labels }) } : data, {
    size: [height, width],
    channels,
    fit,
    background,
    signal,
    onProgress,
    ...(column !== undefined && { pathColumn: column }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(limit !== undefined && { limit }),
  });
}

/**
 * The rows of a teacher for the data, from the cache that `limbeck distill` and `limbeck embed` keep.
 *
 * @throws LimbeckError CACHE_MISMATCH for a directory without rows of this data, or with those of several teachers
 */
export async function cachedTeacherRows(directory: string, data: Dataset<Sample>): Promise<RowSource> {
  const { cacheTeacherRows } = await import('../teachers/teacher-cache.ts');
  const { listTeacherCaches } = await import('../teachers/teacher-cache-manifest.ts');
  const all = await listTeacherCaches(directory);
  const found = all.filter(
    ({ dataFingerprint, storedRows, rows }) => dataFingerprint === data.fingerprint && storedRows >= rows,
  );
  if (found.length !== 1) {
    throw new LimbeckError(
      'CACHE_MISMATCH',
      `--cache: expected the rows of one teacher for this data in ${directory}, got ` +
        `${found.length === 0 ? `none among ${all.length} caches` : `those of ${found.length} teachers or precisions`}. ` +
        'Write the rows to a file with limbeck embed --out, and name it with --embeddings.',
    );
  }
  const [{ teacherFingerprint: fingerprint, dimension, dtype }] = found;
  const { embeddings } = await cacheTeacherRows({
    directory,
    data,
    dtype,
    teacher: {
      fingerprint,
      dimension,
      embed: async () => {
        throw new LimbeckError(
          'CACHE_MISMATCH',
          `--cache: expected every row of the data in ${directory}, got a damaged shard, and no teacher to compute it anew. ` +
            'Run limbeck embed again.',
        );
      },
    },
  });
  return embeddings;
}

/**
 * The rows of a teacher for the data, from a file: by the places of the samples in the data's source.
 *
 * @throws LimbeckError of the reader; DATA_MISMATCH for a file with another number of rows
 */
export async function rowsOfData(path: string, data: Dataset<Sample>): Promise<RowSource> {
  const { EmbeddingsTeacher } = await import('../teachers/embeddings-teacher.ts');
  return (await EmbeddingsTeacher.load<Sample>(path)).rowsOf(data);
}

/** All rows of a file. @throws LimbeckError of the reader */
export async function rowsOfFile(path: string): Promise<RowSource> {
  const { readRows } = await import('../data/read-rows.ts');
  return (await readRows(path)).rows;
}
