/** A student as users have it: its directory, read again. What it computes is what was evaluated when it was saved. */
import { TextTokenizer } from '../data/tokenizer.ts';
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import { ImageEmbedder } from './images/image-embedder.ts';
import type { ImageFormat, ImageSample } from './images/pixels.ts';
import { noClassifier } from './no-classifier.ts';
import { MODEL_FILE } from './student-files.ts';
import { type ImageFit, parseStudentFormat, type StudentFormat } from './student-format.ts';
import { TextEmbedder } from './text-embedder.ts';

/** An image file as its bytes: PNG, JPEG, WebP, …. */
export interface EncodedImage {
  readonly encoded: Uint8Array;
}

/** A text; or an image as pixels of the student's size, as the path of a file, or as a file's bytes. */
export type StudentSample = string | ImageSample | EncodedImage;

/** What a classifier says of one sample. */
export interface Classification {
  /** The name of the class; its number as text where the student has no names. */
  readonly label: string;
  readonly index: number;
  /** Its softmax probability. */
  readonly score: number;
  /** Of all classes, as the model gives them. */
  readonly logits: Float32Array;
}

/**
 * Turns files into pixels of the given size.
 *
 * @param place how the image is called in messages
 */
export type DecodeImage = (
  image: string | EncodedImage,
  format: ImageFormat & { readonly fit: ImageFit; readonly background: string },
  place: string,
) => Promise<ImageSample>;

/** Images that are decoded together; a multiple of what runs together. */
const DECODED_IMAGES = 256;

/**
 * Made by `Student.load(directory)`, or where there is no disk by {@link LoadedStudent.fromFiles}. It holds native memory: release it.
 *
 * @example
 * const student = await Student.load('student/');
 * const rows = await student.embed(['a large musical instrument']); // 1 × dimension, norm 1
 * await student.release();
 */
export class LoadedStudent {
  /** How it is called in messages: its directory. */
  readonly name: string;
  readonly format: StudentFormat;
  /** Size of its model file. */
  readonly modelBytes: number;
  readonly #embedder: TextEmbedder | ImageEmbedder;
  readonly #decode: DecodeImage | undefined;

  private constructor(
    name: string,
    format: StudentFormat,
    modelBytes: number,
    embedder: TextEmbedder | ImageEmbedder,
    decode: DecodeImage | undefined,
  ) {
    this.name = name;
    this.format = format;
    this.modelBytes = modelBytes;
    this.#embedder = embedder;
    this.#decode = decode;
  }

  /**
   * Opens a student from the files of its directory.
   *
   * @param files `onnx/model.onnx` as bytes, `config.json` and for texts `tokenizer.json` as text; others are not looked at, but for
   *   `tokenizer_config.json` with students of early versions
   * @param name how it is called in messages
   * @throws LimbeckError FILE_UNREADABLE listing the files that are missing; FILE_CORRUPT
   */
  static async fromFiles(
    files: ReadonlyMap<string, string | Uint8Array>,
    name: string,
    { decodeImage }: { readonly decodeImage?: DecodeImage } = {},
  ): Promise<LoadedStudent> {
    const text = (file: string): string | undefined => {
      const content = files.get(file);
      if (content === undefined || typeof content === 'string') return content;
      throw new LimbeckError(
        'INVALID_ARGUMENT',
        `${name}: ${file}: expected text, got ${show(content)}. Decode it first.`,
      );
    };
    const config = text('config.json');
    const format = config === undefined ? undefined : parseStudentFormat(config, text('tokenizer_config.json'), name);
    const needed = ['config.json', MODEL_FILE, ...(format?.kind === 'image' ? [] : ['tokenizer.json'])];
    // Without its configuration nobody knows whether it has a tokenizer.
    const missing = needed.filter((file) => !files.has(file) && (format || file !== 'tokenizer.json'));
    if (!format || missing.length > 0) {
      throw new LimbeckError(
        'FILE_UNREADABLE',
        `${name}: expected a student directory with ${needed.join(', ')}, got none of ${missing.join(', ')}. ` +
          'Name the directory that save() or limbeck distill wrote.',
      );
    }
    const model = files.get(MODEL_FILE);
    if (!(model instanceof Uint8Array)) {
      throw new LimbeckError('INVALID_ARGUMENT', `${name}: ${MODEL_FILE}: expected bytes, got ${show(model)}.`);
    }
    const file = `${name}: ${MODEL_FILE}`;
    const embedder =
      format.kind === 'text'
        ? await TextEmbedder.open(
            model,
            TextTokenizer.fromJson(text('tokenizer.json') as string, {
              maxTokens: format.maxTokens,
              name: `${name}: tokenizer.json`,
            }),
            file,
            format.classes,
          )
        : await ImageEmbedder.open(model, format, file);
    const [inputs, outputs] = [embedder.model.inputs, embedder.model.outputs].map((list) =>
      list.map((one) => one.name),
    );
    const expected = ['embeddings', ...(format.classes === undefined ? [] : ['logits'])];
    if (
      String([...inputs].sort()) !== String([...format.inputs].sort()) ||
      expected.some((o) => !outputs.includes(o))
    ) {
      await embedder.release();
      throw new LimbeckError(
        'FILE_CORRUPT',
        `${file}: expected the inputs ${format.inputs.join(', ')} and the outputs ${expected.join(', ')}, as config.json says, got ` +
          `${inputs.join(', ')} and ${outputs.join(', ')}. The files are not of one student: save it again.`,
      );
    }
    return new LoadedStudent(name, format, model.length, embedder, decodeImage);
  }

