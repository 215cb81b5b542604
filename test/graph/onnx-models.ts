/** Small ONNX models made by hand, for the tests of the reader. */
import onnxProto from 'onnx-proto';
import * as ort from 'onnxruntime-node';
import type * as g from '../../src/graph/index.ts';
import type { TensorData } from '../../src/runtime/backend.ts';
import { compile } from '../../src/runtime/program.ts';

const { ModelProto, AttributeProto } = onnxProto.onnx;

export type Attribute = number | string | readonly number[] | onnxProto.onnx.ITensorProto | { readonly float: number };

export interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly name?: string;
  readonly domain?: string;
}

export interface ModelParts {
  readonly nodes: readonly Node[];
  /** float32 inputs by name; a string is a run-time size. */
  readonly inputs: Readonly<Record<string, readonly (number | string)[]>>;
  readonly initializers?: readonly onnxProto.onnx.ITensorProto[];
  readonly outputs?: readonly string[];
  readonly opset?: number;
  /** What the file says of tensors inside it, and of its outputs: element type (1 is float32) and shape. */
  readonly types?: Readonly<Record<string, readonly [type: number, shape: readonly (number | string)[]]>>;
}

export function initializer(
  name: string,
  values: readonly number[],
  dims: readonly number[],
): onnxProto.onnx.ITensorProto {
  return { name, dims: [...dims], dataType: 1, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64s(name: string, values: readonly number[], dims: readonly number[] = [values.length]) {
  const data = BigInt64Array.from(values, (value) => BigInt(value));
  return { name, dims: [...dims], dataType: 7, rawData: new Uint8Array(data.buffer) };
}

function attribute(name: string, value: Attribute): onnxProto.onnx.IAttributeProto {
  const { AttributeType } = AttributeProto;
  if (typeof value === 'number') return { name, type: AttributeType.INT, i: value };
  if (typeof value === 'string') return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value) };
  if (Array.isArray(value)) return { name, type: AttributeType.INTS, ints: [...(value as number[])] };
  if ('float' in value) return { name, type: AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeType.TENSOR, t: value as onnxProto.onnx.ITensorProto };
}

export function modelOf({
  nodes,
  inputs,
  initializers = [],
  outputs = ['y'],
  opset = 18,
  types = {},
}: ModelParts): Uint8Array {
  const dimension = (d: number | string) => (typeof d === 'number' ? { dimValue: d } : { dimParam: d });
  const typed = (name: string) =>
    Object.hasOwn(types, name)
      ? { tensorType: { elemType: types[name][0], shape: { dim: types[name][1].map(dimension) } } }
      : { tensorType: { elemType: 1 } };
  return ModelProto.encode({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: opset },
      ...['other', 'com.microsoft'].map((domain) => ({ domain, version: 1 })),
    ],
    graph: {
      name: 'test',
      node: nodes.map(({ op, inputs: from, outputs: to = ['y'], attributes = {}, name = to[0], domain = '' }) => ({
        ...{ opType: op, input: [...from], output: [...to], name, domain },
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      })),
      input: Object.entries(inputs).map(([name, dims]) => ({
        name,
        type: { tensorType: { elemType: 1, shape: { dim: dims.map(dimension) } } },
      })),
      output: outputs.map((name) => ({ name, type: typed(name) })),
      valueInfo: Object.keys(types)
        .filter((name) => !outputs.includes(name))
        .map((name) => ({ name, type: typed(name) })),
      initializer: [...initializers],
    },
  }).finish();
}

/** What ONNX Runtime makes of a file, as it is. */
export async function runFile(
  bytes: Uint8Array,
  feeds: Record<string, TensorData>,
): Promise<Record<string, TensorData>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { dtype, data, dims }]) => [
    name,
    new ort.Tensor(dtype, data as never, dims),
  ]);
  const results = await session.run(Object.fromEntries(tensors));
  await session.release();
  return results as unknown as Record<string, TensorData>;
}

/** The values of a model's parameters, to be fed. */
export function parameterFeeds(model: g.OnnxModel): Record<string, TensorData> {
  const feeds = [...model.parameters].map(([name, { tensor, data, dims }]) => [
    name,
    { dtype: tensor.dtype, data, dims },
  ]);
  return Object.fromEntries(feeds) as Record<string, TensorData>;
}

/** What the engine makes of a model that was read; `extra` are inputs besides the model's own. */
export async function runModel(
  model: g.OnnxModel,
  feeds: Record<string, TensorData>,
  outputs: Readonly<Record<string, g.SymbolicTensor>> = model.outputs,
  extra: readonly g.SymbolicTensor[] = [],
): Promise<Record<string, TensorData>> {
  const inputs = [...model.inputs, ...extra, ...[...model.parameters.values()].map(({ tensor }) => tensor)];
  const program = await compile({ inputs, outputs });
  const results = await program.run({ ...feeds, ...parameterFeeds(model) });
  await program.release();
  return results;
}
