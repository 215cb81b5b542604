// The child that runs one side of bench/teacher.mjs: MiniLM's rows of texts of WordNet, by Limbeck into a cache, or by ONNX Runtime alone.
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheTeacherRows } from 'limbeck';
import * as ort from 'onnxruntime-node';
import { backend } from '../dist/runtime/backend-node.js';
import { loadMiniLm, wordNetTexts } from './material.mjs';
import { serve } from './serve.mjs';
import { encoderFlop, paddedBatches } from './teacher-work.mjs';

const require = createRequire(import.meta.url);
const facts = {
  limbeck: require('limbeck/package.json').version,
  onnxruntime: require('onnxruntime-node/package.json').version,
};
const sides = { cache, recorded, unsorted };

await serve(async ({ side, texts, ...request }, stages) => {
  const { work, ...prepared } = await sides[side](await wordNetTexts(texts), request, stages);
  return { facts, ...work, ...prepared };
});

/** What `embed` and `distill` do: the rows of a data set, computed and written to a new cache. */
async function cache(data, { dtype }, stages) {
  const teacher = await loadMiniLm();
  stages?.wrap(teacher.tokenizer, 'encodeAll', 'tokenizer');
  stages?.wrap(teacher, 'embed', 'sorting, padding, rows in their places');
  const step = async () => {
    const directory = await mkdtemp(join(tmpdir(), 'limbeck-teacher-'));
    const { embeddings } = await cacheTeacherRows({ teacher, data, directory, dtype });
    // Run when the time has been taken.
    const numbers = function* () {
      yield* embeddings.toMatrix().data;
      embeddings.release();
      rmSync(directory, { recursive: true });
    };
    return { loss: 0, gradient: numbers() };
  };
  return { step, work: workOf(teacher, data), release: () => teacher.release() };
}

/** ONNX Runtime alone, on the model and the batches that Limbeck gives it. */
async function recorded(data) {
  const { model, batches, work } = await record(data);
  return { step: await alone(model, batches), work };
}

/** ONNX Runtime alone, on batches of 32 texts in the order of the data. */
async function unsorted(data) {
  const { model, encoded, padId, work } = await record(data);
  const batches = paddedBatches(encoded, 32, padId);
  return { step: await alone(model, batches), work };
}

/** The model's bytes, and every batch of a pass over the data. */
async function record(data) {
  const create = backend.createSession;
  const batches = [];
  let model;
  backend.createSession = async (bytes, options) => {
    model = bytes;
    const session = await create(bytes, options);
    const { run } = session;
    session.run = (feeds, ...rest) => {
      batches.push(feeds);
      return run.call(session, feeds, ...rest);
    };
    return session;
  };
  const teacher = await loadMiniLm();
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-teacher-'));
  try {
    (await cacheTeacherRows({ teacher, data, directory })).embeddings.release();
  } finally {
    await rm(directory, { recursive: true });
    await teacher.release();
    backend.createSession = create;
  }
  const encoded = teacher.tokenizer.encodeAll(data.texts);
  return { model, batches, encoded, padId: teacher.tokenizer.padId, work: workOf(teacher, data) };
}

async function alone(model, batches) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  });
  const prepared = batches.map((feeds) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, { dtype, data, dims }]) => [name, new ort.Tensor(dtype, data, dims)]),
    ),
  );
  return async () => {
    const results = [];
    for (const feeds of prepared) results.push((await session.run(feeds)).embeddings.data);
    const numbers = function* () {
      for (const result of results) yield* result;
    };
    return { loss: 0, gradient: numbers() };
  };
}

function workOf(teacher, data) {
  const lengths = teacher.tokenizer.encodeAll(data.texts).map(({ length }) => length);
  return { flop: encoderFlop(lengths, { layers: 6, hidden: 384, intermediate: 1536 }) };
}
