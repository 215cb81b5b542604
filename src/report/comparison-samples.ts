/**
 * Some of the measured samples of a comparison with the rows of teacher and students: what maps, neighbours and pairs are drawn from. The
 * same samples for every run, drawn once; rows have length one, since everything that is drawn of them is by cosine, and are kept with half
 * precision, three digits, which pictures do not miss.
 *
 * Not what figures are made of: those are of all measured samples.
 */
import { floatsToHalves } from '../matrix/half-precision.ts';
import type { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import { readSafetensors, writeSafetensors } from '../teachers/safetensors.ts';
import { type DescribedSamples, rowsOf } from './held-out.ts';

export interface ComparisonSamples extends DescribedSamples {
  /** Undefined without a teacher. */
  readonly teacher: Matrix | undefined;
  /** By digest of the run, of those that have kept theirs. */
  readonly rows: ReadonlyMap<string, Matrix>;
}

/** More dots would hide each other, and a run keeps as many rows. */
const MOST = 500;

/** The numbers of the samples that are kept, in ascending order: all of few, some of many, always the same. */
export function keptSamples(size: number): Int32Array {
  return Random.forPurpose(0, 'kept samples').sample(size, Math.min(MOST, size)).sort();
}

/** Whose rows a file holds: they belong to it as long as these are the same. */
export type RowsOwner = Readonly<Record<string, string>>;

/** The content of a `rows.safetensors`. */
export function formatRows(rows: Matrix, owner: RowsOwner): Uint8Array {
  const data = floatsToHalves(Float32Array.from(unitRows(rows, 'rows').data));
  return writeSafetensors({ rows: { shape: [rows.rows, rows.columns], data, dtype: 'F16' } }, owner);
}

/**
 * @param samples how many there have to be
 * @param name how the file is called in messages
 * @returns undefined for rows of another owner
 * @throws LimbeckError FILE_CORRUPT
 */
export function parseRows(
  content: Uint8Array,
  { name, owner, samples }: { readonly name: string; readonly owner: RowsOwner; readonly samples: number },
): Matrix | undefined {
  const stored = readSafetensors(content, name);
  const others = Object.entries(owner).some(([key, value]) => stored.metadata.get(key) !== value);
  return others ? undefined : rowsOf(stored, 'rows', samples);
}
