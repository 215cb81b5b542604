/**
 * A teacher that is any asynchronous function: a paid API, a service of one's own, a model in another process. Calls are tried
 * again, limited in number and run side by side. Not a cache: through `cacheTeacherRows` a function that dies for good loses at most
 * a shard, and is not asked again for rows that are stored.
 */
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { Random } from '../matrix/random.ts';
import { parseOptions } from '../strategies/options.ts';
import type { EmbedOptions, Teacher } from './teacher.ts';

/** Rows as a function may give them: one for each input, `dimension` wide. */
export type FunctionRows = Matrix | readonly ArrayLike<number>[];

/** What a call of the function is told besides its inputs. */
export interface FunctionCall {
  /** Ends when the caller no longer waits: on request, or after the timeout. */
  readonly signal: AbortSignal;
}

const milliseconds = () => z.number().min(0).describe('a number of milliseconds ≥ 0');

/** Every option that is plain data, with default and bounds; a description completes "expected …". */
const functionTeacherOptionsSchema = z.object({
  fingerprint: z.string().min(1).describe('a non-empty string that changes whenever the function gives other rows'),
  dimension: z.int().min(1).describe('a whole number ≥ 1'),
  batchSize: z.int().min(1).default(64).describe('a whole number ≥ 1: inputs in one call'),
  concurrency: z.int().min(1).default(4).describe('a whole number ≥ 1: calls at the same time'),
  retries: z.int().min(0).default(5).describe('a whole number ≥ 0: how often a call that failed is tried again'),
  backoff: z
    .object({
      first: milliseconds().default(500),
      factor: z.number().min(1).default(2),
      longest: milliseconds().default(30_000),
      seed: z.int().min(0).default(0),
    })
    .prefault({})
    .describe(
      '{ first, factor, longest, seed }: milliseconds before the first try again, what each further wait is multiplied by',
    ),
  timeout: z.number().positive().optional().describe('a number of milliseconds > 0 after which a call has failed'),
  maxCalls: z
    .int()
    .min(0)
    .optional()
    .describe('a whole number ≥ 0: calls over the life of the teacher, tries again included'),
});

export interface FunctionTeacherOptions<Input> extends z.input<typeof functionTeacherOptionsSchema> {
  /** Rows for some inputs, in their order. */
  readonly embed: (inputs: readonly Input[], call: FunctionCall) => Promise<FunctionRows>;
  /** Which errors are worth another try. Default: all. */
  readonly retryIf?: (error: unknown) => boolean;
  /** Told before each wait. */
  readonly onRetry?: (retry: { readonly error: unknown; readonly attempt: number; readonly wait: number }) => void;
}

/**
 * A call that fails is tried again after `first · factor^k` milliseconds, at most `longest`, of which up to half is left off by chance,
 * so that calls which failed together do not return together. An error with `retryAfter` or `retryAfterSeconds` (seconds, or a date as
 * HTTP has it) names the wait itself. Rows that are wrong (their number, their width, not finite) are not asked for again.
 *
 * @example
 * const teacher = new FunctionTeacher({
 *   fingerprint: 'acme-embed-3', dimension: 256, maxCalls: 1000,
 *   embed: async (texts, { signal }) => {
 *     const response = await fetch(url, { method: 'POST', body: JSON.stringify({ texts }), signal });
 *     if (!response.ok) throw Object.assign(new Error(response.statusText), { retryAfter: response.headers.get('retry-after') });
 *     return (await response.json()).embeddings;
 *   },
 * });
 */
export class FunctionTeacher<Input = string> implements Teacher<Input> {
  readonly fingerprint: string;
  readonly dimension: number;
  readonly #options: z.output<typeof functionTeacherOptionsSchema>;
  readonly #functions: Pick<FunctionTeacherOptions<Input>, 'embed' | 'retryIf' | 'onRetry'>;
  #calls = 0;
  #done = 0;

  /** @throws LimbeckError INVALID_OPTION */
  constructor({ embed, retryIf, onRetry, ...plain }: FunctionTeacherOptions<Input>) {
    this.#options = parseOptions(functionTeacherOptionsSchema, plain, 'FunctionTeacher');
    for (const [name, given] of Object.entries({ embed, retryIf, onRetry })) {
      if (typeof given === 'function' || (given === undefined && name !== 'embed')) continue;
      throw new LimbeckError(
        'INVALID_OPTION',
        `FunctionTeacher: option ${name}: expected a function, got ${show(given)}.`,
      );
    }
    this.#functions = { embed, ...(retryIf && { retryIf }), ...(onRetry && { onRetry }) };
    this.fingerprint = this.#options.fingerprint;
    this.dimension = this.#options.dimension;
  }

  /** Calls made so far, tries again included. */
  get calls(): number {
    return this.#calls;
  }

  /**
   * @throws LimbeckError TEACHER_FAILED after the last try, with the function's error as cause; SHAPE_MISMATCH and NON_FINITE for wrong
   *   rows; BUDGET_SPENT; ABORTED. With one of them calls that still run are aborted
   */
  async embed(inputs: readonly Input[], { signal }: EmbedOptions<Input> = {}): Promise<Matrix> {
    const { batchSize, concurrency } = this.#options;
    const rows = Matrix.zeros(inputs.length, this.dimension);
    const failed = new AbortController();
    const together = AbortSignal.any(signal ? [signal, failed.signal] : [failed.signal]);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < inputs.length) {
        const start = next;
        next += batchSize;
        const batch = inputs.slice(start, start + batchSize);
        rows.data.set((await this.#batch(batch, start, together)).data, start * this.dimension);
        this.#done += batch.length;
      }
    };
    const workers = Array.from({ length: Math.min(concurrency, Math.ceil(inputs.length / batchSize)) }, () =>
      work().catch((error) => {
        failed.abort(error);
        throw error;
      }),
    );
    try {
      await Promise.all(workers);
    } catch {
      // None of them may go on behind the caller's back.
      await Promise.allSettled(workers);
      if (!signal?.aborted) throw failed.signal.reason;
      throw new LimbeckError('ABORTED', 'Embedding was interrupted on request.', { cause: signal.reason });
    }
    return rows;
  }

