/**
 * A student from an ONNX file that somebody else exported: read, differentiated, trained, and written back with nothing changed
 * but its weights.
 */
import * as z from 'zod';
import { LimbeckError, show } from '../../errors.ts';
import {
  constant,
  div,
  type Graph,
  type OnnxModel,
  type ReadExternal,
  readOnnx,
  type SymbolicTensor,
  sub,
  topologicalOrder,
  writeOnnx,
} from '../../graph/index.ts';
import { replaceWeights } from '../../graph/onnx-weights.ts';
import { substitute } from '../../graph/substitute.ts';
import { l2Normalize } from '../../losses/cosine.ts';
import { Matrix } from '../../matrix/matrix.ts';
import type { Parameter } from '../../matrix/parameter.ts';
import { compile, type Program } from '../../runtime/program.ts';
import { embeddingLayerName, parseOptions } from '../../strategies/options.ts';
import { noClassifier } from '../no-classifier.ts';
import type { StudentBatch, StudentInputs, StudentOutputs, TrainableStudent } from '../student.ts';
import { type StudentFilesOptions, saveStudent, studentFiles } from '../student-files.ts';
import type { ImagePreparation, TextInput } from '../student-format.ts';
import type { ChannelStatistics, OnnxInputs, OnnxInputsDescription } from './onnx-inputs.ts';
import { commonNames, nameOf, pooled, tensorOf, widthOf } from './onnx-layers.ts';

const tensorName = () => z.string().min(1).describe('the name of a tensor of the model');

/** Every option that is plain data, with default and bounds; a description completes "expected …". */
export const onnxStudentOptionsSchema = z.object({
  embeddings: tensorName(),
  outputs: tensorName().optional(),
  pooling: z
    .enum(['none', 'mean', 'first'])
    .default('none')
    .describe("'none', 'mean' or 'first': how [batch, length, width] becomes [batch, width]"),
  layerName: embeddingLayerName(),
  sizes: z
    .record(z.string(), z.int().min(1))
    .default({})
    .describe('an object of run-time sizes of the model and whole numbers ≥ 1 to fix them at'),
});

export interface OnnxStudentOptions<Sample, Encoded> extends z.input<typeof onnxStudentOptionsSchema> {
  /** How samples become the model's inputs: `textInputs(tokenizer)`, `imageInputs()`, or your own. */
  readonly inputs: OnnxInputs<Sample, Encoded>;
  /** Which weights are trained; by default all that reach the embeddings or outputs and have more than one entry. */
  readonly trainable?: (name: string, dims: readonly number[]) => boolean;
}

/** How images are prepared matters for students of images only. */
export interface OnnxFilesOptions extends StudentFilesOptions, ImagePreparation {}

/** The bytes of a model, and how to read what it keeps beside them. */
export interface OnnxSource {
  readonly bytes: Uint8Array;
  /** How the model is called in messages. */
  readonly name: string;
  readonly external?: ReadExternal;
}

/** Samples in one run of {@link OnnxStudent.embed}. */
const RUN_SAMPLES = 32;

/**
 * @example
 * const student = OnnxStudent.read({ bytes, name: 'encoder.onnx' }, {
 *   embeddings: 'last_hidden_state', pooling: 'mean', inputs: textInputs(tokenizer),
 * });
 * await distill({ student, teacher, data, strategy });
 * await writeFile('trained.onnx', student.toOnnx());
 */
export class OnnxStudent<Sample, Encoded> implements TrainableStudent<Sample, Encoded> {
  readonly parameters: readonly Parameter[];
  readonly layers: ReadonlyMap<string, number>;
  readonly classes: number | undefined;
  readonly #source: OnnxSource;
  readonly #model: OnnxModel;
  readonly #inputs: OnnxInputs<Sample, Encoded>;
  readonly #layerName: string;
  /** [batch, length, width], where the embedding is pooled from it. */
  readonly #tokens: SymbolicTensor | undefined;
  readonly #pooling: 'none' | 'mean' | 'first';
  readonly #embedding: SymbolicTensor;
  readonly #logits: SymbolicTensor | undefined;

