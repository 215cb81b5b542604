// The side of TensorFlow.js, backend "wasm", of configurations of bench/losses.mjs and bench/steps.mjs.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { serve } from '../serve.mjs';
import { readFloats, staticStudent } from './static-student.mjs';

const TAU = { loss: 0.07, student: 0.05 };

const forms = { matmul, ntxent };
const kinds = { static: staticStep, resnet: convolutionGradient };
let tf;

await serve(async (configuration) => {
  const require = createRequire(join(configuration.folder, 'package.json'));
  tf = require('@tensorflow/tfjs');
  require('@tensorflow/tfjs-backend-wasm');
  await tf.setBackend('wasm');
  await tf.ready();
  const work = configuration.form ? forms[configuration.form] : kinds[configuration.kind];
  return { facts: { tfjs: tf.version.tfjs }, ...(await work(configuration)) };
});

function readRows({ batch, files }, name) {
  const data = readFloats(files[name]);
  return tf.tensor2d(data, [batch, data.length / batch]);
}

/** Rows divided by their norms. */
function unit(rows) {
  return tf.div(rows, tf.norm(rows, 'euclidean', 1, true));
}

/** Mean over rows of −log softmax at the own key; `own`: the keys' rows that belong to the anchors. */
function crossEntropy(anchors, keys, own, tau) {
  const scaled = tf.div(anchors, tau);
  const logits = tf.matMul(scaled, keys, false, true);
  return tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(scaled, own), 1)));
}

function matmul(configuration) {
  const [a, b] = [readRows(configuration, 'student'), readRows(configuration, 'teacher')];
  return {
    async step() {
      const sums = tf.tidy(() => tf.sum(tf.matMul(a, b), 1));
      const gradient = await sums.data();
      sums.dispose();
      return { loss: 0, gradient };
    },
  };
}

function ntxent(configuration) {
  const [student, teacher] = [readRows(configuration, 'student'), readRows(configuration, 'teacher')];
  const lossAndGradient = tf.valueAndGrad((rows) => {
    const keys = unit(teacher);
    return crossEntropy(unit(rows), keys, keys, TAU.loss);
  });
  return {
    async step() {
      const { value, grad } = tf.tidy(() => lossAndGradient(student));
      const result = { loss: (await value.data())[0], gradient: await grad.data() };
      tf.dispose([value, grad]);
      return result;
    },
  };
}

function staticStep(configuration) {
  const { batch, width, dimension, bank, files } = configuration;
  const bankRows = bank ? tf.tidy(() => unit(tf.tensor2d(readFloats(files.rows), [bank, dimension]))) : undefined;
  return staticStudent(configuration, async ({ shares, touched, rows, weights, projection, bias, keys, own }) => {
    const { value, grads } = tf.tidy(() => {
      const share = tf.tensor2d(shares, [batch, touched]);
      const all = bankRows ?? unit(tf.tensor2d(keys, [batch, dimension]));
      const ownKeys = bankRows ? tf.gather(all, tf.tensor1d(own, 'int32')) : all;
      return tf.valueAndGrads((rows, weights, projection, bias) => {
        const mean = tf.matMul(share, tf.mul(rows, weights));
        return crossEntropy(unit(tf.add(tf.matMul(mean, projection), bias)), all, ownKeys, TAU.student);
      })([
        tf.tensor2d(rows, [touched, width]),
        tf.tensor2d(weights, [touched, 1]),
        tf.tensor2d(projection, [width, dimension]),
        tf.tensor1d(bias),
      ]);
    });
    const names = ['rows', 'weights', 'projection', 'bias'];
    const read = await Promise.all(grads.map((gradient) => gradient.data()));
    const loss = (await value.data())[0];
    tf.dispose([value, ...grads]);
    return { loss, gradients: Object.fromEntries(names.map((name, i) => [name, read[i]])) };
  });
}

/** What a ResNet needs first, the gradient of a convolution by its weights; this backend has had no kernel for it. */
function convolutionGradient({ batch, size }) {
  const images = tf.ones([batch, size, size, 3]);
  tf.tidy(() => tf.grad((weights) => tf.sum(tf.conv2d(images, weights, 1, 'same')))(tf.ones([3, 3, 3, 16])));
  throw new Error('has gradients of convolutions now; its ResNet is not written');
}
