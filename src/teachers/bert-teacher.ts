/** A sentence encoder of the BERT family, run by our own engine: config.json + safetensors weights + tokenizer.json. */
import { createHash } from 'node:crypto';
import { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError } from '../errors.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { Matrix } from '../matrix/matrix.ts';
import { compile, type Program } from '../runtime/program.ts';
import { readBytes, readText } from '../runtime/read-files.ts';
import { floatTensor, int32Tensor } from '../runtime/tensors.ts';
import { parseBertConfig } from './bert-config.ts';
import { bertEncoder } from './bert-encoder.ts';
import { readSafetensors } from './safetensors.ts';
import type { EmbedOptions, Teacher } from './teacher.ts';
import { TruncationCount } from './truncation.ts';

export interface BertTeacherFiles {
  /** Hugging Face config.json. */
  readonly config: string;
  /** Weights under Hugging Face's names, in .safetensors, float16 or float32. */
  readonly weights: string;
  /** Hugging Face tokenizer.json. */
  readonly tokenizer: string;
}

export interface BertTeacherOptions {
  /** Longer texts are cut. Default: as many tokens as the model has positions. */
  readonly maxTokens?: number;
  /** How the model is called in reports. */
  readonly name?: string;
  /** Called with how many texts of a call were too long and lost their end; by default the first such call warns on the console. */
  readonly onTruncated?: (count: number) => void;
}

/** Tokens in one batch, padding included: enough to keep two cores busy, few enough to stay in their caches. */
const BATCH_TOKENS = 1024;

/**
 * Mean-pooled, L2-normalised embeddings of texts.
 *
 * @example
 * const teacher = await BertTeacher.load({ config: 'config.json', weights: 'model.safetensors', tokenizer: 'tokenizer.json' });
 * const rows = await teacher.embed(['a large musical instrument']); // 1 × 384
 * await teacher.release();
 */
export class BertTeacher implements Teacher<string> {
  readonly name: string;
  readonly fingerprint: string;
  readonly dimension: number;
  /** Number of weights that the encoder uses. */
  readonly parameterCount: number;
  /** Size of the weight file in bytes. */
  readonly sizeBytes: number;
  readonly tokenizer: TextTokenizer;
  readonly #program: Program;
  readonly #truncation: TruncationCount;

  private constructor(parts: {
    name: string;
    fingerprint: string;
    dimension: number;
    parameterCount: number;
    sizeBytes: number;
    tokenizer: TextTokenizer;
    program: Program;
    onTruncated: ((count: number) => void) | undefined;
  }) {
    this.name = parts.name;
    this.fingerprint = parts.fingerprint;
    this.dimension = parts.dimension;
    this.parameterCount = parts.parameterCount;
    this.sizeBytes = parts.sizeBytes;
    this.tokenizer = parts.tokenizer;
    this.#program = parts.program;
    this.#truncation = new TruncationCount(parts.name, parts.onTruncated);
  }

  /**
   * @throws LimbeckError FILE_UNREADABLE, NOT_TEXT, FILE_CORRUPT for each of the files; INVALID_OPTION for maxTokens
   */
  static async load(files: BertTeacherFiles, options: BertTeacherOptions = {}): Promise<BertTeacher> {
    const [configText, tokenizerText, bytes] = await Promise.all([
      readText(files.config, 'the configuration of the teacher'),
      readText(files.tokenizer, 'the tokenizer of the teacher'),
      readBytes(files.weights, 'the weights of the teacher'),
    ]);
    const config = parseBertConfig(configText, files.config);
    const maxTokens = options.maxTokens ?? config.maxPositions;
    if (!(maxTokens <= config.maxPositions)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `maxTokens: expected at most the model's ${config.maxPositions} positions, got ${maxTokens}.`,
      );
    }
    const tokenizer = TextTokenizer.fromJson(tokenizerText, { maxTokens, name: files.tokenizer });
    if (tokenizer.vocabularySize > config.vocabularySize) {
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${files.tokenizer}: expected at most the model's ${config.vocabularySize} tokens, got ${tokenizer.vocabularySize}. ` +
          'Take tokenizer.json and weights from one model.',
      );
    }
    const weights = readSafetensors(bytes, files.weights);
    const { graph, parameterCount } = bertEncoder(config, weights);
    const digest = createHash('sha256').update(configText).update(tokenizerText).update(bytes).digest('hex');
    return new BertTeacher({
      name: options.name ?? files.weights,
      // Rows depend on the files, on where texts are cut, and on what this class does with them.
      fingerprint: `bert mean-pooled l2 float32/1 tokens ${maxTokens} sha256 ${digest}`,
      dimension: config.hiddenSize,
      parameterCount,
      sizeBytes: bytes.length,
      tokenizer,
      program: await compile(graph),
      onTruncated: options.onTruncated,
    });
  }

  /** Texts that were longer than `maxTokens` and lost their end, so far. */
  get truncated(): number {
    return this.#truncation.count;
  }

  async embed(texts: readonly string[], { signal }: EmbedOptions<string> = {}): Promise<Matrix> {
    const encoded = this.tokenizer.encodeAll(texts, (count) => this.#truncation.add(count));
    // Texts of like length share a batch: padding is computed like any token.
    const order = encoded.map((_, i) => i).sort((a, b) => encoded[b].length - encoded[a].length);
    const rows = Matrix.zeros(texts.length, this.dimension);
    for (let start = 0; start < order.length; ) {
      if (signal?.aborted) throw new LimbeckError('ABORTED', 'Embedding was interrupted on request.');
      const length = encoded[order[start]].length;
      const batch = order.slice(start, start + Math.max(1, Math.floor(BATCH_TOKENS / length)));
      const result = await this.#run(
        batch.map((i) => encoded[i]),
        length,
      );
      for (const [k, i] of batch.entries()) {
        rows.data.set(result.subarray(k * this.dimension, (k + 1) * this.dimension), i * this.dimension);
      }
      start += batch.length;
    }
    return rows;
  }

  /** Frees the native memory; the teacher cannot embed afterwards. */
  release(): Promise<void> {
    return this.#program.release();
  }

  async #run(texts: readonly Int32Array[], length: number): Promise<Float32Array> {
    const ids = new Int32Array(texts.length * length).fill(this.tokenizer.padId);
    const mask = new Float32Array(texts.length * length);
    for (const [k, tokens] of texts.entries()) {
      ids.set(tokens, k * length);
      mask.fill(1, k * length, k * length + tokens.length);
    }
    const { embeddings } = await this.#program.run({
      ids: int32Tensor(ids, [texts.length, length]),
      mask: floatTensor(mask, [texts.length, length]),
      positions: int32Tensor(everyNumber(length), [length]),
    });
    return embeddings.data as Float32Array;
  }
}
