// The side of jax-js, device "wasm", of configurations of bench/losses.mjs and bench/steps.mjs. Functions take over the arrays that they
// are given: `.ref` keeps one for another use.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { serve } from '../serve.mjs';
import { readFloats, staticStudent } from './static-student.mjs';

const TAU = { loss: 0.07, student: 0.05 };

/** Touched rows are filled up to a multiple of this: a compiled function is compiled again for every other shape. */
const ROWS_AT_ONCE = 512;

const forms = { matmul, ntxent };
const kinds = { static: staticStep };
let jax;
let np;

await serve(async (configuration) => {
  const directory = join(configuration.folder, 'node_modules/@jax-js/jax');
  const { version, main } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
  jax = await import(pathToFileURL(join(directory, main)).href);
  np = jax.numpy;
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const work = configuration.form ? forms[configuration.form] : kinds[configuration.kind];
  return { facts: { 'jax-js': version }, ...(await work(configuration)) };
});

function array(data, shape) {
  return np.array(data).reshape(shape);
}

function readRows({ batch, files }, name) {
  const data = readFloats(files[name]);
  return array(data, [batch, data.length / batch]);
}

/** Rows divided by their norms. */
function unit(rows) {
  return rows.ref.div(np.sqrt(np.sum(np.square(rows), 1, { keepdims: true })));
}

/** Mean over rows of −log softmax at the own key; `own`: the keys' rows that belong to the anchors. */
function crossEntropy(anchors, keys, own, tau) {
  const scaled = anchors.div(tau);
  const ownLogits = np.sum(scaled.ref.mul(own), 1);
  return np.mean(jax.nn.logsumexp(np.matmul(scaled, np.transpose(keys)), 1).sub(ownLogits));
}

function matmul(configuration) {
  const [a, b] = [readRows(configuration, 'student'), readRows(configuration, 'teacher')];
  const sums = jax.jit((x, y) => np.sum(np.matmul(x, y), 1));
  return { step: async () => ({ loss: 0, gradient: await sums(a.ref, b.ref).data() }) };
}

function ntxent(configuration) {
  const [student, teacher] = [readRows(configuration, 'student'), readRows(configuration, 'teacher')];
  const lossAndGradient = jax.jit(
    jax.valueAndGrad((rows, given) => {
      const keys = unit(given);
      return crossEntropy(unit(rows), keys.ref, keys, TAU.loss);
    }),
  );
  return {
    async step() {
      const [value, gradient] = lossAndGradient(student.ref, teacher.ref);
      return { loss: (await value.data())[0], gradient: await gradient.data() };
    },
  };
}

function staticStep(configuration) {
  const { batch, width, dimension, bank, files } = configuration;
  const bankRows = bank ? unit(array(readFloats(files.rows), [bank, dimension])) : undefined;
  const lossAndGradients = jax.jit(
    jax.valueAndGrad(({ rows, weights, projection, bias }, shares, keys, own) => {
      const mean = np.matmul(shares, rows.mul(weights));
      return crossEntropy(unit(np.matmul(mean, projection).add(bias)), keys, own, TAU.student);
    }),
  );
  return staticStudent(configuration, async ({ shares, touched, rows, weights, projection, bias, keys, own }) => {
    const filled = ROWS_AT_ONCE * Math.ceil(touched / ROWS_AT_ONCE);
    const all = bankRows ? bankRows.ref : unit(array(keys, [batch, dimension]));
    const ownKeys = bankRows ? np.take(bankRows.ref, np.array(own), 0) : all.ref;
    const [value, gradients] = lossAndGradients(
      {
        rows: array(filledTo(rows, filled * width), [filled, width]),
        weights: array(filledTo(weights, filled), [filled, 1]),
        projection: array(projection, [width, dimension]),
        bias: array(bias, [dimension]),
      },
      array(filledTo(shares, batch * filled, batch), [batch, filled]),
      all,
      ownKeys,
    );
    const read = await Promise.all(Object.entries(gradients).map(async ([name, value]) => [name, await value.data()]));
    return { loss: (await value.data())[0], gradients: Object.fromEntries(read) };
  });
}

/** An array of so many numbers; `rows` lines of it, each with zeros at its end. */
function filledTo(data, length, rows = 1) {
  const result = new Float32Array(length);
  const [from, to] = [data.length / rows, length / rows];
  for (let i = 0; i < rows; i++) result.set(data.subarray(i * from, (i + 1) * from), i * to);
  return result;
}
