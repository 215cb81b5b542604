/** ONNX Runtime on Node, native, on the CPU. */
import * as ort from 'onnxruntime-node';
import type { TypedArray } from '../graph/index.ts';
import type { Backend, Session, TensorData } from './backend.ts';

function toOrt({ dtype, data, dims }: TensorData): ort.Tensor {
  return new ort.Tensor(dtype, data as never, dims);
}

export const backend: Backend = {
  name: 'onnxruntime-node',
  version: ort.env.versions.node ?? 'unknown',
  async createSession(model, { threads }) {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'all',
      logSeverityLevel: 3,
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    });
    return {
      async run(feeds, outputs, into = {}) {
        const inputs: Record<string, ort.Tensor> = {};
        for (const name in feeds) inputs[name] = toOrt(feeds[name]);
        const fetches: Record<string, ort.Tensor | null> = {};
        for (const name of outputs) fetches[name] = into[name] ? toOrt(into[name]) : null;
        const results = await session.run(inputs, fetches);
        return Object.fromEntries(
          outputs.map((name) => {
            // ONNX Runtime hands back another array than the one it was given and wrote to.
            if (into[name]) return [name, into[name]];
            const { type, dims, data } = results[name];
            return [name, { dtype: type as TensorData['dtype'], dims, data: data as TypedArray }];
          }),
        );
      },
      release: () => session.release(),
    } satisfies Session;
  },
};
