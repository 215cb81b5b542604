/**
 * The smallest useful text student: every token has one vector, whatever stands around it.
 *
 *   embedding(text) = W · mean over tokens t of (weight_t · vector_t) + b
 *
 * A learned weight per token lets "the" fade and "piano" count. A bag of tokens cannot see word order; that is what it pays for
 * running at hundreds of thousands of tokens a second in a browser.
 */
import * as z from 'zod';
import type { TextTokenizer } from '../data/tokenizer.ts';
import { compressOnnx } from '../graph/compress-onnx.ts';
import {
  add,
  cast,
  constant,
  div,
  filled,
  type Graph,
  gather,
  input,
  matmul,
  mul,
  reshape,
  scatterND,
  sum,
  writeOnnx,
} from '../graph/index.ts';
import { l2Normalize } from '../losses/cosine.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import { Random } from '../matrix/random.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor, int32Tensor } from '../runtime/tensors.ts';
import { embeddingLayerName, parseOptions } from '../strategies/options.ts';
import {
  type StudentBatch,
  type StudentInputs,
  type StudentOutputs,
  TOUCHED_ROWS,
  type TrainableStudent,
} from './student.ts';
import { type StudentFilesOptions, saveStudent, textStudentFiles } from './student-files.ts';
import { startFromTeacherTokens, type TeacherTokens } from './teacher-tokens.ts';
import { TextEmbedder } from './text-embedder.ts';

/** Every option with its default and bounds; a description completes "expected …". */
export const staticEmbeddingOptionsSchema = z.object({
  width: z.int().min(1).max(1_000_000).describe("a whole number ≥ 1: the width of a token's vector"),
  dimension: z.int().min(1).max(1_000_000).describe("a whole number ≥ 1: the width of the embedding, the teacher's"),
  seed: z.int().describe('a whole number: seeds the initial vectors'),
  fromTeacher: z
    .custom<TeacherTokens>((value) => isTeacherTokens(value))
    .optional()
    .describe("{ rows, counts }: a Matrix with the teacher's embedding of each token, and how often each occurs"),
  precision: z
    .enum(['float32', 'float16', 'int8'])
    .default('float32')
    .describe("'float32', 'float16' or 'int8': how the exported model stores its vectors; training is in float32"),
  layerName: embeddingLayerName(),
});

export type StaticEmbeddingOptions = z.input<typeof staticEmbeddingOptionsSchema>;

/**
 * Spread of the initial token vectors. Rare tokens take few steps and keep most of what they began with, which is noise; so it
 * is small beside what a few steps of the optimizer add.
 */
const INITIAL_DEVIATION = 0.02;

function isTeacherTokens(value: unknown): boolean {
  const { rows, counts } = (value ?? {}) as Partial<TeacherTokens>;
  return rows instanceof Matrix && typeof counts?.length === 'number';
}

/**
 * @example
 * const student = new StaticEmbeddingStudent(tokenizer, { width: 96, dimension: 384, seed: 0 });
 * await distill({ student, … });
 * const embedder = await student.toEmbedder();
 * const rows = await embedder.embed(['a large musical instrument']); // 1 × 384, norm 1
 */
export class StaticEmbeddingStudent implements TrainableStudent<string, Int32Array> {
  readonly tokenizer: TextTokenizer;
  readonly width: number;
  readonly dimension: number;
  readonly layerName: string;
  /** Of the exported model's vectors: 'int8' is a quarter of the size. */
  readonly precision: 'float32' | 'float16' | 'int8';
  readonly parameters: readonly Parameter[];
  readonly #table: Parameter;
  readonly #tokenWeights: Parameter;
  readonly #projection: Parameter;
  readonly #bias: Parameter;
  /** For every id its place among the touched rows of the batch that is being prepared, and the last batch that it occurred in. */
  readonly #place: Int32Array;
  readonly #lastBatch: Int32Array;
  #batches = 0;

