/**
 * A BERT encoder as a symbolic graph, from the weights of a checkpoint: embeddings, post-norm transformer layers, mean pooling, L2
 * normalisation (Devlin et al., NAACL 2019; pooling as sentence-transformers does it). Weights are constants of the graph.
 */
import {
  add,
  constant,
  div,
  erf,
  type Graph,
  gather,
  input,
  layerNormalization,
  matmul,
  mul,
  reshape,
  type SymbolicTensor,
  softmax,
  sub,
  sum,
  transpose,
} from '../graph/index.ts';
import { l2Normalize } from '../losses/cosine.ts';
import { bertTensor, type NamedWeights, transposed } from './bert-checkpoint.ts';
import type { BertConfig } from './bert-config.ts';

/** An attention score that is never chosen, and far inside float32. */
const MASKED_SCORE = 1e9;

export interface BertEncoder {
  readonly graph: Graph;
  /** Number of weights in the graph. */
  readonly parameterCount: number;
}

/**
 * The graph from token ids to sentence embeddings.
 *
 * Inputs: `ids` int32 [batch, length]; `mask` float32 [batch, length], 1 for tokens and 0 for padding; `positions` int32
 * [length], 0, 1, 2, …. Output: `embeddings` float32 [batch, hidden], rows of norm 1.
 *
 * @throws LimbeckError FILE_CORRUPT when a weight is missing or has another shape than the configuration says
 */
export function bertEncoder(config: BertConfig, weights: NamedWeights): BertEncoder {
  const ids = input('ids', 'int32', ['batch', 'length']);
  const mask = input('mask', 'float32', ['batch', 'length']);
  const positions = input('positions', 'int32', ['length']);
  const { hiddenSize: hidden, intermediateSize: intermediate, layerNormEpsilon: epsilon } = config;

  let parameterCount = 0;
  const floats = (name: string, shape: readonly number[]): Float32Array => {
    const data = bertTensor(weights, name, shape);
    parameterCount += data.length;
    return data;
  };
  const read = (name: string, shape: readonly number[]): SymbolicTensor =>
    constant(floats(name, shape), 'float32', shape);
  const norm = (x: SymbolicTensor, prefix: string): SymbolicTensor =>
    layerNormalization(x, read(`${prefix}.weight`, [hidden]), read(`${prefix}.bias`, [hidden]), epsilon);
  const linear = (x: SymbolicTensor, prefix: string, from: number, to: number): SymbolicTensor => {
    const kernel = transposed(floats(`${prefix}.weight`, [to, from]), to, from);
    return add(matmul(x, constant(kernel, 'float32', [from, to])), read(`${prefix}.bias`, [to]));
  };

  const tokens = gather(read('embeddings.word_embeddings.weight', [config.vocabularySize, hidden]), ids);
  const places = gather(read('embeddings.position_embeddings.weight', [config.maxPositions, hidden]), positions);
  // One text per row: every token is of type 0.
  const type = floats('embeddings.token_type_embeddings.weight', [config.tokenTypes, hidden]).slice(0, hidden);
  let x = norm(add(add(tokens, places), constant(type, 'float32')), 'embeddings.LayerNorm');

  const bias = mul(sub(reshape(mask, ['batch', 1, 1, 'length']), 1), MASKED_SCORE);
  const headSize = hidden / config.heads;
  const heads = (y: SymbolicTensor, axes: readonly number[]): SymbolicTensor =>
    transpose(reshape(y, ['batch', 'length', config.heads, headSize]), axes);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `encoder.layer.${layer}`;
    const project = (name: string): SymbolicTensor => linear(x, `${prefix}.attention.self.${name}`, hidden, hidden);
    const query = heads(mul(project('query'), 1 / Math.sqrt(headSize)), [0, 2, 1, 3]);
    const key = heads(project('key'), [0, 2, 3, 1]);
    const value = heads(project('value'), [0, 2, 1, 3]);
    const attention = softmax(add(matmul(query, key), bias));
    const context = reshape(transpose(matmul(attention, value), [0, 2, 1, 3]), ['batch', 'length', hidden]);
    const attended = linear(context, `${prefix}.attention.output.dense`, hidden, hidden);
    x = norm(add(attended, x), `${prefix}.attention.output.LayerNorm`);
    const inner = gelu(linear(x, `${prefix}.intermediate.dense`, hidden, intermediate));
    x = norm(add(linear(inner, `${prefix}.output.dense`, intermediate, hidden), x), `${prefix}.output.LayerNorm`);
  }

  const column = reshape(mask, ['batch', 'length', 1]);
  const pooled = div(sum(mul(x, column), [1]), sum(column, [1]));
  const graph = { inputs: [ids, mask, positions], outputs: { embeddings: l2Normalize(pooled) } };
  return { graph, parameterCount };
}

/** x·Φ(x), exactly (Hendrycks & Gimpel 2016); ONNX Runtime fuses the five nodes into one. */
function gelu(x: SymbolicTensor): SymbolicTensor {
  return mul(mul(x, add(erf(div(x, Math.SQRT2)), 1)), 0.5);
}
