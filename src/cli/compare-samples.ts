/** The kept samples of a comparison on the disk: `samples/` with their texts and the teacher's rows, and beside each run's scores its own. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../data/dataset.ts';
import type { RowSource } from '../matrix/row-source.ts';
import type { ComparisonRecord, PlannedRun } from '../report/comparison-record.ts';
import {
  type ComparisonSamples,
  formatRows,
  keptSamples,
  parseRows,
  type RowsOwner,
} from '../report/comparison-samples.ts';
import { formatDescribedSamples, parseDescribedSamples } from '../report/held-out.ts';
import { writeFileAtomic } from '../runtime/files.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { COMPARISON_FILES, runDirectory } from './compare-directory.ts';
import { describeSamples } from './held-out.ts';

const TEXTS = 'texts.jsonl';
const ROWS = 'rows.safetensors';

const ownerOf = ({ data, teacher }: Pick<ComparisonRecord, 'data' | 'teacher'>): RowsOwner => ({
  samples: data.heldOutFingerprint,
  ...(teacher && { teacher: teacher.fingerprint }),
});

/**
 * Keeps the samples, once for the comparison.
 *
 * @param teacher row i is of sample i of `measured`
 * @throws LimbeckError FILE_UNWRITABLE
 */
export async function keepSamples<Sample>(
  path: string,
  record: ComparisonRecord,
  { measured, teacher }: { readonly measured: Dataset<Sample>; readonly teacher: RowSource | undefined },
): Promise<void> {
  const folder = join(path, COMPARISON_FILES.samples);
  const numbers = keptSamples(measured.size);
  const described = describeSamples(measured, numbers, await measured.read(numbers));
  await writeFileAtomic(join(folder, TEXTS), formatDescribedSamples(described));
  if (teacher) await writeFileAtomic(join(folder, ROWS), formatRows(teacher.gather(numbers), ownerOf(record)));
}

/**
 * Keeps what a student says of them.
 *
 * @param rows row i is of sample i of the measured data
 * @throws LimbeckError FILE_UNWRITABLE
 */
export async function keepRows(path: string, run: PlannedRun, rows: RowSource): Promise<void> {
  const content = formatRows(rows.gather(keptSamples(rows.rows)), { digest: run.digest });
  await writeFileAtomic(join(runDirectory(path, run), ROWS), content);
}

/**
 * @param runs whose rows are wanted; those that have none are left out
 * @returns undefined where the comparison has kept no samples, as older ones have not
 * @throws LimbeckError FILE_CORRUPT
 */
export async function readSamples(
  path: string,
  record: ComparisonRecord,
  runs: readonly PlannedRun[],
): Promise<ComparisonSamples | undefined> {
  const folder = join(path, COMPARISON_FILES.samples);
  const file = join(folder, TEXTS);
  if (!existsSync(file)) return undefined;
  const described = parseDescribedSamples({ name: file, content: await readText(file, 'the kept samples') });
  const samples = described.texts.length;
  const read = async (name: string, owner: RowsOwner) =>
    existsSync(name)
      ? parseRows(await readBytes(name, 'rows of the kept samples'), { name, owner, samples })
      : undefined;
  const rows = await Promise.all(
    runs.map(
      async (run) => [run.digest, await read(join(runDirectory(path, run), ROWS), { digest: run.digest })] as const,
    ),
  );
  return {
    ...described,
    teacher: await read(join(folder, ROWS), ownerOf(record)),
    rows: new Map(rows.flatMap(([digest, matrix]) => (matrix ? [[digest, matrix] as const] : []))),
  };
}
