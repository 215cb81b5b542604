/** Runs an exported image student: the code that a user of the student runs, and therefore the code that evaluates it. */
import { Matrix } from '../../matrix/matrix.ts';
import type { Session } from '../../runtime/backend.ts';
import { openModel } from '../../runtime/model.ts';
import { noClassifier } from '../no-classifier.ts';
import { checkedImages, type ImageFormat, type ImageSample, pixelTensor } from './pixels.ts';

/** Images in one run: enough to keep the cores busy, few enough for memory. */
const BATCH_IMAGES = 64;

export interface ImageModelFormat extends ImageFormat {
  /** Number of classes, for models that have `logits`. */
  readonly classes?: number | undefined;
}

/**
 * A model with one input, `pixel_values` (float32 [batch, channels, height, width]; it may have another name), and outputs `embeddings` [batch, dimension] and,
 * when it classifies, `logits` [batch, classes].
 *
 * @example
 * const model = await readFile('student/onnx/model.onnx');
 * const embedder = await ImageEmbedder.open(model, { channels: 1, height: 28, width: 28, classes: 10 }, 'the student');
 * const rows = await embedder.embed([pixels]);      // 1 × dimension, norm 1
 * const logits = await embedder.classify([pixels]); // 1 × 10
 * await embedder.release();
 */
export class ImageEmbedder {
  readonly format: ImageModelFormat;
  readonly #session: Session;

  private constructor(session: Session, format: ImageModelFormat) {
    this.#session = session;
    this.format = format;
  }

  /**
   * @param name how the model is called in messages
   * @throws LimbeckError FILE_CORRUPT when ONNX Runtime does not take the model
   */
  static async open(model: Uint8Array, format: ImageModelFormat, name: string): Promise<ImageEmbedder> {
    return new ImageEmbedder(await openModel(model, name), format);
  }

  /**
   * @returns float32 [images.length, dimension], rows of norm 1 in the order of the images
   * @throws LimbeckError INVALID_ARGUMENT or SHAPE_MISMATCH for what is not an image of the model's size
   */
  embed(images: readonly ImageSample[]): Promise<Matrix> {
    return this.#run(images, 'embeddings');
  }

  /**
   * @returns logits, float32 [images.length, classes], in the order of the images
   * @throws LimbeckError UNSUPPORTED for a model without classifier; for images as {@link embed}
   */
  async classify(images: readonly ImageSample[]): Promise<Matrix> {
    if (this.format.classes === undefined) throw noClassifier();
    return this.#run(images, 'logits');
  }

  /** What the model says of its inputs and outputs. */
  get model(): Pick<Session, 'inputs' | 'outputs'> {
    return this.#session;
  }

  /** Frees the native memory; the embedder cannot run afterwards. */
  release(): Promise<void> {
    return this.#session.release();
  }

  async #run(images: readonly ImageSample[], output: string): Promise<Matrix> {
    checkedImages(images, this.format);
    const [{ name: input }] = this.#session.inputs;
    let rows: Matrix | undefined;
    // Also for no images: the model itself knows how wide no rows are.
    for (let start = 0; rows === undefined || start < images.length; start += BATCH_IMAGES) {
      const batch = images.slice(start, start + BATCH_IMAGES);
      const result = (await this.#session.run({ [input]: pixelTensor(batch, this.format) }, [output]))[output];
      rows ??= Matrix.zeros(images.length, result.dims[1]);
      rows.data.set(result.data as Float32Array, start * rows.columns);
    }
    return rows;
  }
}
