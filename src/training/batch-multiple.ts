/** Batches of images that fill the runtime's blocks have a program of their own, see `writeOnnx`. */
import type { StudentBatch } from '../students/student.ts';

/** Channels in a block where blocks are the largest; samples take their place in gradients of weights. */
const LARGEST_BLOCK = 16;

/** A number of which the batch size is a multiple: 16 for images in whole blocks, else 1, also where it would change nothing. */
export function batchMultiple({ feeds }: StudentBatch): number {
  const images = Object.values(feeds).filter(({ shape }) => shape.length === 4 && shape[0] === 'batch');
  return images.length > 0 && images.every(({ tensor }) => tensor.dims[0] % LARGEST_BLOCK === 0) ? LARGEST_BLOCK : 1;
}
