// The child that runs one configuration of bench/data.mjs: one way in which data come in.
import { createRequire } from 'node:module';
import {
  augmented,
  cacheTeacherRows,
  EmbeddingsTeacher,
  Random,
  readImages,
  readTexts,
  textDataset,
  trainTokenizer,
} from 'limbeck';
import sharp from 'sharp';
import { serve } from './serve.mjs';

const require = createRequire(import.meta.url);
const facts = { limbeck: require('limbeck/package.json').version, sharp: sharp.versions.sharp };

/** Rows and images that are asked for at once, as training does. */
const BATCH = 256;

const kinds = { texts, train, encode, images, augment, rows };

await serve(async (configuration) => ({ facts, ...(await kinds[configuration.kind](configuration)) }));

/** Reading a file of texts. */
function texts({ file }) {
  return {
    step: async () => {
      const data = await readTexts(file, { stream: false });
      return { loss: 0, gradient: data.texts.map((text) => text.length) };
    },
  };
}

async function train({ file }) {
  const data = await readTexts(file, { stream: false });
  return {
    step: async () => {
      const tokenizer = await trainTokenizer(data.texts);
      return { loss: 0, gradient: [tokenizer.vocabularySize] };
    },
  };
}

async function encode({ file }) {
  const data = await readTexts(file, { stream: false });
  const tokenizer = await trainTokenizer(data.texts);
  return {
    step: async () => ({ loss: 0, gradient: tokenizer.encodeAll(data.texts).map((ids) => ids.length) }),
  };
}

/** Decoding image files, as often as they are asked for. */
async function images({ directory, size }) {
  return reading(await readImages(directory, { size, verify: false }));
}

/** The same, and changing them at random. */
async function augment({ directory, size }) {
  const decoded = await readImages(directory, { size, verify: false });
  return reading(augmented(decoded, { resizedCrop: [0.3, 1], flip: true, colour: 0.4 }));
}

/** All images of a data set once, in batches. */
function reading(data) {
  let view = 0;
  return {
    step: async () => {
      const sums = [];
      for (const numbers of shuffledBatches(data.size)) {
        for (const image of await data.read(numbers, view)) sums.push(image[0], image[image.length - 1]);
      }
      view++;
      return { loss: 0, gradient: sums };
    },
  };
}

/** Rows of a teacher cache, at random, in batches. Of rows and images the first and the last number are read. */
async function rows({ file, samples, dtype, directory }) {
  const teacher = await EmbeddingsTeacher.load(file);
  const data = textDataset({ texts: Array.from({ length: samples }, (_, i) => `text ${i}`) });
  const { embeddings } = await cacheTeacherRows({ teacher, data, directory, dtype });
  return {
    step: async () => {
      const ends = [];
      for (const numbers of shuffledBatches(samples)) {
        const { rows, columns, data } = embeddings.gather(numbers);
        for (let i = 0; i < rows; i++) ends.push(data[i * columns], data[(i + 1) * columns - 1]);
      }
      return { loss: 0, gradient: ends };
    },
    release: async () => embeddings.release(),
  };
}

function shuffledBatches(size) {
  const order = Random.forPurpose(0, 'order').shuffle(Array.from({ length: size }, (_, i) => i));
  return Array.from({ length: Math.ceil(size / BATCH) }, (_, k) => order.slice(k * BATCH, (k + 1) * BATCH));
}
