/** Runs an exported text student: the code that a user of the student runs, and therefore the code that evaluates it. */
import type { TextTokenizer } from '../data/tokenizer.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Session } from '../runtime/backend.ts';
import { openModel } from '../runtime/model.ts';
import { noClassifier } from './no-classifier.ts';

/** Tokens in one batch, padding included. */
const BATCH_TOKENS = 8192;

/**
 * A model with inputs `input_ids`, `attention_mask` and `token_type_ids` (int64 [batch, length]) or some of them, output `embeddings`
 * [batch, dimension] and, when it classifies, `logits` [batch, classes].
 *
 * @example
 * const embedder = await TextEmbedder.open(modelBytes, tokenizer, 'student/onnx/model.onnx');
 * const rows = await embedder.embed(['a large musical instrument']);
 * await embedder.release();
 */
export class TextEmbedder {
  readonly tokenizer: TextTokenizer;
  readonly #session: Session;
  readonly #classes: number | undefined;

  private constructor(session: Session, tokenizer: TextTokenizer, classes: number | undefined) {
    this.#session = session;
    this.tokenizer = tokenizer;
    this.#classes = classes;
  }

  /**
   * @param name how the model is called in messages
   * @param classes number of classes, for models that have `logits`
   * @throws LimbeckError FILE_CORRUPT when ONNX Runtime does not take the model
   */
  static async open(
    model: Uint8Array,
    tokenizer: TextTokenizer,
    name: string,
    classes?: number | undefined,
  ): Promise<TextEmbedder> {
    return new TextEmbedder(await openModel(model, name), tokenizer, classes);
  }

  /**
   * @returns float32 [texts.length, dimension], rows of norm 1 in the order of the texts
   */
  embed(texts: readonly string[]): Promise<Matrix> {
    return this.#rows(texts, 'embeddings');
  }

  /**
   * @returns logits, float32 [texts.length, classes], in the order of the texts
   * @throws LimbeckError UNSUPPORTED for a model without classifier
   */
  async classify(texts: readonly string[]): Promise<Matrix> {
    if (this.#classes === undefined) throw noClassifier();
    return this.#rows(texts, 'logits');
  }

  async #rows(texts: readonly string[], output: string): Promise<Matrix> {
    const encoded = this.tokenizer.encodeAll(texts);
    // Texts of like length share a batch, so that little is spent on padding.
    const order = encoded.map((_, i) => i).sort((a, b) => encoded[b].length - encoded[a].length);
    if (texts.length === 0) {
      // The model itself knows how wide no rows are.
      const { data, dims } = await this.#run([], 1, output);
      return new Matrix(0, dims[1], data);
    }
    let rows = Matrix.zeros(0, 0);
    for (let start = 0; start < order.length; ) {
      const length = encoded[order[start]].length;
      const batch = order.slice(start, start + Math.max(1, Math.floor(BATCH_TOKENS / length)));
      const { data, dims } = await this.#run(
        batch.map((i) => encoded[i]),
        length,
        output,
      );
      if (start === 0) rows = Matrix.zeros(texts.length, dims[1]);
      for (const [k, i] of batch.entries()) rows.row(i).set(data.subarray(k * dims[1], (k + 1) * dims[1]));
      start += batch.length;
    }
    return rows;
  }

  /** What the model says of its inputs and outputs. */
  get model(): Pick<Session, 'inputs' | 'outputs'> {
    return this.#session;
  }

  /** Frees the native memory; the embedder cannot run afterwards. */
  release(): Promise<void> {
    return this.#session.release();
  }

  async #run(
    texts: readonly Int32Array[],
    length: number,
    output: string,
  ): Promise<{ data: Float32Array; dims: readonly number[] }> {
    const ids = new BigInt64Array(texts.length * length).fill(BigInt(this.tokenizer.padId));
    const mask = new BigInt64Array(texts.length * length);
    for (const [k, tokens] of texts.entries()) {
      for (let j = 0; j < tokens.length; j++) ids[k * length + j] = BigInt(tokens[j]);
      mask.fill(1n, k * length, k * length + tokens.length);
    }
    const data: Readonly<Record<string, () => BigInt64Array>> = {
      input_ids: () => ids,
      attention_mask: () => mask,
      token_type_ids: () => new BigInt64Array(ids.length),
    };
    const feeds = Object.fromEntries(
      this.#session.inputs
        .filter(({ name }) => Object.hasOwn(data, name))
        .map(({ name }) => [name, { dtype: 'int64', dims: [texts.length, length], data: data[name]() } as const]),
    );
    const results = await this.#session.run(feeds, [output]);
    return { data: results[output].data as Float32Array, dims: results[output].dims };
  }
}
