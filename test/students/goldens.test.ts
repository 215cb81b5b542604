/**
 * ResNet-8, WRN-10-1, MobileNetV2's blocks and a transformer of 2 layers against PyTorch (test/goldens/networks.json): values and gradients in float64 to a relative
 * 1e-9 and in float32 to 1e-4; the loss of 20 steps of SGD by TrainingStep and inference afterwards to 1e-4.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TextTokenizer } from '../../src/data/tokenizer.ts';
import * as g from '../../src/graph/index.ts';
import { mean } from '../../src/graph/index.ts';
import { crossEntropy } from '../../src/losses/cross-entropy.ts';
import { squaredErrorLoss } from '../../src/losses/squared-error.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { compile } from '../../src/runtime/program.ts';
import { int32Tensor, matrixTensor } from '../../src/runtime/tensors.ts';
import type { LossComponents, SymbolicBatch } from '../../src/strategies/batch.ts';
import { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { ImageStudent } from '../../src/students/images/image-student.ts';
import { invertedResidual } from '../../src/students/images/inverted-residual.ts';
import { resnet } from '../../src/students/images/resnet.ts';
import { wideResnet } from '../../src/students/images/wide-resnet.ts';
import type { StudentBatch, TrainableStudent } from '../../src/students/student.ts';
import { transformerEncoder } from '../../src/students/transformer/transformer-encoder.ts';
import { type OptimizerInput, parseOptimizer } from '../../src/training/optimizers/index.ts';
import { TrainingStep } from '../../src/training/training-step.ts';
import { type Correspondence, INVERTED_RESIDUALS, RESNET, TRANSFORMER, WIDE_RESNET } from './torch-names.ts';
import { initialValues, trainingGraph } from './training-graph.ts';

interface Golden {
  readonly name: string;
  readonly losses: readonly number[];
  /** Curves of other optimizers, where PyTorch's own float32 and float64 stay together. */
  readonly curves: Readonly<Record<string, { options: OptimizerInput; losses: readonly number[] }>>;
  readonly first: {
    readonly embeddings: readonly (readonly number[])[];
    readonly logits: readonly (readonly number[])[];
    readonly gradients: Readonly<Record<string, readonly [norm: number, product: number]>>;
  };
  readonly after: {
    readonly embeddings: readonly (readonly number[])[];
    readonly logits: readonly (readonly number[])[];
  };
  readonly buffers: Readonly<Record<string, readonly number[]>>;
}

const { inputs, cases } = JSON.parse(readFileSync(new URL('../goldens/networks.json', import.meta.url), 'utf8'));
const golden = (name: string) => cases.find((each: Golden) => each.name === name) as Golden;
const BATCH = inputs.lengths.length as number;
const CLASSES = inputs.classes as number;

/** Numbers between −√3 and √3 by a linear congruence, as in networks.py. */
function noise(size: number, seed: number): Float64Array {
  let state = 9301 + 7919 * seed;
  const values = Float64Array.from({ length: size + 8 }, () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0;
    return Math.sqrt(3) * ((2 * state) / 2 ** 32 - 1);
  });
  return values.slice(8);
}

const teacher = new Matrix(BATCH, 5, Float32Array.from(noise(BATCH * 5, 203)));
const labels = Matrix.from(
  Array.from({ length: BATCH }, (_, i) => Array.from({ length: CLASSES }, (_, c) => +(i % CLASSES === c))),
);

type Student = TrainableStudent<never, never>;
const shapeOf = (student: Student, name: string) => student.parameters.find((p) => p.name === name)!.shape;

/** Entry k of PyTorch's array, as [own parameter, own entry]. */
function placeOf(student: Student, { own, turned }: Correspondence, k: number): [string, number] {
  const shape = shapeOf(student, own[0]);
  const size = shape.reduce((n, d) => n * d, 1);
  const [name, inside] = [own[Math.floor(k / size)], k % size];
  if (!turned) return [name, inside];
  const [from, to] = shape;
  return [name, (inside % from) * to + Math.floor(inside / from)];
}

const sizeOf = (student: Student, { own }: Correspondence) =>
  own.reduce((total, name) => total + shapeOf(student, name).reduce((n, d) => n * d, 1), 0);

