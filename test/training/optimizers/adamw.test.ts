/** The symbolic AdamW against torch.optim.AdamW in float64 (test/goldens/adamw.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { input, type SymbolicTensor } from '../../../src/graph/index.ts';
import type { TensorData } from '../../../src/runtime/backend.ts';
import { compile } from '../../../src/runtime/program.ts';
import { floatTensor, scalarTensor } from '../../../src/runtime/tensors.ts';
import { adamW, adamWOptionsSchema } from '../../../src/training/optimizers/adamw.ts';

interface Pair<T> {
  weight: T;
  bias: T;
}
type Numbers = number[] | number[][];
const golden = JSON.parse(readFileSync(new URL('../../goldens/adamw.json', import.meta.url), 'utf8')) as {
  inputs: Pair<Numbers> & {
    betas: [number, number];
    epsilon: number;
    weightDecay: number;
    rates: number[];
    gradients: Pair<Numbers>[];
  };
  cases: {
    name: string;
    biasDecay: number;
    steps: Pair<Numbers>[];
    moments: Pair<{ first: Numbers; second: Numbers }>;
  }[];
};
const { inputs } = golden;
const flat = (values: Numbers) => Float64Array.from(values.flat());

/** Largest |a − b| / |b|, where 0 must be 0. */
const relative = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Math.max(...Array.from(b, (value, i) => (a[i] === value ? 0 : Math.abs(a[i] - value) / Math.abs(value))));

/** One parameter's compiled optimizer. */
async function optimizer(shape: number[], weightDecay: number) {
  const tensor = (name: string, dims = shape): SymbolicTensor => input(name, 'float64', dims);
  const parameter = tensor('parameter');
  const slots = { firstMoment: tensor('firstMoment'), secondMoment: tensor('secondMoment') };
  const gradient = tensor('gradient');
  const learningRate = tensor('learningRate', []);
  const [beta1, beta2] = inputs.betas;
  const { scalars: scalarsOf, update } = adamW({ beta1, beta2, epsilon: inputs.epsilon });
  const scalars = Object.fromEntries(Object.keys(scalarsOf(1)).map((name) => [name, tensor(name, [])]));
  const outputs = update({
    parameter,
    slots,
    gradient,
    learningRate,
    scalars,
    weightDecay,
  });
  const program = await compile({
    inputs: [parameter, ...Object.values(slots), gradient, learningRate, ...Object.values(scalars)],
    outputs: {
      'next parameter': outputs.parameter,
      'next firstMoment': outputs.slots.firstMoment,
      'next secondMoment': outputs.slots.secondMoment,
    },
  });
  const scalarFeeds = (step: number): Record<string, TensorData> =>
    Object.fromEntries(Object.entries(scalarsOf(step)).map(([name, value]) => [name, scalarTensor(value, 'float64')]));
  return { program, scalarFeeds };
}

describe('adamW', () => {
  it.each(golden.cases)('$name: relative error < 1e-12 against PyTorch over 20 steps, in float64', async (expected) => {
    for (const [name, shape, decay] of [
      ['weight', [3, 2], inputs.weightDecay],
      ['bias', [2], expected.biasDecay],
    ] as const) {
      const { program, scalarFeeds } = await optimizer([...shape], decay);
      const start = flat(inputs[name]);
      const zeros = () => floatTensor(new Float64Array(start.length), shape);
      let state: Record<string, TensorData> = {
        parameter: floatTensor(start, shape),
        firstMoment: zeros(),
        secondMoment: zeros(),
      };
      expect(expected.steps).toHaveLength(20);
      for (const [i, values] of expected.steps.entries()) {
        const next = await program.run({
          ...state,
          gradient: floatTensor(flat(inputs.gradients[i][name]), shape),
          learningRate: scalarTensor(inputs.rates[i], 'float64'),
          ...scalarFeeds(i + 1),
        });
        state = Object.fromEntries(Object.keys(state).map((kind) => [kind, next[`next ${kind}`]]));
        expect(relative(state.parameter.data as Float64Array, flat(values[name]))).toBeLessThan(1e-12);
      }
      expect(relative(state.firstMoment.data as Float64Array, flat(expected.moments[name].first))).toBeLessThan(1e-12);
      expect(relative(state.secondMoment.data as Float64Array, flat(expected.moments[name].second))).toBeLessThan(
        1e-12,
      );
      await program.release();
    }
  });

  it("has PyTorch's defaults", () => {
    expect(adamWOptionsSchema.parse({})).toMatchObject({
      learningRate: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.01,
    });
  });

  it.each([
    { learningRate: 0 },
    { learningRate: Number.POSITIVE_INFINITY },
    { beta1: 1 },
    { beta2: -0.1 },
    { epsilon: 0 },
    { weightDecay: -1 },
    { learningRate: Number.NaN },
  ])('refuses %o', (options) => {
    expect(adamWOptionsSchema.safeParse(options).success).toBe(false);
  });
});
