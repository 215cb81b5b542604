// The work that bench/million.mjs measures; one JSON line on standard output for every stage.
import { join } from 'node:path';
import {
  ContrastiveDistillationStrategy,
  cacheTeacherRows,
  distill,
  EmbeddingsTeacher,
  readTexts,
  StaticEmbeddingStudent,
  splitByHash,
  trainTokenizer,
} from 'limbeck';

const { files, directory, texts, batchSize, epochs, width, stream = false } = JSON.parse(process.argv[2]);

/** What a stage took, and the peak of resident memory since the process began. */
async function stage(name, size, work) {
  const started = performance.now();
  const result = await work();
  const seconds = (performance.now() - started) / 1000;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  report = { stage: name, seconds, perSecond: size / seconds, peakBytes };
  return result;
}
let report;
const tell = (more = {}) => process.stdout.write(`${JSON.stringify({ ...report, ...more })}\n`);

const whole = await stage('read texts', texts, () => readTexts(files.texts, { stream }));
tell();
const { training, heldOut } = await stage('split by hash', texts, () =>
  splitByHash(whole, { share: Math.max(0.002, 1000 / texts) }),
);
tell();
const tokenizer = await stage('train a tokenizer', training.size, async () => trainTokenizer(textsOf(training)));
tell();
const teacher = await EmbeddingsTeacher.load(files.rows);
const cache = { directory: join(directory, 'cache'), dtype: 'float16' };
const rows = await stage('precomputed rows to the cache', training.size, () =>
  cacheTeacherRows({ teacher, data: training, ...cache }),
);
rows.embeddings.release();
tell();
const student = new StaticEmbeddingStudent(tokenizer, { width, dimension: teacher.dimension, seed: 0 });
const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.05 });
let trained = 0;
let first;
let last;
const result = await stage('distil (cache checked, encoded, trained)', epochs * training.size, () =>
  distill({
    teacher,
    cache,
    student,
    data: training,
    strategy,
    epochs,
    batchSize,
    optimizer: { learningRate: 0.005, weightDecay: 0 },
    validation: { data: heldOut },
    onStep({ step, seconds }) {
      if (step === 10) first = { step, seconds };
      trained = step;
      last = { step, seconds };
    },
  }),
);
tell();
// Steps alone, without the first ones, which compile.
const steps = last.step - first.step;
const seconds = last.seconds - first.seconds;
report = {
  stage: 'of which training steps',
  seconds,
  perSecond: ((training.size / (trained / epochs)) * steps) / seconds,
  peakBytes: process.resourceUsage().maxRSS * 1024,
};
tell({ recallAt1: result.validation.at(-1).metrics.recallAt1 });
await strategy.release();

async function* textsOf(data) {
  for (let start = 0; start < data.size; start += 4096) {
    const numbers = Array.from({ length: Math.min(4096, data.size - start) }, (_, i) => start + i);
    yield* await data.read(numbers);
  }
}
