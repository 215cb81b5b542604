/**
 * The work of `onnx-reader.ts` and `onnx-survey.ts`: goes through a file once, makes tensors of what the engine can read, and
 * keeps for every node what became of it. It refuses only files that are damaged; what to make of nodes that could not be read,
 * or have no gradient, is for others to say.
 */
import type onnxProto from 'onnx-proto';
import { LimbeckError, show } from '../../errors.ts';
import { topologicalOrder } from '../gradients.ts';
import { multiplySizes } from '../operators/sizes.ts';
import { constant, input, isFloat, type SymbolicTensor, type TensorType } from '../tensor.ts';
import { type Build, ELEMENTWISE } from './elementwise-operators.ts';
import { declaredType, passOn } from './foreign.ts';
import { IMAGES } from './image-operators.ts';
import { fold, LONGEST_NAME } from './known.ts';
import { listed, shapeEntries, sizesMaker } from './known-nodes.ts';
import type { OnnxParameter, ReadOnnxOptions } from './model.ts';
import { knownOf, NodeReader, Value } from './node.ts';
import { SHAPES } from './shape-operators.ts';
import { dataType, readTensor, type StoredTensor } from './stored-tensors.ts';

/** What became of a node. */
export type Fate =
  /** It has a gradient. */
  | 'differentiable'
  /** It was computed while the file was read. */
  | 'folded'
  /** It is passed on as it is, and nothing before it is trained. */
  | 'frozen'
  /** The same, but weights that are trained lie before it. */
  | 'offender'
  | 'unreadable'
  /** It comes after one that is unreadable. */
  | 'lost';

export interface ReadNode {
  readonly proto: onnxProto.onnx.INodeProto;
  /** With the domain, if it is not ONNX's own. */
  readonly type: string;
  readonly name: string;
  readonly fate: Fate;
  /** Why it has no gradient or cannot be read. */
  readonly reason: string | undefined;
}

const OPERATORS: Readonly<Record<string, Build>> = { ...ELEMENTWISE, ...SHAPES, ...IMAGES };

/** From where on Clip, Pad and Slice take their numbers as inputs; up to where the reader was held against ONNX's own test cases. */
const OLDEST_OPSET = 11;
const NEWEST_OPSET = 28;
/** No tensor that fits into memory has more entries; a file that declares one is damaged or hostile. */
const MOST_ENTRIES = 2 ** 40;
const MOST_AXES = 64;

const isDefaultDomain = (domain: string | null | undefined) => !domain || domain === 'ai.onnx';

export class ModelReader {
  readonly inputs: SymbolicTensor[] = [];
  readonly values = new Map<string, Value>();
  readonly nodes: ReadNode[] = [];
  /** Inputs and weights that are of no type that the engine has, as lines of a message. */
  readonly strangers: string[] = [];
  /** Names that a node which cannot be read was to give, and names made from those. */
  readonly missing = new Set<string>();
  /** Names that an offender gives, and names made from those. */
  readonly offending = new Set<string>();
  readonly computed = new Set<string>();
  readonly parameters = new Map<string, OnnxParameter>();
  /** What the file says of tensors inside it, and of its outputs. */
  readonly declared = new Map<string, onnxProto.onnx.IValueInfoProto>();
  readonly opset: number;
  readonly #graph: onnxProto.onnx.IGraphProto;
  readonly #options: ReadOnnxOptions & { readonly name: string };
  readonly #weightsAreNodes: boolean;
  /** Float tensors made from parameters, and all that were looked at for it. */
  readonly #trained = new Set<SymbolicTensor>();
  readonly #seen = new Set<SymbolicTensor>();

  constructor(model: onnxProto.onnx.IModelProto, options: ReadOnnxOptions & { readonly name: string }) {
    this.#graph = model.graph as onnxProto.onnx.IGraphProto;
    this.#options = options;
    this.opset = Number(model.opsetImport?.find(({ domain }) => isDefaultDomain(domain))?.version ?? 0);
    for (const info of [...(this.#graph.valueInfo ?? []), ...(this.#graph.output ?? [])]) {
      if (info.name && info.type) this.declared.set(info.name, info);
    }
    this.#weightsAreNodes = !this.#graph.initializer?.length;
    for (const proto of this.#graph.initializer ?? []) this.#initializer(proto);
    for (const info of this.#graph.input ?? []) this.#input(info);
    for (const [i, proto] of (this.#graph.node ?? []).entries()) this.#node(proto, proto.name || `node ${i}`);
    for (const name of this.outputNames) this.#valueOf(name, 'the graph');
  }

  get outputNames(): string[] {
    return (this.#graph.output ?? []).map(({ name }) => name ?? '');
  }

  /** Why no node of the file can be read; undefined for opsets that can. */
  get opsetProblem(): string | undefined {
    if (this.opset >= OLDEST_OPSET && this.opset <= NEWEST_OPSET) return undefined;
    return `expected ONNX opset ${OLDEST_OPSET} to ${NEWEST_OPSET}, got ${this.opset}`;
  }

  /** Whether training changes a tensor: a parameter, or a float tensor made from one. */
  isTrained(tensor: SymbolicTensor): boolean {
    for (const { inputs, outputs } of topologicalOrder([tensor], (known) => this.#seen.has(known))) {
      const trained = inputs.some((source) => this.#trained.has(source) || this.#isParameter(source));
      for (const output of outputs) {
        this.#seen.add(output);
        if (trained && isFloat(output.dtype)) this.#trained.add(output);
      }
    }
    return this.#trained.has(tensor) || this.#isParameter(tensor);
  }

  #isParameter(tensor: SymbolicTensor): boolean {
    return tensor.source.kind === 'input' && this.parameters.get(tensor.source.name)?.tensor === tensor;
  }

  #corrupt(message: string): LimbeckError {
    return new LimbeckError('FILE_CORRUPT', `${this.#options.name}: ${message}. Export or fetch it again.`);
  }

  #define(name: string, value: Value): void {
    this.#checkNew(name);
    this.values.set(name, value);
  }

  #checkNew(name: string): void {
    if (this.values.has(name) || this.missing.has(name)) {
      throw this.#corrupt(`expected one tensor called ${show(name)}, got two`);
    }
  }

  #valueOf(name: string, reader: string): Value | undefined {
    const value = this.values.get(name);
    if (value || this.missing.has(name)) return value;
    throw this.#corrupt(
      `expected nodes in order, but ${reader} reads ${show(name)}, which nothing before it gives: the graph is cut off or has a cycle`,
    );
  }

  #stranger(name: string, what: string, expected: string): void {
    this.#checkNew(name);
    this.missing.add(name);
    this.strangers.push(`${what} ${show(name)}: expected ${expected}`);
  }

  #initializer(proto: onnxProto.onnx.ITensorProto): void {
    const name = proto.name ?? '';
    if (!dataType(proto.dataType)) {
      this.#stranger(name, 'weight', `a float, int32, int64 or bool tensor, got type ${proto.dataType}`);
      return;
    }
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
      this.parameters.set(name, { tensor, data, dims });
      return tensor;
    };
    return Value.parameter(knownOf(stored), parameter, fixed);
  }

