/** A text student with attention: a BERT encoder with mean pooling, small, trained here. */
import type { TextTokenizer } from '../../data/tokenizer.ts';
import {
  add,
  cast,
  div,
  type Graph,
  gather,
  input,
  mul,
  positions,
  type SymbolicTensor,
  sub,
  sum,
  unsqueeze,
  writeOnnx,
} from '../../graph/index.ts';
import { l2Normalize } from '../../losses/cosine.ts';
import type { Parameter } from '../../matrix/parameter.ts';
import { floatTensor, int32Tensor } from '../../runtime/tensors.ts';
import { transformerLayer } from '../network/attention.ts';
import { classify, heads, project } from '../network/heads.ts';
import { normal, zeros } from '../network/initialization.ts';
import { layerNorm } from '../network/layers.ts';
import { type Network, NetworkState } from '../network/network.ts';
import type { StudentBatch, StudentInputs, StudentOutputs, TrainableStudent } from '../student.ts';
import { type StudentFilesOptions, saveStudent, textStudentFiles } from '../student-files.ts';
import { TextEmbedder } from '../text-embedder.ts';
import { copyTeacherLayers } from './teacher-layers.ts';
import type { ParsedTransformerOptions } from './transformer-options.ts';

/** BERT's spread of initial weights. */
const INITIAL_DEVIATION = 0.02;
/** An attention score that is never chosen, and far inside float32. */
const MASKED_SCORE = 1e9;

/**
 * Built by {@link transformerEncoder}.
 *
 * @example
 * const student = transformerEncoder(tokenizer, { layers: 2, heads: 4, hidden: 128, dimension: 384, seed: 0 });
 * await distill({ student, … });
 * const embedder = await student.toEmbedder();
 * const rows = await embedder.embed(['a large musical instrument']); // 1 × 384, norm 1
 */
export class TransformerStudent implements TrainableStudent<string, Int32Array> {
  readonly tokenizer: TextTokenizer;
  readonly parameters: readonly Parameter[];
  readonly layers: ReadonlyMap<string, number>;
  readonly classes: number | undefined;
  readonly #options: ParsedTransformerOptions;
  readonly #state: NetworkState;

