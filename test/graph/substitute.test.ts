import { expect, it } from 'vitest';
import * as g from '../../src/graph/index.ts';
import { substitute } from '../../src/graph/substitute.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

const run = async (inputs: g.SymbolicTensor[], y: g.SymbolicTensor) => {
  const program = await compile({ inputs, outputs: { y } });
  const feeds = Object.fromEntries(
    inputs.map(({ source }) => [(source as { name: string }).name, floatTensor(Float64Array.of(2, 3), [2])]),
  );
  const { data } = (await program.run(feeds)).y;
  await program.release();
  return [...data].map(Number);
};

const x = g.input('x', 'float64', [2]);
const z = g.input('z', 'float64', [2]);

it('puts other tensors in the place of inputs and of intermediate results', async () => {
  const inner = g.mul(x, x);
  const y = g.add(g.exp(inner), x);
  const [byInput] = substitute([y], new Map([[x, g.mul(z, 2)]]));
  expect(await run([z], byInput)).toEqual([Math.exp(16) + 4, Math.exp(36) + 6]);
  const [byInner] = substitute([y], new Map([[inner, z]]));
  expect(await run([x, z], byInner)).toEqual([Math.exp(2) + 2, Math.exp(3) + 3]);
});

it('shares what does not change, and gives replaced outputs themselves', () => {
  const kept = g.exp(z);
  const [same, replaced, mixed] = substitute([kept, x, g.mul(kept, x)], new Map([[x, z]]));
  expect(same).toBe(kept);
  expect(replaced).toBe(z);
  const { source } = mixed;
  expect(source.kind === 'operation' && source.operation.inputs).toEqual([kept, z]);
});

it('can be differentiated by what was put in', async () => {
  const [y] = substitute([g.sum(g.exp(g.mul(x, 3)))], new Map([[x, g.mul(z, 2)]]));
  const found = await run([z], g.gradients(y, [z])[0]);
  for (const [i, value] of [2, 3].entries()) expect(found[i] / (6 * Math.exp(6 * value))).toBeCloseTo(1, 12);
});
