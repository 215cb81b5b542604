// differences.json of an experiment: differences that claims need and that no summary.json holds, since they are not to the baseline. Kept
// because their intervals over test samples are drawn from scores that are not in the repository.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { checkValue, parseJson } from '../../dist/report/check-json.js';

const FORMAT = 'limbeck-differences/1';
const NEXT_STEP = 'Remove the file, and write it again where the scores of the runs are: npm run experiments.';

const schema = z.object({
  format: z.literal(FORMAT),
  differences: z.array(
    z.object({
      /** A digest of the metrics and of the digests of the runs. */
      of: z.string().length(64),
      what: z.string(),
      difference: z.object({
        mean: z.number(),
        low: z.number(),
        high: z.number(),
        outcome: z.enum(['better', 'worse', 'no difference seen', 'not judged']),
        seeds: z.int().positive(),
        samples: z.int().positive(),
        wins: z.int().nonnegative(),
      }),
    }),
  ),
});

/** @throws LimbeckError FILE_CORRUPT naming the field */
export async function readStored(path) {
  if (!existsSync(path)) return [];
  return checkValue(schema, parseJson(await readFile(path, 'utf8'), path, NEXT_STEP), path, NEXT_STEP).differences;
}

/** @returns undefined where there is nothing to keep */
export function storedText(differences) {
  if (differences.length === 0) return undefined;
  return `${JSON.stringify({ format: FORMAT, differences }, null, 2)}\n`;
}
