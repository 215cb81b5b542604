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
  /** What the files held and neither part has. */
  readonly skipped: readonly SkippedSample[];
}

export interface ImageRunData extends RunData<ImageSample> {
  readonly format: ImageFormat;
}

export interface ReadControl {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** @throws LimbeckError as {@link readTexts}; INVALID_ARGUMENT for fewer than two texts to train on */
export async function buildTextData(config: RunConfig): Promise<RunData<string>> {
  const { data } = config;
  const read = (path: string, classNames?: readonly string[]): Promise<Dataset<string>> =>
    readTexts(path, {
      ...{ column: data.column, labelColumn: data.labelColumn, idColumn: data.idColumn, format: data.format },
      ...{ deduplicate: data.deduplicate ?? false, limit: data.limit },
      ...(classNames && { classNames: [...classNames] }),
    });
  const all = await read(data.texts as string);
  return parts(
    config,
    all,
    data.validationFile === undefined ? undefined : await read(data.validationFile, all.classNames),
  );
}

/** The side of images when nothing says it: that of the small networks that are the default. */
const IMAGE_SIZE = 32;

/** @throws LimbeckError as {@link readImages}; INVALID_ARGUMENT for fewer than two images to train on */
export async function buildImageData(config: RunConfig, { signal, onProgress }: ReadControl): Promise<ImageRunData> {
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
  const more =
    data.validationFile === undefined ? undefined : await read(data.validationFile, undefined, all.classNames);
  const { training: plain, ...rest } = await parts(config, all, more);
  const varied = data.augment
    ? augmented({ ...plain, format }, { ...data.augment, seed: training.seed, format })
    : plain;
  return { ...rest, training: varied, format };
}

/** What is neither a directory nor a list is an array of pixels. */
async function isArrayFile(path: string): Promise<boolean> {
  if (LIST_EXTENSIONS.includes(extname(path).toLowerCase())) return false;
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** More data to measure on, or a share of all, chosen by a digest of each sample: a sample stays where it is when others are added. */
async function parts<Sample>(
  { data, training: { checkpoint, earlyStopping } }: RunConfig,
  all: Dataset<Sample>,
  more: Dataset<Sample> | undefined,
): Promise<RunData<Sample>> {
  const skipped = [...(all.skipped ?? []), ...(more?.skipped ?? [])];
  const { training, heldOut: validation } =
    more || data.validation === 0
      ? { training: all, heldOut: more }
      : await splitByHash(all, { share: data.validation });
  const path = data.texts ?? data.images;
  if (validation && validation.size < 2) {
    if (earlyStopping || checkpoint.best !== undefined) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `${path}: expected at least two samples to measure on, got ${validation.size}. Raise data.validation, or name a data.validationFile.`,
      );
    }
    return parts(
      { data: { ...data, validation: 0 }, training: { checkpoint, earlyStopping } } as RunConfig,
      all,
      undefined,
    );
  }
  if (training.size < 2) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${path}: expected at least two samples to train on, got ${training.size}${skipped.length > 0 ? ` and ${skipped.length} left out` : ''}. ` +
        'Check the file, and data.column.',
    );
  }
  return { training, validation, skipped };
}
