/**
 * Every error that Limbeck raises on purpose. The message says what was expected, what was given, and what to do next;
 * the code is stable, so that a program can tell the cases apart without reading prose.
 *
 * Not for broken invariants of our own: those are plain `Error`s, because they are bugs.
 */

/** The stable codes, each with what it means. A code is never renamed or reused. */
export const ERROR_CODES = {
  INVALID_OPTION: 'An option is unknown, of the wrong type, or out of range.',
  INVALID_ARGUMENT: 'An argument of a call has the wrong form.',
  SHAPE_MISMATCH: 'Two arrays that belong together have different or impossible shapes.',
  EMPTY_DATA: 'A data file or folder holds no sample that can be used.',
  EMPTY_BATCH: 'A batch without rows was given.',
  NON_FINITE: 'NaN or Infinity where a finite number is needed.',
  NO_NEGATIVES: 'A contrastive loss was asked for without anything to contrast against.',
  MISSING_LAYER: 'An embedding layer that training needs does not exist.',
  MISSING_INPUT: 'A compiled program was run without one of its inputs, or with an unknown one.',
  UNSUPPORTED: 'Something that is valid in itself but that this version cannot do.',
  DEVICE_UNAVAILABLE: 'A device was asked for that this machine or this installation does not have.',
  MISSING_PACKAGE: 'An npm package that this command needs is not installed.',
  FILE_UNREADABLE: 'A file is missing or cannot be read.',
  FILE_UNWRITABLE: 'A file or directory cannot be written: no space, no permission, or something is in the way.',
  FILE_CORRUPT: 'A file is truncated, damaged or not in the format that its name promises.',
  NOT_TEXT: 'A text file holds bytes that are not UTF-8 text.',
  CACHE_MISMATCH: 'A cache belongs to another teacher or to other data.',
  CHECKPOINT_MISMATCH: 'A checkpoint belongs to a run with other data or options.',
  TEACHER_FAILED: 'A teacher that calls out to something else failed, and trying again did not help or is not allowed.',
  BUDGET_SPENT: 'A teacher has made as many calls as it may.',
  DATA_MISMATCH:
    'Things that belong to one data set do not fit: rows without a sample, a sample without a row, other data than before.',
  DATA_OVERLAP: 'Samples that were to be held out are also among those to train on.',
  DIVERGED: 'Training produced a loss or a parameter that is not finite.',
  ABORTED: 'The work was interrupted on request.',
} as const;

export type LimbeckErrorCode = keyof typeof ERROR_CODES;

/**
 * An error with a stable {@link LimbeckErrorCode}.
 *
 * @example
 * try {
 *   new Matrix(2, 2, new Float32Array(3));
 * } catch (error) {
 *   if (error instanceof LimbeckError && error.code === 'SHAPE_MISMATCH') { … }
 * }
 */
export class LimbeckError extends Error {
  override readonly name = 'LimbeckError';
  readonly code: LimbeckErrorCode;
  /** The facts of the message for programs, where there are any: `{ step, component, sampleIds }` of DIVERGED. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(
    code: LimbeckErrorCode,
    message: string,
    { details, ...options }: ErrorOptions & { readonly details?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options);
    this.code = code;
    this.details = details;
  }
}

/** Shows a value inside an error message: short, on one line, strings quoted. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}…` : value);
  if (typeof value === 'function') return `function ${value.name || '(anonymous)'}`;
  if (Array.isArray(value) || ArrayBuffer.isView(value)) {
    const array = value as ArrayLike<unknown>;
    return `${value.constructor.name} of ${array.length ?? 'unknown'} entries`;
  }
  if (typeof value === 'object' && value !== null) return value.constructor?.name ?? 'object';
  return String(value);
}