  constructor(tokenizer: TextTokenizer, options: ParsedTransformerOptions) {
    this.tokenizer = tokenizer;
    this.#options = options;
    this.classes = options.classes;
    this.#state = new NetworkState((network) => {
      const ids = input('ids', 'int32', ['batch', 'length']);
      heads(network, this.#tokens(network, ids, input('mask', 'float32', ['batch', 'length'])), options);
    }, options.seed);
    this.parameters = this.#state.parameters;
    if (options.fromTeacher) copyTeacherLayers(this.parameters, options.fromTeacher);
    this.layers = new Map([[options.layerName, options.dimension ?? options.sizes.hidden]]);
  }

  /** Number of trained numbers. */
  get parameterCount(): number {
    return this.parameters.reduce((total, { data }) => total + data.length, 0);
  }

  /** The ids of each text. */
  encode(texts: readonly string[]): Int32Array[] {
    return this.tokenizer.encodeAll(texts);
  }

  /** Texts padded to the longest, as numbers of touched rows: what a step costs is the batch's tokens, not the vocabulary. */
  prepareBatch(texts: readonly Int32Array[]): StudentBatch {
    const rows = Int32Array.from(new Set(texts.flatMap((ids) => Array.from(ids)))).sort();
    const place = new Map(Array.from(rows, (id, row) => [id, row]));
    const length = Math.max(...texts.map((ids) => ids.length));
    // Padding is row 0, whatever token that is: nothing looks at it.
    const ids = new Int32Array(texts.length * length);
    const mask = new Float32Array(texts.length * length);
    for (const [i, text] of texts.entries()) {
      for (const [j, id] of text.entries()) ids[i * length + j] = place.get(id) as number;
      mask.fill(1, i * length, i * length + text.length);
    }
    const [shape, dims] = [
      ['batch', 'length'],
      [texts.length, length],
    ] as const;
    return {
      feeds: { ids: { shape, tensor: int32Tensor(ids, dims) }, mask: { shape, tensor: floatTensor(mask, dims) } },
      rows,
    };
  }

  forward({ feeds: { ids, mask }, parameters, buffers }: StudentInputs): StudentOutputs {
    const { network } = this.#state.training({ parameters, buffers });
    // The mean of linear maps is the linear map of the mean, which is less work.
    const pooled = meanOf(this.#tokens(network, ids, mask), mask);
    const { embedding, logits } = heads(network, pooled, this.#options);
    return { layers: new Map([[this.#options.layerName, embedding]]), outputs: logits };
  }

  /**
   * The student as users run it: ids and mask in, embeddings out.
   *
   * Inputs: `input_ids` and `attention_mask`, int64 [batch, length]. Outputs: `last_hidden_state` [batch, length, dimension], whose
   * masked mean, normalised, is the embedding (so transformers.js pools it with `{ pooling: 'mean', normalize: true }`);
   * `embeddings` [batch, dimension], done already; `logits` [batch, classes] for students that classify.
   */
  inferenceGraph(): Graph {
    const ids = input('input_ids', 'int64', ['batch', 'length']);
    const attention = input('attention_mask', 'int64', ['batch', 'length']);
    const mask = cast(attention, 'float32');
    const network = this.#state.inference({ foldBatchNorm: false });
    const tokens = this.#tokens(network, ids, mask);
    const hidden = project(network, tokens, this.#options.dimension);
    const logits = classify(network, meanOf(tokens, mask), this.classes);
    const embeddings = l2Normalize(meanOf(hidden, mask));
    return {
      inputs: [ids, attention],
      outputs: { last_hidden_state: hidden, embeddings, ...(logits && { logits }) },
    };
  }

  /** The exported model, bytes of an .onnx file, with the parameters as they are now. */
  toOnnx(): Uint8Array {
    return writeOnnx(this.inferenceGraph(), { name: 'limbeck transformer student' });
  }

  /** Opens the exported model with the parameters as they are now; later training does not change it. */
  toEmbedder(): Promise<TextEmbedder> {
    return TextEmbedder.open(this.toOnnx(), this.tokenizer, 'the exported student', this.classes);
  }

  /**
   * The files of the exported student: `onnx/model.onnx`, `config.json`, `tokenizer.json`, `tokenizer_config.json`, laid out as
   * transformers.js expects them, and `README.md`, its model card.
   *
   * @throws LimbeckError INVALID_OPTION for class names that are not one for each class
   */
  toFiles(options: StudentFilesOptions = {}): Map<string, string | Uint8Array> {
    const { classes, tokenizer } = this;
    const { sizes, dimension = sizes.hidden } = this.#options;
    return textStudentFiles(
      {
        model: this.toOnnx(),
        tokenizer,
        dimension,
        classes,
        config: {
          model_type: 'limbeck-transformer',
          num_hidden_layers: sizes.layers,
          num_attention_heads: sizes.heads,
          token_dim: sizes.hidden,
          intermediate_size: sizes.intermediate,
          max_position_embeddings: tokenizer.maxTokens,
        },
        architecture: `transformer of ${sizes.layers} layers, ${sizes.heads} heads, width ${sizes.hidden}`,
        parameters: this.parameterCount,
      },
      options,
    );
  }

  /**
   * Saves the exported student: the files of {@link toFiles}, all or none. An earlier student in the directory is replaced.
   *
   * @throws LimbeckError FILE_UNWRITABLE; INVALID_ARGUMENT for a directory that holds anything else; INVALID_OPTION as toFiles
   */
  save(directory: string, options: StudentFilesOptions = {}): Promise<void> {
    return saveStudent(directory, this.toFiles(options));
  }

  /** From ids and mask [batch, length] to a vector for every token [batch, length, hidden]. */
  #tokens(network: Network, ids: SymbolicTensor, mask: SymbolicTensor): SymbolicTensor {
    const { layers, hidden, ...sizes } = this.#options.sizes;
    // A teacher's weights overwrite all of these: nothing to draw.
    const initialize = this.#options.fromTeacher ? zeros : normal(INITIAL_DEVIATION);
    const table = (name: string, rows: number, sparse: boolean): SymbolicTensor =>
      network.parameter({ name: `embeddings.${name}.weight`, shape: [rows, hidden], initialize, decay: false, sparse });
    const words = gather(table('word_embeddings', this.tokenizer.vocabularySize, true), ids);
    const places = gather(table('position_embeddings', this.tokenizer.maxTokens, false), positions(ids, 1));
    let x = layerNorm(network, 'embeddings.LayerNorm', add(words, places), sizes.epsilon);
    const bias = mul(sub(unsqueeze(mask, [1, 2]), 1), MASKED_SCORE);
    for (let layer = 0; layer < layers; layer++) {
      x = transformerLayer(network, `encoder.layer.${layer}`, x, bias, { ...sizes, initialize });
    }
    return x;
  }
}

/** The mean over the tokens that the mask [batch, length] keeps: [batch, length, width] → [batch, width]. */
function meanOf(x: SymbolicTensor, mask: SymbolicTensor): SymbolicTensor {
  const column = unsqueeze(mask, 2);
  return div(sum(mul(x, column), [1]), sum(column, [1]));
}