  get kind(): 'text' | 'image' {
    return this.format.kind;
  }

  /** Width of the embedding. */
  get dimension(): number {
    return this.format.dimension;
  }

  /** Number of classes; undefined for students that do not classify. */
  get classes(): number | undefined {
    return this.format.classes;
  }

  /** The name of class i at place i, where names were saved with the student. */
  get classNames(): readonly string[] | undefined {
    return this.format.classNames;
  }

  /**
   * @returns float32 [samples.length, dimension], rows of norm 1 in the order of the samples
   * @throws LimbeckError INVALID_ARGUMENT or SHAPE_MISMATCH for what is no sample, FILE_UNREADABLE and FILE_CORRUPT for image files,
   *   NON_FINITE where pixels are no numbers
   */
  async embed(samples: readonly StudentSample[]): Promise<Matrix> {
    return this.#rows(samples, this.dimension, (embedder, part) => embedder.embed(part as never));
  }

  /**
   * @returns logits, float32 [samples.length, classes], in the order of the samples
   * @throws LimbeckError UNSUPPORTED for a student without classifier; for samples as {@link embed}
   */
  async logits(samples: readonly StudentSample[]): Promise<Matrix> {
    if (this.classes === undefined) throw noClassifier();
    return this.#rows(samples, this.classes, (embedder, part) => embedder.classify(part as never));
  }

  /**
   * The likeliest class of every sample; of equally likely ones the first.
   *
   * @throws LimbeckError as {@link logits}
   */
  async classify(samples: readonly StudentSample[]): Promise<Classification[]> {
    const rows = await this.logits(samples);
    return Array.from({ length: rows.rows }, (_, i) => {
      const logits = rows.row(i) as Float32Array;
      const index = logits.reduce((best, logit, c) => (logit > logits[best] ? c : best), 0);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - logits[index]), 0);
      return { label: this.classNames?.[index] ?? String(index), index, score: 1 / total, logits: logits.slice() };
    });
  }

  /** Frees the native memory; the student cannot run afterwards. */
  release(): Promise<void> {
    return this.#embedder.release();
  }

  async #rows(
    samples: readonly StudentSample[],
    columns: number,
    run: (embedder: TextEmbedder | ImageEmbedder, samples: readonly unknown[]) => Promise<Matrix>,
  ): Promise<Matrix> {
    if (!Array.isArray(samples)) {
      throw new LimbeckError('INVALID_ARGUMENT', `${this.name}: expected an array of samples, got ${show(samples)}.`);
    }
    const rows = Matrix.zeros(samples.length, columns);
    const together = this.kind === 'text' ? samples.length : DECODED_IMAGES;
    for (let start = 0; start < samples.length; start += together) {
      const part = samples.slice(start, start + together);
      const result = await run(this.#embedder, this.kind === 'text' ? part : await this.#pixels(part, start));
      if (result.columns !== columns) {
        throw new LimbeckError(
          'FILE_CORRUPT',
          `${this.name}: ${MODEL_FILE}: expected rows of ${columns} numbers, as config.json says, got ${result.columns}. ` +
            'The files are not of one student: save it again.',
        );
      }
      rows.data.set(result.data, start * columns);
    }
    rows.assertFinite(`${this.name}: rows of the samples`);
    return rows;
  }

  #pixels(samples: readonly StudentSample[], start: number): Promise<ImageSample[]> {
    const format = this.format as Extract<StudentFormat, { kind: 'image' }>;
    return Promise.all(
      samples.map((sample, i) => {
        const isFile = typeof sample === 'string' || (sample as EncodedImage | null)?.encoded instanceof Uint8Array;
        if (!isFile) return sample as ImageSample;
        if (this.#decode) return this.#decode(sample as string | EncodedImage, format, `images[${start + i}]`);
        throw new LimbeckError(
          'UNSUPPORTED',
          `${this.name}: expected pixels, got an image file, and no decoder was given. Decode it first, or give decodeImage.`,
        );
      }),
    );
  }
}
