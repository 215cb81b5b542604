/** The section `data` of a run's configuration: what is trained on, what is measured on, and how samples are read. */
import * as z from 'zod';
import { augmentationSchema } from '../data/images/augmented.ts';
import { readImagesSchema } from '../data/images/read-images-options.ts';
import { readTextsOptionsSchema } from '../data/read-texts-options.ts';

export const path = (what: string) =>
  z
    .string()
    .refine((text) => text.trim() !== '')
    .describe(what);

const images = readImagesSchema.shape;
const texts = readTextsOptionsSchema.shape;
const column = (what: string) => texts.labelColumn.describe(`the name of a column: ${what}`);

/** Keys of {@link dataSchema} that only go with texts, or only with images. */
export const TEXT_KEYS = ['format', 'deduplicate', 'idColumn'] as const;
export const IMAGE_KEYS = ['labels', 'validationLabels', 'size', 'channels', 'fit', 'background', 'augment'] as const;

/** Exactly one of `texts` and `images`. A description completes "expected …". */
export const dataSchema = z.strictObject({
  texts: path(
    'the path of a file of texts: .txt (one a line), .jsonl, .csv, .tsv or .parquet, also with .gz',
  ).optional(),
  images: path(
    'the path of images: a folder with a folder for each class, a list of files (.csv, .tsv or .jsonl), or an IDX file of pixels',
  ).optional(),
  column: column('the texts, or the files of a list of images; by default text, or path for images'),
  labelColumn: column('the classes, names or numbers; by default samples have none'),
  idColumn: column('what samples are called, to align rows of a teacher by'),
  labels: path('the path of the IDX file of labels that belongs to an IDX file of pixels').optional(),
  format: texts.format,
  deduplicate: texts.deduplicate
    .unwrap()
    .optional()
    .describe(`${texts.deduplicate.description}; by default false, since equal texts are known as such`),
  limit: texts.limit.describe('a whole number ≥ 1: samples to take at most, from the beginning; by default all'),
  size: images.size.describe(
    'a whole number ≥ 1, or two, height and width: what images are brought to; by default that of an IDX file, else 32',
  ),
  channels: images.channels,
  fit: images.fit.unwrap().optional().describe(`${images.fit.description}; by default 'cover'`),
  background: images.background.unwrap().optional().describe(`${images.background.description}; by default white`),
  validation: z
    .number()
    .min(0)
    .lt(1)
    .default(0.05)
    .describe(
      'a number in [0, 1): the share of samples that is measured on and not trained on, chosen by a digest of each',
    ),
  validationFile: path(
    'the path of more data of the same kind to measure on, instead of a share of the training data',
  ).optional(),
  validationLabels: path('the path of the IDX file of labels that belongs to a validationFile of pixels').optional(),
  augment: z
    .strictObject(augmentationSchema.omit({ seed: true }).shape)
    .optional()
    .describe('how images are varied from epoch to epoch; by default not at all'),
});

export type DataConfig = z.output<typeof dataSchema>;
