/** One node of an ONNX file, as the table of operators sees it. */
import type onnxProto from 'onnx-proto';
import { LimbeckError } from '../../errors.ts';
import { constant, type DataType, type Dimension, type SymbolicTensor, typedArray } from '../tensor.ts';
import { type Foldable, KNOWN_LIMIT, type Known } from './known.ts';
import { dataType, readTensor, type StoredTensor } from './stored-tensors.ts';

/** What a name in the file stands for: a tensor, made when it is first used as one, and what is known of its entries. */
export class Value {
  /** What may be computed with while the file is read; nothing for a parameter, which training changes. */
  readonly known: Known | undefined;
  /** What an operator may take for a setting, such as the scales of a resize. */
  readonly setting: Known | undefined;
  readonly #make: () => SymbolicTensor;
  readonly #makeFixed: () => SymbolicTensor;
  #tensor: SymbolicTensor | undefined;

  private constructor(
    known: Known | undefined,
    setting: Known | undefined,
    make: () => SymbolicTensor,
    makeFixed: () => SymbolicTensor,
  ) {
    this.known = known;
    this.setting = setting;
    this.#make = make;
    this.#makeFixed = makeFixed;
  }

  static computed(tensor: SymbolicTensor): Value {
    return new Value(
      undefined,
      undefined,
      () => tensor,
      () => tensor,
    );
  }

  static fixed(known: Known | undefined, make: () => SymbolicTensor): Value {
    return new Value(known, known, make, make);
  }

  static parameter(setting: Known | undefined, make: () => SymbolicTensor, makeFixed: () => SymbolicTensor): Value {
    return new Value(undefined, setting, make, makeFixed);
  }

  get tensor(): SymbolicTensor {
    this.#tensor ??= this.#make();
    return this.#tensor;
  }

  /** The tensor as one that is never trained. */
  get untrained(): SymbolicTensor {
    return this.#makeFixed();
  }
}

/** The entries of numbers from the file, when they are few enough to be looked into. */
export function knownOf({ dtype, dims, data }: StoredTensor): Known | undefined {
  return data.length <= KNOWN_LIMIT ? { dtype, shape: dims, entries: Array.from(data, Number) } : undefined;
}

export function knownConstant({ dtype, shape, entries }: Known): SymbolicTensor {
  const data = typedArray(dtype, entries.length);
  for (const [i, entry] of entries.entries()) data[i] = (dtype === 'int64' ? BigInt(entry) : Number(entry)) as never;
  return constant(data, dtype, shape);
}

/** An input that a builder asked for and that the node cannot give. */
function unfit(message: string): LimbeckError {
  return new LimbeckError('UNSUPPORTED', message);
}

export class NodeReader implements Foldable {
  readonly type: string;
  readonly opset: number;
  readonly outputs: number;
  readonly values: readonly (Value | undefined)[];
  readonly #attributes: ReadonlyMap<string, onnxProto.onnx.IAttributeProto>;

  constructor(proto: onnxProto.onnx.INodeProto, values: readonly (Value | undefined)[], opset: number) {
    this.type = proto.opType ?? '';
    this.opset = opset;
    this.outputs = proto.output?.length ?? 0;
    this.values = values;
    this.#attributes = new Map((proto.attribute ?? []).map((attribute) => [attribute.name ?? '', attribute]));
  }

  get inputs(): readonly (Known | undefined)[] {
    return this.values.map((value) => value?.known);
  }

  get fill(): StoredTensor | undefined {
    return this.stored('value');
  }

  get castTo(): DataType | undefined {
    return dataType(this.int('to', 0));
  }

  has(i: number): boolean {
    return this.values[i] !== undefined;
  }

  tensor(i: number): SymbolicTensor {
    const value = this.values[i];
    if (!value) throw unfit(`expected an input ${i}, got none`);
    return value.tensor;
  }

  optional(i: number): SymbolicTensor | undefined {
    return this.values[i]?.tensor;
  }

  /** An input that training leaves alone, such as running statistics. */
  fixed(i: number): SymbolicTensor {
    const value = this.values[i];
    if (!value) throw unfit(`expected an input ${i}, got none`);
    return value.untrained;
  }

  /** All inputs. */
  tensors(): SymbolicTensor[] {
    return this.values.map((_, i) => this.tensor(i));
  }

  /** The entries of an input that must be known: numbers, or names of run-time sizes. */
  sizes(i: number): readonly Dimension[] {
    const known = this.values[i]?.setting;
    if (!known) throw unfit(`expected input ${i} to be known when the file is read, got one that is computed`);
    return known.entries;
  }

  /** The entries of an input that must be known numbers; undefined when there is none. */
  numbers(i: number): readonly number[] | undefined {
    if (!this.has(i)) return undefined;
    const entries = this.sizes(i);
    const named = entries.find((entry) => typeof entry === 'string');
    if (named !== undefined) throw unfit(`expected input ${i} to be numbers, got the run-time size "${named}"`);
    return entries as readonly number[];
  }

  /** Axes and the like: an attribute in older opsets, an input in newer ones. */
  list(i: number, attribute: string): readonly number[] | undefined {
    return this.numbers(i) ?? this.ints(attribute);
  }

  int(name: string, otherwise: number): number {
    const value = this.#attributes.get(name)?.i;
    return value === undefined || value === null ? otherwise : Number(value);
  }

  float(name: string, otherwise: number): number {
    return this.#attributes.get(name)?.f ?? otherwise;
  }

  ints(name: string): readonly number[] | undefined {
    return this.#attributes.get(name)?.ints?.map(Number);
  }

  text(name: string, otherwise: string): string {
    const bytes = this.#attributes.get(name)?.s;
    return bytes ? String.fromCharCode(...bytes.subarray(0, 1000)) : otherwise;
  }

  /** The numbers that a Constant node holds, or an attribute that is a tensor. */
  stored(name: string): StoredTensor | undefined {
    const proto = this.#attributes.get(name)?.t;
    return proto ? readTensor(proto, `attribute "${name}"`, undefined) : undefined;
  }

  floats(name: string): readonly number[] | undefined {
    return this.#attributes.get(name)?.floats ?? undefined;
  }

  hasAttribute(name: string): boolean {
    return this.#attributes.has(name);
  }
}
