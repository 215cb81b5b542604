/** Reading JSON that is held against a schema: the error says which field, what it should hold, and what to do. */
import type * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';

/**
 * @param place how the text is called in the message
 * @param nextStep ends the message
 * @throws LimbeckError FILE_CORRUPT
 */
export function parseJson(text: string, place: string, nextStep: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const got = text.trim() === '' ? 'an empty file' : `${text.length} characters that are not JSON`;
    throw new LimbeckError('FILE_CORRUPT', `${place}: expected JSON, got ${got}. ${nextStep}`, { cause });
  }
}

/** @throws LimbeckError FILE_CORRUPT naming the field */
export function checkValue<T>(schema: z.ZodType<T>, value: unknown, place: string, nextStep: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const field = issue.path.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  const where = field === '' ? place : `${place}, ${field.replace(/^\./, '')}`;
  const got = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)?.[key], value);
  // zod says what it expected in front of a comma, and what it received behind it without showing the value.
  const expected = issue.message.replace(/^Invalid input: |^Too (?:small|big): /, '').replace(/, received .*$/, '');
  throw new LimbeckError(
    'FILE_CORRUPT',
    `${where}: ${/^expected/.test(expected) ? expected : `expected a valid value (${expected})`}, ` +
      `got ${got === undefined ? 'nothing' : show(got)}. ${nextStep}`,
    { cause: result.error },
  );
}