  /** The rows of one call, tried until it succeeds. */
  async #batch(batch: readonly Input[], start: number, signal: AbortSignal): Promise<Matrix> {
    const { retries } = this.#options;
    const { retryIf = () => true, onRetry } = this.#functions;
    for (let attempt = 0; ; attempt++) {
      signal.throwIfAborted();
      this.#spend();
      let given: FunctionRows;
      try {
        given = await this.#call(batch, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (attempt === retries || !retryIf(error)) throw this.#failure(error, attempt + 1, start, batch.length);
        const wait = this.#waitAfter(error, attempt);
        onRetry?.({ error, attempt: attempt + 1, wait });
        await sleep(wait, signal);
        continue;
      }
      return checkedRows(given, batch.length, this.dimension, start);
    }
  }

  #spend(): void {
    const { maxCalls } = this.#options;
    if (maxCalls !== undefined && this.#calls >= maxCalls) {
      throw new LimbeckError(
        'BUDGET_SPENT',
        `FunctionTeacher: expected to need at most maxCalls = ${maxCalls} calls; all are made, for ${this.#done} samples. ` +
          'Raise maxCalls and start again: what a cache has stored is not asked for again.',
        { details: { calls: this.#calls, samples: this.#done } },
      );
    }
    this.#calls++;
  }

  async #call(batch: readonly Input[], signal: AbortSignal): Promise<FunctionRows> {
    const { timeout } = this.#options;
    const limit = new AbortController();
    const late = new Error(`no rows within ${timeout} ms`);
    const timer = timeout === undefined ? undefined : setTimeout(() => limit.abort(late), timeout);
    const limited = AbortSignal.any([signal, limit.signal]);
    // Functions need not heed the signal: nobody waits for one that does not.
    let stop = () => {};
    const stopped = new Promise<never>((_, reject) => {
      stop = () => reject(limited.reason);
      limited.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([this.#functions.embed(batch, { signal: limited }), stopped]);
    } finally {
      clearTimeout(timer);
      limited.removeEventListener('abort', stop);
    }
  }

  #failure(error: unknown, tries: number, start: number, count: number): LimbeckError {
    const message = error instanceof Error ? error.message : show(error);
    return new LimbeckError(
      'TEACHER_FAILED',
      `FunctionTeacher: expected rows for inputs ${start} … ${start + count - 1} within ${tries} ${tries === 1 ? 'try' : 'tries'}, ` +
        `got an error: ${message}. Mend the function, or start again later: what a cache has stored is not asked for again.`,
      { cause: error, details: { tries } },
    );
  }

  /** Milliseconds. */
  #waitAfter(error: unknown, attempt: number): number {
    const told = retryAfter(error);
    if (told !== undefined) return told;
    const { first, factor, longest, seed } = this.#options.backoff;
    const jitter = Random.forPurpose(seed, `retry ${this.#calls}`).uniform();
    return Math.min(longest, first * factor ** attempt) * (1 - jitter / 2);
  }
}

/** What an error says itself, in milliseconds: seconds, or the date of an HTTP header. */
function retryAfter(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { retryAfter, retryAfterSeconds } = error as { retryAfter?: unknown; retryAfterSeconds?: unknown };
  const given = retryAfterSeconds ?? retryAfter;
  if (given === undefined || given === null || given === '') return undefined;
  const seconds = Number(given);
  const wait = Number.isNaN(seconds) ? Date.parse(String(given)) - Date.now() : seconds * 1000;
  // Timers of JavaScript take no more than this.
  return Number.isNaN(wait) ? undefined : Math.min(2 ** 31 - 1, Math.max(0, wait));
}

function checkedRows(given: FunctionRows, count: number, dimension: number, start: number): Matrix {
  const isRows = given instanceof Matrix || (Array.isArray(given) && given.every(isRow));
  if (!isRows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `FunctionTeacher: expected ${count} rows of ${dimension} numbers, got ${show(given)}. Mend the function.`,
    );
  }
  const wrong = given instanceof Matrix ? undefined : given.find((row) => row.length !== dimension);
  const [rows, columns] =
    given instanceof Matrix ? [given.rows, given.columns] : [given.length, wrong ? wrong.length : dimension];
  if (rows !== count || columns !== dimension) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `FunctionTeacher: expected ${count} rows of ${dimension} for as many inputs, got ${rows} × ${columns}. Mend the function.`,
    );
  }
  const matrix = given instanceof Matrix ? given.as('float32') : Matrix.from(given, 'float32');
  const bad = matrix.data.findIndex((entry: number) => !Number.isFinite(entry));
  if (bad < 0) return matrix;
  throw new LimbeckError(
    'NON_FINITE',
    `FunctionTeacher: expected finite numbers, got ${matrix.data[bad]} in column ${bad % dimension} for input ` +
      `${start + Math.floor(bad / dimension)}. Mend the function.`,
  );
}

function isRow(row: unknown): boolean {
  return Array.isArray(row) || row instanceof Float32Array || row instanceof Float64Array;
}

/** Waits; rejects with the signal's reason when that comes first. */
function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
  });
}
