/** Every image architecture: what training differentiates, what export computes, and that the two are one network. */
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { mean, sum } from '../../../src/graph/index.ts';
import { Matrix } from '../../../src/matrix/matrix.ts';
import { Random } from '../../../src/matrix/random.ts';
import { SupervisedStrategy } from '../../../src/strategies/supervised-strategy.ts';
import { ImageStudent } from '../../../src/students/images/image-student.ts';
import { invertedResidual } from '../../../src/students/images/inverted-residual.ts';
import { mlp } from '../../../src/students/images/mlp.ts';
import { mobilenet } from '../../../src/students/images/mobilenet.ts';
import { type ImageSample, pixelCount } from '../../../src/students/images/pixels.ts';
import { resnet } from '../../../src/students/images/resnet.ts';
import { wideResnet } from '../../../src/students/images/wide-resnet.ts';
import { sgdOptionsSchema } from '../../../src/training/optimizers/sgd.ts';
import { TrainingStep } from '../../../src/training/training-step.ts';
import { worstDerivative } from '../directional-derivatives.ts';
import { initialValues, trainingGraph } from '../training-graph.ts';

const heads = { classes: 3, dimension: 4 };
const normalize = { mean: [0.4, 0.6], std: [0.2, 0.3] };

/** Small instances, with odd sizes and every option that changes the graph. */
const STUDENTS: Record<string, (seed?: number) => ImageStudent> = {
  resnet: (seed = 1) => resnet({ depth: 8, width: 0.25, channels: 2, size: [7, 5], normalize, ...heads, seed }),
  'resnet, deeper': (seed = 1) => resnet({ depth: 14, width: 0.125, channels: 1, size: 5, ...heads, seed }),
  wideResnet: (seed = 1) => wideResnet({ depth: 10, widen: 1, channels: 1, size: [5, 6], ...heads, seed }),
  'inverted residuals': (seed = 1) =>
    new ImageStudent('blocks', { channels: 2, size: 5, layerName: 'embeddings', ...heads, seed }, (network, images) => {
      const shortcut = invertedResidual(network, 'a', images, 3, 2, 1);
      return mean(invertedResidual(network, 'c', invertedResidual(network, 'b', shortcut, 1, 3, 1), 2, 4, 2), [2, 3]);
    }),
  mobilenet: (seed = 1) => mobilenet({ width: 0.05, channels: 1, size: 9, ...heads, seed }),
  mlp: (seed = 1) => mlp({ widths: [6, 5], activation: 'gelu', channels: 2, size: [3, 2], normalize, ...heads, seed }),
  'mlp, tanh': (seed = 1) => mlp({ widths: [6], activation: 'tanh', channels: 5, size: 1, ...heads, seed }),
};

const imagesFor = (student: ImageStudent, count: number, seed = 5): ImageSample[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () =>
    Float32Array.from({ length: pixelCount(student.format) }, () => random.uniform()),
  );
};

/** A few steps on labels, after which no gain, bias or statistic is where it started. */
async function train(student: ImageStudent, steps = 3): Promise<number[]> {
  const options = sgdOptionsSchema.parse({ learningRate: 0.05 });
  const step = new TrainingStep(student, new SupervisedStrategy(), options, undefined);
  const losses: number[] = [];
  for (let k = 0; k < steps; k++) {
    const images = imagesFor(student, 6, k);
    const labels = Matrix.from(images.map((_, i) => [0, 1, 2].map((c) => Number(i % 3 === c))));
    const batch = { student: [student.prepareBatch(student.encode(images))], labels, sampleIds: new Int32Array(6) };
    losses.push((await step.run([batch], 0.05)).loss);
  }
  step.writeBack();
  await step.release();
  return losses;
}

const error = (actual: ArrayLike<number | bigint>, expected: ArrayLike<number | bigint>) => {
  expect(actual.length).toBe(expected.length);
  const numbers = Array.from(expected, Number);
  const scale = Math.max(...numbers.map(Math.abs));
  return Math.max(...numbers.map((x, i) => Math.abs(Number(actual[i]) - x))) / scale;
};

const operators = (model: Uint8Array) =>
  onnxProto.onnx.ModelProto.decode(model).graph!.node!.map(({ opType }) => opType as string);

