/**
 * The independent check behind every operator's gradient: central differences of the compiled forward pass in float64,
 * against the compiled vector–Jacobian product. Knows nothing of how the gradient was built.
 */
import { expect } from 'vitest';
import { gradients, input, mul, type Shape, type SymbolicTensor, sum } from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import type { TensorData } from '../../src/runtime/backend.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

export interface GradientCase {
  /** Shapes of the differentiated inputs, with run-time sizes already filled in. */
  readonly shapes: readonly (readonly number[])[];
  /** Names for run-time sizes: the same positions as `shapes`, where a string stands for a run-time size. */
  readonly symbolic?: readonly Shape[];
  readonly build: (inputs: readonly SymbolicTensor[]) => SymbolicTensor;
  /** Values of the inputs; by default standard normal. */
  readonly values?: (random: Random, input: number) => number;
  readonly seed?: number;
}

const STEP = 6e-6;

/** Checks ∂(Σ weights · build(inputs))/∂inputs, and returns the largest relative error. */
export async function checkGradient(test: GradientCase, tolerance = 1e-6): Promise<number> {
  const random = new Random(test.seed ?? 1);
  const shapes = test.symbolic ?? test.shapes;
  const inputs = shapes.map((shape, i) => input(`x${i}`, 'float64', shape));
  const result = test.build(inputs);
  const weights = input('weights', 'float64', result.shape);
  const loss = sum(mul(result, weights));
  const values = test.shapes.map((shape, i) =>
    Float64Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => test.values?.(random, i) ?? random.normal()),
  );
  const all = [...inputs, weights];
  const tensors = values.map((data, i) => floatTensor(data, test.shapes[i]));
  const named = (data: readonly TensorData[]) => Object.fromEntries(data.map((tensor, i) => [`x${i}`, tensor]));
  const resultDims = await dimsOf(inputs, result, named(tensors));
  const weightValues = Float64Array.from({ length: resultDims.reduce((n, d) => n * d, 1) }, () => random.normal());

  const feeds = (changed?: { index: number; values: Float64Array }): Record<string, TensorData> => ({
    ...named(tensors.map((tensor, i) => (changed?.index === i ? floatTensor(changed.values, tensor.dims) : tensor))),
    weights: floatTensor(weightValues, resultDims),
  });
  const forward = await compile({ inputs: all, outputs: { loss } });
  const backward = await compile({
    inputs: all,
    outputs: Object.fromEntries(gradients(loss, inputs).map((g, i) => [`g${i}`, g])),
  });
  const analytic = await backward.run(feeds());
  let worst = 0;
  for (const [index, data] of values.entries()) {
    const actual = analytic[`g${index}`];
    expect(actual.dims).toEqual(test.shapes[index]);
    const scale = Math.max(1, ...Array.from(actual.data as Float64Array, Math.abs));
    for (let k = 0; k < data.length; k++) {
      const at = async (offset: number): Promise<number> => {
        const moved = data.slice();
        moved[k] += offset;
        return Number((await forward.run(feeds({ index, values: moved }))).loss.data[0]);
      };
      const expected = ((await at(STEP)) - (await at(-STEP))) / (2 * STEP);
      worst = Math.max(worst, Math.abs(expected - Number(actual.data[k])) / scale);
    }
  }
  await Promise.all([forward.release(), backward.release()]);
  expect(worst, 'largest relative error against central differences').toBeLessThan(tolerance);
  return worst;
}

/** The sizes that a result really has, held against those that its shape promises. */
async function dimsOf(
  inputs: readonly SymbolicTensor[],
  result: SymbolicTensor,
  feeds: Record<string, TensorData>,
): Promise<readonly number[]> {
  const program = await compile({ inputs, outputs: { result } });
  const { dims } = (await program.run(feeds)).result;
  await program.release();
  expect(dims.length).toBe(result.rank);
  expect(dims.map((d, i) => (typeof result.shape[i] === 'number' ? d : result.shape[i]))).toEqual(result.shape);
  return dims;
}
