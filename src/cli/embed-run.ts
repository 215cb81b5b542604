/** Rows for the data of a configuration: of its teacher, kept in the cache, or of a saved student. Nothing is trained. */
import type { RunData } from '../config/build-data.ts';
import type { RunConfig } from '../config/complete-config.ts';
import { type Domain, dataPath, IMAGES, TEXTS } from '../config/domains.ts';
import type { Dataset, SkippedSample } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { LoadedStudent, StudentSample } from '../students/loaded-student.ts';
import { type CachedTeacherRows, cacheTeacherRows } from '../teachers/teacher-cache.ts';
import { Student } from '../training/student.ts';
import type { Progress } from './progress.ts';
import { count, showTeacherProgress } from './teacher-progress.ts';
import { writeRows } from './write-rows.ts';

/** Rows that are in memory at once when they are written to a file. */
const ROWS_AT_ONCE = 2048;

export interface EmbedRequest {
  /** A file to write the rows to. */
  readonly out: string | undefined;
  /** Directory of a saved student that embeds, instead of the teacher. */
  readonly student: string | undefined;
}

/** What was done, for people and programs. */
export interface EmbedResult {
  /** Whose rows. */
  readonly model: string;
  readonly dimension: number;
  readonly rows: number;
  /** Cache folders by part of the data; of a teacher. */
  readonly cache?: Readonly<Record<string, { folder: string; rows: number; reused: number; computed: number }>>;
  readonly out?: string;
  readonly skipped: readonly SkippedSample[];
}

export interface EmbedContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** @throws LimbeckError as data, teacher, student and files do; ABORTED with finished rows kept */
export function runEmbed(config: RunConfig, request: EmbedRequest, context: EmbedContext): Promise<EmbedResult> {
  return config.data.texts === undefined
    ? embed(IMAGES, config, request, context)
    : embed(TEXTS, config, request, context);
}

async function embed<Sample extends StudentSample, Data extends RunData<Sample>>(
  domain: Domain<Sample, Data>,
  config: RunConfig,
  request: EmbedRequest,
  context: EmbedContext,
): Promise<EmbedResult> {
  const { progress, signal } = context;
  progress.update('data', `reading ${dataPath(config)}`, { done: 0, seconds: 0 });
  const data = await domain.data(config, { signal });
  const { training, validation, skipped } = data;
  const left = skipped.length > 0 ? `, ${count(skipped.length)} left out` : '';
  progress.finish(
    'data',
    `${dataPath(config)}: ${count(training.size + (validation?.size ?? 0))} ${domain.unit}${left}`,
  );
  for (const { where, reason } of skipped) progress.warn(`${where}: ${reason}`);
  return request.student === undefined
    ? ofTeacher(domain, config, data, request, context)
    : ofStudent(domain, data, request.student, request, context);
}

async function ofTeacher<Sample, Data extends RunData<Sample>>(
  { teacher: build }: Domain<Sample, Data>,
  config: RunConfig,
  data: Data,
  { out }: EmbedRequest,
  { progress, signal }: EmbedContext,
): Promise<EmbedResult> {
  const teacher = await build(config);
  if (!teacher) {
    throw new LimbeckError(
      'INVALID_OPTION',
      'teacher: expected a teacher whose rows are computed, got none. Name one, or a saved student with --student.',
    );
  }
  const caches: [string, Dataset<Sample>, CachedTeacherRows][] = [];
  try {
    for (const [what, part] of Object.entries({ training: data.training, validation: data.validation })) {
      if (!part) continue;
      const rows = await cacheTeacherRows({
        ...{ teacher: teacher.teacher, data: part, ...config.cache, signal },
        onWarning: (message) => progress.warn(message),
        onProgress: (event) => showTeacherProgress(progress, what, event),
      });
      caches.push([what, part, rows]);
    }
    const parts = caches.map(([, part, { embeddings }]) => ({ data: part, rows: embeddings }));
    if (out !== undefined) await write(out, parts, teacher.teacher.dimension, progress);
    return {
      model: teacher.name,
      dimension: teacher.teacher.dimension,
      rows: parts.reduce((total, { rows }) => total + rows.rows, 0),
      cache: Object.fromEntries(
        caches.map(([what, part, { folder, reused, computed }]) => [
          what,
          { folder, rows: part.size, reused, computed },
        ]),
      ),
      ...(out !== undefined && { out }),
      skipped: data.skipped,
    };
  } finally {
    for (const [, , { embeddings }] of caches) embeddings.release();
    await teacher.teacher.release?.();
  }
}

async function ofStudent<Sample extends StudentSample, Data extends RunData<Sample>>(
  { unit }: Domain<Sample, Data>,
  { training, validation, skipped }: Data,
  directory: string,
  { out }: EmbedRequest,
  { progress, signal }: EmbedContext,
): Promise<EmbedResult> {
  const student = await Student.load(directory);
  try {
    if (student.kind !== (unit === 'texts' ? 'text' : 'image')) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `--student: expected a student of ${unit}, as the data are, got one of ${student.kind}s: ${directory}.`,
      );
    }
    const parts = [training, validation].flatMap((part) =>
      part ? [{ data: part, rows: studentRows(student, part) }] : [],
    );
    const rows = parts.reduce((total, { data }) => total + data.size, 0);
    if (out !== undefined) await write(out, parts, student.dimension, progress, signal);
    return { model: directory, dimension: student.dimension, rows, ...(out !== undefined && { out }), skipped };
  } finally {
    await student.release();
  }
}

/** Rows by number that have to be waited for. */
interface Rows {
  gather(numbers: Int32Array): Matrix | Promise<Matrix>;
}

function studentRows<Sample extends StudentSample>(student: LoadedStudent, data: Dataset<Sample>): Rows {
  return { gather: async (numbers) => student.embed(await data.read(numbers)) };
}

/** All rows in the order of the source, whichever part of the data they are in. */
async function write(
  out: string,
  parts: readonly { readonly data: Dataset<unknown>; readonly rows: Rows | RowSource }[],
  columns: number,
  progress: Progress,
  signal?: AbortSignal,
): Promise<void> {
  const places = parts.flatMap(({ data }, part) =>
    Array.from({ length: data.size }, (_, number) => ({ part, number, position: data.positions?.[number] ?? number })),
  );
  places.sort((a, b) => a.position - b.position);
  const began = performance.now();
  const ids = parts.every(({ data }) => data.ids)
    ? places.map(({ part, number }) => parts[part].data.ids?.[number] as string)
    : places.map(({ position }) => position);
  await writeRows(out, {
    rows: places.length,
    columns,
    ids,
    parts: (async function* () {
      for (let start = 0; start < places.length; start += ROWS_AT_ONCE) {
        if (signal?.aborted) throw new LimbeckError('ABORTED', 'Embedding was interrupted; nothing was written.');
        const taken = places.slice(start, start + ROWS_AT_ONCE);
        const rows = Matrix.zeros(taken.length, columns);
        for (const [k, { rows: source }] of parts.entries()) {
          const places = [...taken.keys()].filter((i) => taken[i].part === k);
          const found = await source.gather(Int32Array.from(places, (i) => taken[i].number));
          for (const [i, place] of places.entries()) rows.row(place).set(found.row(i));
        }
        yield rows;
        const done = Math.min(1, (start + ROWS_AT_ONCE) / places.length);
        const seconds = (performance.now() - began) / 1000;
        progress.update('rows', `${count(start + taken.length)}/${count(places.length)} rows`, { done, seconds });
      }
    })(),
  });
  progress.finish('rows', `${count(places.length)} rows in ${out}`);
}
