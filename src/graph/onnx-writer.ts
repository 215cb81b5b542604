/** Writes a symbolic graph as an ONNX model. Reading ONNX files is another file's business. */
import onnxProto from 'onnx-proto';
import { LimbeckError } from '../errors.ts';
import { topologicalOrder } from './gradients.ts';
import { writePlain } from './operators/blocked-layout.ts';
import {
  type BlockedForm,
  constant,
  type DataType,
  type Dimension,
  type Emitter,
  type ForeignNode,
  ONNX_TYPES,
  type OnnxAttribute,
  type Operation,
  type Operator,
  type SymbolicTensor,
  type TypedArray,
} from './tensor.ts';

const { ModelProto, AttributeProto } = onnxProto.onnx;

/** 18 is the first opset in which every reduction takes its axes as an input; every runtime of the last years has it. */
export const OPSET = 18;

/** What goes in and what comes out; everything between follows from the outputs. */
export interface Graph {
  readonly inputs: readonly SymbolicTensor[];
  readonly outputs: Readonly<Record<string, SymbolicTensor>>;
}

export interface WriteOptions {
  /** Shown by tools that display the model. Default 'limbeck'. */
  readonly name?: string;
  /**
   * How many channels the runtime's blocked layout holds together, where the graph is for that runtime on this machine alone. Default 0:
   * a graph that runs anywhere.
   */
  readonly channelBlock?: number;
  /** For run-time sizes a number of which they are always a multiple, by name. Some operators then need no zeros to fill blocks up. */
  readonly multiples?: Readonly<Record<string, number>>;
}

/**
 * Serialises a graph.
 *
 * @returns the bytes of an .onnx file
 * @throws LimbeckError MISSING_INPUT when an output depends on an input that `graph.inputs` does not list, INVALID_ARGUMENT
 *   when two inputs or outputs have one name
 *
 * @example
 * const x = input('x', 'float32', ['batch', 3]);
 * const bytes = writeOnnx({ inputs: [x], outputs: { y: mul(x, 2) } }, { name: 'double' });
 */
export function writeOnnx(graph: Graph, options: WriteOptions = {}): Uint8Array {
  const names = [...graph.inputs.map(inputName), ...Object.keys(graph.outputs)];
  const repeated = names.find((known, i) => names.indexOf(known) !== i);
  if (repeated !== undefined) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `writeOnnx: expected inputs and outputs of different names, got "${repeated}" twice. Rename one.`,
    );
  }
  const writer = new GraphWriter(names, graph.outputs, options);
  for (const tensor of graph.inputs) writer.input(tensor);
  const order = topologicalOrder(Object.values(graph.outputs));
  for (const tensor of [...order.flatMap(({ inputs }) => inputs), ...Object.values(graph.outputs)]) writer.read(tensor);
  for (const operation of order) writer.operation(operation);
  for (const [output, tensor] of Object.entries(graph.outputs)) writer.output(output, tensor);
  const model = ModelProto.create({
    irVersion: 8,
    producerName: 'limbeck',
    opsetImport: [{ domain: '', version: OPSET }, ...[...writer.domains].map((domain) => ({ domain, version: 1 }))],
    graph: {
      name: options.name ?? 'limbeck',
      node: writer.nodes,
      initializer: writer.initializers,
      input: graph.inputs.map((tensor) => valueInfo(inputName(tensor), tensor)),
      output: Object.entries(graph.outputs).map(([output, tensor]) => valueInfo(output, tensor)),
    },
  });
  return ModelProto.encode(model).finish();
}

class GraphWriter implements Emitter {
  readonly nodes: onnxProto.onnx.INodeProto[] = [];
  readonly initializers: onnxProto.onnx.ITensorProto[] = [];
  /** Besides ONNX's own. */
  readonly domains = new Set<string>();
  readonly #names = new Map<SymbolicTensor, string>();
  readonly #constants = new Map<string, string>();
  readonly #reserved: ReadonlySet<string>;
  readonly #blocked = new Map<string, BlockedForm>();
  /** Tensors that are there in blocks alone. */
  readonly #notPlain = new Set<string>();
  readonly #written = new Set<string>();
  readonly #shared = new Map<string, string>();
  readonly #readers = new Map<SymbolicTensor, number>();
  #temporaries = 0;

  /** The names of tensors that the graph gives out; of those given out twice the first. */
  readonly #given = new Map<SymbolicTensor, string>();

  readonly channelBlock: number;
  readonly #multiples: Readonly<Record<string, number>>;

