/**
 * What a teacher says of a data set, however it is given: computed once and kept (in memory, or in a cache on disk), handed in as rows,
 * or asked for batch by batch where samples look different every time.
 */
import type * as z from 'zod';
import { sha256 } from '#digest';
import { cacheTeacherRows } from '#teacher-cache';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError, show } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { Teacher } from '../teachers/teacher.ts';
import type { TeacherCacheProgress } from '../teachers/teacher-cache-progress.ts';
import type { cacheOptionsSchema } from './distill-options.ts';

/** What a teacher says of every sample of the data, row by row. */
export interface TeacherRows {
  /** [samples, D] */
  readonly embeddings?: RowSource | undefined;
  /** Logits [samples, classes]. */
  readonly outputs?: RowSource | undefined;
}

/** A teacher, or what it says. */
export type TeacherInput<Sample> = Teacher<Sample> | RowSource | TeacherRows | undefined;

/** What training asks: rows of samples by number. */
export interface TeacherAnswers<Sample> {
  /** Width of the embeddings; undefined without any. */
  readonly width: number | undefined;
  /** Number of classes of the outputs; undefined without any. */
  readonly classes: number | undefined;
  /** What tells these rows from others, as plain JSON. */
  readonly identity: unknown;
  readonly work: { readonly reused: number; readonly computed: number; readonly seconds: number } | undefined;
  /** In float32. `samples` are what the numbers look like now. */
  of(numbers: Int32Array, samples: readonly Sample[]): Promise<{ embeddings?: Matrix; outputs?: Matrix }>;
  release(): Promise<void>;
}

export interface AskOptions {
  readonly cache: z.output<typeof cacheOptionsSchema> | undefined;
  /** Whether the student has outputs that a teacher's could be compared with. */
  readonly classifies: boolean;
  readonly onProgress: (progress: TeacherCacheProgress) => void;
  readonly onWarning: (message: string) => void;
  readonly signal: AbortSignal | undefined;
}

export function isTeacher<Sample>(teacher: TeacherInput<Sample>): teacher is Teacher<Sample> {
  return teacher !== undefined && 'embed' in teacher;
}

/**
 * What is known of a teacher's answers before it is asked.
 *
 * @throws LimbeckError INVALID_ARGUMENT for what is no source of rows
 */
export function teacherWidths(
  teacher: TeacherInput<never>,
  classifies: boolean,
): Pick<TeacherAnswers<unknown>, 'width' | 'classes'> {
  if (teacher === undefined) return { width: undefined, classes: undefined };
  if (isTeacher(teacher)) {
    return { width: teacher.dimension, classes: classifies && teacher.predict ? teacher.classes : undefined };
  }
  const { embeddings, outputs } = 'gather' in teacher ? { embeddings: teacher, outputs: undefined } : teacher;
  for (const [what, source] of Object.entries({ embeddings, outputs })) {
    if (source === undefined || typeof source.gather === 'function') continue;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `distill: expected the teacher's ${what} as a Matrix or another source of rows, got ${show(source)}.`,
    );
  }
  return { width: embeddings?.columns, classes: outputs?.columns };
}

/**
 * Asks a teacher for what training needs of it before the first step.
 *
 * @throws LimbeckError INVALID_ARGUMENT for rows with augmented data; SHAPE_MISMATCH, NON_FINITE; errors of teacher and cache
 */
export async function askTeacher<Sample>(
  teacher: TeacherInput<Sample>,
  data: Dataset<Sample>,
  options: AskOptions,
): Promise<TeacherAnswers<Sample>> {
  if (teacher === undefined) return answersOf({}, data, undefined);
  if (!isTeacher(teacher)) {
    const rows = 'gather' in teacher ? { embeddings: teacher } : teacher;
    if (rows.embeddings || rows.outputs) refuseAugmented(data);
    checkRows(rows, data);
    return answersOf(rows, data, undefined);
  }
  if (teacher.rowsOf) refuseAugmented(data);
  if (data.augmented) return live(teacher, data, options);
  if (options.cache) return cached(teacher, data, options.cache, options);
  if (teacher.rowsOf) return answersOf({ embeddings: teacher.rowsOf(data) }, data, undefined);
  const started = performance.now();
  const numbers = everyNumber(data.size);
  const { embeddings, outputs } = await ask(teacher, data, numbers, await data.read(numbers), options);
  const rows = { embeddings, outputs };
  checkRows(rows, data);
  return answersOf(rows, data, { reused: 0, computed: data.size, seconds: (performance.now() - started) / 1000 });
}

