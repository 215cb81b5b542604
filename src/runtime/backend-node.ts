/** ONNX Runtime on Node, native. */
import * as ort from 'onnxruntime-node';
import { LimbeckError, show } from '../errors.ts';
import type { Operator } from '../graph/index.ts';
import { apply1, input, writeOnnx } from '../graph/index.ts';
import type { Backend, Device, Session, SessionOptions, TensorData } from './backend.ts';
import { ownOutputs, runInPlace, stoppable } from './in-place-node.ts';
import { declared, fromOrt, toOrt } from './ort-tensors.ts';
import { unknownOperator } from './unknown-operator.ts';

/** What each device needs, for the error when it is not there. */
const NEEDS: Readonly<Record<Device, string>> = {
  cpu: 'a CPU',
  webgpu: 'a WebGPU adapter: a GPU with a driver for Vulkan, Metal or Direct3D 12',
  cuda:
    'an NVIDIA GPU with CUDA and cuDNN, and the CUDA libraries of onnxruntime-node, which its install script fetches ' +
    '(npm rebuild onnxruntime-node --ignore-scripts=false)',
};

async function open(
  model: Uint8Array,
  { device = 'cpu', threads, folder, profile, takesTurns = false }: SessionOptions,
): Promise<ort.InferenceSession> {
  const extra = {
    session: {
      ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
      ...(takesTurns ? { force_spinning_stop: '1' } : {}),
    },
  };
  return ort.InferenceSession.create(model, {
    executionProviders: device === 'cpu' ? ['cpu'] : [device, 'cpu'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
    enableMemPattern: !takesTurns,
    ...(profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: profile }),
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(Object.keys(extra.session).length === 0 ? {} : { extra }),
  });
}

/** Tells a device that is not there from a model that is no good, by a model that is. */
async function assertDevice(device: Device): Promise<void> {
  const x = input('x', 'float32', [1]);
  try {
    await (await open(writeOnnx({ inputs: [x], outputs: { y: x } }), { device })).release();
  } catch (cause) {
    const [reason] = (cause as Error).message.split('\n');
    throw new LimbeckError(
      'DEVICE_UNAVAILABLE',
      `device '${device}': expected ${NEEDS[device]}; ONNX Runtime says: ${reason} Use device: 'cpu', which is always there.`,
      { cause },
    );
  }
}

let block: Promise<number> | undefined;

/**
 * Asks the runtime itself: it fills 4 channels up to a whole block (8 or 16), and refuses the operator, or leaves the 4, on
 * processors without the layout.
 */
async function probeChannelBlock(): Promise<number> {
  const x = input('x', 'float32', [1, 4, 1, 1]);
  const reorder: Operator = {
    name: 'ReorderInput',
    infer: () => [{ dtype: 'float32', shape: [1, 'block', 1, 1] }],
    emit: (emitter, { inputNames, outputNames }) =>
      emitter.node('com.microsoft.nchwc.ReorderInput', inputNames, outputNames),
    vjp: () => [],
  };
  const model = writeOnnx({ inputs: [x], outputs: { y: apply1(reorder, [x], undefined) } });
  const session = await open(model, {}).catch(() => undefined);
  if (!session) return 0;
  const { y } = await session.run({ x: new ort.Tensor('float32', new Float32Array(4), [1, 4, 1, 1]) });
  await session.release();
  return y.dims[1] > 4 ? y.dims[1] : 0;
}

export const backend: Backend = {
  name: 'onnxruntime-node',
  version: ort.env.versions.node ?? 'unknown',
  channelBlock(device) {
    if (device !== 'cpu') return Promise.resolve(0);
    block ??= probeChannelBlock();
    return block;
  },
  async createSession(model, options, inPlace = false) {
    const { device = 'cpu' } = options;
    if (!Object.hasOwn(NEEDS, device)) {
      throw new LimbeckError('INVALID_OPTION', `device: expected 'cpu', 'webgpu' or 'cuda', got ${show(device)}.`);
    }
    const session = await open(inPlace ? stoppable(model) : model, options).catch(async (error) => {
      if (device !== 'cpu') await assertDevice(device);
      throw unknownOperator(error) ?? error;
    });
    return {
      inputs: declared(session.inputMetadata),
      outputs: declared(ownOutputs(session.outputMetadata)),
      inPlace,
      async run(feeds, outputs, into = {}) {
        const inputs: Record<string, ort.Tensor> = {};
        for (const name in feeds) inputs[name] = toOrt(feeds[name], ort.Tensor);
        if (inPlace && outputs.every((name) => into[name])) {
          const written = outputs.map((name): [string, TensorData] => [name, into[name]]);
          const places = written.map(([name, data]) => [name, toOrt(data, ort.Tensor)]);
          await runInPlace(session, inputs, Object.fromEntries(places));
          return Object.fromEntries(written);
        }
        const fetches: Record<string, ort.Tensor | null> = {};
        for (const name of outputs) fetches[name] = into[name] ? toOrt(into[name], ort.Tensor) : null;
        const results = await session.run(inputs, fetches);
        return Object.fromEntries(
          outputs.map((name) => {
            // ONNX Runtime hands back another array than the one it was given and wrote to.
            if (into[name]) return [name, into[name]];
            return [name, fromOrt(results[name])];
          }),
        );
      },
      async release() {
        if (options.profile !== undefined) session.endProfiling();
        await session.release();
      },
    } satisfies Session;
  },
};
