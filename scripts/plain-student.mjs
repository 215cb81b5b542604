// A saved student of texts without any of Limbeck's code: plain onnxruntime-node and the tokenizer library.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as ort from 'onnxruntime-node';

/** @param directory of the student: onnx/model.onnx, tokenizer.json, tokenizer_config.json */
export async function openPlainStudent(directory) {
  const json = (name) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
  const tokenizer = new Tokenizer(json('tokenizer.json'), json('tokenizer_config.json'));
  const session = await ort.InferenceSession.create(join(directory, 'onnx/model.onnx'));
  return {
    /** Texts as one batch, padded to the longest: the ids of each, and the outputs of the model by name. */
    async run(texts) {
      const encoded = texts.map((text) => tokenizer.encode(text).ids);
      const length = Math.max(...encoded.map((ids) => ids.length));
      const padded = (value) => {
        const cells = encoded.flatMap((ids) => Array.from({ length }, (_, j) => BigInt(value(ids, j))));
        return new ort.Tensor('int64', BigInt64Array.from(cells), [encoded.length, length]);
      };
      const outputs = await session.run({
        input_ids: padded((ids, j) => ids[j] ?? 0),
        attention_mask: padded((ids, j) => (j < ids.length ? 1 : 0)),
      });
      return { encoded, outputs };
    },
    release: () => session.release(),
  };
}
