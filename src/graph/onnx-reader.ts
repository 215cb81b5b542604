/**
 * Reads an ONNX model that somebody else exported into symbolic tensors, opset 11 on: from there it can be differentiated,
 * trained and written back.
 *
 * Weights become inputs of the graph ("parameters") with their values beside them; shapes that the file computes node by node
 * are computed here. What the engine cannot read is one error that names every such node. A file is not trusted: whatever it
 * holds, the answer is a model or a LimbeckError.
 */
import onnxProto from 'onnx-proto';
import { LimbeckError, show } from '../errors.ts';
import { type Build, ELEMENTWISE } from './onnx-import/elementwise-operators.ts';
import { IMAGES } from './onnx-import/image-operators.ts';
import { fold, type Known, LONGEST_NAME } from './onnx-import/known.ts';
import { knownConstant, knownOf, NodeReader, Value } from './onnx-import/node.ts';
import { SHAPES } from './onnx-import/shape-operators.ts';
import { dataType, type ReadExternal, readTensor, type StoredTensor } from './onnx-import/stored-tensors.ts';
import { multiplySizes } from './operators/sizes.ts';
import {
  constant,
  type Dimension,
  input,
  isFloat,
  type SymbolicTensor,
  type TypedArray,
  typedArray,
} from './tensor.ts';

export type { ReadExternal } from './onnx-import/stored-tensors.ts';

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

const OPERATORS: Readonly<Record<string, Build>> = { ...ELEMENTWISE, ...SHAPES, ...IMAGES };
/** From where on Clip, Pad and Slice take their numbers as inputs; up to where the reader was held against ONNX's own test cases. */
const OLDEST_OPSET = 11;
const NEWEST_OPSET = 28;
/** No tensor that fits into memory has more entries; a file that declares one is damaged or hostile. */
const MOST_ENTRIES = 2 ** 40;
const MOST_AXES = 64;

/**
 * Reads a model.
 *
 * @param bytes the .onnx file
 * @throws LimbeckError FILE_CORRUPT for what is not an ONNX model, UNSUPPORTED naming every node that cannot be read, and why
 *
 * @example
 * const { inputs, outputs, parameters } = readOnnx(bytes);
 * const loss = mean(mul(outputs.embedding, outputs.embedding));
 * const gradient = gradients(loss, [...parameters.values()].map(({ tensor }) => tensor));
 */
export function readOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): OnnxModel {
  const { name = 'model' } = options;
  const model = decode(bytes, name);
  const opset = Number(model.opsetImport?.find(({ domain }) => isDefaultDomain(domain))?.version ?? 0);
  if (!(opset >= OLDEST_OPSET && opset <= NEWEST_OPSET)) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `${name}: expected ONNX opset ${OLDEST_OPSET} to ${NEWEST_OPSET}, got ${opset}. Convert or export it again.`,
    );
  }
  return new ModelReader(model.graph as onnxProto.onnx.IGraphProto, opset, { ...options, name }).read();
}

function decode(bytes: Uint8Array, name: string): onnxProto.onnx.IModelProto {
  let model: onnxProto.onnx.IModelProto | undefined;
  let cause: unknown;
  try {
    model = onnxProto.onnx.ModelProto.decode(bytes);
  } catch (error) {
    cause = error;
  }
  if (model?.graph?.output?.length) return model;
  const reason = cause instanceof Error ? cause.message : 'no graph with outputs';
  throw new LimbeckError('FILE_CORRUPT', `${name}: expected an ONNX model, got ${reason}. Export or fetch it again.`, {
    cause,
  });
}

const isDefaultDomain = (domain: string | null | undefined) => !domain || domain === 'ai.onnx';

class ModelReader {
  readonly #graph: onnxProto.onnx.IGraphProto;
  readonly #opset: number;
  readonly #options: ReadOnnxOptions & { readonly name: string };
  readonly #values = new Map<string, Value>();
  /** Names that a node which cannot be read was to give, and names made from those. */
  readonly #missing = new Set<string>();
  readonly #problems: string[] = [];
  readonly #computed = new Set<string>();
  readonly #parameters = new Map<string, OnnxParameter>();
  #weightsAreNodes = false;

  constructor(graph: onnxProto.onnx.IGraphProto, opset: number, options: ReadOnnxOptions & { readonly name: string }) {
    this.#graph = graph;
    this.#opset = opset;
    this.#options = options;
  }

