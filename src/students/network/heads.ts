/** What stands on the pooled features of every network: the embedding, and logits for networks that classify. */
import type { SymbolicTensor } from '../../graph/index.ts';
import { linear } from './layers.ts';
import type { Network } from './network.ts';

export interface HeadOptions {
  /** Width of the embedding; undefined for the features themselves. */
  readonly dimension?: number | undefined;
  /** Number of classes; undefined for networks that do not classify. */
  readonly classes?: number | undefined;
}

export interface Heads {
  /** [batch, dimension] */
  readonly embedding: SymbolicTensor;
  /** [batch, classes] */
  readonly logits?: SymbolicTensor | undefined;
}

/** Both heads read the features [batch, width]: the classifier does not pass through the projection to `dimension`. */
export function heads(network: Network, features: SymbolicTensor, { dimension, classes }: HeadOptions): Heads {
  const embedding = dimension === undefined ? features : linear(network, 'projection', features, dimension);
  const logits = classes === undefined ? undefined : linear(network, 'classifier', features, classes);
  return { embedding, logits };
}
