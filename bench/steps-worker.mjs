// The child that runs Limbeck's side of one configuration of bench/steps.mjs: a training step, batch preparation included.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import {
  ContrastiveDistillationStrategy,
  Matrix,
  Random,
  resnet,
  StaticEmbeddingStudent,
  SupervisedStrategy,
  TeacherBank,
  TextTokenizer,
  transformerEncoder,
} from 'limbeck';
import { parseOptimizer } from '../dist/training/optimizers/index.js';
import { TrainingStep } from '../dist/training/training-step.js';
import { serve } from './serve.mjs';

const require = createRequire(import.meta.url);
const facts = {
  limbeck: require('limbeck/package.json').version,
  onnxruntime: require('onnxruntime-node/package.json').version,
};
const kinds = { resnet: resnetStep, static: staticStep, transformer: transformerStep };
const BATCHES = 16;

/** Steps whose losses peers compare theirs with; the first compiles. */
const FIRST_STEPS = 3;

await serve(async (configuration, stages) => {
  const work = kinds[configuration.kind](configuration);
  const { student, strategy, optimizer, dimension, rate } = work;
  const step = new TrainingStep(student, strategy, parseOptimizer(optimizer, 'bench'), dimension);
  if (stages) timeStages(stages, work, step);
  let count = 0;
  const next = async () => {
    const { loss, gradientNorm } = await step.run([work.batch(count++ % BATCHES)], rate);
    return { loss, gradient: [gradientNorm] };
  };
  const first = [];
  while (first.length < FIRST_STEPS) first.push((await next()).loss);
  return { facts, first, step: next, release: () => step.release() };
});

/** Our own parts of a step, for --profile. */
function timeStages(stages, work, { optimizer, buffers, strategy }) {
  stages.wrap(work, 'batch', 'batch preparation');
  stages.wrap(strategy, 'prepare', 'what the loss needs beside the tensors');
  stages.wrap(strategy, 'advance', 'banks and queues moved on');
  stages.wrap(optimizer, 'feeds', 'optimizer: touched rows gathered');
  stages.wrap(optimizer, 'commit', 'optimizer: touched rows written back');
  stages.wrap(buffers, 'feeds', 'running statistics handed in');
  stages.wrap(buffers, 'commit', 'running statistics kept');
}

function resnetStep({ depth, batch, size, classes }) {
  const student = resnet({ depth, channels: 3, size, classes, seed: 0 });
  const random = new Random(1);
  const batches = Array.from({ length: BATCHES }, () => ({
    images: Array.from({ length: batch }, () => Float32Array.from({ length: 3 * size * size }, () => random.uniform())),
    labels: Int32Array.from({ length: batch }, () => random.integer(classes)),
  }));
  return {
    student,
    strategy: new SupervisedStrategy(),
    optimizer: { method: 'sgd', learningRate: 0.01 },
    rate: 0.01,
    batch(k) {
      const { images, labels } = batches[k];
      const oneHot = Matrix.zeros(batch, classes);
      for (const [i, label] of labels.entries()) oneHot.row(i)[label] = 1;
      return {
        student: [student.prepareBatch(images)],
        labels: oneHot,
        classIndices: labels,
        sampleIds: labels.map((_, i) => i),
      };
    },
  };
}

/** A WordPiece tokenizer of so many words, each its own piece: only the ids matter. */
function tokenizer(vocabulary) {
  const special = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];
  const tokens = [...special, ...Array.from({ length: vocabulary - special.length }, (_, i) => `w${i}`)];
  const json = {
    version: '1.0',
    added_tokens: special.map((content, id) => ({
      id,
      content,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
    },
  };
  return TextTokenizer.fromJson(JSON.stringify(json), { maxTokens: 512, name: 'bench' });
}

/** Token ids as texts have them: few of them frequent. */
function ids(random, length, vocabulary) {
  return Int32Array.from({ length }, () => 5 + Math.floor((vocabulary - 5) * random.uniform() ** 3));
}

function randomRows(random, rows, columns) {
  const result = Matrix.zeros(rows, columns);
  for (let k = 0; k < result.data.length; k++) result.data[k] = random.normal();
  return result;
}

function textStep(student, { batch, dimension, bank = 0, lengths, vocabulary, files }) {
  const random = new Random(1);
  const samples = Math.max(bank, batch * BATCHES);
  const rows = randomRows(random, samples, dimension);
  const batches = Array.from({ length: BATCHES }, () => ({
    texts: Array.from({ length: batch }, () => ids(random, lengths(random), vocabulary)),
    sampleIds: random.sample(samples, batch),
  }));
  if (files) writeFiles(files, student, rows, batches);
  const strategy = new ContrastiveDistillationStrategy({
    contrastiveWeight: 1,
    temperature: 0.05,
    negativesSampleSize: bank || 1024,
  });
  if (bank) strategy.bank = new TeacherBank(rows);
  return {
    student,
    strategy,
    optimizer: { method: 'adamw', learningRate: 0.001, weightDecay: 0 },
    rate: 0.001,
    dimension,
    batch(k) {
      const { texts, sampleIds } = batches[k];
      return { student: [student.prepareBatch(texts)], teacher: rows.gather(sampleIds), sampleIds };
    },
  };
}

/** What peers start from: the first parameters that are not all alike, the teacher's rows, and the batches. */
function writeFiles(files, { parameters }, rows, batches) {
  for (const name of ['table', 'projection']) {
    writeFileSync(files[name], parameters.find((parameter) => parameter.name === name).data);
  }
  writeFileSync(files.rows, rows.data);
  const lists = batches.map(({ texts, sampleIds }) => ({
    texts: texts.map((ids) => [...ids]),
    sampleIds: [...sampleIds],
  }));
  writeFileSync(files.batches, JSON.stringify(lists));
}

function staticStep(configuration) {
  const { vocabulary, width, dimension } = configuration;
  const student = new StaticEmbeddingStudent(tokenizer(vocabulary), { width, dimension, seed: 0 });
  return textStep(student, { ...configuration, lengths: (random) => 8 + random.integer(9) });
}

function transformerStep(configuration) {
  const { vocabulary, layers, heads, hidden, dimension, length } = configuration;
  const student = transformerEncoder(tokenizer(vocabulary), { layers, heads, hidden, dimension, seed: 0 });
  return textStep(student, { ...configuration, lengths: () => length });
}
