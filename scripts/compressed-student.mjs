// What a smaller file costs: a demo run's student in float32, float16 and int8, with its size, its retrieval of the teacher's rows and
// its cosine to the float32 student, on the run's held-out texts.
// Usage: npm run compressed-student -- [RUN]   (default runs/demo; `limbeck demo` makes one)
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compressOnnx, Matrix, meanCosine, retrieval, TextEmbedder, TextTokenizer } from 'limbeck';

const run = process.argv[2] ?? 'runs/demo';
const texts = readFileSync(join(run, 'held-out/texts.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line).text);
const bytes = readFileSync(join(run, 'held-out/rows.safetensors'));
const start = 8 + Number(bytes.readBigUInt64LE(0));
const { teacher } = JSON.parse(bytes.subarray(8, start).toString());
const [begin, end] = teacher.data_offsets;
const rows = new Float32Array(new Uint8Array(bytes.subarray(start + begin, start + end)).buffer);
const index = new Matrix(...teacher.shape, rows);

const name = join(run, 'student/tokenizer.json');
const tokenizer = TextTokenizer.fromJson(readFileSync(name, 'utf8'), { maxTokens: 512, name });
const model = new Uint8Array(readFileSync(join(run, 'student/onnx/model.onnx')));

console.log('precision      MB    R@1   R@10    MRR   cosine to float32');
let whole;
for (const precision of ['float32', 'float16', 'int8']) {
  const compressed = precision === 'float32' ? model : compressOnnx(model, precision);
  const embedder = await TextEmbedder.open(compressed, tokenizer, precision);
  const embedded = await embedder.embed(texts);
  await embedder.release();
  whole ??= embedded;
  const { recallAt, meanReciprocalRank } = retrieval(embedded, index);
  const columns = [recallAt[1], recallAt[10], meanReciprocalRank, meanCosine(embedded, whole)].map((x) => x.toFixed(4));
  const size = (compressed.length / 1e6).toFixed(2);
  console.log([precision.padEnd(10), size.padStart(6), ...columns.map((text) => text.padStart(6))].join(' '));
}
