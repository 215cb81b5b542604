/**
 * A teacher whose rows are in a file: computed before, by whatever model. It does not look at samples, only at their places in the
 * source or at their ids.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import * as z from 'zod';
import type { Dataset } from '../data/dataset.ts';
import { DigestIndex } from '../data/digest-index.ts';
import { type RowsOfFile, readRows, readRowsOptionsSchema } from '../data/read-rows.ts';
import { LimbeckError, show } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { unreadable } from '../runtime/read-files.ts';
import { parseOptions } from '../strategies/options.ts';
import type { EmbedOptions, Teacher } from './teacher.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const embeddingsTeacherOptionsSchema = z.object({
  align: z
    .enum(['order', 'id'])
    .default('order')
    .describe("'order' or 'id': row k belongs to the k-th sample of the source, or to the sample with its id"),
  ...readRowsOptionsSchema.shape,
  name: z.string().min(1).optional().describe('how the teacher is called in reports; by default the path'),
});

export type EmbeddingsTeacherOptions = z.input<typeof embeddingsTeacherOptionsSchema>;

/**
 * @example
 * const data = await readTexts('reviews.csv', { column: 'review' });
 * const teacher = await EmbeddingsTeacher.load('reviews.npy');
 * await teacher.embed(await data.read([3, 1]), { samples: { data, numbers: [3, 1] } }); // 2 × 384
 */
export class EmbeddingsTeacher<Input = string> implements Teacher<Input> {
  readonly name: string;
  /** Of the bytes of the file and the options: where samples and rows belong together is the data's. */
  readonly fingerprint: string;
  readonly dimension: number;
  readonly align: 'order' | 'id';
  readonly #path: string;
  readonly #source: RowSource;
  /** Row by id. */
  readonly #rowOfId: DigestIndex | undefined;
  readonly #checked = new WeakSet<Dataset<Input>>();

  private constructor(
    path: string,
    { rows, ids }: RowsOfFile,
    parts: { name: string; fingerprint: string; align: 'order' | 'id' },
  ) {
    this.name = parts.name;
    this.fingerprint = parts.fingerprint;
    this.align = parts.align;
    this.dimension = rows.columns;
    this.#path = path;
    this.#source = rows;
    if (ids) {
      this.#rowOfId = new DigestIndex();
      for (const [row, id] of ids.entries()) this.#rowOfId.add(id, row);
    }
  }

  /**
   * @param path .npy, .safetensors, .jsonl or .parquet; `align: 'id'` needs one of the last two
   * @throws LimbeckError as {@link readRows}
   */
  static async load<Input = string>(
    path: string,
    options: EmbeddingsTeacherOptions = {},
  ): Promise<EmbeddingsTeacher<Input>> {
    const {
      align,
      name = path,
      ...reading
    } = parseOptions(embeddingsTeacherOptionsSchema, options, 'EmbeddingsTeacher');
    const { column, tensor, idColumn = align === 'id' ? 'id' : undefined } = reading;
    const rows = await readRows(path, { column, tensor, idColumn: align === 'id' ? idColumn : undefined });
    const how = JSON.stringify([align, column, tensor, align === 'id' ? idColumn : undefined]);
    const fingerprint = `embeddings file/1 ${how} sha256 ${await digestOfFile(path)}`;
    return new EmbeddingsTeacher<Input>(path, rows, { name, fingerprint, align });
  }

  /** Number of rows in the file. */
  get rows(): number {
    return this.#source.rows;
  }