  /** @throws LimbeckError INVALID_OPTION; SHAPE_MISMATCH for teacher tokens that are not those of the tokenizer */
  constructor(tokenizer: TextTokenizer, options: StaticEmbeddingOptions) {
    const { width, dimension, seed, layerName, precision, fromTeacher } = parseOptions(
      staticEmbeddingOptionsSchema,
      options,
      'StaticEmbeddingStudent',
    );
    this.tokenizer = tokenizer;
    this.width = width;
    this.dimension = dimension;
    this.layerName = layerName;
    this.precision = precision;
    const random = Random.forPurpose(seed, 'static embedding student');
    const vocabulary = tokenizer.vocabularySize;
    const normal = (length: number, deviation: number): Float32Array =>
      Float32Array.from({ length }, () => deviation * random.normal());
    this.#table = {
      name: 'table',
      shape: [vocabulary, width],
      data: normal(vocabulary * width, INITIAL_DEVIATION),
      sparse: true,
      decay: false,
    };
    this.#place = new Int32Array(vocabulary);
    this.#lastBatch = new Int32Array(vocabulary);
    this.#tokenWeights = {
      name: 'token weights',
      shape: [vocabulary, 1],
      data: new Float32Array(vocabulary).fill(1),
      sparse: true,
      decay: false,
    };
    this.#projection = {
      name: 'projection',
      shape: [width, dimension],
      data: normal(width * dimension, 1 / Math.sqrt(width)),
      sparse: false,
      decay: true,
    };
    this.#bias = { name: 'bias', shape: [dimension], data: new Float32Array(dimension), sparse: false, decay: false };
    this.parameters = [this.#table, this.#tokenWeights, this.#projection, this.#bias];
    if (!fromTeacher) return;
    const { specialIds } = tokenizer;
    startFromTeacherTokens(
      fromTeacher,
      { vocabulary, width, dimension, specialIds },
      {
        table: this.#table.data,
        tokenWeights: this.#tokenWeights.data,
        projection: this.#projection.data,
        bias: this.#bias.data,
      },
    );
  }

  get layers(): ReadonlyMap<string, number> {
    return new Map([[this.layerName, this.dimension]]);
  }

  /** Number of trained numbers. */
  get parameterCount(): number {
    return this.parameters.reduce((total, { data }) => total + data.length, 0);
  }

  /** The ids of each text. */
  encode(texts: readonly string[]): Int32Array[] {
    return this.tokenizer.encodeAll(texts);
  }

  /**
   * In training, the mean over tokens is a product with a matrix of shares, [batch, touched rows]: entry (i, r) is how often
   * text i holds row r's token, over its length. That is a quarter of the work of gathering a vector for every token and scattering
   * its gradient back, and, unlike a scatter, adds in a fixed order. All but a hundredth of the matrix is 0, so only the cells that are
   * not travel: `cells` [cells, 2], text and row of each, once, and `shares` [cells]; `sizes` are those of the matrix.
   */
  prepareBatch(texts: readonly Int32Array[]): StudentBatch {
    const rows = this.#touchedRows(texts);
    for (let row = 0; row < rows.length; row++) this.#place[rows[row]] = row;
    const tokens = texts.reduce((total, ids) => total + ids.length, 0);
    const cells = new Int32Array(2 * tokens);
    const shares = new Float32Array(tokens);
    const cellOf = new Int32Array(rows.length);
    let count = 0;
    for (let i = 0; i < texts.length; i++) {
      const ids = texts[i];
      const first = count;
      for (let k = 0; k < ids.length; k++) {
        const row = this.#place[ids[k]];
        const known = cellOf[row];
        // The cell that was last made for the row, if it is of this text.
        if (known >= first && known < count && cells[2 * known + 1] === row) {
          shares[known] += 1 / ids.length;
          continue;
        }
        cells[2 * count] = i;
        cells[2 * count + 1] = row;
        shares[count] = 1 / ids.length;
        cellOf[row] = count++;
      }
    }
    const sizes: TensorData = {
      dtype: 'int64',
      dims: [2],
      data: BigInt64Array.of(BigInt(texts.length), BigInt(rows.length)),
    };
    return {
      feeds: {
        sizes: { shape: [2], tensor: sizes },
        cells: { shape: ['cells', 2], tensor: int32Tensor(cells.subarray(0, 2 * count), [count, 2]) },
        shares: { shape: ['cells'], tensor: floatTensor(shares.subarray(0, count), [count]) },
      },
      rows,
    };
  }

  /** The ids that occur, ascending. */
  #touchedRows(texts: readonly Int32Array[]): Int32Array {
    this.#batches++;
    const touched: number[] = [];
    for (const ids of texts) {
      for (let k = 0; k < ids.length; k++) {
        if (this.#lastBatch[ids[k]] === this.#batches) continue;
        this.#lastBatch[ids[k]] = this.#batches;
        touched.push(ids[k]);
      }
    }
    return Int32Array.from(touched).sort();
  }

  forward({ feeds, parameters }: StudentInputs): StudentOutputs {
    const vectors = mul(parameters[this.#table.name], parameters[this.#tokenWeights.name]);
    const shares = scatterND(filled(feeds.sizes, ['batch', TOUCHED_ROWS], 0, 'float32'), feeds.cells, feeds.shares);
    const mean = matmul(shares, vectors);
    const embedding = add(matmul(mean, parameters[this.#projection.name]), parameters[this.#bias.name]);
    return { layers: new Map([[this.layerName, embedding]]) };
  }

  /**
   * The student as users run it: ids and mask in, embeddings out.
   *
   * Inputs: `input_ids` and `attention_mask`, int64 [batch, length]. Outputs: `last_hidden_state` [batch, length, dimension], a
   * vector per token whose masked mean, normalised, is the embedding (the mean of linear maps is the linear map of the mean, so
   * transformers.js pools it with `{ pooling: 'mean', normalize: true }`), and `embeddings` [batch, dimension], done already.
   */
  inferenceGraph(): Graph {
    const ids = input('input_ids', 'int64', ['batch', 'length']);
    const mask = input('attention_mask', 'int64', ['batch', 'length']);
    const { width, dimension } = this;
    // A token's weight scales its vector; multiplied in once here, it costs nothing at run time.
    const weights = this.#tokenWeights.data;
    const scaled = this.#table.data.map((value, k) => value * weights[Math.floor(k / width)]);
    const vectors = gather(constant(scaled, 'float32', this.#table.shape), ids);
    const projection = constant(this.#projection.data, 'float32', [width, dimension]);
    const hidden = add(matmul(vectors, projection), constant(this.#bias.data, 'float32'));
    const column = reshape(cast(mask, 'float32'), ['batch', 'length', 1]);
    const pooled = div(sum(mul(hidden, column), [1]), sum(column, [1]));
    return { inputs: [ids, mask], outputs: { last_hidden_state: hidden, embeddings: l2Normalize(pooled) } };
  }

  /** The exported model, bytes of an .onnx file, with the parameters as they are now. */
  toOnnx(): Uint8Array {
    const bytes = writeOnnx(this.inferenceGraph(), { name: 'limbeck static embedding student' });
    if (this.precision === 'float32') return bytes;
    // Rounded rows alone: products on integers would make a text's embedding depend on what else is in its batch.
    return compressOnnx(bytes, this.precision === 'int8' ? 'int8-tables' : this.precision);
  }

  /** Opens the exported model with the parameters as they are now; later training does not change it. */
  toEmbedder(): Promise<TextEmbedder> {
    return TextEmbedder.open(this.toOnnx(), this.tokenizer, 'the exported student');
  }

  /**
   * The files of the exported student: `onnx/model.onnx`, `config.json`, `tokenizer.json`, `tokenizer_config.json`, laid out as
   * transformers.js expects them, and `README.md`, its model card.
   *
   * @throws LimbeckError INVALID_OPTION for class names: it does not classify
   */
  toFiles(options: StudentFilesOptions = {}): Map<string, string | Uint8Array> {
    return textStudentFiles(
      {
        model: this.toOnnx(),
        tokenizer: this.tokenizer,
        dimension: this.dimension,
        config: { model_type: 'limbeck-static-embedding', token_dim: this.width },
        architecture: `static embeddings: a vector of ${this.width} numbers per token, ${this.precision}`,
        parameters: this.parameterCount,
      },
      options,
    );
  }

  /**
   * Saves the exported student: the files of {@link toFiles}, all or none. An earlier student in the directory is replaced.
   *
   * @throws LimbeckError FILE_UNWRITABLE; INVALID_ARGUMENT for a directory that holds anything else
   */
  save(directory: string, options: StudentFilesOptions = {}): Promise<void> {
    return saveStudent(directory, this.toFiles(options));
  }
}
