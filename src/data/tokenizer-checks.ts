/** What the readers of the parts of a tokenizer.json share: checks of JSON values and the error of a damaged file. */
import { LimbeckError } from '../errors.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isId = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x7fffffff;

/** The error of a damaged file, one wording for all: `expected <expectedAndGot>`. */
export function corruptTokenizer(name: string, expectedAndGot: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError(
    'FILE_CORRUPT',
    `${name}: expected ${expectedAndGot}. Fetch tokenizer.json from the model's source again.`,
    options,
  );
}
