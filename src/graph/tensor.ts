/**
 * Symbolic tensors: the nodes of a computation that has not run yet.
 *
 * A tensor knows its element type, its shape, and where it comes from: an input, a constant, or an operation on other
 * tensors. Graphs are immutable and acyclic by construction, since an operation can only name tensors that exist.
 * Nothing is computed here; `runtime/` compiles graphs onto ONNX Runtime.
 */
import { LimbeckError, show } from '../errors.ts';

export type FloatType = 'float32' | 'float64';
export type DataType = FloatType | 'int32' | 'int64' | 'bool';

/** A known size, or the name of a size that is known only when the program runs ("batch", "length"). */
export type Dimension = number | string;
export type Shape = readonly Dimension[];

export type TypedArray = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array;

export interface TensorType {
  readonly dtype: DataType;
  readonly shape: Shape;
}

/** An operator applied to tensors. */
export interface Operation {
  readonly operator: Operator<never>;
  readonly inputs: readonly SymbolicTensor[];
  readonly attributes: unknown;
  readonly outputs: readonly SymbolicTensor[];
}

export type Source =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly data: TypedArray }
  | { readonly kind: 'operation'; readonly operation: Operation; readonly index: number };

/**
 * One operator: everything the engine knows about it, in one place.
 *
 * `A` are its attributes (axes, permutations, …), fixed when the operation is built.
 */
export interface Operator<A = undefined> {
  readonly name: string;
  /** Shape rule: the types of the outputs. Raises SHAPE_MISMATCH for inputs that do not fit. */
  infer(inputs: readonly SymbolicTensor[], attributes: A): readonly TensorType[];
  /** Writes the ONNX node (or nodes) that compute `outputs` from `inputs`. */
  emit(emitter: Emitter, operation: EmittedOperation<A>): void;
  /**
   * Vector–Jacobian product: given ∂L/∂outputs (undefined where an output does not reach L), returns ∂L/∂inputs, each of
   * its input's shape, undefined for inputs that cannot be differentiated (indices, conditions).
   */
  vjp(operation: AppliedOperation<A>, cotangents: readonly (SymbolicTensor | undefined)[]): Cotangents;
}

export type Cotangents = readonly (SymbolicTensor | undefined)[];

export interface AppliedOperation<A> {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: readonly SymbolicTensor[];
  readonly attributes: A;
}

/** What an operator sees while it is written to ONNX: its tensors and their ONNX names. */
export interface EmittedOperation<A> extends AppliedOperation<A> {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
}

export type OnnxAttribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly string: string };

/** A node that the engine hands on without knowing what it computes. */
export interface ForeignNode {
  readonly type: string;
  readonly domain: string;
  /** AttributeProtos. */
  readonly attributes: readonly object[];
}

/** A tensor [N, channels, H, W] in the runtime's blocked layout, see `blocked-layout.ts`. */
export interface BlockedForm {
  readonly channels: number;
  /** What it is called in the graph; the first call may write it. */
  name(): string;
  /** Writes it in plain layout under a name, where it cannot be rearranged. */
  readonly writePlain?: ((name: string) => void) | undefined;
}

/** The writing end of an ONNX graph, as operators see it; implemented by `onnx-writer.ts`. */
export interface Emitter {
  /**
   * How many channels stand together in the blocked layout of the runtime that the graph is written for, see `blocked-layout.ts`; 0 for
   * a graph of ONNX's own operators alone, which runs anywhere.
   */
  readonly channelBlock: number;
  /** A number of which the size is a multiple whenever the graph runs: itself, for a known one. */
  multipleOf(size: Dimension): number;
  /** Adds a node with given output names. A type of another domain than ONNX's is written with it: 'com.microsoft.nchwc.Conv'. */
  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes?: Readonly<Record<string, OnnxAttribute>>,
  ): void;
  /** Adds a node with one output, under a fresh name, which is returned. */
  temporary(type: string, inputs: readonly string[], attributes?: Readonly<Record<string, OnnxAttribute>>): string;
  /**
   * Writes the computation of a tensor made from the operation's inputs, and returns its name: how an operator writes itself
   * out of others, where the runtime has no kernel for it.
   */
  expression(tensor: SymbolicTensor): string;
  /** Adds a node of any domain, with attributes as a file has them; an empty name is an input or output that is left out. */
  foreign(node: ForeignNode, inputs: readonly string[], outputs: readonly string[]): void;
  /** How many operations of the graph read a tensor, its own outputs counted; 0 for one that is not of the graph as it was given. */
  readers(tensor: SymbolicTensor): number;
  /** The tensor of this name in blocks, where it has been written so, or is to be. */
  blocked(name: string): BlockedForm | undefined;
  /** Says what the tensor is in blocks. If that is all there is of it, its plain form is written when a node reads it. */
  setBlocked(name: string, form: BlockedForm): void;
  /** What is written once for all that ask under one key; the name that `write` returns. */
  shared(key: string, write: () => string): string;
  /** A one-dimensional int64 constant (axes, shapes). */
  int64s(values: readonly number[]): string;
  /** A constant scalar of an element type. */
  scalar(value: number, dtype: DataType): string;
}

