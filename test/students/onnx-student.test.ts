/** Students from ONNX files: what is read, trained and written back, and what is refused. Real files: npm run real-models. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { imageDataset } from '../../src/data/image-dataset.ts';
import * as g from '../../src/graph/index.ts';
import { replaceWeights } from '../../src/graph/onnx-weights.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { openModel } from '../../src/runtime/model.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { SupervisedStrategy } from '../../src/strategies/supervised-strategy.ts';
import { imageInputs, textInputs } from '../../src/students/onnx/onnx-inputs.ts';
import { OnnxStudent } from '../../src/students/onnx/onnx-student.ts';
import { distill } from '../../src/training/distill.ts';
import { Student } from '../../src/training/student.ts';
import { caught } from '../caught.ts';
import { bagOfWordsRows, tinyStudent, wordNetTexts } from '../training/tiny-problem.ts';

const random = new Random(12);
const weight = (...shape: number[]) =>
  g.constant(
    Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => random.normal() / Math.sqrt(shape[0])),
    'float32',
    shape,
  );

/** Images [n, 2, 3, 3] → relu(conv) → features [n, 8] → logits [n, 3]. */
function classifier(batch: g.Dimension = 'n'): Uint8Array {
  const x = g.input('x', 'float32', [batch, 2, 3, 3]);
  const features = g.reshape(g.relu(g.conv(x, weight(8, 2, 3, 3))), [batch, 8]);
  const scaled = g.add(features, 1);
  return g.writeOnnx({ inputs: [x], outputs: { logits: g.matmul(scaled, weight(8, 3)), scaled } });
}

/** Token ids and mask → hidden states [n, l, 6]. */
function encoder(vocabulary: number): Uint8Array {
  const ids = g.input('input_ids', 'int64', ['n', 'l']);
  const mask = g.input('attention_mask', 'int64', ['n', 'l']);
  const rows = g.matmul(g.gather(weight(vocabulary, 6), ids), weight(6, 6));
  // The mask is an input of the model and has to be used.
  const hidden = g.add(rows, g.unsqueeze(g.mul(g.cast(mask, 'float32'), 0), 2));
  return g.writeOnnx({ inputs: [ids, mask], outputs: { hidden } });
}

const images = Array.from({ length: 30 }, () => Float32Array.from({ length: 18 }, () => random.normal()));
const labels = images.map((image) => (image[4] > 0.5 ? 2 : image[13] > 0 ? 1 : 0));
const data = imageDataset({ images, labels });
const read = (bytes: Uint8Array, options: Record<string, unknown> = {}) =>
  OnnxStudent.read({ bytes, name: 'file.onnx' }, { embeddings: 'scaled', inputs: imageInputs(), ...options });

describe('a classifier of images', () => {
  const bytes = classifier();
  const student = read(bytes, { outputs: 'logits' });

  it('has the layers, classes and weights of the file', () => {
    expect([...student.layers]).toEqual([['embeddings', 8]]);
    expect(student.classes).toBe(3);
    expect(student.parameters.map(({ shape }) => shape)).toEqual([
      [8, 2, 3, 3],
      [8, 3],
    ]);
    expect(student.parameterCount).toBe(8 * 18 + 24);
  });

  it('learns, and the file that is written back computes the same in plain ONNX Runtime', async () => {
    const losses: number[] = [];
    await distill({
      student,
      data,
      useLabels: true,
      strategy: new SupervisedStrategy(),
      epochs: 60,
      batchSize: 10,
      optimizer: { learningRate: 0.03 },
      onStep: ({ loss }) => losses.push(loss),
    });
    expect(losses.at(-1)).toBeLessThan(0.3 * losses[0]);
    const trained = student.toOnnx();
    const session = await openModel(trained, 'trained');
    const { feeds } = student.prepareBatch(images);
    const results = await session.run({ x: feeds.x.tensor }, ['logits', 'scaled']);
    await session.release();
    const logits = await student.classify(images);
    for (const [k, value] of logits.data.entries()) expect(Number(results.logits.data[k])).toBeCloseTo(value, 5);
    const embedded = await student.embed(images);
    for (let i = 0; i < images.length; i++) {
      const row = Array.from({ length: 8 }, (_, d) => Number(results.scaled.data[i * 8 + d]));
      for (const [d, value] of row.entries()) expect(embedded.get(i, d)).toBeCloseTo(value / Math.hypot(...row), 5);
    }
    const right = labels.filter((label, i) => logits.row(i).indexOf(Math.max(...logits.row(i))) === label);
    expect(right.length).toBeGreaterThan(27);
    // Only weights differ: put back, the file is the same to the byte.
    const before = read(bytes, { outputs: 'logits' }).parameters;
    const values = new Map(before.map(({ name, data: numbers }) => [name, numbers]));
    expect(Buffer.from(replaceWeights(trained, values)).equals(Buffer.from(replaceWeights(bytes, values)))).toBe(true);
  });

  it('trainable chooses the weights; the others stay to the bit', async () => {
    const frozen = read(bytes, { trainable: (_: string, dims: readonly number[]) => dims.length === 4 });
    expect(frozen.parameters).toHaveLength(1);
    const rows = Matrix.from(images.map((image) => Array.from(image.subarray(0, 8))));
    await distill({
      student: frozen,
      data,
      teacher: rows,
      strategy: new FeatureDistillationStrategy(),
      epochs: 1,
      batchSize: 10,
    });
    const again = read(frozen.toOnnx()).parameters.map(({ data: numbers }) => numbers);
    const first = read(bytes).parameters.map(({ data: numbers }) => numbers);
    expect(again[0]).not.toEqual(first[0]);
    const [, head] = read(frozen.toOnnx(), { outputs: 'logits' }).parameters;
    expect(head.data).toEqual(read(bytes, { outputs: 'logits' }).parameters[1].data);
  });

  it('pixels can be normalised on the way in', () => {
    const plain = read(bytes).prepareBatch(images.slice(0, 1)).feeds.x.tensor.data;
    const inputs = imageInputs({ mean: [1, 2], std: [2, 4] });
    const normal = read(bytes, { inputs }).prepareBatch(images.slice(0, 1)).feeds.x.tensor.data;
    for (const k of [0, 8]) expect(normal[k]).toBeCloseTo((Number(plain[k]) - 1) / 2, 6);
    for (const k of [9, 17]) expect(normal[k]).toBeCloseTo((Number(plain[k]) - 2) / 4, 6);
  });
});

