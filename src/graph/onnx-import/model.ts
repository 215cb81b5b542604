/** What a model that was read consists of, and how reading is asked for. */
import type { Dimension, SymbolicTensor, TypedArray } from '../tensor.ts';
import type { ReadExternal } from './stored-tensors.ts';

/** A weight of the model: an input of the graph, and the value that the file gives it. */
export interface OnnxParameter {
  readonly tensor: SymbolicTensor;
  readonly data: TypedArray;
  readonly dims: readonly number[];
}

export interface OnnxModel {
  /** What the model is fed, in the file's order, parameters left out. */
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: Readonly<Record<string, SymbolicTensor>>;
  /** By name, each once however often it is used; only those that the graph uses. */
  readonly parameters: ReadonlyMap<string, OnnxParameter>;
  /** Every tensor that is computed from the inputs, by name: any of them may be an embedding layer. */
  readonly tensors: ReadonlyMap<string, SymbolicTensor>;
}

export interface ReadOnnxOptions {
  /**
   * Which weights are parameters; the others are constants. By default all float ones of more than one entry; tensors inside Constant
   * nodes, as some exporters write weights, only in files that have no other weights.
   */
  readonly trainable?: (name: string, dims: readonly number[]) => boolean;
  /** Sizes for run-time sizes that are to be fixed, or other names: { height: 224, batch_size: "batch" }. */
  readonly sizes?: Readonly<Record<string, Dimension>>;
  /** For models that keep their numbers in other files. */
  readonly external?: ReadExternal;
  /** How the file is called in messages. */
  readonly name?: string;
}