/** The formulas of networks.py, into the student. */
function initialize(student: Student, correspondences: readonly Correspondence[], order: readonly string[]): void {
  expect(correspondences.map(({ torch }) => torch).sort()).toEqual([...order].sort());
  expect(correspondences.flatMap(({ own }) => own).sort()).toEqual(student.parameters.map(({ name }) => name).sort());
  const arrays = initialValues(student);
  for (const each of correspondences) {
    const shape = shapeOf(student, each.own[0]);
    const size = sizeOf(student, each);
    const fan = each.turned ? shape[0] : shape.slice(1).reduce((n, d) => n * d, 1);
    const values = noise(size, order.indexOf(each.torch));
    const gain = each.torch.includes('norm') && each.torch.endsWith('weight');
    for (let k = 0; k < size; k++) {
      const [name, entry] = placeOf(student, each, k);
      (arrays[name] as Float32Array)[entry] =
        shape.length > 1 ? values[k] * Math.sqrt(2 / fan) : 0.1 * values[k] + (gain ? 1 : 0);
    }
  }
}

const lossOf = (logits: g.SymbolicTensor, embeddings: g.SymbolicTensor, y: g.SymbolicTensor, t: g.SymbolicTensor) => ({
  labels: mean(crossEntropy(logits, y)),
  squared: squaredErrorLoss(embeddings, t),
});

class BothHeads extends DistillationStrategy {
  override layerNames(): readonly string[] {
    return ['embeddings'];
  }

  override symbolicLoss({ outputs, labels, layers }: SymbolicBatch): LossComponents {
    const { student, teacher } = layers.get('embeddings')!;
    return lossOf(outputs!.student, student, labels!, teacher);
  }
}

const flat = (rows: readonly (readonly number[])[]) => rows.flat();
/** The largest difference, relative to the largest entry. */
function error(actual: ArrayLike<number | bigint>, expected: readonly number[]): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, i) => Math.abs(Number(actual[i]) - value))) / scale;
}
const unit = (row: readonly number[]) => row.map((x) => x / Math.hypot(...row));

async function checkFirstStep(
  student: Student,
  batch: StudentBatch,
  correspondences: Correspondence[],
  expected: Golden['first'],
) {
  for (const [dtype, tolerance] of [['float64', 1e-9] as const, ['float32', 1e-4] as const]) {
    const more = {
      y: { shape: ['batch', CLASSES], tensor: matrixTensor(labels) },
      t: { shape: ['batch', 5], tensor: matrixTensor(teacher) },
    };
    const given = { ...batch, feeds: { ...batch.feeds, ...more } };
    const graph = await trainingGraph(student, given, dtype, ({ layers, outputs }, { y, t }) => {
      const embeddings = layers.get('embeddings')!;
      const { labels, squared } = lossOf(outputs!, embeddings, y, t);
      return { loss: g.add(labels, squared), embeddings, logits: outputs! };
    });
    const results = await graph.run(initialValues(student));
    await graph.release();
    expect(error(results.embeddings, flat(expected.embeddings)), dtype).toBeLessThan(tolerance);
    expect(error(results.logits, flat(expected.logits)), dtype).toBeLessThan(tolerance);
    const whole = Math.hypot(...Object.values(expected.gradients).map(([norm]) => norm));
    for (const each of correspondences) {
      const probe = noise(sizeOf(student, each), 202);
      const gradient = Array.from(probe, (_, k) => {
        const [name, entry] = placeOf(student, each, k);
        return Number(results[`gradient ${name}`][entry]);
      });
      const [norm, product] = expected.gradients[each.torch];
      // A bias in front of a normalisation has gradient 0 but for rounding: small is measured against the whole.
      const scale = Math.max(norm, 1e-2 * whole);
      expect(Math.abs(Math.hypot(...gradient) - norm) / scale, `${each.torch} ${dtype}`).toBeLessThan(tolerance);
      const actual = gradient.reduce((sum, value, k) => sum + value * probe[k], 0);
      expect(Math.abs(actual - product) / scale, `${each.torch} ${dtype}`).toBeLessThan(tolerance);
    }
  }
}

/** A loss curve; the student's own numbers stay, unless `keep` says otherwise. */
async function checkCurve(
  student: Student,
  batch: StudentBatch,
  given: OptimizerInput,
  losses: readonly number[],
  keep = false,
) {
  const options = parseOptimizer({ ...given, weightDecay: inputs.decay }, 'test');
  const step = new TrainingStep(student, new BothHeads(), options, 5);
  for (const [i, expected] of losses.entries()) {
    const sampleIds = Int32Array.from({ length: BATCH }, (_, k) => k);
    const { loss } = await step.run([{ student: [batch], teacher, labels, sampleIds }], options.learningRate);
    expect(Math.abs(loss / expected - 1), `${options.method}, loss of step ${i}`).toBeLessThan(1e-4);
  }
  if (keep) step.writeBack();
  await step.release();
}