describe('an encoder of texts', () => {
  const texts = wordNetTexts(40);
  const { tokenizer } = tinyStudent(texts.texts, { width: 2, dimension: 2, seed: 0 });
  const bytes = encoder(tokenizer.vocabularySize);
  const options = { embeddings: 'hidden', inputs: textInputs(tokenizer) } as const;
  const student = OnnxStudent.read({ bytes, name: 'encoder.onnx' }, { ...options, pooling: 'mean' });
  const strategy = new FeatureDistillationStrategy();
  afterAll(() => strategy.release());

  it('the mean is over the tokens that the mask shows: padding changes nothing', async () => {
    const long = texts.texts[0].length > texts.texts[1].length ? 0 : 1;
    const pair = await student.embed([texts.texts[0], texts.texts[1]]);
    const alone = await student.embed([texts.texts[1 - long]]);
    for (const [d, value] of alone.row(0).entries()) expect(pair.get(1 - long, d)).toBeCloseTo(value, 6);
  });

  it('comes nearer to a teacher', async () => {
    const rows = bagOfWordsRows(texts.texts, 6);
    const losses: number[] = [];
    const onStep = ({ loss }: { loss: number }) => losses.push(loss);
    await distill({
      student,
      data: texts,
      teacher: rows,
      strategy,
      epochs: 20,
      batchSize: 10,
      optimizer: { learningRate: 0.02 },
      onStep,
    });
    expect(losses.at(-1)).toBeLessThan(0.5 * losses[0]);
  });

  it('without pooling, or by a mean without a mask: refused with what to do', () => {
    expect(caught(() => OnnxStudent.read({ bytes, name: 'e' }, options)).message).toMatch(
      /a row for each sample, got \[batch, length, 6\].*pooling/,
    );
    expect(caught(() => read(classifier(), { pooling: 'mean' })).message).toMatch(
      /pooling: expected "scaled" to be \[batch, length, width\]/,
    );
  });
});

it('Student.fromOnnx reads a file, and says which one is missing', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'limbeck-onnx-'));
  try {
    const path = join(directory, 'model.onnx');
    const bytes = classifier();
    await writeFile(path, bytes);
    const student = await Student.fromOnnx(path, { embeddings: 'scaled', inputs: imageInputs() });
    expect(await student.embed(images)).toEqual(await read(bytes).embed(images));
    const missing = Student.fromOnnx(join(directory, 'none.onnx'), { embeddings: 'scaled', inputs: imageInputs() });
    await expect(missing).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/none\.onnx/),
    });
  } finally {
    await rm(directory, { recursive: true });
  }
});

describe('refused', () => {
  it.each<[string, () => unknown, string, RegExp]>([
    [
      'a tensor that is not there',
      () => read(classifier(), { embeddings: 'pooled' }),
      'INVALID_OPTION',
      /got "pooled".*logits, scaled/,
    ],
    ['an input', () => read(classifier(), { embeddings: 'x' }), 'INVALID_OPTION', /got "x", an input/],
    [
      'nothing to train',
      () => read(classifier(), { trainable: () => false }),
      'INVALID_OPTION',
      /weights to train, got none/,
    ],
    [
      'an unknown option',
      () => read(classifier(), { embedding: 'scaled' }),
      'INVALID_OPTION',
      /"embedding".*embeddings/,
    ],
    ['a batch of one size', () => read(classifier(4)), 'UNSUPPORTED', /dynamic batch axis/],
    ['what is no model', () => read(Uint8Array.of(1, 2, 3)), 'FILE_CORRUPT', /file\.onnx/],
  ])('%s', (_, attempt, code, message) => {
    const error = caught(attempt);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  it('images of another size, and logits of a student without any', async () => {
    const student = read(classifier());
    expect(caught(() => student.prepareBatch([Float32Array.of(1, 2)])).code).toBe('SHAPE_MISMATCH');
    await expect(student.classify(images)).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});
