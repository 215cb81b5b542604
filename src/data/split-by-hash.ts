/**
 * A part of the data held out for validation, chosen by what samples hold: equal samples fall on one side, and a sample stays on its
 * side when others come or go. Not a stratified split: shares of classes are as chance has them.
 */
import * as z from 'zod';
import { sha256 } from '#digest';
import { LimbeckError, show } from '../errors.ts';
import { parseOptions } from '../strategies/options.ts';
import type { Dataset, InMemoryDataset } from './dataset.ts';
import { foldText } from './fold-text.ts';
import { subset } from './subset.ts';
import type { TextDataset } from './text-dataset.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const splitOptionsSchema = z.object({
  share: z.number().gt(0).lt(1).default(0.1).describe('a number between 0 and 1: about what share is held out'),
  seed: z.int().min(0).default(0).describe('a whole number ≥ 0: another seed holds out others'),
});

export interface SplitOptions<Sample> extends z.input<typeof splitOptionsSchema> {
  /**
   * What decides about a sample; equal values, equal side. By default of a text its letters, whatever their case and the white space
   * between them; of an image its pixels.
   */
  readonly by?: (sample: Sample, number: number) => string | Uint8Array;
}

export interface Split<D> {
  /** With what the whole has left out. */
  readonly training: D;
  /** May be without samples when the whole has few. */
  readonly heldOut: D;
}

/** Samples read at once. */
const BLOCK = 1024;

/**
 * @throws LimbeckError INVALID_OPTION; INVALID_ARGUMENT for samples that are neither texts nor pixels without `by`, and for augmented
 *   data, whose samples are not equal to themselves
 *
 * @example
 * const { training, heldOut } = await splitByHash(data, { share: 0.05, seed: 1 });
 */
export async function splitByHash(data: TextDataset, options?: SplitOptions<string>): Promise<Split<TextDataset>>;
export async function splitByHash<Sample>(
  data: InMemoryDataset<Sample>,
  options?: SplitOptions<Sample>,
): Promise<Split<InMemoryDataset<Sample>>>;
export async function splitByHash<Sample>(
  data: Dataset<Sample>,
  options?: SplitOptions<Sample>,
): Promise<Split<Dataset<Sample>>>;
export async function splitByHash<Sample>(
  data: Dataset<Sample>,
  { by = contentOf, ...given }: SplitOptions<Sample> = {},
): Promise<Split<Dataset<Sample>>> {
  const { share, seed } = parseOptions(splitOptionsSchema, given, 'splitByHash');
  if (data.augmented && by === contentOf) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      'splitByHash: expected data that is not augmented, got data that is. Split it first and augment the training part.',
    );
  }
  const sides: [number[], number[]] = [[], []];
  for (let start = 0; start < data.size; start += BLOCK) {
    const numbers = Int32Array.from({ length: Math.min(BLOCK, data.size - start) }, (_, i) => start + i);
    for (const [i, sample] of (await data.read(numbers)).entries()) {
      const { buffer, byteOffset } = sha256()
        .update(`${seed}\n`)
        .update(by(sample, start + i))
        .bytes();
      const digest = new DataView(buffer, byteOffset);
      const first = digest.getUint32(0) * 2 ** 16 + digest.getUint16(4);
      sides[first / 2 ** 48 < share ? 1 : 0].push(start + i);
    }
  }
  const training = subset(data, sides[0]);
  return {
    training: data.skipped ? { ...training, skipped: data.skipped } : training,
    heldOut: subset(data, sides[1]),
  };
}

function contentOf(sample: unknown): string | Uint8Array {
  if (typeof sample === 'string') return foldText(sample);
  if (ArrayBuffer.isView(sample)) return new Uint8Array(sample.buffer, sample.byteOffset, sample.byteLength);
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `splitByHash: expected texts or pixels, got ${show(sample)}. Give \`by\`: what decides about a sample.`,
  );
}
