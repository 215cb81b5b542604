// Holds the scores of a comparison on texts, experiments/recipe unless another is named, against the students themselves, loaded by plain
// onnxruntime-node with the tokenizer library, and measured by the loops below: Limbeck reads the texts, takes the test part away and gives
// the teacher's rows, nothing else. Students that were not kept (output.students: false) are left out.
//
//   npm run limbeck -- compare experiments/recipe/compare.yaml && node experiments/check-scores.mjs [DIRECTORY]
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BertTeacher, embedWithCache, readTexts, splitByHash } from 'limbeck';
import { parse } from 'yaml';
import { openPlainStudent } from '../scripts/plain-student.mjs';

// A row that ONNX Runtime adds up in another order may change places with one that is as near.
const TOLERANCE = 0.002;
const NEIGHBOURS = 10;

const directory = process.argv[2] ?? join(import.meta.dirname, 'recipe');
const { data, test, teacher, cache } = parse(readFileSync(join(directory, 'compare.yaml'), 'utf8'));
const path = (name) => join(directory, name);
const results = readFileSync(path('results.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

const all = await readTexts(path(data.texts), { column: 'text', labelColumn: data.labelColumn });
const { heldOut } = await splitByHash(all, { share: test.share });
const model = (name) => path(join(teacher.bert, name));
const bert = await BertTeacher.load({
  config: model('config.json'),
  weights: model('model.fp16.safetensors'),
  tokenizer: model('tokenizer.json'),
});
const { rows } = await embedWithCache({
  teacher: bert,
  dataset: heldOut,
  directory: path(cache.directory),
  dtype: cache.dtype,
});
const matrix = rows.gather(Array.from({ length: rows.rows }, (_, i) => i));
const theirs = Array.from({ length: rows.rows }, (_, i) => matrix.row(i));
await bert.release();

let wrong = 0;
console.log(`${heldOut.size} test texts; scores by plain ONNX Runtime (in the table)`);
for (const { student, method, seed, metrics } of results) {
  const place = path(`runs/${student}/${method}/seed-${seed}/student`);
  if (!existsSync(place)) continue;
  const ours = await embed(place, heldOut.texts);
  const found = { ...towards(ours, theirs), knnAccuracy: knn(ours, heldOut.labels) };
  const shown = Object.entries(found).map(
    ([name, value]) => `${name} ${value.toFixed(4)} (${metrics[name].toFixed(4)})`,
  );
  const fits = Object.entries(found).every(([name, value]) => Math.abs(value - metrics[name]) <= TOLERANCE);
  if (!fits) wrong++;
  console.log(`${fits ? 'ok   ' : 'WRONG'} ${student}, ${method}, seed ${seed}: ${shown.join(', ')}`);
}
process.exit(wrong === 0 ? 0 : 1);

async function embed(place, texts) {
  const plain = await openPlainStudent(place);
  const rows = [];
  for (let start = 0; start < texts.length; start += 64) {
    const { embeddings } = (await plain.run(texts.slice(start, start + 64))).outputs;
    const [count, width] = embeddings.dims;
    for (let i = 0; i < count; i++) rows.push(embeddings.data.slice(i * width, (i + 1) * width));
  }
  await plain.release();
  return rows;
}

function dot(a, b) {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
}

/** R@1, MRR and mean cosine of each row's own teacher row among all teacher rows. */
function towards(rows, teachers) {
  const sums = { recallAt1: 0, meanReciprocalRank: 0, meanCosine: 0 };
  const units = teachers.map((row) => row.map((x) => x / Math.hypot(...row)));
  for (const [i, row] of rows.entries()) {
    const own = dot(row, units[i]);
    const rank = 1 + units.filter((other, k) => k !== i && dot(row, other) > own).length;
    sums.recallAt1 += rank === 1 ? 1 : 0;
    sums.meanReciprocalRank += 1 / rank;
    sums.meanCosine += own / Math.hypot(...row);
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / rows.length]));
}

/** The share of rows whose class is the commonest of their nearest others'; equally common ones by the sum of their cosines. */
function knn(rows, labels) {
  let right = 0;
  for (const [i, row] of rows.entries()) {
    const near = [];
    for (const [k, other] of rows.entries()) {
      if (k === i) continue;
      const cosine = dot(row, other);
      if (near.length === NEIGHBOURS && cosine <= near[NEIGHBOURS - 1].cosine) continue;
      near.push({ cosine, label: labels[k] });
      near.sort((a, b) => b.cosine - a.cosine);
      near.length = Math.min(near.length, NEIGHBOURS);
    }
    const votes = new Map();
    for (const { cosine, label } of near) {
      const { count = 0, sum = 0 } = votes.get(label) ?? {};
      votes.set(label, { count: count + 1, sum: sum + cosine });
    }
    const [[best]] = [...votes].sort(([a, x], [b, y]) => y.count - x.count || y.sum - x.sum || a - b);
    if (best === labels[i]) right++;
  }
  return right / rows.length;
}
