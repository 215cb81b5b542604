/** Whole optimizer steps, compiled: against PyTorch (test/goldens/optimizers.py), and what it has not against plain loops. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { declaring } from '../../src/graph/declare.ts';
import type { Parameter } from '../../src/matrix/parameter.ts';
import { Random } from '../../src/matrix/random.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';
import { graphShape, OptimizerState } from '../../src/training/optimizer-state.ts';
import { type OptimizerInput, parseOptimizer } from '../../src/training/optimizers/index.ts';
import { caught } from '../caught.ts';

interface Values {
  readonly weight: number[][];
  readonly bias: number[];
}
const golden = JSON.parse(readFileSync(new URL('../goldens/optimizers.json', import.meta.url), 'utf8')) as {
  inputs: Values & { weightDecay: number; rates: number[]; gradients: Values[] };
  cases: { name: string; options: OptimizerInput; clipNorm: number | null; steps: (Values & { norm: number })[] }[];
};

const dense = (name: string, shape: number[], data: ArrayLike<number>, decay: boolean): Parameter => ({
  name,
  shape,
  data: Float32Array.from(data),
  sparse: false,
  decay,
});

/** An optimizer over parameters, with one compiled program: `step` takes the gradients as numbers. */
async function optimizer(parameters: readonly Parameter[], options: OptimizerInput) {
  const state = new OptimizerState(parameters, parseOptimizer(options, 'test'));
  const { inputs, declare } = declaring();
  const states = state.declare(declare);
  const gradients = parameters.map((parameter) => declare(`g ${parameter.name}`, 'float32', graphShape(parameter)));
  const program = await compile({ inputs, outputs: state.updates(states, gradients, declare) });
  const step = async (given: ArrayLike<number>[], rate: number, rows = new Int32Array(0)): Promise<number> => {
    const feeds = state.feeds(rows, rate);
    for (const [i, { name, shape, sparse }] of parameters.entries()) {
      feeds[`g ${name}`] = floatTensor(
        Float32Array.from(given[i]),
        sparse ? [rows.length, ...shape.slice(1)] : [...shape],
      );
    }
    const results = await program.run(feeds, state.into(rows));
    state.commit(rows);
    return Number(results.gradientNorm.data[0]);
  };
  return { state, step, program };
}

const expectNear = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void => {
  for (let k = 0; k < expected.length; k++) {
    expect(Math.abs(actual[k] - expected[k]) / Math.max(1e-3, Math.abs(expected[k]))).toBeLessThan(tolerance);
  }
};

describe('PyTorch’s parameters after each of 20 steps, relative error < 2e-6 in float32', () => {
  const { weight, bias, rates, gradients, weightDecay } = golden.inputs;
  for (const { name, options, clipNorm, steps } of golden.cases) {
    it(`${name}${clipNorm ? ', clipped' : ''}`, async () => {
      const parameters = [dense('weight', [3, 2], weight.flat(), true), dense('bias', [2], bias, false)];
      const { state, step, program } = await optimizer(parameters, {
        ...options,
        weightDecay,
        ...(clipNorm ? { clipNorm } : {}),
      });
      for (const [k, expected] of steps.entries()) {
        const norm = await step([gradients[k].weight.flat(), gradients[k].bias], rates[k]);
        expectNear([norm], [expected.norm], 1e-6);
        state.writeBack();
        expectNear(parameters[0].data, expected.weight.flat(), 2e-6);
        expectNear(parameters[1].data, expected.bias, 2e-6);
      }
      expect(state.steps).toBe(20);
      await program.release();
    });
  }
});

describe('averaging', () => {
  it.each([false, true])('sparse %s: the moving average of every row over every step, to 1e-5', async (sparse) => {
    const random = new Random(3);
    const [rows, width, kept] = [5, 2, 0.8];
    const data = Float32Array.from({ length: rows * width }, () => random.normal());
    const parameter: Parameter = { name: 'table', shape: [rows, width], data, sparse, decay: false };
    const value = Float64Array.from(data);
    const average = Float64Array.from(data);
    const { state, step, program } = await optimizer([parameter], {
      method: 'sgd',
      momentum: 0,
      weightDecay: 0,
      averaging: kept,
    });
    // Row 4 is never touched; others after gaps of several lengths.
    const touched = [[0, 1], [1], [2, 3], [1, 3], [0], [1], [1]];
    for (const places of touched) {
      const gradient = new Float64Array(rows * width);
      for (const row of places) for (let k = 0; k < width; k++) gradient[row * width + k] = random.normal();
      for (let k = 0; k < value.length; k++) {
        value[k] -= 0.1 * gradient[k];
        average[k] = kept * average[k] + (1 - kept) * value[k];
      }
      const given = sparse ? places.flatMap((row) => [...gradient.subarray(row * width, (row + 1) * width)]) : gradient;
      await step([given], 0.1, sparse ? Int32Array.from(places) : undefined);
    }
    state.writeBack();
    expectNear(parameter.data, value, 1e-5);
    state.writeResult();
    expectNear(parameter.data, average, 1e-5);
    await program.release();
  });

  it('goes on from a saved state to the same bits, sparse rows with their gaps included', async () => {
    const make = () =>
      optimizer([{ name: 'table', shape: [3, 1], data: Float32Array.of(1, 2, 3), sparse: true, decay: false }], {
        averaging: 0.9,
      });
    const [one, other] = [await make(), await make()];
    await one.step([[0.5]], 0.1, Int32Array.of(1));
    await one.step([[0.5]], 0.1, Int32Array.of(0));
    other.state.restore(one.state.state());
    for (const { step } of [one, other]) await step([[1, -1]], 0.1, Int32Array.of(1, 2));
    expect(other.state.state()).toEqual(one.state.state());
    for (const { program } of [one, other]) await program.release();
  });
});