let counter = 0;

/**
 * A tensor that will exist when the program runs.
 *
 * Build one with {@link input}, {@link constant} or the functions of `operators/`, not with `new`.
 */
export class SymbolicTensor implements TensorType {
  /** Unique in the process; later tensors have larger numbers, so ids order a graph topologically. */
  readonly id: number = ++counter;
  readonly dtype: DataType;
  readonly shape: Shape;
  readonly source: Source;

  constructor(type: TensorType, source: Source) {
    this.dtype = type.dtype;
    this.shape = type.shape;
    this.source = source;
  }

  get rank(): number {
    return this.shape.length;
  }

  toString(): string {
    return `${this.dtype}${showShape(this.shape)}`;
  }
}

/**
 * A tensor that is fed when the program runs.
 *
 * @example
 * const x = input('x', 'float32', ['batch', 384]);
 */
export function input(name: string, dtype: DataType, shape: Shape): SymbolicTensor {
  return new SymbolicTensor({ dtype, shape: checkedShape(shape) }, { kind: 'input', name });
}

/**
 * A tensor whose numbers are part of the graph. A plain number makes a scalar.
 *
 * @example
 * constant(0.5, 'float32');                             // scalar
 * constant(Float32Array.of(1, 2, 3, 4), 'float32', [2, 2]);
 */
export function constant(value: number | TypedArray, dtype: DataType, shape?: Shape): SymbolicTensor {
  const entry = (value: number) => (dtype === 'int64' ? BigInt(value) : value);
  const data = typeof value === 'number' ? typedArray(dtype, 1).fill(entry(value) as never) : value;
  const dimensions = checkedShape(shape ?? (typeof value === 'number' ? [] : [data.length]));
  const size = dimensions.reduce<number>((product, d) => product * (d as number), 1);
  if (!(data instanceof ARRAY_TYPES[dtype]) || size !== data.length) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `constant: expected ${ARRAY_TYPES[dtype].name} data for ${dtype}${showShape(dimensions)}, got ${show(data)}.`,
    );
  }
  return new SymbolicTensor({ dtype, shape: dimensions }, { kind: 'constant', data });
}

/** Applies an operator; the building block of every function in `operators/`. */
export function apply<A>(
  operator: Operator<A>,
  inputs: readonly SymbolicTensor[],
  attributes: A,
): readonly SymbolicTensor[] {
  const outputs: SymbolicTensor[] = [];
  const operation = { operator: operator as unknown as Operator<never>, inputs, attributes, outputs };
  for (const [index, type] of operator.infer(inputs, attributes).entries()) {
    outputs.push(new SymbolicTensor(type, { kind: 'operation', operation, index }));
  }
  return outputs;
}

/** {@link apply} for operators with one output. */
export function apply1<A>(operator: Operator<A>, inputs: readonly SymbolicTensor[], attributes: A): SymbolicTensor {
  return apply(operator, inputs, attributes)[0];
}

export const ARRAY_TYPES = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
} as const;

/** The numbers of the element types in ONNX (TensorProto.DataType). */
export const ONNX_TYPES = { float32: 1, int32: 6, int64: 7, bool: 9, float64: 11 } as const;

/** An array of zeros of an element type. */
export function typedArray(dtype: DataType, length: number): TypedArray {
  return new ARRAY_TYPES[dtype](length);
}

export function isFloat(dtype: DataType): dtype is FloatType {
  return dtype === 'float32' || dtype === 'float64';
}

/** Whether a shape has no run-time sizes. */
export function isKnown(shape: Shape): shape is readonly number[] {
  return shape.every((d) => typeof d === 'number');
}

export function showShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** Turns an axis counted from the end (−1 is the last) into one counted from the start. */
export function normalizeAxis(axis: number, rank: number, operator: string): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    throw new LimbeckError('SHAPE_MISMATCH', `${operator}: expected an axis in −${rank} … ${rank - 1}, got ${axis}.`);
  }
  return axis < 0 ? axis + rank : axis;
}

function checkedShape(shape: Shape): Shape {
  for (const dimension of shape) {
    const known = typeof dimension === 'number' && Number.isInteger(dimension) && dimension >= 0;
    const named = typeof dimension === 'string' && dimension !== '';
    if (!known && !named) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `Shape: expected whole numbers ≥ 0 or names of run-time sizes, got ${showShape(shape)}.`,
      );
    }
  }
  return shape;
}
