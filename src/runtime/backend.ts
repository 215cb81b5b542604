/**
 * What the engine needs from ONNX Runtime, and no more. `backend-node.ts` implements it with onnxruntime-node, `backend-web.ts` with
 * onnxruntime-web; package.json "imports" chooses the implementation, so that nothing else names a platform.
 */
import type { DataType, TypedArray } from '../graph/index.ts';

/** Numbers with a shape, row-major: what goes into and comes out of a program. */
export interface TensorData {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly data: TypedArray;
}

/** What a model takes besides: pixels as bytes, and half precision as its bits. */
export type FeedTensor =
  | TensorData
  | { readonly dtype: 'uint8'; readonly dims: readonly number[]; readonly data: Uint8Array }
  | { readonly dtype: 'float16'; readonly dims: readonly number[]; readonly data: Uint16Array };

/** An input or output as a model declares it. */
export interface ModelTensor {
  readonly name: string;
  /** An element type as ONNX Runtime calls it: 'float32', 'float16', 'int64', 'uint8', … */
  readonly dtype: string;
  /** Sizes; of those known only at run time the name, which may be empty. */
  readonly shape: readonly (number | string)[];
}

/** Where a model runs. Operators that a device has no kernel for run on the CPU. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export interface SessionOptions {
  /** Default 'cpu'. */
  readonly device?: Device;
  /** Threads inside one operator; by default one per physical core. */
  readonly threads?: number;
  /**
   * Whether runs take turns with runs of other sessions. Between runs threads then sleep instead of spinning, which would take cores
   * away from the session whose turn it is; waking them costs some 50 µs a run. Nor do such sessions plan their memory for a size that
   * they have seen: the plan is a block for everything, beside the blocks of the run before it. Default false.
   */
  readonly takesTurns?: boolean;
  /** The beginning of the path of a file that gets ONNX Runtime's own profile, as JSON, when the session is released. */
  readonly profile?: string;
  /** The folder of the files in which a model keeps its numbers, for models that do; by default the working directory. */
  readonly folder?: string;
}

/** A loaded model. */
export interface Session {
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  /** True where a run that is given arrays for all of its outputs costs no other arrays; giving them is then worth while. */
  readonly inPlace?: boolean;
  /**
   * Runs the model. Where `into` has an entry, the output is written to that array, which must have its exact size. Half
   * precision comes out as float32.
   */
  run(
    feeds: Readonly<Record<string, FeedTensor>>,
    outputs: readonly string[],
    into?: Readonly<Record<string, TensorData>>,
  ): Promise<Record<string, TensorData>>;
  /** Frees the native memory. The session cannot run afterwards. */
  release(): Promise<void>;
}

export interface Backend {
  readonly name: string;
  readonly version: string;
  /**
   * @param inPlace asks for a session that is {@link Session.inPlace}, where the backend has such; for models of opset 11 and later
   * @throws LimbeckError DEVICE_UNAVAILABLE, INVALID_OPTION; whatever the runtime throws for a model that it cannot take
   */
  createSession(model: Uint8Array, options: SessionOptions, inPlace?: boolean): Promise<Session>;
  /** How many channels stand together in the layout that the device convolves in; 0 where it has no operators for it. */
  channelBlock(device: Device): Promise<number>;
}
