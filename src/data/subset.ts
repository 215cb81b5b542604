/** Some samples of a data set as a data set of their own. Nothing is copied but what is small per sample. */
import { sha256 } from '#digest';
import { LimbeckError, show } from '../errors.ts';
import type { Dataset, InMemoryDataset } from './dataset.ts';
import type { TextDataset } from './text-dataset.ts';

/**
 * The samples of these numbers, in that order; a number may be there several times. Positions stay those in the source of the whole,
 * and so does the size of the source. What the whole has left out is not listed again.
 *
 * @returns in memory when the whole is
 * @throws LimbeckError INVALID_ARGUMENT for a number that is none of the samples'
 *
 * @example
 * const small = subset(data, [0, 2, 4]);
 * await small.read([1]); // sample 2 of the data
 */
export function subset(data: TextDataset, numbers: ArrayLike<number>): TextDataset;
export function subset<Sample>(data: InMemoryDataset<Sample>, numbers: ArrayLike<number>): InMemoryDataset<Sample>;
export function subset<Sample>(data: Dataset<Sample>, numbers: ArrayLike<number>): Dataset<Sample>;
export function subset<Sample>(data: Dataset<Sample>, numbers: ArrayLike<number>): Dataset<Sample> {
  for (let i = 0; i < numbers.length; i++) {
    if (Number.isInteger(numbers[i]) && numbers[i] >= 0 && numbers[i] < data.size) continue;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `subset: expected numbers of samples, 0 … ${data.size - 1}, got ${show(numbers[i])} at place ${i}.`,
    );
  }
  const own = Int32Array.from(numbers);
  const { ids, lengths, labels, classNames, positions } = data;
  const samples =
    'samples' in data ? Object.freeze(Array.from(own, (i) => (data as InMemoryDataset<Sample>).samples[i])) : undefined;
  return {
    size: own.length,
    read: (chosen, view) =>
      data.read(
        Int32Array.from(chosen, (i) => own[i]),
        view,
      ),
    ...(samples && { samples }),
    ...(samples && 'texts' in data && { texts: samples }),
    ...(data.augmented !== undefined && { augmented: data.augmented }),
    ...(labels && { labels: own.map((i) => labels[i]) }),
    ...(classNames && { classNames }),
    ...(ids && { ids: Array.from(own, (i) => ids[i]) }),
    ...(lengths && { lengths: Float64Array.from(own, (i) => lengths[i]) }),
    positions: positions ? own.map((i) => positions[i]) : own,
    // Without positions the whole is all of its source.
    ...(data.sourceSize !== undefined || !positions ? { sourceSize: data.sourceSize ?? data.size } : {}),
    fingerprint: fingerprintOf(data, own),
    duplicateOf: duplicatesAmong(own, data.duplicateOf),
  } as Dataset<Sample>;
}

function fingerprintOf({ fingerprint, size }: Dataset<unknown>, numbers: Int32Array): string {
  if (numbers.length === size && numbers.every((number, i) => number === i)) return fingerprint;
  const bytes = new DataView(new ArrayBuffer(4 * numbers.length));
  for (const [i, number] of numbers.entries()) bytes.setInt32(4 * i, number, true);
  return sha256().update(`subset of ${fingerprint}\n`).update(bytes).hex();
}

function duplicatesAmong(numbers: Int32Array, duplicateOf: Int32Array | undefined): Int32Array | undefined {
  const first = new Map<number, number>();
  const result = numbers.map((number, i) => {
    const same = duplicateOf?.[number] ?? number;
    const known = first.get(same) ?? i;
    first.set(same, known);
    return known;
  });
  return first.size === numbers.length ? undefined : result;
}
