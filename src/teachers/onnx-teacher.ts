/**
 * A teacher from any ONNX file. ONNX Runtime runs it as it is: nothing is differentiated, so that no operator is unknown, and
 * tensors inside the model serve as well as its outputs. Not a student: what is trained is read by `OnnxStudent`.
 */
import { createHash } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import { addOutputs, onnxTensorNames } from '../graph/index.ts';
import { IntermediateActivations } from '../matrix/intermediate-activations.ts';
import { Matrix } from '../matrix/matrix.ts';
import { unitRows } from '../matrix/unit-rows.ts';
import type { Device, Session } from '../runtime/backend.ts';
import { openModel } from '../runtime/model.ts';
import { digestBeside } from '../runtime/onnx-file.ts';
import { readBytes } from '../runtime/read-files.ts';
import { parseOptions } from '../strategies/options.ts';
import type { OnnxInputs } from '../students/onnx/onnx-inputs.ts';
import { fedTensor, type ModelInput, modelInput } from './onnx-model-inputs.ts';
import { checkTensorName, rowWidth } from './onnx-model-outputs.ts';
import { type Pooling, pooledRows, tokenMask } from './onnx-pooling.ts';
import type { EmbedOptions, Teacher, TeacherPrediction } from './teacher.ts';
import { TruncationCount } from './truncation.ts';

const tensorName = () => z.string().min(1).describe('the name of a tensor of the model');

/** Every option that is plain data, with default and bounds; a description completes "expected …". */
export const onnxTeacherOptionsSchema = z.object({
  embeddings: tensorName(),
  outputs: tensorName().optional(),
  layers: z.array(z.string().min(1)).default([]).describe('an array of names of tensors of the model'),
  pooling: z
    .enum(['none', 'mean', 'first'])
    .default('none')
    .describe("'none', 'mean' or 'first': how [batch, length, width] becomes [batch, width]"),
  normalize: z.boolean().default(true).describe('true or false: scale embeddings to length one'),
  sizes: z
    .record(z.string(), z.int().min(1))
    .default({})
    .describe('an object of run-time sizes of the model and whole numbers ≥ 1 to fix them at'),
  batchSize: z
    .int()
    .min(1)
    .default(32)
    .describe('a whole number ≥ 1: samples in one run, where they are all of one size'),
  batchTokens: z
    .int()
    .min(1)
    .default(1024)
    .describe('a whole number ≥ 1: tokens in one run, padding included, where samples differ in length'),
  name: z.string().min(1).optional().describe('a non-empty string'),
});

export interface OnnxTeacherOptions<Sample, Encoded> extends z.input<typeof onnxTeacherOptionsSchema> {
  /**
   * How samples become the model's inputs: `textInputs(tokenizer)`, `imageInputs({ mean, std })`, or your own, with an `identity`.
   * Models that take half precision, bytes, int32 or channels last are given what they declare.
   */
  readonly inputs: OnnxInputs<Sample, Encoded>;
  /** Where the model runs. Default 'cpu'. */
  readonly device?: Device;
  /** Threads inside one operator; by default one per physical core. */
  readonly threads?: number;
  /** Called with how many texts of a call were too long and lost their end; by default the first such call warns on the console. */
  readonly onTruncated?: (count: number) => void;
}

type Plain = z.output<typeof onnxTeacherOptionsSchema>;

/**
 * @example
 * const teacher = await OnnxTeacher.load('models/clip-image.onnx', {
 *   embeddings: 'image_embeds', inputs: imageInputs({ mean: [0.48, 0.46, 0.41], std: [0.27, 0.26, 0.28] }),
 * });
 * const rows = await teacher.embed(images); // images × teacher.dimension, rows of norm 1
 * await teacher.release();
 */
export class OnnxTeacher<Sample, Encoded = unknown> implements Teacher<Sample> {
  readonly name: string;
  readonly fingerprint: string;
  readonly dimension: number;
  readonly classes: number | undefined;
  /** Embeddings and outputs in one pass, of a teacher that was loaded with `outputs`. */
  readonly predict?: (inputs: readonly Sample[], options?: EmbedOptions<Sample>) => Promise<TeacherPrediction>;
  readonly #path: string;
  readonly #session: Session;
  readonly #inputs: OnnxInputs<Sample, Encoded>;
  readonly #modelInputs: readonly ModelInput[];
  readonly #options: Plain;
  readonly #truncation: TruncationCount;

