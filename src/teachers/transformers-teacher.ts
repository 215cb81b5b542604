/**
 * A teacher that @huggingface/transformers runs: a model of the Hugging Face hub by its id, or a directory in the layout of the hub.
 * The package is an optional peer: nothing of it is loaded before a teacher is. Texts only; image models run as `OnnxTeacher`.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataType, FeatureExtractionPipeline } from '@huggingface/transformers';
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { parseOptions } from '../strategies/options.ts';
import type { EmbedOptions, Teacher } from './teacher.ts';
import { TruncationCount } from './truncation.ts';

/** Files of a model by precision: onnx/model<ending>.onnx. */
const ENDINGS = {
  fp32: '',
  fp16: '_fp16',
  q8: '_quantized',
  int8: '_int8',
  uint8: '_uint8',
  q4: '_q4',
  q4f16: '_q4f16',
  bnb4: '_bnb4',
} as const;

/** Every option that is plain data, with default and bounds; a description completes "expected …". */
export const transformersTeacherOptionsSchema = z.object({
  pooling: z
    .enum(['none', 'mean', 'cls', 'last_token'])
    .default('mean')
    .describe("'none', 'mean', 'cls' or 'last_token': how tokens become one row"),
  normalize: z.boolean().default(true).describe('true or false: scale rows to length one'),
  dtype: z
    .enum(Object.keys(ENDINGS) as [keyof typeof ENDINGS])
    .optional()
    .describe(`one of ${Object.keys(ENDINGS).join(', ')}: which of the model's files is run`),
  prefix: z.string().default('').describe("a string that is put before each text, for instance 'query: '"),
  revision: z.string().min(1).default('main').describe('a branch, tag or commit of the model on the hub'),
  batchTokens: z.int().min(1).default(1024).describe('a whole number ≥ 1: tokens in one run, padding included'),
  name: z.string().min(1).optional().describe('a non-empty string'),
});

export interface TransformersTeacherOptions extends z.input<typeof transformersTeacherOptionsSchema> {
  /** Called with how many texts of a call were too long and lost their end; by default the first such call warns on the console. */
  readonly onTruncated?: (count: number) => void;
}

type Plain = z.output<typeof transformersTeacherOptionsSchema>;

/** What a tokenizer of transformers.js gives when it is asked for plain arrays. */
type Tokenize = (texts: string[], options: object) => { readonly input_ids: readonly (readonly number[])[] };

/**
 * @example
 * const teacher = await TransformersTeacher.load('onnx-community/all-MiniLM-L6-v2-ONNX', { pooling: 'mean' });
 * const rows = await teacher.embed(['a large musical instrument']); // 1 × 384
 * await teacher.release();
 */
export class TransformersTeacher implements Teacher<string> {
  readonly name: string;
  readonly fingerprint: string;
  readonly dimension: number;
  /** Longer texts, in tokens, lose their end; undefined for a model that says no limit. */
  readonly maxTokens: number | undefined;
  readonly #extractor: FeatureExtractionPipeline;
  readonly #options: Plain;
  readonly #truncation: TruncationCount;

  private constructor(parts: {
    readonly name: string;
    readonly fingerprint: string;
    readonly dimension: number;
    readonly maxTokens: number | undefined;
    readonly extractor: FeatureExtractionPipeline;
    readonly options: Plain;
    readonly onTruncated: ((count: number) => void) | undefined;
  }) {
    this.name = parts.name;
    this.fingerprint = parts.fingerprint;
    this.dimension = parts.dimension;
    this.maxTokens = parts.maxTokens;
    this.#extractor = parts.extractor;
    this.#options = parts.options;
    this.#truncation = new TruncationCount(parts.name, parts.onTruncated);
  }