describe('numbers that fade where the gradient stays 0', () => {
  const tiny = [1e-3, 1e-29, -1e-31, 1e-33, 1e-38, -1e-41];
  const after = async (options: OptimizerInput, steps: number) => {
    const parameter = dense('p', [tiny.length], Array(tiny.length).fill(1), false);
    const { state, step, program } = await optimizer([parameter], options);
    const started = state.state();
    for (const [name, values] of Object.entries(started)) if (!/parameter|steps/.test(name)) values.set(tiny);
    state.restore(started);
    for (let k = 0; k < steps; k++) await step([Array(tiny.length).fill(0)], 1e-3);
    await program.release();
    return state.state();
  };

  it('become 0 before a processor is slow with them: after 128 steps nothing is between 0 and 2⁻¹²⁶', async () => {
    const { 'firstMoment p': first, 'secondMoment p': second } = await after({ method: 'adamw' }, 128);
    for (const values of [first, second]) {
      expect(Array.from(values).filter((value) => value !== 0 && Math.abs(value) < 2 ** -126)).toEqual([]);
    }
    // And no others: 1e-29 · 0.9¹²⁸ is gone by the next look, 1e-33 · 0.999¹²⁸ is not.
    expect(Array.from(first, (value) => value === 0)).toEqual([false, true, true, true, true, true]);
    expect(Array.from(second, (value) => value === 0)).toEqual([false, false, false, false, true, true]);
    const early = await after({ method: 'adamw' }, 127);
    expect(early['firstMoment p'][3]).not.toBe(0);
  });

  it('stay where their sign counts', async () => {
    const { 'momentum p': momentum } = await after({ method: 'lion' }, 128);
    expect(Array.from(momentum).every((value) => value !== 0)).toBe(true);
  });
});

describe('learningRateFactors', () => {
  const parameters = () => [
    dense('head weight', [1], [1], false),
    dense('head bias', [1], [1], false),
    dense('body', [1], [1], false),
  ];

  it('scale the rate of parameters by name or beginning; the longest that fits counts', async () => {
    const own = parameters();
    const { state, step, program } = await optimizer(own, {
      method: 'sgd',
      momentum: 0,
      weightDecay: 0,
      learningRateFactors: { 'head*': 10, 'head bias': 0 },
    });
    await step([[1], [1], [1]], 0.01);
    state.writeBack();
    expectNear([own[0].data[0], own[1].data[0], own[2].data[0]], [0.9, 1, 0.99], 1e-6);
    await program.release();
  });

  it('refuse a name that fits nothing, and say what there is', () => {
    const options = parseOptimizer({ learningRateFactors: { tail: 2 } }, 'test');
    const error = caught(() => new OptimizerState(parameters(), options));
    expect([error.code, error.message]).toEqual([
      'INVALID_OPTION',
      expect.stringMatching(/"tail".*"head weight", "head bias", "body"/),
    ]);
  });
});

it('an unknown method, and options of another method, are refused with the known ones', () => {
  expect(caught(() => parseOptimizer({ method: 'adam' } as never, 'distill: optimizer')).message).toMatch(
    /method: expected 'adamw', 'sgd' or 'lion', got "adam"/,
  );
  expect(caught(() => parseOptimizer({ method: 'sgd', beta1: 0.9 } as never, 'o')).message).toMatch(
    /unknown option "beta1"/,
  );
  for (const bad of [
    { clipNorm: 0 },
    { averaging: 1 },
    { method: 'sgd', momentum: 1 },
    { learningRateFactors: { a: -1 } },
  ]) {
    expect(caught(() => parseOptimizer(bad as never, 'o')).code).toBe('INVALID_OPTION');
  }
});
