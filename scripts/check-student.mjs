// Holds a demo run's exported student against the rows that the run recorded, using none of Limbeck's code: plain
// onnxruntime-node, the tokenizer library, and a few lines that read safetensors. Usage: node scripts/check-student.mjs RUN
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import * as ort from 'onnxruntime-node';

const TOLERANCE = 1e-5;
const run = process.argv[2] ?? 'runs/demo';
const json = (name) => JSON.parse(readFileSync(join(run, name), 'utf8'));

const texts = readFileSync(join(run, 'held-out/texts.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).text);

const bytes = readFileSync(join(run, 'held-out/rows.safetensors'));
const headerLength = Number(bytes.readBigUInt64LE(0));
const { student } = JSON.parse(bytes.subarray(8, 8 + headerLength).toString());
const [begin, end] = student.data_offsets.map((offset) => 8 + headerLength + offset);
const recorded = new Float32Array(bytes.buffer.slice(bytes.byteOffset + begin, bytes.byteOffset + end));
const width = student.shape[1];

const tokenizer = new Tokenizer(json('student/tokenizer.json'), json('student/tokenizer_config.json'));
const session = await ort.InferenceSession.create(join(run, 'student/onnx/model.onnx'));

let worst = 0;
for (let start = 0; start < texts.length; start += 17) {
  // Batches of 17 unsorted texts: dynamic batch and length, with padding of every size.
  const encoded = texts.slice(start, start + 17).map((text) => tokenizer.encode(text).ids);
  const length = Math.max(...encoded.map((ids) => ids.length));
  const dims = [encoded.length, length];
  const padded = (value) => encoded.flatMap((ids) => Array.from({ length }, (_, j) => BigInt(value(ids, j))));
  const outputs = await session.run({
    input_ids: new ort.Tensor('int64', BigInt64Array.from(padded((ids, j) => ids[j] ?? 0)), dims),
    attention_mask: new ort.Tensor('int64', BigInt64Array.from(padded((ids, j) => (j < ids.length ? 1 : 0))), dims),
  });
  for (let i = 0; i < encoded.length; i++) {
    // The documented output, and mean pooling of the token vectors as transformers.js does it.
    const hidden = outputs.last_hidden_state.data.subarray(i * length * width, (i + 1) * length * width);
    const pooled = new Float64Array(width);
    for (let j = 0; j < encoded[i].length; j++) for (let d = 0; d < width; d++) pooled[d] += hidden[j * width + d];
    const norm = Math.hypot(...pooled);
    for (let d = 0; d < width; d++) {
      const expected = recorded[(start + i) * width + d];
      worst = Math.max(worst, Math.abs(outputs.embeddings.data[i * width + d] - expected));
      worst = Math.max(worst, Math.abs(pooled[d] / norm - expected));
    }
  }
}
await session.release();
console.log(`${texts.length} texts, largest difference ${worst.toExponential(2)} (allowed: ${TOLERANCE})`);
process.exit(texts.length > 0 && worst < TOLERANCE ? 0 : 1);