  private constructor(
    source: OnnxSource,
    model: OnnxModel,
    { inputs, embeddings, outputs, pooling, layerName }: OnnxStudentOptions<Sample, Encoded> & { layerName: string },
  ) {
    this.#source = source;
    this.#model = model;
    this.#inputs = inputs;
    this.#layerName = layerName;
    this.#pooling = pooling ?? 'none';
    const tensor = tensorOf(model, embeddings, source.name);
    this.#tokens = this.#pooling === 'none' ? undefined : tensor;
    this.#embedding = pooled(tensor, model, this.#pooling, source.name, embeddings);
    this.#logits = outputs === undefined ? undefined : tensorOf(model, outputs, source.name);
    const width = widthOf(this.#embedding, `embeddings ${show(embeddings)}`, model, source.name);
    this.layers = new Map([[layerName, width]]);
    this.classes = this.#logits && widthOf(this.#logits, `outputs ${show(outputs)}`, model, source.name);
    const reached = new Set(topologicalOrder(this.#results()).flatMap((operation) => operation.inputs));
    this.parameters = [...model.parameters]
      .filter(([, { tensor }]) => tensor.dtype === 'float32' && reached.has(tensor))
      .map(([name, { dims, data }]) => ({
        name,
        shape: dims,
        data: Float32Array.from(data as Float32Array),
        sparse: false,
        decay: dims.length > 1,
      }));
    if (this.parameters.length === 0) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `${source.name}: expected weights to train, got none: no trainable float weight reaches ${show(embeddings)}.`,
      );
    }
  }

  /**
   * Reads a model.
   *
   * @throws LimbeckError FILE_CORRUPT, UNSUPPORTED (naming every node that cannot be read), INVALID_OPTION for a tensor that does
   *   not exist or is no row for each sample
   */
  static read<Sample, Encoded>(
    source: OnnxSource,
    options: OnnxStudentOptions<Sample, Encoded>,
  ): OnnxStudent<Sample, Encoded> {
    const { inputs, trainable, ...plain } = options;
    const parsed = parseOptions(onnxStudentOptionsSchema, plain, 'OnnxStudent');
    const reading = {
      name: source.name,
      ...(source.external && { external: source.external }),
      ...(trainable && { trainable }),
    };
    const first = readOnnx(source.bytes, { ...reading, sizes: parsed.sizes });
    const sizes = { ...commonNames(first, source.name), ...parsed.sizes };
    return new OnnxStudent(source, readOnnx(source.bytes, { ...reading, sizes }), { ...parsed, inputs });
  }

  /** Number of trained numbers. */
  get parameterCount(): number {
    return this.parameters.reduce((total, { data }) => total + data.length, 0);
  }

  encode(samples: readonly Sample[]): readonly Encoded[] {
    return this.#inputs.encode(samples);
  }

  prepareBatch(samples: readonly Encoded[]): StudentBatch {
    const tensors = this.#inputs.feeds(samples, this.#model.inputs);
    const feeds = Object.fromEntries(
      this.#model.inputs.map((tensor) => [nameOf(tensor), { shape: tensor.shape, tensor: tensors[nameOf(tensor)] }]),
    );
    return { feeds, rows: new Int32Array() };
  }

  /** The model as it is in the file: what was exported for inference stays so, running statistics included. */
  forward({ feeds, parameters }: StudentInputs): StudentOutputs {
    const replacements = new Map<SymbolicTensor, SymbolicTensor>();
    for (const tensor of this.#model.inputs) replacements.set(tensor, feeds[nameOf(tensor)]);
    for (const { name } of this.parameters) replacements.set(this.#parameterTensor(name), parameters[name]);
    for (const [tensor, value] of this.#fixedWeights()) replacements.set(tensor, value);
    const [embedding, outputs] = substitute(this.#results(), replacements);
    return { layers: new Map([[this.#layerName, embedding]]), outputs };
  }

  /** The file with the weights as they are now; everything else in it is as it was. */
  toOnnx(): Uint8Array {
    return replaceWeights(this.#source.bytes, new Map(this.parameters.map(({ name, data }) => [name, data])));
  }

  /**
   * The files of the student as Limbeck loads it: `onnx/model.onnx`, `config.json`, the tokenizer's, and `README.md`, its model card.
   *
   * The model is the file's graph with the inputs that it has, and what `inputs` and `pooling` say as part of it: pixels from 0 to 1
   * or token ids in, `embeddings` of norm 1 and `logits` out. {@link toOnnx} gives the file itself.
   *
   * @throws LimbeckError UNSUPPORTED with inputs of your own, which a directory cannot hold; INVALID_OPTION for class names that are
   *   not one for each class
   */
  toFiles(options: OnnxFilesOptions = {}): Map<string, string | Uint8Array> {
    const { fit = 'cover', background = '#ffffff' } = options;
    const described = this.#inputs.describe?.(this.#model.inputs);
    if (!described) {
      throw new LimbeckError(
        'UNSUPPORTED',
        'OnnxStudent: expected textInputs or imageInputs, got inputs of your own, which a student directory cannot hold. ' +
          'Give them a method describe, or keep toOnnx() and feed it yourself.',
      );
    }
    const dimension = this.layers.get(this.#layerName) as number;
    const { classes } = this;
    const common = { format: 1, dimension, ...(classes !== undefined && { classes }) } as const;
    const inputs = this.#model.inputs.map(nameOf);
    const text = described.kind === 'text' ? described.tokenizer : undefined;
    const config = {
      model_type: 'limbeck-onnx',
      architectures: ['PreTrainedModel'],
      hidden_size: dimension,
      ...(text && { vocab_size: text.vocabularySize, pad_token_id: text.padId }),
      ...(this.#tokens && { pooling: this.#pooling === 'first' ? 'cls' : 'mean', normalize: true }),
      'transformers.js_config': { dtype: 'fp32' },
    };
    return studentFiles(
      {
        model: writeOnnx(this.#inferenceGraph(described), { name: 'limbeck student' }),
        config,
        format:
          described.kind === 'text'
            ? {
                kind: 'text',
                ...common,
                maxTokens: described.tokenizer.maxTokens,
                inputs: inputs as TextInput[],
                pooling: this.#pooling,
              }
            : { kind: 'image', ...common, inputs, ...described.format, fit, background },
        architecture: 'a network from an ONNX file',
        parameters: this.parameterCount,
        ...(text && { files: text.toFiles() }),
      },
      options,
    );
  }

  /**
   * Saves the student: the files of {@link toFiles}, all or none. An earlier student in the directory is replaced.
   *
   * @throws LimbeckError FILE_UNWRITABLE; INVALID_ARGUMENT for a directory that holds anything else; what toFiles throws
   */
  async save(directory: string, options: OnnxFilesOptions = {}): Promise<void> {
    return saveStudent(directory, this.toFiles(options));
  }

  /** @returns embeddings [samples, width] with the weights as they are now, rows of norm 1 */
  embed(samples: readonly Sample[]): Promise<Matrix> {
    return this.#run(samples, l2Normalize(this.#embedding));
  }

  /**
   * @returns logits [samples, classes] with the weights as they are now
   * @throws LimbeckError UNSUPPORTED without outputs
   */
  async classify(samples: readonly Sample[]): Promise<Matrix> {
    if (!this.#logits) throw noClassifier();
    return this.#run(samples, this.#logits);
  }

  async #run(samples: readonly Sample[], result: SymbolicTensor): Promise<Matrix> {
    const program = await this.#compile(result);
    try {
      const encoded = this.encode(samples);
      const rows = Matrix.zeros(samples.length, result.shape[1] as number);
      for (let start = 0; start < samples.length; start += RUN_SAMPLES) {
        const batch = encoded.slice(start, start + RUN_SAMPLES);
        const { y } = await program.run(this.#inputs.feeds(batch, this.#model.inputs));
        rows.data.set(y.data as Float32Array, start * rows.columns);
      }
      return rows;
    } finally {
      await program.release();
    }
  }

  #compile(result: SymbolicTensor): Promise<Program> {
    const [y] = substitute([result], this.#weights());
    return compile({ inputs: this.#model.inputs, outputs: { y } });
  }

  /** The contract of every saved student; the inputs keep the file's names. */
  #inferenceGraph(described: OnnxInputsDescription): Graph {
    const values = this.#weights();
    if (described.kind === 'image' && described.normalize) {
      const [x] = this.#model.inputs;
      values.set(x, normalized(x, described.normalize));
    }
    const results = {
      ...(this.#tokens && { last_hidden_state: this.#tokens }),
      embeddings: l2Normalize(this.#embedding),
      ...(this.#logits && { logits: this.#logits }),
    };
    const tensors = substitute(Object.values(results), values);
    const outputs = Object.fromEntries(Object.keys(results).map((name, i) => [name, tensors[i]]));
    return { inputs: this.#model.inputs, outputs };
  }

  /** All weights as the constants that they are now. */
  #weights(): Map<SymbolicTensor, SymbolicTensor> {
    const values = new Map(this.#fixedWeights());
    for (const { name, data, shape } of this.parameters) {
      values.set(this.#parameterTensor(name), constant(data, 'float32', shape));
    }
    return values;
  }

  /** Weights of the file that are read as parameters and are not trained. */
  #fixedWeights(): [SymbolicTensor, SymbolicTensor][] {
    const trained = new Set(this.parameters.map(({ name }) => name));
    return [...this.#model.parameters]
      .filter(([name]) => !trained.has(name))
      .map(([, { tensor, data, dims }]) => [tensor, constant(data, tensor.dtype, dims)]);
  }

  #parameterTensor(name: string): SymbolicTensor {
    return this.#model.parameters.get(name)?.tensor as SymbolicTensor;
  }

  #results(): SymbolicTensor[] {
    return this.#logits ? [this.#embedding, this.#logits] : [this.#embedding];
  }
}

/** (x − mean) / std for each channel of images [batch, channels, height, width]. */
function normalized(x: SymbolicTensor, { mean, std }: ChannelStatistics): SymbolicTensor {
  const values = (numbers: readonly number[]) =>
    constant(Float32Array.from(numbers), 'float32', [numbers.length, 1, 1]);
  return div(sub(x, values(mean)), values(std));
}
