/** How samples become the inputs of a model that somebody else exported. */
import type { TextTokenizer } from '../../data/tokenizer.ts';
import { LimbeckError } from '../../errors.ts';
import type { SymbolicTensor } from '../../graph/index.ts';
import type { TensorData } from '../../runtime/backend.ts';
import { checkedImages, type ImageFormat, type ImageSample, pixelTensor } from '../images/pixels.ts';

/** Samples as a model takes them. `Encoded` is a sample after the work that is done once. */
export interface OnnxInputs<Sample, Encoded> {
  /** @param onTruncated called once with how many samples were too long and lost their end, when there are any */
  encode(samples: readonly Sample[], onTruncated?: (count: number) => void): readonly Encoded[];
  /** One array for each input of the model, the samples along the first axis. */
  feeds(samples: readonly Encoded[], inputs: readonly SymbolicTensor[]): Readonly<Record<string, TensorData>>;
  /** Tokens of a sample, where samples differ in length: those of like length then share a run. */
  lengthOf?(sample: Encoded): number;
  /** All that changes what a model is fed: vocabulary, sizes, means. A teacher's rows are kept under a digest of it. */
  identity?(): string;
  /** What a saved student needs to be fed in the same way; students with inputs that do not say it cannot be saved as a directory. */
  describe?(inputs: readonly SymbolicTensor[]): OnnxInputsDescription;
}

export type OnnxInputsDescription =
  | { readonly kind: 'text'; readonly tokenizer: TextTokenizer }
  | { readonly kind: 'image'; readonly format: ImageFormat; readonly normalize: ChannelStatistics | undefined };

/** For each channel what is taken off pixels from 0 to 1, and what they are then divided by. */
export interface ChannelStatistics {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const nameOf = ({ source }: SymbolicTensor): string => (source as { readonly name: string }).name;

/**
 * Images for a model with one input, float32 [batch, channels, height, width].
 *
 * @param normalize for each channel what is taken off pixels from 0 to 1 and what they are then divided by; by default pixels stay
 */
export function imageInputs(normalize?: ChannelStatistics): OnnxInputs<ImageSample, ImageSample> {
  return {
    encode: (images) => images,
    identity: () => `images ${JSON.stringify(normalize ?? {})}`,
    feeds(images, inputs) {
      const format = formatOf(inputs);
      const tensor = pixelTensor(checkedImages(images, format), format);
      if (normalize) normalizeChannels(tensor.data as Float32Array, format.height * format.width, normalize);
      return { [nameOf(inputs[0])]: tensor };
    },
    describe: (inputs) => ({ kind: 'image', format: formatOf(inputs), normalize }),
  };
}

function formatOf(inputs: readonly SymbolicTensor[]): ImageFormat {
  const [input] = inputs;
  const [, channels, height, width] = input.shape;
  if (inputs.length !== 1 || input.rank !== 4 || ![channels, height, width].every((d) => typeof d === 'number')) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `imageInputs: expected a model with one input [batch, channels, height, width] of known size, got ${inputs.join(' and ')}. ` +
        'Fix the sizes with the option sizes, or write inputs of your own.',
    );
  }
  return { channels: channels as number, height: height as number, width: width as number };
}

function normalizeChannels(data: Float32Array, size: number, { mean, std }: ChannelStatistics): void {
  for (let k = 0; k < data.length; k++) {
    const channel = Math.floor(k / size) % mean.length;
    data[k] = (data[k] - mean[channel]) / std[channel];
  }
}

/**
 * Texts for a model with the inputs `input_ids`, `attention_mask` and `token_type_ids`, int64 [batch, length], or some of them: what
 * encoders of the BERT kind are exported with.
 */
export function textInputs(tokenizer: TextTokenizer): OnnxInputs<string, Int32Array> {
  return {
    encode: (texts, onTruncated) => tokenizer.encodeAll(texts, onTruncated),
    lengthOf: (ids) => ids.length,
    identity: () => `texts ${tokenizer.toFiles().get('tokenizer.json')}`,
    feeds(texts, inputs) {
      const length = Math.max(1, ...texts.map((ids) => ids.length));
      const filled = (entry: (ids: Int32Array, k: number) => number): TensorData => {
        const data = new BigInt64Array(texts.length * length);
        for (const [i, ids] of texts.entries()) {
          for (let k = 0; k < length; k++) data[i * length + k] = BigInt(entry(ids, k));
        }
        return { dtype: 'int64', dims: [texts.length, length], data };
      };
      const known: Readonly<Record<string, () => TensorData>> = {
        input_ids: () => filled((ids, k) => (k < ids.length ? ids[k] : tokenizer.padId)),
        attention_mask: () => filled((ids, k) => (k < ids.length ? 1 : 0)),
        token_type_ids: () => filled(() => 0),
      };
      return Object.fromEntries(
        inputs.map((tensor) => {
          const name = nameOf(tensor);
          if (Object.hasOwn(known, name) && tensor.dtype === 'int64') return [name, known[name]()];
          throw new LimbeckError(
            'UNSUPPORTED',
            `textInputs: expected the inputs ${Object.keys(known).join(', ')} of int64, got "${name}" (${tensor}). ` +
              'Write inputs of your own.',
          );
        }),
      );
    },
    describe: () => ({ kind: 'text', tokenizer }),
  };
}