  /**
   * @param model a directory, read without network; or the id of a model, which transformers.js fetches and keeps
   * @throws LimbeckError MISSING_PACKAGE without @huggingface/transformers; FILE_UNREADABLE for a model that cannot be fetched or
   *   opened; INVALID_OPTION, also when tokens are not made one row
   */
  static async load(
    model: string,
    { onTruncated, ...plain }: TransformersTeacherOptions = {},
  ): Promise<TransformersTeacher> {
    const options = parseOptions(transformersTeacherOptionsSchema, plain, 'TransformersTeacher');
    const { pooling, normalize, dtype, prefix, revision } = options;
    const local = await isDirectory(model);
    if (!local && /^(?:\.{0,2}\/|[A-Za-z]:\\)/.test(model)) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${model}: expected the directory of a model, got none. Check the path.`,
      );
    }
    const extractor = await open(model, local, options);
    try {
      const { dims } = await extractor([`${prefix}a`], { pooling, normalize });
      if (dims.length !== 2) {
        throw new LimbeckError(
          'INVALID_OPTION',
          `${model}: expected rows [texts, width], got [${dims.join(', ')}]. Set pooling to 'mean', 'cls' or 'last_token'.`,
        );
      }
      const source = local ? await digestOf(model, dtype) : `${model} revision ${revision}`;
      const made = JSON.stringify({ pooling, normalize, prefix, dtype: dtype ?? 'default' });
      const limit = extractor.tokenizer.model_max_length as number | undefined;
      return new TransformersTeacher({
        name: options.name ?? model,
        fingerprint: `transformers.js/1 ${made} ${source}`,
        dimension: dims[1],
        // Tokenizers that know no limit say 10³⁰.
        maxTokens: limit !== undefined && limit < 1e9 ? limit : undefined,
        extractor,
        options,
        onTruncated,
      });
    } catch (error) {
      await extractor.dispose();
      throw error;
    }
  }

  /** Texts that were longer than `maxTokens` and lost their end, so far. */
  get truncated(): number {
    return this.#truncation.count;
  }

  /** @throws LimbeckError INVALID_ARGUMENT for what is no text, ABORTED */
  async embed(texts: readonly string[], { signal }: EmbedOptions<string> = {}): Promise<Matrix> {
    const { pooling, normalize, prefix } = this.#options;
    const rows = Matrix.zeros(texts.length, this.dimension);
    const lengths = this.#lengthsOf(texts);
    for (const batch of this.#batches(lengths)) {
      if (signal?.aborted) throw new LimbeckError('ABORTED', 'Embedding was interrupted on request.');
      const given = await this.#extractor(
        batch.map((i) => prefix + texts[i]),
        { pooling, normalize },
      );
      const data = given.data as Float32Array;
      for (const [k, i] of batch.entries())
        rows.row(i).set(data.subarray(k * this.dimension, (k + 1) * this.dimension));
    }
    return rows;
  }

  /** Frees the native memory; the teacher cannot embed afterwards. */
  async release(): Promise<void> {
    await this.#extractor.dispose();
  }

  /** Tokens of each text that the model sees; those that are cut are counted. */
  #lengthsOf(texts: readonly string[]): number[] {
    const tokenize = this.#extractor.tokenizer as unknown as Tokenize;
    const limit = this.maxTokens ?? Number.POSITIVE_INFINITY;
    let cut = 0;
    const lengths = texts.map((text, i) => {
      if (typeof text !== 'string') {
        throw new LimbeckError('INVALID_ARGUMENT', `texts[${i}]: expected a string, got ${show(text)}.`);
      }
      const options = { padding: false, truncation: false, return_tensor: false };
      const [ids] = tokenize([this.#options.prefix + text], options).input_ids;
      if (ids.length > limit) cut++;
      return Math.min(ids.length, limit);
    });
    if (cut > 0) this.#truncation.add(cut);
    return lengths;
  }

  /** Texts of like length share a run; of one length only where the last token counts, which padding would hide. */
  *#batches(lengths: readonly number[]): Generator<number[]> {
    const { batchTokens, pooling } = this.#options;
    const order = lengths.map((_, i) => i).sort((a, b) => lengths[b] - lengths[a]);
    for (let start = 0; start < order.length; ) {
      const length = lengths[order[start]];
      const batch = order
        .slice(start, start + Math.max(1, Math.floor(batchTokens / Math.max(1, length))))
        .filter((i) => pooling !== 'last_token' || lengths[i] === length);
      yield batch;
      start += batch.length;
    }
  }
}

/**
 * The pipeline, from its parts: `pipeline()` itself (4.3.1) asks the network for files of revision main, whatever it is told.
 */
async function open(model: string, local: boolean, { revision, dtype }: Plain): Promise<FeatureExtractionPipeline> {
  const { AutoModel, AutoTokenizer, FeatureExtractionPipeline } = await transformers();
  const where = { local_files_only: local, revision };
  try {
    const tokenizer = await AutoTokenizer.from_pretrained(model, where);
    const network = await AutoModel.from_pretrained(model, { ...where, ...(dtype && { dtype: dtype as DataType }) });
    return new FeatureExtractionPipeline({ task: 'feature-extraction', model: network, tokenizer });
  } catch (cause) {
    throw unavailable(model, local, cause);
  }
}

async function transformers(): Promise<typeof import('@huggingface/transformers')> {
  try {
    return await import('@huggingface/transformers');
  } catch (cause) {
    throw new LimbeckError(
      'MISSING_PACKAGE',
      `TransformersTeacher: expected the npm package "@huggingface/transformers", got: ${(cause as Error).message.split('\n')[0]} ` +
        'Install it: npm install @huggingface/transformers',
      { cause },
    );
  }
}

function unavailable(model: string, local: boolean, cause: unknown): LimbeckError {
  const reason = (cause as Error).message.split('\n')[0];
  const [expected, advice] = local
    ? ['a directory with config.json, tokenizer.json and onnx/model.onnx', 'Check what the directory holds.']
    : [
        'a model of the Hugging Face hub, or a directory',
        'Check the id, the revision and the network; without network, give the directory of a copy.',
      ];
  return new LimbeckError('FILE_UNREADABLE', `${model}: expected ${expected}, got an error: ${reason} ${advice}`, {
    cause,
  });
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

/** SHA-256 of what is used of a directory: what describes the model, and its files of this precision, or all where none is named. */
async function digestOf(directory: string, dtype: keyof typeof ENDINGS | undefined): Promise<string> {
  const onnx = (await readdir(join(directory, 'onnx')).catch(() => [] as string[])).filter((name) =>
    dtype === undefined ? true : name.startsWith(`model${ENDINGS[dtype]}.onnx`),
  );
  const described = (await readdir(directory)).filter((name) => /\.(?:json|txt|model|jinja)$/.test(name));
  const hash = createHash('sha256');
  for (const name of [...described.sort(), ...onnx.sort().map((file) => `onnx/${file}`)]) {
    hash.update(`${name}\n`);
    for await (const part of createReadStream(join(directory, name))) hash.update(part as Uint8Array);
  }
  return `sha256 ${hash.digest('hex')}`;
}
