/**
 * ONNX Runtime in the browser: WebAssembly with SIMD, and threads where the page is cross-origin isolated; WebGPU where it is asked for
 * and there. A run on the CPU holds up the thread that asks for it: pages put it into a worker (src/web/).
 */
import type * as Ort from 'onnxruntime-common';
import * as wasm from 'onnxruntime-web/wasm';
import { LimbeckError, show } from '../errors.ts';
import type { Backend, Device, Session, SessionOptions, TensorData } from './backend.ts';
import { breathe } from './breathe-web.ts';
import { declared, fromOrt, toOrt } from './ort-tensors.ts';
import { wasmBuild, webgpuBuild } from './ort-web.ts';
import { unknownOperator } from './unknown-operator.ts';

const DEVICES: readonly Device[] = ['cpu', 'webgpu', 'cuda'];

function unavailable(device: Device, reason: string, options?: ErrorOptions): LimbeckError {
  return new LimbeckError(
    'DEVICE_UNAVAILABLE',
    `device '${device}': expected ${reason} Use device: 'cpu', which is always there.`,
    options,
  );
}

/** @throws LimbeckError DEVICE_UNAVAILABLE where the browser offers no adapter */
async function assertAdapter(): Promise<void> {
  // Browsers without WebGPU have no `gpu`, whatever the types say.
  const { gpu } = globalThis.navigator as { gpu?: { requestAdapter(): Promise<unknown> } };
  if (!gpu)
    throw unavailable('webgpu', 'a browser with WebGPU, in a page from https or this machine, got one without.');
  if (!(await gpu.requestAdapter())) throw unavailable('webgpu', 'a WebGPU adapter, and the browser offers none.');
}

/** @throws LimbeckError UNSUPPORTED for what only a disk can do */
function refuseFiles({ profile, folder }: SessionOptions): void {
  for (const [name, value] of Object.entries({ profile, folder })) {
    if (value === undefined) continue;
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected nothing in a browser, which has no files, got ${show(value)}.`,
    );
  }
}

/** Runs on WebGPU wait for one another: the build takes one at a time. */
let turn: Promise<unknown> = Promise.resolve();
function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work, work);
  turn = mine.catch(() => undefined);
  return mine;
}

async function open(model: Uint8Array, build: typeof Ort, device: Device): Promise<Ort.InferenceSession> {
  try {
    return await build.InferenceSession.create(model, {
      executionProviders: device === 'webgpu' ? ['webgpu', 'wasm'] : ['wasm'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
    });
  } catch (error) {
    throw unknownOperator(error) ?? error;
  }
}

export const backend: Backend = {
  name: 'onnxruntime-web',
  version: wasm.env.versions.web ?? 'unknown',
  // The builds have no operators for such a layout.
  channelBlock: () => Promise.resolve(0),
  async createSession(model, options) {
    const { device = 'cpu', threads } = options;
    if (!DEVICES.includes(device)) {
      throw new LimbeckError('INVALID_OPTION', `device: expected 'cpu' or 'webgpu', got ${show(device)}.`);
    }
    if (device === 'cuda') throw unavailable(device, 'Node with an NVIDIA GPU, got a browser.');
    refuseFiles(options);
    if (device === 'webgpu') await assertAdapter();
    const build = device === 'webgpu' ? await webgpuBuild(threads) : wasmBuild(threads);
    const queued = <T>(work: () => Promise<T>): Promise<T> => (device === 'webgpu' ? inTurn(work) : work());
    const session = await queued(() => open(model, build, device));
    return {
      inputs: declared(session.inputMetadata),
      outputs: declared(session.outputMetadata),
      async run(feeds, outputs, into = {}) {
        const inputs: Record<string, Ort.Tensor> = {};
        for (const name in feeds) inputs[name] = toOrt(feeds[name], build.Tensor);
        const results = await queued(() => session.run(inputs, outputs));
        await breathe();
        return Object.fromEntries(
          outputs.map((name) => {
            const result = fromOrt(results[name]);
            // The build writes to memory of its own, and what it is given to write to stays as it was.
            if (into[name]) (into[name].data as Float32Array).set(result.data as Float32Array);
            return [name, into[name] ?? result] satisfies [string, TensorData];
          }),
        );
      },
      release: () => queued(() => session.release()),
    } satisfies Session;
  },
};
