/**
 * What the engine needs from ONNX Runtime, and no more. `backend-node.ts` implements it with onnxruntime-node;
 * package.json "imports" chooses the implementation, so that nothing else names a platform.
 */
import type { DataType, TypedArray } from '../graph/index.ts';

/** Numbers with a shape, row-major: what goes into and comes out of a program. */
export interface TensorData {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** Where a model runs. Operators that a device has no kernel for run on the CPU. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface SessionOptions {
  /** Default 'cpu'. */
  readonly device?: Device;
  /** Threads inside one operator; by default one per physical core. */
  readonly threads?: number;
}

/** A loaded model. */
export interface Session {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Runs the model. Where `into` has an entry, the output is written to that array, which must have its exact size. */
  run(
    feeds: Readonly<Record<string, TensorData>>,
    outputs: readonly string[],
    into?: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>>;
  /** Frees the native memory. The session cannot run afterwards. */
  release(): Promise<void>;
}

export interface Backend {
  readonly name: string;
  readonly version: string;
  /** @throws LimbeckError DEVICE_UNAVAILABLE, INVALID_OPTION; whatever the runtime throws for a model that it cannot take */
  createSession(model: Uint8Array, options: SessionOptions): Promise<Session>;
}
