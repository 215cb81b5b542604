/** The options of reading texts from files: one table of names, defaults, bounds and descriptions. */
import * as z from 'zod';

/** The name of a column. */
export const columnName = () => z.string().min(1).describe('the name of a column');

/** Every option with its default and bounds; a description completes "expected …". */
export const readTextsOptionsSchema = z.object({
  column: columnName().default('text').describe('the name of the column that holds the texts; of no meaning in .txt'),
  labelColumn: columnName().optional().describe('the name of the column that holds labels, strings or whole numbers'),
  idColumn: columnName().optional().describe('the name of the column that holds ids, each another'),
  classNames: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'class names in the order of their indices, for instance those of the training data; other labels are errors',
    ),
  format: z
    .enum(['txt', 'jsonl', 'csv', 'tsv', 'parquet'])
    .optional()
    .describe("'txt', 'jsonl', 'csv', 'tsv' or 'parquet': what the file holds; by default what its name ends in"),
  deduplicate: z.boolean().default(false).describe('true or false: leave out texts that are there already'),
  limit: z.int().min(1).optional().describe('a whole number ≥ 1: how many texts are read at most; by default all'),
  stream: z
    .union([z.literal('auto'), z.boolean()])
    .default('auto')
    .describe("'auto', true or false: leave the texts on disk and read them as they are needed; 'auto': above 1 GB"),
});

export type ReadTextsOptions = z.output<typeof readTextsOptionsSchema>;
export type ReadTextsInput = z.input<typeof readTextsOptionsSchema>;
export type TextFormat = NonNullable<ReadTextsOptions['format']>;
