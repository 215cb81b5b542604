/** Held-out samples with the rows of teacher and student, kept beside a run: what its map is drawn from. */
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { CacheConfig } from '../config/teacher-schema.ts';
import type { Dataset } from '../data/dataset.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { type DescribedSamples, formatHeldOut, type HeldOutRows } from '../report/held-out.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import type { StudentSample } from '../students/loaded-student.ts';
import { cacheTeacherRows } from '../teachers/teacher-cache.ts';
import { Student } from '../training/student.ts';

/** Samples on a map: more would hide each other. */
const MOST = 500;

export interface HeldOutParts<Sample> {
  readonly data: Dataset<Sample>;
  readonly teacher: BuiltTeacher<Sample>;
  readonly cache: CacheConfig;
  /** Directory of the saved student. */
  readonly student: string;
}

/**
 * The rows of the first samples, from the teacher's cache and from the student as it was saved.
 *
 * @returns undefined where the two spaces are of different width, and no map could show both
 * @throws LimbeckError as cache and student do
 */
export async function heldOutRows<Sample extends StudentSample>({
  data,
  teacher: { teacher },
  cache,
  student: directory,
}: HeldOutParts<Sample>): Promise<HeldOutRows | undefined> {
  const student = await Student.load(directory);
  try {
    if (student.dimension !== teacher.dimension) return undefined;
    const numbers = everyNumber(Math.min(MOST, data.size));
    const { embeddings } = await cacheTeacherRows({ teacher, data, ...cache });
    const rows = embeddings.gather(numbers);
    embeddings.release();
    const samples = await data.read(numbers);
    return { ...describeSamples(data, numbers, samples), teacher: rows, student: await student.embed(samples) };
  } finally {
    await student.release();
  }
}

/**
 * Samples as people read them: a text as it is, an image by its name.
 *
 * @param samples those of these numbers
 */
export function describeSamples<Sample>(
  { labels, classNames, ids }: Dataset<Sample>,
  numbers: Int32Array,
  samples: readonly Sample[],
): DescribedSamples {
  return {
    texts: samples.map((sample, i) =>
      typeof sample === 'string' ? sample : (ids?.[numbers[i]] ?? `image ${numbers[i]}`),
    ),
    classes: Array.from(numbers, (i) => labels && (classNames?.[labels[i]] ?? String(labels[i]))),
  };
}

/** @throws LimbeckError FILE_UNWRITABLE */
export async function writeHeldOut(
  files: { readonly texts: string; readonly rows: string },
  heldOut: HeldOutRows,
): Promise<void> {
  const content = formatHeldOut(heldOut);
  await writeFileAtomic(files.texts, content.texts);
  await writeFileAtomic(files.rows, content.rows);
}