  /** @param reserved names of inputs and outputs, which generated names stay clear of */
  constructor(
    reserved: readonly string[],
    outputs: Graph['outputs'],
    { channelBlock = 0, multiples = {} }: WriteOptions,
  ) {
    this.channelBlock = channelBlock;
    this.#multiples = multiples;
    this.#reserved = new Set(reserved);
    for (const [name, tensor] of Object.entries(outputs)) if (!this.#given.has(tensor)) this.#given.set(tensor, name);
  }

  /** Counts one reader of a tensor. */
  read(tensor: SymbolicTensor): void {
    this.#readers.set(tensor, this.readers(tensor) + 1);
  }

  readers(tensor: SymbolicTensor): number {
    return this.#readers.get(tensor) ?? 0;
  }

  multipleOf(size: Dimension): number {
    return typeof size === 'number' ? size : (this.#multiples[size] ?? 1);
  }

  input(tensor: SymbolicTensor): void {
    this.#names.set(tensor, inputName(tensor));
    this.#written.add(inputName(tensor));
  }

  operation({ operator, inputs, outputs, attributes }: Operation): void {
    const inputNames = inputs.map((tensor) => this.#nameOf(tensor));
    const outputNames = outputs.map((tensor) => {
      const name = this.#given.get(tensor) ?? this.#fresh(operator.name);
      this.#names.set(tensor, name);
      return name;
    });
    (operator as unknown as Operator<unknown>).emit(this, { inputs, outputs, attributes, inputNames, outputNames });
  }

  output(name: string, tensor: SymbolicTensor): void {
    // An input, a constant, and what is given out twice need a node that gives them the name.
    if (this.#names.get(tensor) !== name) this.node('Identity', [this.#nameOf(tensor)], [name]);
    else this.#writePlain([name]);
  }

  node(
    type: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): void {
    const [, domain, opType] = /^(?:(.*)\.)?(.*)$/.exec(type) as unknown as [string, string | undefined, string];
    if (domain !== undefined) this.domains.add(domain);
    this.#prepareNode(inputs, outputs);
    this.nodes.push({
      ...{ opType, domain: domain ?? '' },
      name: outputs[0],
      input: [...inputs],
      output: [...outputs],
      attribute: Object.entries(attributes).map(([name, value]) => attributeProto(name, value)),
    });
  }

  temporary(type: string, inputs: readonly string[], attributes: Readonly<Record<string, OnnxAttribute>> = {}): string {
    const name = this.#fresh(type);
    this.node(type, inputs, [name], attributes);
    return name;
  }

  foreign({ type, domain, attributes }: ForeignNode, inputs: readonly string[], outputs: readonly string[]): void {
    if (domain !== '') this.domains.add(domain);
    this.#prepareNode(inputs, outputs);
    this.nodes.push({
      ...{ opType: type, domain, name: outputs.find((name) => name) ?? '' },
      input: [...inputs],
      output: [...outputs],
      attribute: [...attributes],
    });
  }

  blocked(name: string): BlockedForm | undefined {
    return this.#blocked.get(name);
  }

  setBlocked(name: string, form: BlockedForm): void {
    this.#blocked.set(name, form);
    if (!this.#written.has(name)) this.#notPlain.add(name);
  }

  shared(key: string, write: () => string): string {
    const name = this.#shared.get(key) ?? write();
    this.#shared.set(key, name);
    return name;
  }

  /** What a node reads has to stand before it, in plain layout too. */
  #prepareNode(inputs: readonly string[], outputs: readonly string[]): void {
    this.#writePlain(inputs);
    for (const output of outputs) this.#written.add(output);
  }

  #writePlain(names: readonly string[]): void {
    for (const name of names) {
      if (this.#notPlain.delete(name)) writePlain(this, this.#blocked.get(name) as BlockedForm, name);
    }
  }

  expression(tensor: SymbolicTensor): string {
    for (const operation of topologicalOrder([tensor], (known) => this.#names.has(known))) this.operation(operation);
    return this.#nameOf(tensor);
  }

  int64s(values: readonly number[]): string {
    return this.#constant(
      `int64s ${values.join(',')}`,
      'int64',
      [values.length],
      BigInt64Array.from(values.map(BigInt)),
    );
  }

  scalar(value: number, dtype: DataType): string {
    return this.#scalar(constant(value, dtype));
  }

  #scalar({ dtype, source }: SymbolicTensor): string {
    const data = (source as { data: TypedArray }).data;
    // Object.is tells −0 from 0, which String() does not.
    const value = Object.is(data[0], -0) ? '-0' : String(data[0]);
    return this.#constant(`${dtype} ${value}`, dtype, [], data);
  }

  #nameOf(tensor: SymbolicTensor): string {
    const known = this.#names.get(tensor);
    if (known !== undefined) return known;
    const { source } = tensor;
    if (source.kind !== 'constant') {
      throw new LimbeckError(
        'MISSING_INPUT',
        `writeOnnx: expected every input of the graph to be listed, but ${source.kind === 'input' ? `"${source.name}"` : tensor} is not.`,
      );
    }
    const name =
      tensor.rank === 0
        ? this.#scalar(tensor)
        : this.#constant(`tensor ${tensor.id}`, tensor.dtype, tensor.shape as readonly number[], source.data);
    this.#names.set(tensor, name);
    return name;
  }

  /** One initializer for equal small constants: gradients repeat the same scalars and axes hundreds of times. */
  #constant(key: string, dtype: DataType, dims: readonly number[], data: TypedArray): string {
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh('constant');
    this.#written.add(name);
    this.initializers.push({
      name,
      dataType: ONNX_TYPES[dtype],
      dims: [...dims],
      rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    this.#constants.set(key, name);
    return name;
  }

  #fresh(type: string): string {
    let name: string;
    do name = `${type}_${++this.#temporaries}`;
    while (this.#reserved.has(name));
    return name;
  }
}

function inputName({ source }: SymbolicTensor): string {
  if (source.kind !== 'input') throw new Error('A graph input must come from input().');
  return source.name;
}

function valueInfo(name: string, { dtype, shape }: SymbolicTensor): onnxProto.onnx.IValueInfoProto {
  const dim = shape.map((d) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d }));
  return { name, type: { tensorType: { elemType: ONNX_TYPES[dtype], shape: { dim } } } };
}

function attributeProto(name: string, value: OnnxAttribute): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = AttributeProto;
  if ('int' in value) return { name, type: AttributeType.INT, i: value.int };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ('ints' in value) return { name, type: AttributeType.INTS, ints: [...value.ints] };
  return { name, type: AttributeType.STRING, s: Uint8Array.from(value.string, (c) => c.charCodeAt(0)) }; // ASCII
}
