/** From the section `data` to what is trained on and what is measured on. */
import type { Dataset, SkippedSample } from '../data/dataset.ts';
import { augmented } from '../data/images/augmented.ts';
import { readImages } from '../data/images/read-images.ts';
import { readTexts } from '../data/read-texts.ts';
import { splitByHash } from '../data/split.ts';
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
