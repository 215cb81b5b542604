// The child that runs Limbeck's side of one configuration of bench/losses.mjs.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as limbeck from 'limbeck';
import { serve } from './serve.mjs';

const { ContrastiveDistillationStrategy, compile, graph, Matrix, Random } = limbeck;
const require = createRequire(import.meta.url);

const facts = {
  limbeck: require('limbeck/package.json').version,
  onnxruntime: require('onnxruntime-node/package.json').version,
};

const kinds = { matmul, loss, 'bank step': bankStep };

await serve(async (configuration, stages) => ({
  facts,
  ...(await kinds[configuration.kind](configuration, stages)),
}));

/** [B, columns] with independent entries, uniform in [−1, 1), which the peer reads from the files named. */
function randomRows(purpose, { batch, files }, columns) {
  const random = Random.forPurpose(0, purpose);
  const data = new Float32Array(batch * columns);
  for (let k = 0; k < data.length; k++) data[k] = 2 * random.uniform() - 1;
  writeFileSync(files[purpose], data);
  return new Matrix(batch, columns, data);
}

function batchRows(configuration) {
  const { width } = configuration;
  return { student: randomRows('student', configuration, width), teacher: randomRows('teacher', configuration, width) };
}

/**
 * What the machine gives through the engine: the second product of a loss alone, [B, B] · [B, D]. Of its result only row sums leave the
 * graph, because handing a large array to JavaScript takes longer than computing it.
 */
async function matmul(configuration) {
  const { batch, width } = configuration;
  const weights = randomRows('student', configuration, batch);
  const keys = randomRows('teacher', configuration, width);
  const a = graph.input('a', 'float32', [batch, batch]);
  const b = graph.input('b', 'float32', [batch, width]);
  const program = await compile({ inputs: [a, b], outputs: { sums: graph.sum(graph.matmul(a, b), [-1]) } });
  const feeds = { a: limbeck.matrixTensor(weights), b: limbeck.matrixTensor(keys) };
  return {
    step: async () => ({ loss: 0, gradient: (await program.run(feeds)).sums.data }),
    release: () => program.release(),
  };
}

/** Loss and gradient of a batch against itself. */
async function loss(configuration, stages) {
  const strategy = new ContrastiveDistillationStrategy({
    contrastiveWeight: 1,
    negativesSampleSize: Number.MAX_SAFE_INTEGER,
    ...configuration.options,
  });
  const { student, teacher } = batchRows(configuration);
  // As in a loop of training: a step writes its gradient over that of the step before, so that there is one of them at a time.
  let into;
  const step = async (s, t) => {
    const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(s, t, undefined, { into });
    into = gradient;
    return { loss, gradient: gradient.data };
  };
  // Sizes are run-time sizes: a few rows compile the program that all of them use. The first batch also sets the normalizer of
  // mode 'crd', and with that changes the program: hence twice.
  const few = Array.from({ length: configuration.firstRows }, (_, i) => i);
  for (let run = 0; run < 2; run++) await step(student.gather(few), teacher.gather(few));
  into = undefined;
  stages?.wrap(strategy, 'prepare', 'preparing the batch: which keys, their numbers');
  return { step: () => step(student, teacher), release: () => strategy.release() };
}

/** One CRD step over momentum banks: draw, loss, gradients of rows and heads, and the update of the banks. */
async function bankStep(configuration, stages) {
  const { batch, width, negatives, samples } = configuration;
  const strategy = new ContrastiveDistillationStrategy({
    mode: 'crd',
    contrastiveWeight: 1,
    projection: 'both',
    negativesSampleSize: negatives,
    positives: 'instance',
  });
  strategy.bank = new limbeck.MomentumBanks({ samples, dimension: width });
  const { student, teacher } = batchRows(configuration);
  const sampleIds = Random.forPurpose(0, 'samples').sample(samples, batch);
  const step = async () => {
    const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(student, teacher, undefined, {
      sampleIds,
    });
    await strategy.updateBank(student, teacher, undefined, { sampleIds });
    return { loss, gradient: gradient.data };
  };
  stages?.wrap(strategy, 'prepare', 'preparing the batch: draw of negatives, their rows');
  stages?.wrap(strategy, 'updateBank', 'updating the banks');
  return { step, release: () => strategy.release() };
}
