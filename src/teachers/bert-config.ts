/** The part of a Hugging Face config.json that a BERT encoder is built from. */
import * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';

const size = z.int().min(1).max(1_000_000);

const schema = z.object({
  model_type: z.literal('bert'),
  hidden_act: z.literal('gelu'),
  position_embedding_type: z.literal('absolute').default('absolute'),
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size,
  num_attention_heads: size,
  vocab_size: size,
  max_position_embeddings: size,
  type_vocab_size: size,
  layer_norm_eps: z.number().positive(),
});

export interface BertConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabularySize: number;
  readonly maxPositions: number;
  readonly tokenTypes: number;
  readonly layerNormEpsilon: number;
}

/**
 * @param text the contents of config.json
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT when it is not JSON, or lacks a field, or describes another kind of model
 */
export function parseBertConfig(text: string, name: string): BertConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw corrupt(name, `JSON, got text that does not parse (${(cause as Error).message})`, cause);
  }
  const result = schema.safeParse(json);
  if (!result.success) {
    const [{ path, message }] = result.error.issues;
    const got = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], json);
    // zod names what it expected, in front of what kind of thing it received.
    const expected = message.replace(/^Invalid input: expected |, received .*$/g, '');
    throw corrupt(
      name,
      `the configuration of a BERT encoder, with ${expected} at "${path.join('.')}", got ${got === undefined ? 'nothing' : show(got)}`,
    );
  }
  const { data } = result;
  if (data.hidden_size % data.num_attention_heads !== 0) {
    throw corrupt(
      name,
      `hidden_size to be a multiple of num_attention_heads, got ${data.hidden_size} and ${data.num_attention_heads}`,
    );
  }
  return {
    hiddenSize: data.hidden_size,
    intermediateSize: data.intermediate_size,
    layers: data.num_hidden_layers,
    heads: data.num_attention_heads,
    vocabularySize: data.vocab_size,
    maxPositions: data.max_position_embeddings,
    tokenTypes: data.type_vocab_size,
    layerNormEpsilon: data.layer_norm_eps,
  };
}

function corrupt(name: string, expected: string, cause?: unknown): LimbeckError {
  return new LimbeckError('FILE_CORRUPT', `${name}: expected ${expected}. Fetch the model again.`, { cause });
}
