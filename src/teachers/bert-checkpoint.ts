/** The weights of a BERT encoder with what its configuration says of them. Not a model: nothing here computes. */
import { LimbeckError } from '../errors.ts';
import type { BertConfig } from './bert-config.ts';

/** Weights by name; a SafetensorsFile is one. */
export interface NamedWeights {
  /** How the file is called in messages. */
  readonly name: string;
  /** @throws LimbeckError FILE_CORRUPT when there is no such tensor */
  tensor(name: string): { readonly shape: readonly number[]; readonly data: Float32Array };
}

export interface BertCheckpoint {
  readonly config: BertConfig;
  readonly weights: NamedWeights;
}

/**
 * A tensor of a checkpoint, once its shape is known to be the expected one.
 *
 * @throws LimbeckError FILE_CORRUPT
 */
export function bertTensor(weights: NamedWeights, name: string, shape: readonly number[]): Float32Array {
  const found = weights.tensor(name);
  if (found.shape.join() !== shape.join()) {
    throw new LimbeckError(
      'FILE_CORRUPT',
      `${weights.name}: tensor "${name}": expected shape [${shape.join(', ')}] as the configuration says, ` +
        `got [${found.shape.join(', ')}]. Take config.json and weights from one model.`,
    );
  }
  return found.data;
}

/** [rows, columns] → [columns, rows]. PyTorch stores a linear layer as [out, in]; turned once, it multiplies rows as it is. */
export function transposed(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j];
  return result;
}