/** Every optimizer's curve from the same initial weights; SGD's is the one that stays. */
async function checkLosses(student: Student, batch: StudentBatch, { losses, curves }: Golden) {
  expect(Object.keys(curves).length).toBeGreaterThan(1);
  for (const curve of Object.values(curves)) await checkCurve(student, batch, curve.options, curve.losses);
  const { rate, momentum } = inputs;
  await checkCurve(student, batch, { method: 'sgd', learningRate: rate, momentum }, losses, true);
}

describe('against PyTorch: gradients to 1e-9 (float64) and 1e-4 (float32), 20 steps of every optimizer to 1e-4', () => {
  const common = { channels: 2, size: [7, 9] as [number, number], classes: CLASSES, dimension: 5, seed: 0 };
  it.each([
    ['resnet-8', resnet({ depth: 8, width: 0.25, ...common }), RESNET],
    ['wide-resnet-10-1', wideResnet({ depth: 10, widen: 1, ...common }), WIDE_RESNET],
    [
      'inverted residuals',
      new ImageStudent('blocks', { ...common, layerName: 'embeddings' }, (network, images) => {
        const shortcut = invertedResidual(network, 'a', images, 3, 2, 1);
        return mean(invertedResidual(network, 'c', invertedResidual(network, 'b', shortcut, 1, 3, 1), 2, 4, 2), [2, 3]);
      }),
      INVERTED_RESIDUALS,
    ],
  ])('%s', async (name, student, correspondences) => {
    const expected = golden(name);
    const own = student as unknown as Student;
    initialize(own, correspondences, Object.keys(expected.first.gradients));
    const pixels = Float32Array.from(noise(BATCH * 126, 201));
    const images = Array.from({ length: BATCH }, (_, i) => pixels.subarray(i * 126, (i + 1) * 126));
    const batch = student.prepareBatch(images);
    await checkFirstStep(own, batch, correspondences, expected.first);
    await checkLosses(own, batch, expected);
    const gains = correspondences.filter(({ torch }) => /norm\d?\.weight$/.test(torch));
    expect(student.buffers.length).toBe(2 * gains.length);
    for (const { torch, own } of gains) {
      for (const kind of ['running_mean', 'running_var']) {
        const { data } = student.buffers.find((buffer) => buffer.name === own[0].replace(/weight$/, kind))!;
        expect(error(data, expected.buffers[torch.replace(/weight$/, kind)])).toBeLessThan(1e-4);
      }
    }
    for (const foldBatchNorm of [false, true]) {
      const embedder = await student.toEmbedder({ foldBatchNorm });
      expect(error((await embedder.classify(images)).data, flat(expected.after.logits))).toBeLessThan(1e-4);
      expect(error((await embedder.embed(images)).data, expected.after.embeddings.flatMap(unit))).toBeLessThan(1e-4);
      await embedder.release();
    }
  });

  it('a transformer of 2 layers', async () => {
    const expected = golden('transformer');
    const { hidden, heads, intermediate, tokens, places } = inputs.sizes;
    // Ids are given, so that of a tokenizer only the sizes matter.
    const tokenizer = { vocabularySize: tokens, maxTokens: places, padId: 0 } as TextTokenizer;
    const sizes = { layers: 2, heads, hidden, intermediate };
    const student = transformerEncoder(tokenizer, { ...sizes, classes: CLASSES, dimension: 5, seed: 0 });
    const own = student as unknown as Student;
    initialize(own, TRANSFORMER, Object.keys(expected.first.gradients));
    const texts = (inputs.ids as number[][]).map((ids, i) => Int32Array.from(ids.slice(0, inputs.lengths[i])));
    const batch = student.prepareBatch(texts);
    await checkFirstStep(own, batch, TRANSFORMER, expected.first);
    await checkLosses(own, batch, expected);
    const program = await compile(student.inferenceGraph());
    const wide = (data: ArrayLike<number>) => BigInt64Array.from(data as number[], BigInt);
    const dims = [BATCH, Math.max(...inputs.lengths)];
    const { embeddings, logits } = await program.run({
      input_ids: {
        ...int32Tensor(new Int32Array(), dims),
        dtype: 'int64',
        data: wide((inputs.ids as number[][]).flat()),
      },
      attention_mask: { dtype: 'int64', dims, data: wide(Array.from(batch.feeds.mask.tensor.data as Float32Array)) },
    });
    await program.release();
    expect(error(logits.data, flat(expected.after.logits))).toBeLessThan(1e-4);
    expect(error(embeddings.data, expected.after.embeddings.flatMap(unit))).toBeLessThan(1e-4);
  });
});
