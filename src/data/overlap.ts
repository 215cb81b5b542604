/**
 * Whether two data sets have samples in common: texts that are equal, or equal but for case and white space; images with the same pixels.
 * Held-out data that was trained on makes every figure worthless, so commands that compare refuse it.
 *
 * Both are read block by block, and of the first at most 80 bytes a sample stay in memory, so that millions fit. Not a search for paraphrases, nor
 * for images that were scaled or compressed.
 */
import { LimbeckError, show } from '../errors.ts';
import type { Dataset } from './dataset.ts';
import { DigestIndex } from './digest-index.ts';
import { foldText } from './fold-text.ts';

export interface Overlap {
  /** Samples of the second data set that are in the first, as they are. */
  readonly exact: number;
  /** Those that are in it but for case and white space. */
  readonly folded: number;
  /** The first few: their numbers in the first and in the second data set. */
  readonly examples: readonly { readonly first: number; readonly second: number; readonly exact: boolean }[];
}

/** Samples read at once, and examples kept. */
const BLOCK = 1024;
const EXAMPLES = 3;

/**
 * @throws LimbeckError INVALID_ARGUMENT for augmented data, whose samples are not equal to themselves
 *
 * @example
 * (await findOverlap(training, test)).exact; // 0
 */
export async function findOverlap<Sample>(first: Dataset<Sample>, second: Dataset<Sample>): Promise<Overlap> {
  const [plain, folded] = [new DigestIndex(), new DigestIndex()];
  for await (const { sample, number } of samplesOf(first)) {
    plain.add(bytesOf(sample), number);
    if (typeof sample === 'string') folded.add(foldText(sample), number);
  }
  let exact = 0;
  let alike = 0;
  const examples: Overlap['examples'][number][] = [];
  for await (const { sample, number } of samplesOf(second)) {
    const same = plain.find(bytesOf(sample));
    const near = same < 0 && typeof sample === 'string' ? folded.find(foldText(sample)) : -1;
    if (same < 0 && near < 0) continue;
    if (same >= 0) exact++;
    else alike++;
    if (examples.length < EXAMPLES) examples.push({ first: Math.max(same, near), second: number, exact: same >= 0 });
  }
  return { exact, folded: alike, examples };
}

/**
 * Refuses data that have samples in common.
 *
 * @param names how the two are called in the message: "the training data"
 * @throws LimbeckError DATA_OVERLAP with how many, and the first few; as {@link findOverlap}
 */
export async function refuseOverlap<Sample>(
  first: Dataset<Sample>,
  second: Dataset<Sample>,
  names: readonly [string, string],
): Promise<void> {
  const { exact, folded, examples } = await findOverlap(first, second);
  if (exact + folded === 0) return;
  const shown = await Promise.all(
    examples.map(async ({ second: number, first: other }) => {
      const [sample] = await second.read([number]);
      const place = (data: Dataset<Sample>, i: number) => (data.positions?.[i] ?? i) + 1;
      const what = typeof sample === 'string' ? `${show(sample)}, ` : '';
      return `${what}sample ${place(first, other)} of ${names[0]} and ${place(second, number)} of ${names[1]}`;
    }),
  );
  throw new LimbeckError(
    'DATA_OVERLAP',
    `Expected no sample of ${names[1]} in ${names[0]}, got ${exact} equal ones and ${folded} equal but for case and white space: ` +
      `${shown.join('; ')}${exact + folded > examples.length ? '; …' : ''}. Take them out of one of the two.`,
    { details: { exact, folded } },
  );
}

async function* samplesOf<Sample>(data: Dataset<Sample>): AsyncGenerator<{ sample: Sample; number: number }> {
  if (data.augmented) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'findOverlap: expected data that is not augmented, got data that is. Look for what they have in common before augmenting.',
    );
  }
  for (let start = 0; start < data.size; start += BLOCK) {
    const numbers = Int32Array.from({ length: Math.min(BLOCK, data.size - start) }, (_, i) => start + i);
    for (const [i, sample] of (await data.read(numbers)).entries()) yield { sample, number: start + i };
  }
}

function bytesOf(sample: unknown): string | Uint8Array {
  if (typeof sample === 'string') return sample;
  const { buffer, byteOffset, byteLength } = sample as Uint8Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
