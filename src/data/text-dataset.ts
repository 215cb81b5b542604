/**
 * A set of texts in memory, with optional class labels and a fingerprint that names exactly this data: what teachers embed,
 * caches are keyed by, and training walks through. Not a reader of any file format, and not a tokenizer.
 */
import { createHash } from 'node:crypto';
import { LimbeckError, show } from '../errors.ts';

export interface TextDataset {
  readonly texts: readonly string[];
  /** One class index per text. */
  readonly labels?: Int32Array;
  /** The name of class `i` at place `i`. */
  readonly classNames?: readonly string[];
  /** 64 hexadecimal digits; equal exactly when texts, their order and their labels are equal. */
  readonly fingerprint: string;
}

export interface TextDatasetParts {
  texts: readonly string[];
  labels?: ArrayLike<number> | undefined;
  classNames?: readonly string[] | undefined;
}

/**
 * Checks and copies the parts of a data set, and computes its fingerprint.
 *
 * @param parts.labels whole numbers ≥ 0, below `classNames.length` when names are given; one per text
 * @param parts.classNames distinct names; only together with labels
 * @throws LimbeckError INVALID_ARGUMENT for a text that is not a string or holds half a surrogate pair, for labels out of
 *   range, and for class names that are repeated or without labels; SHAPE_MISMATCH when there is not one label per text
 *
 * @example
 * const data = textDataset({ texts: ['a dog', 'to run'], labels: [0, 1], classNames: ['noun', 'verb'] });
 * data.fingerprint; // 'b4a2…'
 */
export function textDataset({ texts, labels, classNames }: TextDatasetParts): TextDataset {
  const ownTexts = Object.freeze(Array.from(texts, checkText));
  const ownNames = classNames === undefined ? undefined : Object.freeze(checkClassNames(classNames));
  const ownLabels = labels === undefined ? undefined : checkLabels(labels, ownTexts.length, ownNames?.length);
  if (ownNames && !ownLabels) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Class names: expected labels to go with them, got ${ownNames.length} names and no labels. Give both or neither.`,
    );
  }
  return {
    texts: ownTexts,
    ...(ownLabels && { labels: ownLabels }),
    ...(ownNames && { classNames: ownNames }),
    fingerprint: fingerprintOf(ownTexts, ownLabels),
  };
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

function checkLabels(labels: ArrayLike<number>, count: number, classes = 2 ** 31): Int32Array {
  if (labels.length !== count) {
    throw new LimbeckError('SHAPE_MISMATCH', `Labels: expected one per text, ${count} in all, got ${labels.length}.`);
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

/** SHA-256 over the texts, each as its length in UTF-8 bytes and those bytes, then the labels, little-endian. */
function fingerprintOf(texts: readonly string[], labels: Int32Array | undefined): string {
  const hash = createHash('sha256');
  // Lengths go in front because a separator could occur inside a text.
  hash.update(`texts ${texts.length}\n`);
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}\n`).update(text);
  if (labels) {
    const bytes = new DataView(new ArrayBuffer(labels.length * 4));
    for (let i = 0; i < labels.length; i++) bytes.setInt32(i * 4, labels[i], true);
    hash.update(`labels ${labels.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}
