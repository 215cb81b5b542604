/**
 * What training walks through, whatever the samples are: texts, images; in memory or read as they are needed.
 */
import { LimbeckError, show } from '../errors.ts';
import { DataFingerprint } from './data-fingerprint.ts';
import { firstOfEqual } from './digest-index.ts';

/**
 * Samples by number, 0 … size − 1. Data held in memory is an {@link InMemoryDataset}; of data on disk only what is small per sample
 * (labels, names, where it lies) is in memory.
 */
export interface Dataset<Sample> {
  /** Number of samples. */
  readonly size: number;
  /**
   * Samples by number, in that order.
   *
   * @param view which look at augmented data: of one view the same samples look the same, in every process. Data that is not
   *   augmented ignores it
   */
  read(numbers: ArrayLike<number>, view?: number): Promise<readonly Sample[]>;
  /** Whether samples look different from view to view, so that a teacher has to see what the student sees. */
  readonly augmented?: boolean;
  /** One class index per sample. */
  readonly labels?: Int32Array;
  /** The name of class `i` at place `i`. */
  readonly classNames?: readonly string[];
  /** 64 hexadecimal digits; equal exactly when samples, their order and their labels are equal. */
  readonly fingerprint: string;
  /** For every sample the first that is the same; undefined when all differ. */
  readonly duplicateOf?: Int32Array | undefined;
  /** What the source calls each sample: the values of an id column, paths of files. */
  readonly ids?: readonly string[];
  /** The place of each sample in the source, counted from 0 with those that were left out. By default its number. */
  readonly positions?: Int32Array;
  /** How many samples the source held, those included that were left out; unknown where it was not read to its end. */
  readonly sourceSize?: number;
  /** What the source held and the data set leaves out. */
  readonly skipped?: readonly SkippedSample[];
  /** About how much work a sample is, in any unit: characters, tokens. Batches of like lengths are made by it. */
  readonly lengths?: ArrayLike<number>;
}

/** A data set whose samples are all in memory. */
export interface InMemoryDataset<Sample> extends Dataset<Sample> {
  readonly samples: readonly Sample[];
}

/** A sample that was left out, with where it was and why: never silently. */
export interface SkippedSample {
  /** For instance "reviews.jsonl, line 17". */
  readonly where: string;
  /** For instance "empty text", "duplicate of line 3", "does not decode: …". */
  readonly reason: string;
}

/** Labels and class names as callers give them. */
export interface DatasetLabels {
  labels?: ArrayLike<number> | undefined;
  classNames?: readonly string[] | undefined;
}

/** What is known of where samples come from. */
export type DatasetOrigin = Pick<Dataset<unknown>, 'ids' | 'positions' | 'sourceSize' | 'skipped' | 'lengths'>;

/**
 * A data set from checked samples.
 *
 * @param what one sample, for messages: "text"
 * @param bytesOf a sample as bytes, by which samples are equal or not
 * @throws LimbeckError INVALID_ARGUMENT for labels out of range, and for class names that are repeated or without labels;
 *   SHAPE_MISMATCH when there is not one label per sample
 */
export function buildDataset<Sample>(
  samples: readonly Sample[],
  { labels, classNames }: DatasetLabels,
  { what, bytesOf }: { readonly what: string; readonly bytesOf: (sample: Sample) => Uint8Array },
  origin: DatasetOrigin = {},
): InMemoryDataset<Sample> {
  for (const name of ['ids', 'positions', 'lengths'] as const) checkCount(name, origin[name], samples.length, what);
  const ownNames = classNames === undefined ? undefined : Object.freeze(checkClassNames(classNames));
  const ownLabels = labels === undefined ? undefined : checkLabels(labels, samples.length, what, ownNames?.length);
  if (ownNames && !ownLabels) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Class names: expected labels to go with them, got ${ownNames.length} names and no labels. Give both or neither.`,
    );
  }
  return {
    samples,
    size: samples.length,
    read: async (numbers) => Array.from(numbers, (i) => samples[i]),
    ...(ownLabels && { labels: ownLabels }),
    ...(ownNames && { classNames: ownNames }),
    fingerprint: fingerprintOf(samples, ownLabels, what, bytesOf),
    duplicateOf: firstOfEqual(inBytes(samples, bytesOf)),
    ...origin,
  };
}

function checkCount(name: string, values: ArrayLike<unknown> | undefined, count: number, what: string): void {
  if (values === undefined || values.length === count) return;
  throw new LimbeckError('SHAPE_MISMATCH', `${name}: expected one per ${what}, ${count} in all, got ${values.length}.`);
}

function checkClassNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    if (typeof name !== 'string' || name === '' || seen.has(name)) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Class name ${i}: expected a new, non-empty string, got ${show(name)}.`,
      );
    }
    seen.add(name);
  }
  return [...names];
}

function checkLabels(labels: ArrayLike<number>, count: number, what: string, classes = 2 ** 31): Int32Array {
  if (labels.length !== count) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `Labels: expected one per ${what}, ${count} in all, got ${labels.length}.`,
    );
  }
  for (let i = 0; i < count; i++) {
    if (!Number.isInteger(labels[i]) || labels[i] < 0 || labels[i] >= classes) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `Label ${i}: expected a whole number in 0 … ${classes - 1}, got ${show(labels[i])}.`,
      );
    }
  }
  return Int32Array.from(labels);
}

function fingerprintOf<Sample>(
  samples: readonly Sample[],
  labels: Int32Array | undefined,
  what: string,
  bytesOf: (sample: Sample) => Uint8Array,
): string {
  const fingerprint = new DataFingerprint(what, samples.length);
  for (const sample of samples) fingerprint.add(bytesOf(sample));
  return fingerprint.finish(labels);
}

function* inBytes<Sample>(samples: readonly Sample[], bytesOf: (sample: Sample) => Uint8Array): Generator<Uint8Array> {
  for (const sample of samples) yield bytesOf(sample);
}
