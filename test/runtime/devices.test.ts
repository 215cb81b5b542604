/** Devices: those that are there compute the same; those that are not say what was looked for. */
import { describe, expect, it } from 'vitest';
import { LimbeckError } from '../../src/errors.ts';
import { constant, exp, gradients, input, matmul, sum } from '../../src/graph/index.ts';
import type { Device } from '../../src/runtime/backend.ts';
import { openModel } from '../../src/runtime/model.ts';
import { compile } from '../../src/runtime/program.ts';
import { floatTensor } from '../../src/runtime/tensors.ts';

/** A product with gradient on a device; undefined when the device is not there. */
async function run(device: Device): Promise<number[] | LimbeckError> {
  const x = input('x', 'float32', ['batch', 2]);
  const weight = constant(Float32Array.of(0.5, -1, 2, 0.25), 'float32', [2, 2]);
  const y = exp(matmul(x, weight));
  try {
    const program = await compile({ inputs: [x], outputs: { y, g: gradients(sum(y), [x])[0] } }, { device });
    const results = await program.run({ x: floatTensor(Float32Array.of(0.1, 0.2, -0.3, 0.4), [2, 2]) });
    await program.release();
    return [...results.y.data, ...results.g.data].map(Number);
  } catch (error) {
    if (error instanceof LimbeckError) return error;
    throw error;
  }
}

const expected = (await run('cpu')) as number[];

describe.each(['webgpu', 'cuda'] as const)('%s', (device) => {
  it('computes what the CPU does, to 1e-5 (skipped where the device is not there)', async ({ skip }) => {
    const found = await run(device);
    if (found instanceof LimbeckError) return skip(`no ${device} here`);
    for (const [k, value] of expected.entries()) expect(found[k]).toBeCloseTo(value, 5);
  });

  it('not there: DEVICE_UNAVAILABLE, what was looked for, and what to do (skipped where it is there)', async ({
    skip,
  }) => {
    const found = await run(device);
    if (!(found instanceof LimbeckError)) return skip(`there is a ${device} here`);
    expect(found.code).toBe('DEVICE_UNAVAILABLE');
    expect(found.message).toMatch(device === 'cuda' ? /NVIDIA GPU with CUDA/ : /WebGPU adapter/);
    expect(found.message).toMatch(/ONNX Runtime says: .*Use device: 'cpu'/);
  });
});

it('an unknown device is refused', async () => {
  await expect(run('tpu' as never)).resolves.toMatchObject({
    code: 'INVALID_OPTION',
    message: "device: expected 'cpu', 'webgpu' or 'cuda', got \"tpu\".",
  });
});

it('a model that is no good is a model that is no good, on any device', async () => {
  await expect(openModel(Uint8Array.of(1, 2, 3), 'nonsense.onnx')).rejects.toMatchObject({ code: 'FILE_CORRUPT' });
});
