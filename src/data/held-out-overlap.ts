/**
 * The check that held-out texts are held out: a test on what was trained on proves nothing. Exact, and of texts that differ only in case
 * and white space; not of paraphrases.
 */
import { LimbeckError, show } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import type { Dataset } from './dataset.ts';
import { DigestIndex } from './digest-index.ts';

/** Texts by number: what of a `Dataset` is looked at. */
export type TextSource = Pick<Dataset<string>, 'size' | 'read' | 'positions' | 'ids'>;

/** Texts read at once. */
const BLOCK = 4096;
/** Overlaps that the message names. */
const NAMED = 5;

/**
 * Reads both sets once, block by block; of the held-out texts 40 bytes each stay in memory, so that millions fit.
 *
 * @param parts `training` and `heldOut`: texts in memory or on disk; `names`: how the two are called in the message
 * @throws LimbeckError DATA_OVERLAP naming some of the texts and their places (counted from 0, as `positions` has them); its details are
 *   `{ exact, folded }`: how many training texts are held out as they are, and how many more but for case and white space
 *
 * @example
 * await assertNoOverlap({ training, heldOut, names: { training: 'train.jsonl', heldOut: 'test.jsonl' } });
 */
export async function assertNoOverlap({
  training,
  heldOut,
  names = { training: 'training', heldOut: 'held-out' },
}: {
  readonly training: TextSource;
  readonly heldOut: TextSource;
  readonly names?: { readonly training: string; readonly heldOut: string };
}): Promise<void> {
  const exact = new DigestIndex();
  const folded = new DigestIndex();
  await forEachText(heldOut, (text, number) => {
    exact.add(text, number);
    folded.add(foldText(text), number);
  });
  const found = { exact: 0, folded: 0 };
  const named: string[] = [];
  await forEachText(training, (text, number) => {
    const same = exact.find(text);
    const like = same >= 0 ? same : folded.find(foldText(text));
    if (like < 0) return;
    found[same >= 0 ? 'exact' : 'folded']++;
    if (named.length === NAMED) return;
    named.push(
      `${show(text)} (${names.training} ${placeOf(training, number)}, ${names.heldOut} ${placeOf(heldOut, like)})`,
    );
  });
  const total = found.exact + found.folded;
  if (total === 0) return;
  throw new LimbeckError(
    'DATA_OVERLAP',
    `Held-out texts: expected none among the training texts, got ${total.toLocaleString('en')} training texts that are held out too ` +
      `(${found.exact} as they are, ${found.folded} but for case and white space): ${named.join('; ')}${total > NAMED ? '; …' : ''}. ` +
      'Take them out of the training texts, or split one file by hash.',
    { details: found },
  );
}

/** A text without what does not tell texts apart: case, kinds and amounts of white space, forms of one character. */
export function foldText(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim();
}

async function forEachText(source: TextSource, visit: (text: string, number: number) => void): Promise<void> {
  for (let first = 0; first < source.size; first += BLOCK) {
    const numbers = everyNumber(Math.min(BLOCK, source.size - first)).map((i) => first + i);
    for (const [i, text] of (await source.read(numbers)).entries()) visit(text, first + i);
  }
}

function placeOf({ ids, positions }: TextSource, number: number): string {
  return ids ? show(ids[number]) : `${positions?.[number] ?? number}`;
}