  read(): OnnxModel {
    for (const proto of this.#graph.initializer ?? []) this.#initializer(proto);
    this.#weightsAreNodes = this.#graph.initializer?.length === 0;
    const inputs = (this.#graph.input ?? []).flatMap((info) => this.#input(info));
    for (const [i, proto] of (this.#graph.node ?? []).entries()) this.#node(proto, proto.name || `node ${i}`);
    const names = (this.#graph.output ?? []).map(({ name }) => name ?? '');
    for (const name of names) this.#valueOf(name, 'the graph');
    if (names.some((name) => this.#missing.has(name))) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${this.#options.name}: expected only nodes that the engine can read, got ${this.#problems.length} others:\n${this.#problems.join('\n')}`,
      );
    }
    const tensorOf = (name: string) => (this.#values.get(name) as Value).tensor;
    const outputs = Object.fromEntries(names.map((name) => [name, tensorOf(name)]));
    const tensors = new Map([...this.#computed].map((name) => [name, tensorOf(name)]));
    return { inputs, outputs, parameters: this.#parameters, tensors };
  }

  #corrupt(message: string): LimbeckError {
    return new LimbeckError('FILE_CORRUPT', `${this.#options.name}: ${message}. Export or fetch it again.`);
  }

  #define(name: string, value: Value): void {
    if (this.#values.has(name) || this.#missing.has(name))
      throw this.#corrupt(`expected one tensor called ${show(name)}, got two`);
    this.#values.set(name, value);
  }

  #valueOf(name: string, reader: string): Value | undefined {
    const value = this.#values.get(name);
    if (value || this.#missing.has(name)) return value;
    throw this.#corrupt(
      `expected nodes in order, but ${reader} reads ${show(name)}, which nothing before it gives: the graph is cut off or has a cycle`,
    );
  }

  #initializer(proto: onnxProto.onnx.ITensorProto): void {
    const name = proto.name ?? '';
    const stored = readTensor(proto, `${this.#options.name}: ${show(name)}`, this.#options.external);
    this.#define(name, this.#storedValue(name, stored, true));
  }

  #storedValue(name: string, stored: StoredTensor, isWeight: boolean): Value {
    const { dtype, dims, data } = stored;
    const fixed = () => constant(data, dtype, dims);
    const large = isFloat(dtype) && dims.length > 0 && data.length > 1;
    const trainable = this.#options.trainable?.(name, dims) ?? (large && isWeight);
    if (!isFloat(dtype) || !trainable) return Value.fixed(knownOf(stored), fixed);
    const parameter = () => {
      const tensor = input(name, dtype, dims);
      this.#parameters.set(name, { tensor, data, dims });
      return tensor;
    };
    return Value.parameter(knownOf(stored), parameter, fixed);
  }

  #input({ name, type }: onnxProto.onnx.IValueInfoProto): SymbolicTensor[] {
    if (!name) throw this.#corrupt('expected inputs with names');
    if (this.#values.has(name)) return []; // a weight: older files list those as inputs too
    const dtype = dataType(type?.tensorType?.elemType);
    const dims = type?.tensorType?.shape?.dim;
    if (!dtype || !dims) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${this.#options.name}: expected input ${show(name)} to be a float, int32, int64 or bool tensor with a rank, got another kind.`,
      );
    }
    const shape = dims.map(({ dimValue, dimParam }, axis): Dimension => {
      const known = dimParam ? 0 : Number(dimValue ?? 0);
      if (known > 0) return known;
      // Some exporters write 0 or −1 for a size that they do not know.
      const size = dimParam || `${name}.${axis}`;
      return Object.hasOwn(this.#options.sizes ?? {}, size)
        ? (this.#options.sizes as Record<string, Dimension>)[size]
        : size;
    });
    const tensor = input(name, dtype, shape);
    this.#checkSize(tensor, `input ${show(name)}`);
    this.#define(name, Value.computed(tensor));
    return [tensor];
  }

  #checkSize({ shape }: SymbolicTensor, what: string): void {
    const total = multiplySizes(shape);
    const entries = typeof total === 'number' ? total : Number.parseFloat(total) || 1;
    const longest = Math.max(0, ...shape.map((d) => (typeof d === 'string' ? d.length : 0)));
    if (shape.length > MOST_AXES || longest > LONGEST_NAME) {
      throw this.#corrupt(`expected fewer or simpler axes, got ${shape.length} for ${what}`);
    }
    if (entries > MOST_ENTRIES)
      throw this.#corrupt(`expected sizes that fit into memory, got [${shape.join(', ')}] for ${what}`);
  }

  #node(proto: onnxProto.onnx.INodeProto, name: string): void {
    const type = isDefaultDomain(proto.domain) ? (proto.opType ?? '') : `${proto.domain}.${proto.opType}`;
    const where = `${type} ${show(name)}`;
    const outputs = proto.output ?? [];
    const values = (proto.input ?? []).map((source) => (source ? this.#valueOf(source, where) : undefined));
    if ((proto.input ?? []).some((source) => this.#missing.has(source))) {
      // What follows from a node that cannot be read is not another problem.
      for (const output of outputs) this.#missing.add(output);
      return;
    }
    try {
      if (proto.attribute?.some(({ g, graphs }) => g || graphs?.length)) {
        throw new LimbeckError('UNSUPPORTED', 'expected no subgraph');
      }
      const made = this.#build(type, new NodeReader(proto, values, this.#opset), outputs[0] ?? '');
      for (const [i, output] of outputs.entries()) {
        if (!output) continue;
        const value = made[i];
        if (!value)
          throw new LimbeckError('UNSUPPORTED', `expected at most ${made.length} outputs, got ${outputs.length}`);
        this.#define(output, value);
        if (!value.known) this.#computed.add(output);
      }
    } catch (error) {
      if (error instanceof LimbeckError && error.code === 'FILE_CORRUPT') throw error;
      this.#problems.push(`  ${where}: ${error instanceof Error ? error.message : error}`);
      for (const output of outputs) if (!this.#values.has(output)) this.#missing.add(output);
    }
  }

  #build(type: string, node: NodeReader, output: string): readonly Value[] {
    if (type === 'Constant') return [this.#constant(node, output)];
    const known = type === 'Shape' ? shapeEntries(node) : fold(node);
    const build = Object.hasOwn(OPERATORS, type) ? OPERATORS[type] : undefined;
    if (!build && !known) throw new LimbeckError('UNSUPPORTED', 'not an operator that the engine has');
    if (known) return [Value.fixed(known, sizesMaker(known, node, build))];
    const tensors = [(build as Build)(node)].flat() as SymbolicTensor[];
    for (const tensor of tensors) this.#checkSize(tensor, show(output));
    return tensors.map(Value.computed);
  }

  #constant(node: NodeReader, output: string): Value {
    const stored = node.stored('value') ?? listed(node);
    if (!stored) throw new LimbeckError('UNSUPPORTED', 'expected a tensor of numbers');
    return this.#storedValue(output, stored, this.#weightsAreNodes && node.hasAttribute('value'));
  }
}

/**
 * How a tensor is had of what is known of it: its numbers or, where some are run-time sizes, the node itself. That is built at
 * once, because a chain of such nodes built on demand would be as deep as the file is long; an error waits until it matters.
 */
function sizesMaker(known: Known, node: NodeReader, build: Build | undefined): () => SymbolicTensor {
  if (!build || known.entries.every((entry) => typeof entry === 'number')) return () => knownConstant(known);
  try {
    const [tensor] = [build(node)].flat();
    return () => tensor;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** The short forms of Constant. */
function listed(node: NodeReader): StoredTensor | undefined {
  const make = (dtype: 'int64' | 'float32', values: readonly number[], dims: readonly number[]): StoredTensor => {
    const data = typedArray(dtype, values.length);
    for (const [i, value] of values.entries()) data[i] = (dtype === 'int64' ? BigInt(value) : value) as never;
    return { dtype, dims, data };
  };
  if (node.hasAttribute('value_int')) return make('int64', [node.int('value_int', 0)], []);
  if (node.hasAttribute('value_float')) return make('float32', [node.float('value_float', 0)], []);
  const [ints, floats] = [node.ints('value_ints'), node.floats('value_floats')];
  if (ints) return make('int64', ints, [ints.length]);
  return floats && make('float32', floats, [floats.length]);
}

function shapeEntries(node: NodeReader) {
  const { shape } = node.tensor(0);
  const entries = shape.slice(node.int('start', 0), node.hasAttribute('end') ? node.int('end', 0) : undefined);
  return { dtype: 'int64', shape: [entries.length], entries } as const;
}
