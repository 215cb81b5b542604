/**
 * The IDX format, in which MNIST and its kin are published: two zero bytes, a type, a number of axes, their sizes (big-endian),
 * the entries (http://yann.lecun.com/exdb/mnist/, "The IDX file format"). Everything in a file is checked before it is believed.
 * Bytes only, which is what images and labels are; works on bytes in memory.
 */
import { LimbeckError } from '../errors.ts';

export interface IdxArray {
  readonly shape: readonly number[];
  /** Row-major; a view of the file. */
  readonly data: Uint8Array;
}

const UNSIGNED_BYTES = 0x08;

/**
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT for what is not an IDX file or has another length than its header says, UNSUPPORTED for
 *   entries other than unsigned bytes
 *
 * @example
 * const { shape, data } = parseIdx(await readFile('train-images-idx3-ubyte'), 'train-images-idx3-ubyte'); // [60000, 28, 28]
 */
export function parseIdx(bytes: Uint8Array, name: string): IdxArray {
  const [zero0, zero1, type, axes] = bytes;
  if (zero0 === 0x1f && zero1 === 0x8b) throw corrupt(name, 'an IDX file, got a gzip archive. Unpack it first.');
  if (bytes.length < 4 || zero0 !== 0 || zero1 !== 0 || axes === 0) {
    const start = Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    throw corrupt(name, `an IDX file, which begins with 00 00 and has axes, got ${start || 'nothing'}.`);
  }
  if (type !== UNSIGNED_BYTES) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected entries of type 0x08, unsigned bytes, got 0x${type.toString(16).padStart(2, '0')}.`,
    );
  }
  const start = 4 + 4 * axes;
  if (bytes.length < start) throw corrupt(name, `a header of ${start} bytes for ${axes} axes, got ${bytes.length}.`);
  const header = new DataView(bytes.buffer, bytes.byteOffset, start);
  const shape = Array.from({ length: axes }, (_, axis) => header.getUint32(4 + 4 * axis));
  // In floats, where a product of many sizes overflows to something large and not to something small.
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length - start !== size) {
    throw corrupt(name, `${shape.join(' × ')} = ${size} entries as its header says, got ${bytes.length - start}.`);
  }
  return { shape, data: bytes.subarray(start) };
}

export interface IdxImages {
  /** Bytes of each image, row by row; views of the file. */
  readonly images: readonly Uint8Array[];
  /** The class of each image. */
  readonly labels: Int32Array;
  readonly height: number;
  readonly width: number;
}

/**
 * A file of images [images, height, width] with its file of labels [images].
 *
 * @throws LimbeckError as {@link parseIdx}; SHAPE_MISMATCH when the files do not hold that, or not equally many
 *
 * @example
 * const { images, labels } = parseIdxImages(
 *   await readFile('train-images-idx3-ubyte'),
 *   await readFile('train-labels-idx1-ubyte'),
 * );
 */
export function parseIdxImages(
  images: Uint8Array,
  labels: Uint8Array,
  names = { images: 'the images', labels: 'the labels' },
): IdxImages {
  const pixels = parseIdx(images, names.images);
  const classes = parseIdx(labels, names.labels);
  const [count, height, width] = pixels.shape;
  if (pixels.shape.length !== 3 || classes.shape.length !== 1 || classes.shape[0] !== count) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${names.images} and ${names.labels}: expected [images, height, width] and [images], ` +
        `got [${pixels.shape.join(', ')}] and [${classes.shape.join(', ')}]. Take the two files of one set.`,
    );
  }
  const size = height * width;
  return {
    images: Array.from({ length: count }, (_, i) => pixels.data.subarray(i * size, (i + 1) * size)),
    labels: Int32Array.from(classes.data),
    height,
    width,
  };
}

function corrupt(name: string, rest: string): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${name}: expected ${rest} Fetch the file again.`);
}
