/** The answer that needs no model: every accuracy is to be read against the share of the largest class. */
import { LimbeckError } from '../errors.ts';

export interface MajorityClass {
  readonly label: number;
  /** The class's name, or its number as text when no names were given. */
  readonly name: string;
  /** In (0, 1]. */
  readonly share: number;
}

/**
 * The most frequent class; of equally frequent ones the lowest number.
 *
 * @param labels a class number for each sample
 * @param classNames the name of class i at place i
 * @throws LimbeckError EMPTY_BATCH without labels, INVALID_ARGUMENT for a class without a name
 *
 * @example
 * majorityClass([2, 0, 2], ['act', 'animal', 'artifact']); // { label: 2, name: 'artifact', share: 2 / 3 }
 */
export function majorityClass(labels: ArrayLike<number>, classNames?: readonly string[]): MajorityClass {
  if (labels.length === 0)
    throw new LimbeckError('EMPTY_BATCH', 'majorityClass: expected at least one label, got none.');
  const counts = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) counts.set(labels[i], (counts.get(labels[i]) ?? 0) + 1);
  const [[label, count]] = [...counts].sort(([labelA, a], [labelB, b]) => b - a || labelA - labelB);
  const name = classNames ? classNames[label] : String(label);
  if (name === undefined) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `majorityClass: expected a name for class ${label}, got ${classNames?.length} names. Give one name a class.`,
    );
  }
  return { label, name, share: count / labels.length };
}