  /**
   * Whether there is a row for every sample, and in order, no row too many. Called for each data set when it is first used.
   *
   * @throws LimbeckError DATA_MISMATCH with both counts, or with the first ids that have no row
   */
  check(data: Dataset<Input>): void {
    if (this.#checked.has(data)) return;
    if (this.align === 'id') this.#checkIds(data);
    else this.#checkOrder(data);
    this.#checked.add(data);
  }

  /** float32. @throws LimbeckError INVALID_ARGUMENT without `samples`; SHAPE_MISMATCH; as {@link check}; ABORTED; NON_FINITE */
  async embed(inputs: readonly Input[], { samples, signal }: EmbedOptions<Input> = {}): Promise<Matrix> {
    if (!samples) {
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `${this.#path}: expected to be told which samples the inputs are, as { samples: { data, numbers } }, got inputs alone. ` +
          'A file of embeddings knows samples by place or id, and cannot embed anything else.',
      );
    }
    if (samples.numbers.length !== inputs.length) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `${this.#path}: expected one number for each of ${inputs.length} inputs, got ${samples.numbers.length}.`,
      );
    }
    if (signal?.aborted) throw new LimbeckError('ABORTED', 'Embedding was interrupted on request.');
    return this.rowsOf(samples.data).gather(samples.numbers);
  }

  /**
   * The rows of a data set by the numbers of its samples, read as they are needed: what a cache would only copy.
   *
   * @throws LimbeckError as {@link check}
   */
  rowsOf(data: Dataset<Input>): RowSource {
    this.check(data);
    const source = this.#source;
    const rowOf = (number: number) => this.#rowOf(data, number);
    return {
      rows: data.size,
      columns: source.columns,
      fingerprint: `${this.fingerprintFor(data)} of ${data.fingerprint}`,
      gather: (numbers) => {
        for (let i = 0; i < numbers.length; i++) {
          if (Number.isInteger(numbers[i]) && numbers[i] >= 0 && numbers[i] < data.size) continue;
          throw new LimbeckError(
            'INVALID_ARGUMENT',
            `${this.#path}: expected the number of a sample, 0 … ${data.size - 1}, got ${show(numbers[i])}.`,
          );
        }
        return source.gather(Int32Array.from(numbers, rowOf));
      },
    };
  }

  /** Of the file and of where the samples stand in it: the same texts in other places have other rows. */
  fingerprintFor({ positions, ids }: Dataset<Input>): string {
    if (this.align === 'order' && !positions) return this.fingerprint;
    const hash = createHash('sha256');
    if (this.align === 'id') for (const id of ids ?? []) hash.update(`${id.length} ${id}\n`);
    else hash.update(new Uint8Array((positions as Int32Array).slice().buffer));
    return `${this.fingerprint} at ${hash.digest('hex')}`;
  }

  #rowOf({ positions, ids }: Dataset<Input>, number: number): number {
    if (this.#rowOfId) return this.#rowOfId.find((ids as readonly string[])[number]);
    return positions?.[number] ?? number;
  }

  #checkOrder({ positions, size, sourceSize }: Dataset<Input>): void {
    const exact = sourceSize ?? (positions ? undefined : size);
    let least = exact ?? 0;
    if (positions) for (const position of positions) least = Math.max(least, position + 1);
    if (exact === undefined ? this.rows >= least : this.rows === least) return;
    throw new LimbeckError(
      'DATA_MISMATCH',
      `${this.#path}: expected ${exact === undefined ? 'at least ' : ''}${least} rows, one for each sample that the data's source holds ` +
        `(those left out included), got ${this.rows}. Compute the rows from the same file as the data, or align them by id.`,
    );
  }

  #checkIds({ ids, size }: Dataset<Input>): void {
    if (!ids) {
      throw new LimbeckError(
        'DATA_MISMATCH',
        `${this.#path}: expected data with ids to align rows by, got none. Read the data with idColumn, or align by order.`,
      );
    }
    const missing: string[] = [];
    let count = 0;
    for (let i = 0; i < size; i++) {
      if ((this.#rowOfId as DigestIndex).find(ids[i]) >= 0) continue;
      count++;
      if (missing.length < 3) missing.push(show(ids[i]));
    }
    if (count === 0) return;
    throw new LimbeckError(
      'DATA_MISMATCH',
      `${this.#path}: expected a row for every sample, got none for ${count} of ${size}: ${missing.join(', ')}${count > 3 ? ', …' : ''}. ` +
        'Compute the missing rows, or check that idColumn names the same ids in both files.',
    );
  }
}

async function digestOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  } catch (error) {
    throw await unreadable(path, 'rows', error);
  }
  return hash.digest('hex');
}
