/** A BERT checkpoint from the contents of its two files. */
import type { BertCheckpoint } from './bert-checkpoint.ts';
import { parseBertConfig } from './bert-config.ts';
import { readSafetensors } from './safetensors.ts';

/**
 * @param configText contents of Hugging Face's config.json
 * @param bytes weights under Hugging Face's names, .safetensors
 * @param names how the two files are called in messages
 * @throws LimbeckError FILE_CORRUPT
 *
 * @example
 * const checkpoint = parseBertCheckpoint(await readFile('config.json', 'utf8'), await readFile('model.safetensors'));
 * transformerEncoder(tokenizer, { fromTeacher: { checkpoint, layers: [0, 5] }, seed: 0 });
 */
export function parseBertCheckpoint(
  configText: string,
  bytes: Uint8Array,
  names = { config: 'config.json', weights: 'model.safetensors' },
): BertCheckpoint {
  return { config: parseBertConfig(configText, names.config), weights: readSafetensors(bytes, names.weights) };
}
