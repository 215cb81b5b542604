/**
 * A set of texts in memory, with optional class labels and a fingerprint that names exactly this data: what teachers embed,
 * caches are keyed by, and training walks through. Not a reader of any file format, and not a tokenizer.
 */
import { LimbeckError, show } from '../errors.ts';
import { buildDataset, type DatasetLabels, type DatasetOrigin, type InMemoryDataset } from './dataset.ts';

export interface TextDataset extends InMemoryDataset<string> {
  /** The samples. */
  readonly texts: readonly string[];
}

export interface TextDatasetParts extends DatasetLabels, DatasetOrigin {
  texts: readonly string[];
}

/**
 * Checks and copies the parts of a data set, and computes its fingerprint.
 *
 * @param parts.lengths one per text; by default characters (UTF-16 code units)
 * @param parts.labels whole numbers ≥ 0, below `classNames.length` when names are given; one per text
 * @param parts.classNames distinct names; only together with labels
 * @throws LimbeckError INVALID_ARGUMENT for a text that is not a string or holds half a surrogate pair, for labels out of
 *   range, and for class names that are repeated or without labels; SHAPE_MISMATCH when there is not one label
 *   (id, position, length) per text
 *
 * @example
 * const data = textDataset({ texts: ['a dog', 'to run'], labels: [0, 1], classNames: ['noun', 'verb'] });
 * data.fingerprint; // 'b4a2…'
 */
export function textDataset({ texts, labels, classNames, ...origin }: TextDatasetParts): TextDataset {
  const own = Object.freeze(Array.from(texts, checkText));
  const encoder = new TextEncoder();
  const kind = { what: 'text', bytesOf: (text: string) => encoder.encode(text) };
  const lengths = origin.lengths ?? Int32Array.from(own, (text) => text.length);
  return { ...buildDataset(own, { labels, classNames }, kind, { ...origin, lengths }), texts: own };
}

function checkText(text: unknown, position: number): string {
  if (typeof text !== 'string') {
    throw new LimbeckError('INVALID_ARGUMENT', `Text ${position}: expected a string, got ${show(text)}.`);
  }
  // Half a pair has no UTF-8 form: encoders replace it, and different texts would get one fingerprint and one teacher row.
  if (/\p{Surrogate}/u.test(text)) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Text ${position}: expected well-formed Unicode, got half of a surrogate pair in ${show(text)}. ` +
        'The text was probably cut in the middle of a character; mend it with toWellFormed().',
    );
  }
  return text;
}