  #input(info: onnxProto.onnx.IValueInfoProto): void {
    const { name } = info;
    if (!name) throw this.#corrupt('expected inputs with names');
    if (this.values.has(name) || this.missing.has(name)) return; // a weight: older files list those as inputs too
    const type = declaredType(info, this.#options.sizes);
    if (!type) {
      this.#stranger(name, 'input', 'a float, int32, int64 or bool tensor with a rank, got another kind');
      return;
    }
    const tensor = input(name, type.dtype, type.shape);
    this.#checkSize(tensor, `input ${show(name)}`);
    this.#define(name, Value.computed(tensor));
    this.inputs.push(tensor);
  }

  #checkSize({ shape }: TensorType, what: string): void {
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
    const [sources, outputs] = [(proto.input ?? []).filter((source) => source), proto.output ?? []];
    const values = (proto.input ?? []).map((source) =>
      source ? this.#valueOf(source, `${type} ${show(name)}`) : undefined,
    );
    const lose = (fate: Fate, reason: string | undefined) => {
      this.nodes.push({ proto, type, name, fate, reason });
      for (const output of outputs) if (!this.values.has(output)) this.missing.add(output);
    };
    if (sources.some((source) => this.missing.has(source))) {
      lose('lost', undefined);
      return;
    }
    const offending = sources.some((source) => this.offending.has(source));
    try {
      const { made, reason } = this.#make(proto, type, name, values);
      for (const [i, output] of outputs.entries()) {
        const value = made[i];
        if (!output || !value) continue;
        this.#define(output, value);
        if (!value.known) this.computed.add(output);
      }
      const offender = reason !== undefined && values.some((value) => value && this.isTrained(value.tensor));
      if (offender || offending) for (const output of outputs) this.offending.add(output);
      const folded = type === 'Constant' || made.every((value) => value?.known);
      const fate = reason === undefined ? (folded ? 'folded' : 'differentiable') : offender ? 'offender' : 'frozen';
      this.nodes.push({ proto, type, name, fate, reason });
    } catch (error) {
      if (error instanceof LimbeckError && error.code === 'FILE_CORRUPT') throw error;
      lose('unreadable', error instanceof Error ? error.message : String(error));
    }
  }

  /** The outputs of a node; a reason says that it is passed on, and why. */
  #make(
    proto: onnxProto.onnx.INodeProto,
    type: string,
    name: string,
    values: readonly (Value | undefined)[],
  ): { readonly made: readonly (Value | undefined)[]; readonly reason?: string } {
    if (this.opsetProblem) throw new LimbeckError('UNSUPPORTED', this.opsetProblem);
    const outputs = proto.output ?? [];
    try {
      if (proto.attribute?.some(({ g, graphs }) => g || graphs?.length)) {
        throw new LimbeckError('UNSUPPORTED', 'expected no subgraph');
      }
      const made = this.#build(type, new NodeReader(proto, values, this.opset), outputs[0] ?? '');
      if (outputs.some((output, i) => output && !made[i])) {
        throw new LimbeckError('UNSUPPORTED', `expected at most ${made.length} outputs, got ${outputs.length}`);
      }
      return { made };
    } catch (error) {
      if (!(error instanceof LimbeckError) || error.code !== 'UNSUPPORTED') throw error;
      const [why, read] = [error.message, Object.hasOwn(OPERATORS, type)];
      const made = passOn(proto, values, { read, opset: this.opset, why, name }, (output) =>
        this.#declaredType(output),
      );
      return { made, reason: why };
    }
  }

  #declaredType(name: string): TensorType | undefined {
    const info = this.declared.get(name);
    const type = info && declaredType(info, this.#options.sizes);
    if (type) this.#checkSize(type, show(name));
    return type;
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
