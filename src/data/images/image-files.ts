/**
 * A data set of image files that are decoded as they are asked for: in memory are paths, digests and labels. Not a cache: an image is
 * read from its file every time, and has to be the same as at first.
 */

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { LimbeckError, show } from '../../errors.ts';
import { everyNumber } from '../../matrix/every-number.ts';
import { readBytes } from '../../runtime/read-files.ts';
import type { SkippedSample } from '../dataset.ts';
import type { ImageDataset } from '../image-dataset.ts';
import { decodeImage, type ImageTarget } from './decode-image.ts';
import { eachConcurrently } from './each-concurrently.ts';
import type { ImageCandidates } from './find-image-files.ts';
import type { ParsedReadImages, ScanControl } from './read-images-options.ts';

/** Bytes of a SHA-256. */
const DIGEST = 32;

type ScanOptions = Pick<ParsedReadImages, 'limit' | 'verify' | 'concurrency'>;

/**
 * Reads every file once, for its digest and to see whether it decodes, and makes a data set of those that do.
 *
 * @throws LimbeckError FILE_UNREADABLE; INVALID_ARGUMENT when no image of the source, or of a class, decodes; ABORTED
 */
export async function imageFiles(
  candidates: ImageCandidates,
  target: ImageTarget,
  { limit, verify, concurrency }: ScanOptions,
  { onProgress, signal }: ScanControl,
): Promise<ImageDataset> {
  const { root, paths, labels, classNames, whereIs = (i) => paths[i] } = candidates;
  const taken = takenPlaces(candidates, limit);
  const digests = new Uint8Array(taken.length * DIGEST);
  const failed: number[] = [];
  let done = 0;
  await eachConcurrently(taken.length, concurrency, async (k) => {
    throwIfAborted(signal, done, taken.length);
    const path = resolve(root, paths[taken[k]]);
    const bytes = await readBytes(path, 'an image');
    digests.set(digestOf(bytes), k * DIGEST);
    if (verify && 'reason' in (await decodeImage(bytes, target))) failed.push(k);
    onProgress?.(++done, taken.length);
  });
  // Once more, one at a time: the decoder keeps its messages in one place, and images that fail together mix them up.
  const undecodable: SkippedSample[] = [];
  for (const k of failed.sort((a, b) => a - b)) {
    const decoded = await decodeImage(await readBytes(resolve(root, paths[taken[k]]), 'an image'), target);
    const reason = 'reason' in decoded ? decoded.reason : 'it did not at first';
    undecodable.push({ where: whereIs(taken[k]), reason: `does not decode: ${reason}` });
  }
  const out = new Set(failed);
  const kept = Int32Array.from(taken.keys()).filter((k) => !out.has(k));
  checkSomeLeft(candidates, taken, kept, undecodable);
  const ownDigests = new Uint8Array(kept.length * DIGEST);
  for (const [i, k] of kept.entries()) ownDigests.set(digests.subarray(k * DIGEST, (k + 1) * DIGEST), i * DIGEST);
  const positions = kept.map((k) => taken[k]);
  const ids = Array.from(positions, (i) => paths[i]);
  const ownLabels = labels && positions.map((i) => labels[i]);
  const digestAt = (i: number): Uint8Array => ownDigests.subarray(i * DIGEST, (i + 1) * DIGEST);

  const readOne = async (i: number): Promise<Uint8Array> => {
    const path = resolve(root, ids[i]);
    const bytes = await readFile(path).catch((cause) => {
      throw changed(path, `got ${(cause as NodeJS.ErrnoException).code}`, { cause });
    });
    if (Buffer.compare(digestOf(bytes), digestAt(i)) !== 0) throw changed(path, 'got other bytes');
    const decoded = await decodeImage(bytes, target);
    if ('pixels' in decoded) return decoded.pixels;
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${path}: expected an image that decodes, got this from the decoder: ${decoded.reason}. ` +
        `Remove the file${verify ? '' : ', or read the images with verify: true, which leaves out what does not decode'}.`,
    );
  };

  const { channels, height, width } = target;
  return {
    size: ids.length,
    format: { channels, height, width },
    async read(numbers) {
      const images = new Array<Uint8Array>(numbers.length);
      await eachConcurrently(numbers.length, concurrency, async (k) => {
        images[k] = await readOne(checkNumber(numbers[k], ids.length));
      });
      return images;
    },
    ...(ownLabels && { labels: ownLabels }),
    ...(classNames && { classNames }),
    fingerprint: fingerprintOf(ownDigests, ownLabels, target),
    duplicateOf: firstOfEqual(ids.length, digestAt),
    ids,
    ...(positions.some((place, i) => place !== i) && { positions }),
    skipped: [...candidates.skipped, ...undecodable],
  };
}

/** The candidates that are looked at: all, or the first of every class in turn, so that a part has all classes; lists from the top. */
function takenPlaces({ paths, labels, whereIs }: ImageCandidates, limit = paths.length): Int32Array {
  const all = everyNumber(paths.length);
  if (limit >= paths.length) return all;
  if (!labels || whereIs) return all.subarray(0, limit);
  const seen = new Map<number, number>();
  const turns = labels.map((label) => {
    const turn = seen.get(label) ?? 0;
    seen.set(label, turn + 1);
    return turn;
  });
  return all
    .sort((a, b) => turns[a] - turns[b] || a - b)
    .subarray(0, limit)
    .sort();
}

function checkSomeLeft(
  { root, labels, classNames }: ImageCandidates,
  taken: Int32Array,
  kept: Int32Array,
  undecodable: readonly SkippedSample[],
): void {
  const left = new Set(kept.map((k) => labels?.[taken[k]] ?? 0));
  const lost = taken.find((i) => !left.has(labels?.[i] ?? 0));
  if (lost === undefined) return;
  const label = labels?.[lost];
  const [first] = undecodable;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `${root}: expected images that decode${label === undefined ? '' : ` in class ${show(classNames?.[label] ?? label)}`}, got none; ` +
      `the first of ${undecodable.length} that do not: ${first.where}: ${first.reason}. Replace them, or leave the class out.`,
  );
}

function digestOf(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/** Of what the pixels are made from, in order: contents, what they are brought to, labels. Not of paths, which may change. */
function fingerprintOf(digests: Uint8Array, labels: Int32Array | undefined, target: ImageTarget): string {
  const { channels, height, width, fit, background } = target;
  const hash = createHash('sha256').update(`image files ${digests.length / DIGEST}\n`);
  hash.update(`${channels} × ${height} × ${width} ${fit} ${background.toLowerCase()}\n`).update(digests);
  if (labels) {
    const bytes = new DataView(new ArrayBuffer(labels.length * 4));
    for (let i = 0; i < labels.length; i++) bytes.setInt32(i * 4, labels[i], true);
    hash.update(`labels ${labels.length}\n`).update(bytes);
  }
  return hash.digest('hex');
}

function firstOfEqual(count: number, digestAt: (i: number) => Uint8Array): Int32Array | undefined {
  const first = new Map<string, number>();
  const result = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const digest = Buffer.from(digestAt(i)).toString('latin1');
    result[i] = first.get(digest) ?? i;
    if (result[i] === i) first.set(digest, i);
  }
  return first.size === count ? undefined : result;
}

function checkNumber(number: number, size: number): number {
  if (Number.isInteger(number) && number >= 0 && number < size) return number;
  throw new LimbeckError('INVALID_ARGUMENT', `Images: expected a number in 0 … ${size - 1}, got ${show(number)}.`);
}

function changed(path: string, got: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError(
    'DATA_MISMATCH',
    `${path}: expected the file that was there when the images were first read, ${got}. Put it back, or read the images anew.`,
    options,
  );
}

function throwIfAborted(signal: AbortSignal | undefined, done: number, total: number): void {
  if (!signal?.aborted) return;
  throw new LimbeckError('ABORTED', `Reading images was interrupted after ${done} of ${total}. Start it again.`, {
    cause: signal.reason,
  });
}