/** Rows that are there already are those of the samples as they are. */
function refuseAugmented({ augmented }: Pick<Dataset<unknown>, 'augmented'>): void {
  if (!augmented) return;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    'distill: expected a teacher that can be asked for augmented data, got rows, which belong to the plain samples. ' +
      'Give a teacher that embeds what it is shown, or data without augmentation.',
  );
}

function answersOf<Sample>(
  { embeddings, outputs }: TeacherRows,
  data: Dataset<Sample>,
  work: TeacherAnswers<Sample>['work'],
  release = async (): Promise<void> => {},
): TeacherAnswers<Sample> {
  return {
    width: embeddings?.columns,
    classes: outputs?.columns,
    identity: [embeddings, outputs].map((rows) => rows && identityOf(rows, data.size)),
    work,
    of: async (numbers) => ({
      ...(embeddings && { embeddings: embeddings.gather(numbers).as('float32') }),
      ...(outputs && { outputs: outputs.gather(numbers).as('float32') }),
    }),
    release,
  };
}

async function cached<Sample>(
  teacher: Teacher<Sample>,
  data: Dataset<Sample>,
  cache: z.output<typeof cacheOptionsSchema>,
  { classifies, onProgress, onWarning, signal }: AskOptions,
): Promise<TeacherAnswers<Sample>> {
  const { embeddings, outputs, reused, computed, seconds } = await cacheTeacherRows({
    teacher,
    data,
    ...cache,
    onProgress,
    onWarning,
    signal,
  });
  const rows = { embeddings, ...(classifies && outputs && { outputs }) };
  return answersOf(rows, data, { reused, computed, seconds }, async () => {
    embeddings.release();
    outputs?.release();
  });
}

function live<Sample>(teacher: Teacher<Sample>, data: Dataset<Sample>, options: AskOptions): TeacherAnswers<Sample> {
  const outputs = options.classifies && teacher.predict !== undefined ? teacher.classes : undefined;
  return {
    width: teacher.dimension,
    classes: outputs,
    identity: ['asked at every batch', teacher.fingerprint],
    work: undefined,
    of: async (numbers, samples) => {
      const answer = await ask(teacher, data, numbers, samples, options);
      checkRows(answer, { size: samples.length });
      return answer;
    },
    release: async () => {},
  };
}

async function ask<Sample>(
  teacher: Teacher<Sample>,
  data: Dataset<Sample>,
  numbers: Int32Array,
  samples: readonly Sample[],
  { classifies, signal }: AskOptions,
): Promise<{ embeddings: Matrix; outputs?: Matrix }> {
  const options = { samples: { data, numbers }, ...(signal && { signal }) };
  if (!classifies || !teacher.predict) return { embeddings: (await teacher.embed(samples, options)).as('float32') };
  const { embeddings, outputs } = await teacher.predict(samples, options);
  return { embeddings: embeddings.as('float32'), ...(outputs && { outputs: outputs.as('float32') }) };
}

function checkRows(rows: TeacherRows, { size }: { readonly size: number }): void {
  for (const [what, source] of Object.entries(rows) as [string, RowSource | undefined][]) {
    if (source === undefined) continue;
    if (source.rows !== size) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `distill: expected one row of the teacher's ${what} for each of the ${size} samples, got ${source.rows}.`,
      );
    }
    if (source instanceof Matrix) source.assertFinite(`teacher ${what}`);
  }
}

/** Rows in one piece of a digest. */
const DIGEST_ROWS = 4096;

/** The source's own name for its rows; without one a digest of their shape and bytes in float32. */
function identityOf(source: RowSource, size: number): string {
  if (source.fingerprint !== undefined) return source.fingerprint;
  const hash = sha256().update(`${source.rows} ${source.columns}\n`);
  const numbers = everyNumber(size);
  for (let start = 0; start < size; start += DIGEST_ROWS) {
    const { data } = source.gather(numbers.subarray(start, start + DIGEST_ROWS)).as('float32');
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.hex();
}
