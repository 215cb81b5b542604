/** What a page and its worker say to each other, and how errors get across: their code and details survive, their class is made anew. */
import { ERROR_CODES, LimbeckError, type LimbeckErrorCode } from '../errors.ts';

/** From the page. */
export type Request =
  | { readonly call: number; readonly task: string; readonly input: unknown }
  | { readonly call: number; readonly abort: true };

/** From the worker. */
export type Reply =
  | { readonly call: number; readonly event: unknown }
  | { readonly call: number; readonly output: unknown }
  | { readonly call: number; readonly error: PlainError };

interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string | undefined;
  readonly code?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
}

/** An error as plain data; details that cannot be sent are left out. */
export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  if (!(error instanceof LimbeckError)) return { name, message, stack };
  return { name, message, stack, code: error.code, details: sendable(error.details) };
}

function sendable(details: LimbeckError['details']): LimbeckError['details'] {
  try {
    return structuredClone(details);
  } catch {
    return undefined;
  }
}

/** The error on the other side. */
export function errorOf({ name, message, stack, code, details }: PlainError): Error {
  const known = code !== undefined && Object.hasOwn(ERROR_CODES, code);
  const error = known
    ? new LimbeckError(code as LimbeckErrorCode, message, details && { details })
    : Object.assign(new Error(message), { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}
