// Holds a demo run's exported student against the rows that the run recorded, using none of Limbeck's code: plain
// onnxruntime-node, the tokenizer library, and a few lines that read safetensors. Usage: node scripts/check-student.mjs RUN
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openPlainStudent } from './plain-student.mjs';

const TOLERANCE = 1e-5;
const run = process.argv[2] ?? 'runs/demo';

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

const plain = await openPlainStudent(join(run, 'student'));

let worst = 0;
for (let start = 0; start < texts.length; start += 17) {
  // Batches of 17 unsorted texts: dynamic batch and length, with padding of every size.
  const { encoded, outputs } = await plain.run(texts.slice(start, start + 17));
  const length = outputs.last_hidden_state.dims[1];
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
await plain.release();
console.log(`${texts.length} texts, largest difference ${worst.toExponential(2)} (allowed: ${TOLERANCE})`);
process.exit(texts.length > 0 && worst < TOLERANCE ? 0 : 1);
