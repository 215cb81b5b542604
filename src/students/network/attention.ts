/** A transformer layer as BERT has it: self-attention and a feed-forward network, normalised after each sum. */
import { add, gelu, matmul, mul, reshape, type SymbolicTensor, softmax, transpose } from '../../graph/index.ts';
import { type Initializer, zeros } from './initialization.ts';
import { layerNorm, linear } from './layers.ts';
import type { Network } from './network.ts';

export interface TransformerLayerOptions {
  readonly heads: number;
  /** Width inside the feed-forward network. */
  readonly intermediate: number;
  readonly epsilon: number;
  /** Of every weight; biases start at 0. */
  readonly initialize: Initializer;
}

/**
 * x ← norm(x + attention(x)); x ← norm(x + W₂·gelu(W₁·x)), names as in BERT's checkpoints (Vaswani et al., NeurIPS 2017, §3;
 * Devlin et al., NAACL 2019). No dropout: a step of the trainer is a function of its batch.
 *
 * @param x [batch, length, hidden]
 * @param bias added to the scores of every head, [batch, 1, 1, length]
 */
export function transformerLayer(
  network: Network,
  name: string,
  x: SymbolicTensor,
  bias: SymbolicTensor,
  { heads, intermediate, epsilon, initialize }: TransformerLayerOptions,
): SymbolicTensor {
  const [batch, length] = x.shape;
  const hidden = x.shape[2] as number;
  const headSize = hidden / heads;
  const project = (part: string, from: SymbolicTensor, width: number): SymbolicTensor =>
    linear(network, `${name}.${part}`, from, width, { initialize, initializeBias: zeros });
  const split = (y: SymbolicTensor, axes: readonly number[]): SymbolicTensor =>
    transpose(reshape(y, [batch, length, heads, headSize]), axes);

  const query = split(mul(project('attention.self.query', x, hidden), 1 / Math.sqrt(headSize)), [0, 2, 1, 3]);
  const key = split(project('attention.self.key', x, hidden), [0, 2, 3, 1]);
  const value = split(project('attention.self.value', x, hidden), [0, 2, 1, 3]);
  const shares = softmax(add(matmul(query, key), bias)); // [batch, heads, length, length]
  const context = reshape(transpose(matmul(shares, value), [0, 2, 1, 3]), [batch, length, hidden]);
  const attended = add(project('attention.output.dense', context, hidden), x);
  const middle = layerNorm(network, `${name}.attention.output.LayerNorm`, attended, epsilon);
  const inner = gelu(project('intermediate.dense', middle, intermediate));
  const outer = add(project('output.dense', inner, hidden), middle);
  return layerNorm(network, `${name}.output.LayerNorm`, outer, epsilon);
}
