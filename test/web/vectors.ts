/** Vectors that Node and a browser both compute, by the same code over another runtime. Imports neither Vitest nor Node. */

import { textDataset } from '../../src/data/text-dataset.ts';
import { trainTokenizer } from '../../src/data/train-tokenizer.ts';
import * as g from '../../src/graph/index.ts';
import { IntermediateActivations } from '../../src/matrix/intermediate-activations.ts';
import { Matrix } from '../../src/matrix/matrix.ts';
import { Random } from '../../src/matrix/random.ts';
import { TeacherBank } from '../../src/negatives/teacher-bank.ts';
import type { Device } from '../../src/runtime/backend.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { ContrastiveDistillationStrategy } from '../../src/strategies/contrastive-distillation-strategy.ts';
import { ContrastiveMode } from '../../src/strategies/contrastive-options.ts';
import type { DistillationStrategy } from '../../src/strategies/distillation-strategy.ts';
import { FeatureDistillationStrategy } from '../../src/strategies/feature-distillation-strategy.ts';
import { RelationalDistillationStrategy } from '../../src/strategies/relational-distillation-strategy.ts';
import { ResponseDistillationStrategy } from '../../src/strategies/response-distillation-strategy.ts';
import { SimilarityPreservingStrategy } from '../../src/strategies/similarity-preserving-strategy.ts';
import { StaticEmbeddingStudent } from '../../src/students/static-embedding-student.ts';
import { distill } from '../../src/training/distill.ts';
import { activations } from '../graph/cases/activations.ts';
import { convolution } from '../graph/cases/convolution.ts';
import { elementwise } from '../graph/cases/elementwise.ts';
import { images } from '../graph/cases/images.ts';
import { linear } from '../graph/cases/linear.ts';
import { reduce } from '../graph/cases/reduce.ts';
import { shape } from '../graph/cases/shape.ts';
import { BUILDS, compute, type Golden as OperatorGolden } from '../graph/golden-operators.ts';
import {
  type Golden as ContrastiveGolden,
  contrastiveCase,
  newStrategy,
  outputCase,
} from '../strategies/golden-contrastive.ts';
import { type Golden as CrdGolden, crdCases } from '../strategies/golden-crd.ts';

export type Dtype = 'float64' | 'float32';

/** Arrays by name, or why there are none. */
export type Vectors = Record<string, number[]> | { readonly error: string };

const plain = (data: ArrayLike<number | bigint>): number[] => Array.from(data, Number);

async function caught(work: () => Promise<Record<string, number[]>>): Promise<Vectors> {
  try {
    return await work();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function each<T>(cases: Iterable<readonly [string, T]>, work: (one: T) => Promise<Record<string, number[]>>) {
  const results: Record<string, Vectors> = {};
  for (const [name, one] of cases) results[name] = await caught(() => work(one));
  return results;
}

/** Every case of test/goldens/operators.json. */
export function operatorGoldens(cases: readonly OperatorGolden[], dtype: Dtype): Promise<Record<string, Vectors>> {
  return each(
    cases.map((golden) => [golden.name, golden] as const),
    async (golden) => {
      const results = await compute(golden, BUILDS[golden.name], dtype);
      return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, plain(data)]));
    },
  );
}

const CASES = { ...activations, ...elementwise, ...reduce, ...shape, ...linear, ...convolution, ...images };

/** Results and gradients of every case whose gradient is checked by central differences, run-time sizes among them, in float64. */
export function operatorCases(): Promise<Record<string, Vectors>> {
  return each(Object.entries(CASES), async (test) => {
    const random = new Random(test.seed ?? 1);
    const inputs = (test.symbolic ?? test.shapes).map((dims, i) => g.input(`x${i}`, 'float64', dims));
    const y = test.build(inputs);
    // Squared, so that the cotangents are not all alike.
    const gradients = g.gradients(g.sum(g.mul(y, y)), inputs);
    const program = await compile({
      inputs,
      outputs: { y, ...Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient])) },
    });
    const feeds = Object.fromEntries(
      test.shapes.map((dims, i) => {
        const count = dims.reduce((n, d) => n * d, 1);
        const data = Float64Array.from({ length: count }, () => test.values?.(random, i) ?? random.normal());
        return [`x${i}`, floatTensor(data, dims)];
      }),
    );
    const results = await program.run(feeds);
    await program.release();
    return Object.fromEntries(Object.entries(results).map(([name, { data }]) => [name, plain(data)]));
  });
}

/** Every case of test/goldens/contrastive.json, the contrastive ones first. */
export async function contrastiveGoldens(golden: ContrastiveGolden, dtype: Dtype): Promise<Record<string, Vectors>> {
  const strategy = newStrategy();
  const cases = [
    ...golden.contrastive.map(
      (c, i) => [`contrastive ${i}`, () => contrastiveCase(golden, c, dtype, strategy)] as const,
    ),
    ...golden.output.map((c, i) => [`output ${i}`, () => outputCase(golden, c, dtype, strategy)] as const),
  ];
  const results = await each(cases, async (run) => {
    const { loss, gradient } = await run();
    return { loss: [loss], gradient: plain(gradient.data) };
  });
  await strategy.release();
  return results;
}

