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
  return { embedding: project(network, features, dimension), logits: classify(network, features, classes) };
}

/** The embedding of features; also of every token's, [..., width] → [..., dimension]. */
export function project(network: Network, x: SymbolicTensor, dimension: number | undefined): SymbolicTensor {
  return dimension === undefined ? x : linear(network, 'projection', x, dimension);
}

export function classify(
  network: Network,
  features: SymbolicTensor,
  classes: number | undefined,
): SymbolicTensor | undefined {
  return classes === undefined ? undefined : linear(network, 'classifier', features, classes);
}
