/** A student for images, whatever its architecture: its batches, its two graphs, its files. */
import {
  ARRAY_TYPES,
  constant,
  div,
  type FloatType,
  type Graph,
  input,
  type SymbolicTensor,
  sub,
  writeOnnx,
} from '../../graph/index.ts';
import { l2Normalize } from '../../losses/cosine.ts';
import type { Parameter } from '../../matrix/parameter.ts';
import { type Heads, heads } from '../network/heads.ts';
import { type Network, NetworkState } from '../network/network.ts';
import type { ModelBuffer, StudentBatch, StudentInputs, StudentOutputs, TrainableStudent } from '../student.ts';
import { type StudentFilesOptions, saveStudent, studentFiles } from '../student-files.ts';
import type { ImagePreparation } from '../student-format.ts';
import { ImageEmbedder } from './image-embedder.ts';
import { imageFormat, type ParsedImageOptions } from './image-options.ts';
import { checkedImages, type ImageFormat, type ImageSample, pixelTensor } from './pixels.ts';

/** From images [batch, channels, height, width] to features [batch, width]. */
export type ImageArchitecture = (network: Network, images: SymbolicTensor) => SymbolicTensor;

export interface ImageExportOptions {
  /**
   * Whether batch normalisation becomes part of the convolution before it, where there is one: fewer nodes, and the same numbers
   * to rounding. Default false.
   */
  readonly foldBatchNorm?: boolean;
}

export interface ImageFilesOptions extends ImageExportOptions, StudentFilesOptions, ImagePreparation {}

/**
 * Built by {@link resnet}, {@link wideResnet}, {@link mobilenet} and {@link mlp}.
 *
 * The embedding is the pooled features in front of the classifier, or a linear projection of them where `dimension` is given.
 *
 * @example
 * const student = resnet({ depth: 8, channels: 1, size: 28, classes: 10, seed: 0 });
 * student.parameterCount;                       // 77754
 * const embedder = await student.toEmbedder();
 * const logits = await embedder.classify(images); // [images, 10]
 * await embedder.release();
 */
export class ImageStudent implements TrainableStudent<ImageSample, ImageSample> {
  /** The architecture, for instance "resnet-8". */
  readonly name: string;
  readonly format: ImageFormat;
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly ModelBuffer[];
  readonly layers: ReadonlyMap<string, number>;
  readonly classes: number | undefined;
  readonly #options: ParsedImageOptions;
  readonly #state: NetworkState;
  readonly #build: (network: Network, images: SymbolicTensor) => Heads;

  /** @param options the common options, and any of the architecture's own, which only travel to config.json */
  constructor(name: string, options: ParsedImageOptions, architecture: ImageArchitecture) {
    this.name = name;
    this.#options = options;
    this.format = imageFormat(options);
    this.classes = options.classes;
    this.#build = (network, images) => heads(network, architecture(network, normalized(images, options)), options);
    let embedding: SymbolicTensor | undefined;
    this.#state = new NetworkState((network) => {
      ({ embedding } = this.#build(network, input('pixel_values', 'float32', this.#shape())));
    }, options.seed);
    this.parameters = this.#state.parameters;
    this.buffers = this.#state.buffers;
    this.layers = new Map([[options.layerName, (embedding as SymbolicTensor | undefined)?.shape[1] as number]]);
  }

  /** Number of trained numbers; running statistics are not among them. */
  get parameterCount(): number {
    return this.parameters.reduce((total, { data }) => total + data.length, 0);
  }

  /**
   * The images as they are, once they are known to be of the student's size.
   *
   * @throws LimbeckError INVALID_ARGUMENT or SHAPE_MISMATCH
   */
  encode(images: readonly ImageSample[]): readonly ImageSample[] {
    return checkedImages(images, this.format);
  }

  prepareBatch(images: readonly ImageSample[]): StudentBatch {
    const tensor = pixelTensor(images, this.format);
    return { feeds: { pixel_values: { shape: this.#shape(), tensor } }, rows: new Int32Array() };
  }

  forward({ feeds, parameters, buffers }: StudentInputs): StudentOutputs {
    const { network, updates } = this.#state.training({ parameters, buffers });
    const { embedding, logits } = this.#build(network, feeds.pixel_values);
    return { layers: new Map([[this.#options.layerName, embedding]]), outputs: logits, buffers: updates };
  }

  /**
   * The student as users run it, with the numbers that it has when the graph is written: `pixel_values` float32 [batch, channels, height, width] in;
   * `embeddings` [batch, dimension], rows of norm 1, and `logits` [batch, classes] out.
   */
  inferenceGraph({ foldBatchNorm = false }: ImageExportOptions = {}): Graph {
    const images = input('pixel_values', 'float32', this.#shape());
    const { embedding, logits } = this.#build(this.#state.inference({ foldBatchNorm }), images);
    return { inputs: [images], outputs: { embeddings: l2Normalize(embedding), ...(logits && { logits }) } };
  }

  /** The exported model, bytes of an .onnx file, with the numbers as they are now. */
  toOnnx(options: ImageExportOptions = {}): Uint8Array {
    return writeOnnx(this.inferenceGraph(options), { name: `limbeck ${this.name}` });
  }

  /** Opens the exported model with the numbers as they are now; later training does not change it. */
  toEmbedder(options: ImageExportOptions = {}): Promise<ImageEmbedder> {
    const format = { ...this.format, classes: this.classes };
    return ImageEmbedder.open(this.toOnnx(options), format, 'the exported student');
  }

  /**
   * The files of the exported student: `onnx/model.onnx`, `config.json`, and `README.md`, its model card.
   *
   * @throws LimbeckError INVALID_OPTION for class names that are not one for each class
   */
  toFiles(options: ImageFilesOptions = {}): Map<string, string | Uint8Array> {
    const { foldBatchNorm = false, fit = 'cover', background = '#ffffff' } = options;
    const { layerName, seed, size, channels, dimension, normalize, ...own } = this.#options;
    const { classes } = this;
    const width = this.layers.get(layerName) as number;
    const config = {
      model_type: `limbeck-${this.name}`,
      ...own,
      num_channels: channels,
      image_size: [this.format.height, this.format.width],
      hidden_size: width,
      // Part of the graph, which takes pixels from 0 to 1.
      ...(normalize && { image_mean: normalize.mean, image_std: normalize.std }),
      'transformers.js_config': { dtype: 'fp32' },
    };
    return studentFiles(
      {
        model: this.toOnnx({ foldBatchNorm }),
        config,
        format: {
          format: 1,
          kind: 'image',
          dimension: width,
          ...(classes !== undefined && { classes }),
          inputs: ['pixel_values'],
          ...this.format,
          fit,
          background,
        },
        architecture: this.name,
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
  save(directory: string, options: ImageFilesOptions = {}): Promise<void> {
    return saveStudent(directory, this.toFiles(options));
  }

  #shape(): readonly ['batch', number, number, number] {
    return ['batch', this.format.channels, this.format.height, this.format.width];
  }
}

/** (x − mean) / std for each channel. */
function normalized(images: SymbolicTensor, { channels, normalize }: ParsedImageOptions): SymbolicTensor {
  if (!normalize) return images;
  const dtype = images.dtype as FloatType;
  const values = (numbers: readonly number[]) => constant(ARRAY_TYPES[dtype].from(numbers), dtype, [channels, 1, 1]);
  return div(sub(images, values(normalize.mean)), values(normalize.std));
}