/** Every case of test/goldens/crd.json. */
export async function crdGoldens(golden: CrdGolden, dtype: Dtype): Promise<Record<string, Vectors>> {
  const results: Record<string, Vectors> = {};
  let number = 0;
  for await (const { loss, gradients, meanScores } of crdCases(golden, dtype)) {
    results[`crd ${number++}`] = {
      loss: [loss],
      meanScores: [Number(meanScores.student), Number(meanScores.teacher)],
      ...Object.fromEntries(Object.entries(gradients).map(([name, values]) => [name, plain(values)])),
    };
  }
  return results;
}

/** One batch of every strategy, and of every mode of the contrastive one, at once and in tiles. */
export function strategies(dtype: Dtype): Promise<Record<string, Vectors>> {
  const random = new Random(7);
  const matrix = (rows: number, columns: number) =>
    Matrix.from(
      Array.from({ length: rows }, () => Array.from({ length: columns }, () => random.normal())),
      dtype,
    );
  const [student, teacher, bank, narrow] = [matrix(12, 6), matrix(12, 6), matrix(20, 6), matrix(12, 4)];
  const labels = Int32Array.from({ length: 12 }, (_, i) => i % 4);
  const both = { contrastiveWeight: 1, negativesSampleSize: 9, negativesDraw: 'anchor' } as const;
  const contrastive =
    (options: object, from = student) =>
    async () => {
      const strategy = new ContrastiveDistillationStrategy({ ...both, ...options });
      if (strategy.mode === 'ntxent') strategy.bank = new TeacherBank(bank);
      const { loss, gradient } = await strategy.computeContrastiveLossAndGradient(from, teacher);
      await strategy.release();
      return { loss: [loss], gradient: plain(gradient.data) };
    };
  const modes = Object.values(ContrastiveMode).flatMap((mode) => [
    [`contrastive ${mode}`, contrastive({ mode })] as const,
    [`contrastive ${mode}, student projected`, contrastive({ mode, projection: 'student' }, narrow)] as const,
  ]);
  const layers = (values: Matrix) => new IntermediateActivations().set('embeddings', values);
  const ofLayers = (strategy: DistillationStrategy) => async () => {
    const given = [layers(student), layers(teacher)] as const;
    const loss = await strategy.computeIntermediateLoss(...given);
    const gradients = await strategy.computeIntermediateGradient(...given);
    await strategy.release();
    return { loss: [loss], gradient: plain(gradients.get('embeddings')!.data) };
  };
  const response = async () => {
    const strategy = new ResponseDistillationStrategy();
    const { loss, gradient } = await strategy.computeLossAndGradient(student, teacher, labels);
    await strategy.release();
    return { loss: [loss], gradient: plain(gradient.data) };
  };
  return each(
    [
      ...modes,
      ['contrastive ntxent in tiles', contrastive({ maxLogits: 40 })] as const,
      ['contrastive, spread targets', contrastive({ targets: 'teacher', symmetric: true })] as const,
      ['response', response] as const,
      ['feature', ofLayers(new FeatureDistillationStrategy({ distance: 'cosine' }))] as const,
      ['relational', ofLayers(new RelationalDistillationStrategy())] as const,
      ['similarity preserving', ofLayers(new SimilarityPreservingStrategy())] as const,
    ],
    (run) => run(),
  );
}

/** A product with gradient on a device, or the code and message of what it throws. */
export async function onDevice(device: Device): Promise<{ values: number[] } | { code: string; message: string }> {
  const x = g.input('x', 'float32', ['batch', 2]);
  const weight = g.constant(Float32Array.of(0.5, -1, 2, 0.25), 'float32', [2, 2]);
  const y = g.exp(g.matmul(x, weight));
  try {
    const program = await compile({ inputs: [x], outputs: { y, gx: g.gradients(g.sum(y), [x])[0] } }, { device });
    const results = await program.run({ x: floatTensor(Float32Array.of(0.1, 0.2, -0.3, 0.4), [2, 2]) });
    await program.release();
    return { values: [...plain(results.y.data), ...plain(results.gx.data)] };
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    return { code, message };
  }
}

/** Losses of some steps of training on a device. */
export async function trainingLosses(device: Device): Promise<number[]> {
  const texts = Array.from({ length: 40 }, (_, i) => `text ${i % 7} of ${i % 5} and ${i}`);
  const random = new Random(5);
  const teacher = new Matrix(
    40,
    8,
    Float32Array.from({ length: 320 }, () => random.normal()),
  );
  const tokenizer = await trainTokenizer(texts, { vocabularySize: 80, minimumCount: 1 });
  const student = new StaticEmbeddingStudent(tokenizer, { width: 6, dimension: 8, seed: 1 });
  const strategy = new ContrastiveDistillationStrategy({ contrastiveWeight: 1 });
  const losses: number[] = [];
  const onStep = ({ loss }: { readonly loss: number }) => losses.push(loss);
  const data = textDataset({ texts });
  await distill({ teacher, student, data, strategy, device, onStep, epochs: 3, batchSize: 20 });
  await strategy.release();
  return losses;
}
