/** From the section `data` to what is trained on and what is measured on. */

import { stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Dataset, SkippedSample } from '../data/dataset.ts';
import { augmented } from '../data/images/augmented.ts';
import { LIST_EXTENSIONS } from '../data/images/read-image-list.ts';
import { readImages } from '../data/images/read-images.ts';
import { readTexts } from '../data/read-texts.ts';
import { splitByHash } from '../data/split-by-hash.ts';
import { LimbeckError } from '../errors.ts';
import type { ImageFormat, ImageSample } from '../students/images/pixels.ts';
import type { RunConfig } from './complete-config.ts';

/** Data of a run, read. */
export interface RunData<Sample> {
  readonly training: Dataset<Sample>;
  /** Undefined where nothing is measured. */
  readonly validation: Dataset<Sample> | undefined;
  /** The training data before they are varied, where they are. */
  readonly plain?: Dataset<Sample>;
  /** What was taken away before anything else, where that was asked for. */
  readonly test?: Dataset<Sample>;
  /** What the files held and neither part has. */
  readonly skipped: readonly SkippedSample[];
}

export interface ImageRunData extends RunData<ImageSample> {
  readonly format: ImageFormat;
}

/** Data that neither training nor any choice may see: a file of its own, or a share of the data, chosen by a digest of each sample. */
export interface TestRequest {
  readonly file?: string | undefined;
  /** The IDX file of labels that belongs to an IDX file of pixels. */
  readonly labels?: string | undefined;
  readonly share: number;
  /** Whether the labels of the file are classes of the data; default 'same'. */
  readonly classes?: 'same' | 'other';
}

export interface ReadControl {
  readonly test?: TestRequest | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** @throws LimbeckError as {@link readTexts}; INVALID_ARGUMENT for fewer than two texts to train on */
export async function buildTextData(config: RunConfig, { test }: ReadControl = {}): Promise<RunData<string>> {
  const { data } = config;
  const read = (path: string, classNames?: readonly string[]): Promise<Dataset<string>> =>
    readTexts(path, {
      ...{ column: data.column, labelColumn: data.labelColumn, idColumn: data.idColumn, format: data.format },
      ...{ deduplicate: data.deduplicate ?? false, limit: data.limit },
      ...(classNames && { classNames: [...classNames] }),
    });
  const all = await read(data.texts as string);
  const more = async (path: string | undefined, classNames: readonly string[] | undefined) =>
    path === undefined ? undefined : read(path, classNames);
  const tested = test && { ...test, data: await more(test.file, namesOfTest(test, all)) };
  return parts(config, all, await more(data.validationFile, all.classNames), tested);
}

/** The side of images when nothing says it: that of the small networks that are the default. */
const IMAGE_SIZE = 32;

/** @throws LimbeckError as {@link readImages}; INVALID_ARGUMENT for fewer than two images to train on */
export async function buildImageData(
  config: RunConfig,
  { signal, onProgress, test }: ReadControl,
): Promise<ImageRunData> {
  const { data, training } = config;
  const read = async (path: string, labels: string | undefined, classNames?: readonly string[]) => {
    const isArray = labels !== undefined || (await isArrayFile(path));
    return readImages(isArray ? { images: path, ...(labels !== undefined && { labels }) } : path, {
      size: data.size ?? (isArray ? undefined : IMAGE_SIZE),
      channels: data.channels,
      ...(data.fit && { fit: data.fit }),
      ...(data.background && { background: data.background }),
      ...(data.column && { pathColumn: data.column }),
      ...(data.labelColumn && { labelColumn: data.labelColumn }),
      ...(classNames && { classNames: [...classNames] }),
      limit: data.limit,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
  };
  const all = await read(data.images as string, data.labels);
  const { format } = all;
  if (!format) throw new LimbeckError('INVALID_ARGUMENT', `${data.images}: expected images of a known size, got none.`);
  const more = async (path: string | undefined, labels: string | undefined, names: readonly string[] | undefined) =>
    path === undefined ? undefined : read(path, labels, names);
  const { training: plain, ...rest } = await parts(
    config,
    all,
    await more(data.validationFile, data.validationLabels, all.classNames),
    test && { ...test, data: await more(test.file, test.labels, namesOfTest(test, all)) },
  );
  const varied = data.augment
    ? augmented({ ...plain, format }, { ...data.augment, seed: training.seed, format })
    : plain;
  return { ...rest, training: varied, ...(data.augment && { plain }), format };
}

/** Test data of other classes have names of their own. */
function namesOfTest({ classes }: TestRequest, { classNames }: Dataset<unknown>): readonly string[] | undefined {
  return classes === 'other' ? undefined : classNames;
}

/** What is neither a directory nor a list is an array of pixels. */
async function isArrayFile(path: string): Promise<boolean> {
  if (LIST_EXTENSIONS.includes(extname(path).toLowerCase())) return false;
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * The test part first; then more data to measure on, or a share of all, chosen by a digest of each sample: a sample stays where it is when
 * others are added.
 */
async function parts<Sample>(
  { data, training: { checkpoint, earlyStopping } }: RunConfig,
  whole: Dataset<Sample>,
  more: Dataset<Sample> | undefined,
  test?: TestRequest & { readonly data: Dataset<Sample> | undefined },
): Promise<RunData<Sample>> {
  const skipped = [...(whole.skipped ?? []), ...(more?.skipped ?? []), ...(test?.data?.skipped ?? [])];
  const path = data.texts ?? data.images;
  const tested =
    test && (test.data ? { training: whole, heldOut: test.data } : await splitByHash(whole, { share: test.share }));
  if (tested && tested.heldOut.size < 2) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${test?.file ?? path}: expected at least two samples to test on, got ${tested.heldOut.size}. Raise test.share, or name another test.file.`,
    );
  }
  const all = tested?.training ?? whole;
  // A seed of its own: what the test part has left has no digest in the share that the seed of the test part would take.
  const seed = test && !test.data ? 1 : 0;
  const split =
    more || data.validation === 0
      ? { training: all, heldOut: more }
      : await splitByHash(all, { share: data.validation, seed });
  const tooFew = split.heldOut && split.heldOut.size < 2;
  if (tooFew && (earlyStopping || checkpoint.best !== undefined)) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected at least two samples to measure on, got ${split.heldOut?.size}. Raise data.validation, or name a data.validationFile.`,
    );
  }
  const { training, heldOut: validation } = tooFew ? { training: all, heldOut: undefined } : split;
  if (training.size < 2) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected at least two samples to train on, got ${training.size}${skipped.length > 0 ? ` and ${skipped.length} left out` : ''}. ` +
        'Check the file, and data.column.',
    );
  }
  return { training, validation, skipped, ...(tested && { test: tested.heldOut }) };
}