describe.each(Object.entries(STUDENTS))('%s', (name, build) => {
  // A whole mobilenet has more nodes in float64, where ONNX Runtime has no convolution, than its optimizer takes in minutes; its
  // blocks are checked instead.
  if (name !== 'mobilenet') {
    it('gradients by every parameter against central differences in float64: relative error < 1e-6', async () => {
      const student = build();
      expect(await worstDerivative(student, student.prepareBatch(imagesFor(student, 3)), 3)).toBeLessThan(1e-6);
    });
  }

  it('export computes what training does, where the running statistics are those of the batch', async () => {
    const student = build();
    await train(student);
    for (const { data } of student.buffers) data.fill(0);
    const [dtype, tolerance] = name === 'mobilenet' ? (['float32', 1e-4] as const) : (['float64', 1e-5] as const);
    const [once, twice] = [imagesFor(student, 4), [...imagesFor(student, 4), ...imagesFor(student, 4)]];
    const run = async (images: ImageSample[]) => {
      const graph = await trainingGraph(student, student.prepareBatch(images), dtype, (outputs) => ({
        loss: sum(outputs.outputs!),
        logits: outputs.outputs!,
        embeddings: outputs.layers.get('embeddings')!,
        ...Object.fromEntries(Object.entries(outputs.buffers!).map(([name, next]) => [`next ${name}`, next])),
      }));
      const results = await graph.run(initialValues(student));
      await graph.release();
      return results;
    };
    const [small, large] = [await run(once), await run(twice)];
    for (const { name, data } of student.buffers) {
      for (let c = 0; c < data.length; c++) {
        // From 0, a tenth of the batch's. The variance is v·n/(n − 1), and v·2n/(2n − 1) for every image twice: hence v.
        const [u, w] = [small, large].map((results) => Number(results[`next ${name}`][c]) / 0.1);
        const n = Math.round((u - w / 2) / (u - w));
        data[c] = name.endsWith('mean') || u === 0 ? u : (u * (n - 1)) / n;
      }
    }
    for (const foldBatchNorm of [false, true]) {
      const embedder = await student.toEmbedder({ foldBatchNorm });
      expect(error((await embedder.classify(once)).data, small.logits)).toBeLessThan(tolerance);
      const rows = Matrix.from(
        Array.from({ length: 4 }, (_, i) => Array.from(small.embeddings.slice(4 * i, 4 * i + 4), Number)),
      );
      const unit = rows.toArray().flatMap((row) => row.map((x) => x / Math.hypot(...row)));
      expect(error((await embedder.embed(once)).data, unit)).toBeLessThan(tolerance);
      await embedder.release();
    }
  });

  it('trained, with normalisation folded and not: the same to 1e-5, in plain onnxruntime-node too', async () => {
    const student = build();
    await train(student);
    const images = imagesFor(student, 5);
    const { channels, height, width } = student.format;
    const results: Matrix[] = [];
    for (const foldBatchNorm of [false, true]) {
      const embedder = await student.toEmbedder({ foldBatchNorm });
      results.push(await embedder.classify(images), await embedder.embed(images));
      await embedder.release();
      const model = student.toFiles({ foldBatchNorm }).get('onnx/model.onnx') as Uint8Array;
      const session = await ort.InferenceSession.create(model);
      expect(session.inputNames).toEqual(['pixel_values']);
      expect(session.outputNames).toEqual(['embeddings', 'logits']);
      for (const count of [1, 5]) {
        const data = Float32Array.from(images.slice(0, count).flatMap((image) => Array.from(image)));
        const fed = { pixel_values: new ort.Tensor('float32', data, [count, channels, height, width]) };
        const { embeddings, logits } = await session.run(fed);
        expect([embeddings.dims, logits.dims]).toEqual([
          [count, 4],
          [count, 3],
        ]);
        expect(error(logits.data as Float32Array, results[0].data.subarray(0, 3 * count))).toBeLessThan(1e-5);
        expect(error(embeddings.data as Float32Array, results[1].data.subarray(0, 4 * count))).toBeLessThan(1e-5);
      }
      await session.release();
    }
    expect(error(results[2].data, results[0].data)).toBeLessThan(1e-5);
  });

  it('the same seed gives the same bits, initial and trained; another seed others', async () => {
    const [first, second, other] = [build(1), build(1), build(2)];
    const values = ({ parameters, buffers }: ImageStudent) => [...parameters, ...buffers].map(({ data }) => data);
    expect(values(first)).toEqual(values(second));
    const random = first.parameters.flatMap(({ shape }, i) => (shape.length > 1 ? [i] : []));
    for (const i of random) expect(other.parameters[i].data).not.toEqual(first.parameters[i].data);
    expect(await train(first)).toEqual(await train(second));
    expect(values(first)).toEqual(values(second));
  });

  it('decay applies to weights and not to biases and gains; names differ; the layer has its width', () => {
    const student = build();
    for (const { shape, decay, sparse } of student.parameters) {
      expect([decay, sparse]).toEqual([shape.length > 1, false]);
    }
    expect(new Set(student.parameters.map(({ name }) => name)).size).toBe(student.parameters.length);
    expect([...student.layers]).toEqual([['embeddings', 4]]);
    expect(student.classes).toBe(3);
  });
});

it('one image of one pixel has no variance: training goes on, and the running one shrinks', async () => {
  const student = resnet({ depth: 8, width: 0.25, channels: 1, size: 1, classes: 3, seed: 0 });
  const step = new TrainingStep(student, new SupervisedStrategy(), sgdOptionsSchema.parse({}), undefined);
  const batch = student.prepareBatch([Float32Array.of(0.5)]);
  await step.run([{ student: [batch], labels: Matrix.from([[0, 1, 0]]), sampleIds: Int32Array.of(0) }], 0.1);
  step.writeBack();
  await step.release();
  for (const { name, data } of student.buffers) {
    if (name.endsWith('var')) for (const value of data) expect(value).toBeCloseTo(0.9, 6);
  }
});

describe('folding', () => {
  const count = (model: Uint8Array) => operators(model).filter((type) => type === 'BatchNormalization').length;

  it('leaves no normalisation behind a convolution', () => {
    // ResNet-8: stem, two in each block, two shortcuts; WRN-10: the first of each block and the last stand before no convolution.
    for (const [name, plain, folded] of [
      ['resnet', 9, 0],
      ['wideResnet', 7, 4],
      ['mobilenet', 52, 0],
      ['mlp', 0, 0],
    ] as const) {
      const student = STUDENTS[name]();
      expect([count(student.toOnnx()), count(student.toOnnx({ foldBatchNorm: true }))]).toEqual([plain, folded]);
    }
  });
});
