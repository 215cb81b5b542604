/** Folded batch normalisation: the same outputs in plain ONNX Runtime, and only where it may be. */
import onnxProto from 'onnx-proto';
import { expect, it } from 'vitest';
import { foldBatchNorm } from '../../src/graph/fold-batch-norm.ts';
import * as g from '../../src/graph/index.ts';
import { Random } from '../../src/matrix/random.ts';
import { openModel } from '../../src/runtime/model.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

const random = new Random(21);
const numbers = (shape: number[], make: () => number) =>
  g.constant(Float32Array.from({ length: shape.reduce((n, d) => n * d, 1) }, make), 'float32', shape);
const normal = (...shape: number[]) => numbers(shape, () => random.normal());

function norm(x: g.SymbolicTensor, channels: number): g.SymbolicTensor {
  const variance = numbers([channels], () => 0.1 + random.uniform());
  return g.batchNormalizationInference(x, normal(channels), normal(channels), normal(channels), variance, 1e-3);
}

async function run(bytes: Uint8Array): Promise<Record<string, number[]>> {
  const own = new Random(2);
  const { graph } = onnxProto.onnx.ModelProto.decode(bytes);
  const names = (graph?.output ?? []).map(({ name }) => name ?? '');
  const session = await openModel(bytes, 'model');
  const data = Float32Array.from({ length: 2 * 3 * 36 }, () => own.normal());
  const results = await session.run({ x: floatTensor(data, [2, 3, 6, 6]) }, names);
  await session.release();
  return Object.fromEntries(names.map((name) => [name, Array.from(results[name].data, Number)]));
}

const count = (bytes: Uint8Array, type: string) =>
  onnxProto.onnx.ModelProto.decode(bytes).graph?.node?.filter(({ opType }) => opType === type).length;

it('with and without a bias, with groups, one after the other: the same outputs to 1e-5, no normalisation left', async () => {
  const x = g.input('x', 'float32', ['batch', 3, 6, 6]);
  const first = g.relu(norm(g.conv(x, normal(4, 3, 3, 3), { bias: normal(4) }), 4));
  const second = norm(g.conv(first, normal(8, 2, 1, 1), { groups: 2 }), 8);
  const bytes = g.writeOnnx({ inputs: [x], outputs: { y: second } });
  const folded = foldBatchNorm(bytes);
  expect([count(bytes, 'BatchNormalization'), count(folded, 'BatchNormalization'), count(folded, 'Conv')]).toEqual([
    2, 0, 2,
  ]);
  const [expected, actual] = [await run(bytes), await run(folded)];
  const scale = Math.max(...expected.y.map(Math.abs));
  for (const [k, value] of expected.y.entries()) expect(Math.abs(actual.y[k] - value) / scale).toBeLessThan(1e-5);
});

it('stays where there is no convolution before it, and where something else reads that convolution', async () => {
  const x = g.input('x', 'float32', ['batch', 3, 6, 6]);
  const convolved = g.conv(x, normal(4, 3, 3, 3));
  const outputs = { alone: norm(x, 3), shared: g.add(norm(convolved, 4), convolved) };
  const bytes = g.writeOnnx({ inputs: [x], outputs });
  const folded = foldBatchNorm(bytes);
  expect(count(folded, 'BatchNormalization')).toBe(2);
  expect(await run(folded)).toEqual(await run(bytes));
});