  private constructor(parts: {
    readonly path: string;
    readonly fingerprint: string;
    readonly session: Session;
    readonly modelInputs: readonly ModelInput[];
    readonly widths: { readonly embeddings: number; readonly outputs: number | undefined };
    readonly options: Plain;
    readonly inputs: OnnxInputs<Sample, Encoded>;
    readonly onTruncated: ((count: number) => void) | undefined;
  }) {
    const { path, options } = parts;
    this.name = options.name ?? path;
    this.fingerprint = parts.fingerprint;
    this.dimension = parts.widths.embeddings;
    this.classes = parts.widths.outputs;
    this.#path = path;
    this.#session = parts.session;
    this.#inputs = parts.inputs;
    this.#modelInputs = parts.modelInputs;
    this.#options = options;
    this.#truncation = new TruncationCount(this.name, parts.onTruncated);
    const { outputs } = options;
    if (outputs !== undefined) {
      this.predict = async (samples, { signal } = {}) => {
        const rows = await this.#run(samples, [options.embeddings, outputs], signal);
        return { embeddings: this.#normalized(rows[0]), outputs: rows[1] };
      };
    }
  }

  /**
   * @param path an .onnx file; files beside it that hold its numbers are found
   * @throws LimbeckError FILE_UNREADABLE; FILE_CORRUPT for what ONNX Runtime cannot run; INVALID_OPTION for the name of a tensor that
   *   the model does not compute, with the nearest that it does; UNSUPPORTED for inputs of types that nothing here makes
   */
  static async load<Sample, Encoded>(
    path: string,
    { inputs, device, threads, onTruncated, ...plain }: OnnxTeacherOptions<Sample, Encoded>,
  ): Promise<OnnxTeacher<Sample, Encoded>> {
    const options = parseOptions(onnxTeacherOptionsSchema, plain, 'OnnxTeacher');
    const identity = inputs.identity?.();
    if (identity === undefined) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'OnnxTeacher: option inputs: expected an identity() that says all that changes what the model is fed, got none. ' +
          'Rows of the teacher are kept under it.',
      );
    }
    const bytes = await readBytes(path, 'the ONNX model of the teacher');
    const names = onnxTensorNames(bytes, path);
    const { embeddings, outputs, layers, pooling, normalize, sizes } = options;
    const wanted = [...new Set([embeddings, ...(outputs === undefined ? [] : [outputs]), ...layers])];
    for (const name of wanted) checkTensorName(name, names, path);
    const external = await digestBeside(path, names.external);
    const session = await openModel(
      addOutputs(
        bytes,
        wanted.filter((name) => !names.outputs.includes(name)),
      ),
      path,
      {
        ...(device && { device }),
        ...(threads !== undefined && { threads }),
        ...(names.external.length > 0 && { folder: resolve(dirname(path)) }),
      },
    );
    try {
      const modelInputs = session.inputs.map((declared) => modelInput(declared, sizes, path));
      const digest = createHash('sha256').update(bytes).update(external).update(identity).digest('hex');
      const made = JSON.stringify({ embeddings, outputs, pooling, normalize, sizes, device: device ?? 'cpu' });
      const width = (name: string, how: Pooling) => rowWidth(session, modelInputs, name, how, path);
      return new OnnxTeacher({
        path,
        fingerprint: `onnx/1 ${made} sha256 ${digest}`,
        session,
        modelInputs,
        widths: {
          embeddings: await width(embeddings, pooling),
          outputs: outputs === undefined ? undefined : await width(outputs, 'none'),
        },
        options,
        inputs,
        onTruncated,
      });
    } catch (error) {
      await session.release();
      throw error;
    }
  }

  /** Texts that were too long and lost their end, so far. */
  get truncated(): number {
    return this.#truncation.count;
  }

  async embed(samples: readonly Sample[], { signal }: EmbedOptions<Sample> = {}): Promise<Matrix> {
    const [rows] = await this.#run(samples, [this.#options.embeddings], signal);
    return this.#normalized(rows);
  }

  /**
   * The tensors of the option `layers`, one row per sample: pooled as embeddings are where that applies, else laid out one number after
   * another; not normalised.
   */
  async activations(
    samples: readonly Sample[],
    { signal }: EmbedOptions<Sample> = {},
  ): Promise<IntermediateActivations> {
    const { layers } = this.#options;
    const result = new IntermediateActivations();
    for (const [i, rows] of (await this.#run(samples, layers, signal)).entries()) result.set(layers[i], rows);
    return result;
  }

  /** Frees the native memory; the teacher cannot embed afterwards. */
  release(): Promise<void> {
    return this.#session.release();
  }

  #normalized(rows: Matrix): Matrix {
    return this.#options.normalize ? unitRows(rows, this.name) : rows;
  }

  /** Rows of some tensors for each sample, float32, [samples, width] each. */
  async #run(samples: readonly Sample[], names: readonly string[], signal: AbortSignal | undefined): Promise<Matrix[]> {
    const encoded = this.#inputs.encode(samples, (count) => this.#truncation.add(count));
    const results: Matrix[] = names.map((name) => Matrix.zeros(0, this.#widthOfNothing(name)));
    for (const batch of this.#batches(encoded)) {
      if (signal?.aborted) throw new LimbeckError('ABORTED', 'Embedding was interrupted on request.');
      const tensors = await this.#runBatch(
        batch.map((i) => encoded[i]),
        names,
      );
      for (const [n, rows] of tensors.entries()) {
        if (results[n].rows === 0) results[n] = Matrix.zeros(samples.length, rows.columns);
        if (results[n].columns !== rows.columns) {
          throw new LimbeckError(
            'SHAPE_MISMATCH',
            `${this.#path}: ${show(names[n])}: expected rows as wide as the first, ${results[n].columns}, got ${rows.columns}. ` +
              "Set pooling to 'mean' or 'first'.",
          );
        }
        for (const [k, i] of batch.entries()) results[n].row(i).set(rows.row(k));
      }
    }
    return results;
  }

  #widthOfNothing(name: string): number {
    if (name === this.#options.embeddings) return this.dimension;
    return name === this.#options.outputs ? (this.classes as number) : 0;
  }

  /** Numbers of samples that share a run: of like length, where they differ in it. */
  *#batches(encoded: readonly Encoded[]): Generator<number[]> {
    const { batchSize, batchTokens } = this.#options;
    const fixed = this.#fixedBatch();
    const lengths = this.#inputs.lengthOf && encoded.map((sample) => this.#inputs.lengthOf?.(sample) as number);
    const order = encoded.map((_, i) => i);
    if (lengths) order.sort((a, b) => lengths[b] - lengths[a]);
    for (let start = 0; start < order.length; ) {
      const most = lengths ? Math.max(1, Math.floor(batchTokens / Math.max(1, lengths[order[start]]))) : batchSize;
      const batch = order.slice(start, start + (fixed ?? most));
      yield batch;
      start += batch.length;
    }
  }

  /** How many samples the model takes at once, where it was exported for so many and no other number. */
  #fixedBatch(): number | undefined {
    const sizes = this.#modelInputs.map(({ shape }) => shape[0]).filter((size) => typeof size === 'number');
    return sizes.length > 0 ? Math.max(...sizes) : undefined;
  }

  async #runBatch(batch: readonly Encoded[], names: readonly string[]): Promise<Matrix[]> {
    // A model for a fixed number of samples gets the last once more until they are as many.
    const filled = Array.from(
      { length: this.#fixedBatch() ?? batch.length },
      (_, i) => batch[i] ?? batch[batch.length - 1],
    );
    const given = this.#inputs.feeds(
      filled,
      this.#modelInputs.map(({ asked }) => asked),
    );
    const feeds = Object.fromEntries(
      this.#modelInputs.map((input) => [input.declared.name, fedTensor(input, given[input.declared.name], this.#path)]),
    );
    const results = await this.#session.run(feeds, names);
    const lengths = this.#inputs.lengthOf && filled.map((sample) => this.#inputs.lengthOf?.(sample) as number);
    const { embeddings, outputs, layers, pooling } = this.#options;
    return names.map((name) => {
      const what = `${this.#path}: ${show(name)}`;
      const mask = pooling === 'mean' ? tokenMask(feeds, lengths, what) : undefined;
      const flatten = name !== embeddings && name !== outputs && layers.includes(name);
      const rows = pooledRows(results[name], { pooling: name === outputs ? 'none' : pooling, flatten, mask, what });
      if (rows.rows === filled.length) return rows.gather(batch.map((_, i) => i));
      throw new LimbeckError(
        'INVALID_OPTION',
        `${what}: expected a row for each of ${filled.length} samples, got ${rows.rows}. Name another tensor.`,
      );
    });
  }
}
