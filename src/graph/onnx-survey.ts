/**
 * What a model consists of, and which of its layers can be trained: for people who are about to train it. Unlike `onnx-reader.ts`
 * it goes on where a node cannot be read, and says why.
 */
import onnxProto from 'onnx-proto';
import { show } from '../errors.ts';
import { decodeModel } from './onnx-import/decode.ts';
import type { ReadOnnxOptions } from './onnx-import/model.ts';
import { ModelReader, type ReadNode } from './onnx-import/model-reader.ts';
import { dataType } from './onnx-import/stored-tensors.ts';
import { surveyGradients } from './onnx-import/survey-gradients.ts';
import { type Dimension, isFloat, type SymbolicTensor } from './tensor.ts';

const { DataType: OnnxType } = onnxProto.onnx.TensorProto;

export interface SurveyedTensor {
  readonly name: string;
  /** float32, int64, uint8, …; undefined when neither the file nor its nodes tell. */
  readonly type: string | undefined;
  /** Numbers, and names of sizes that only the run knows; undefined when it is not known. */
  readonly shape: readonly Dimension[] | undefined;
}

export interface SurveyedNode {
  /** Preceded by the domain, if it is not ONNX's own. */
  readonly type: string;
  readonly name: string;
  readonly outputs: readonly SurveyedTensor[];
  /** Numbers in the weights that no node before this one uses. */
  readonly weights: number;
  /** Whether a gradient comes through the node, and to it. */
  readonly trainable: boolean;
  /** Why not; empty for a node that can be trained. */
  readonly reason: string;
}

export interface OnnxSurvey {
  readonly opset: number;
  readonly inputs: readonly SurveyedTensor[];
  readonly outputs: readonly SurveyedTensor[];
  /** In the file's order. */
  readonly nodes: readonly SurveyedNode[];
  /** Whether `readOnnx` takes the file, with the weights of `mustBeFrozen` left out of training. */
  readonly readable: boolean;
  /** Inputs, weights and nodes that cannot be read, and why. */
  readonly problems: readonly string[];
  /** Numbers in all weights that the nodes use, and in those that can be trained. */
  readonly parameters: { readonly total: number; readonly trainable: number };
  /** Weights that could be trained if they did not lie before nodes without a gradient. */
  readonly mustBeFrozen: readonly string[];
  /** Tensors that are a row for each sample, [batch, width], or with pooling become one, [batch, length, width]; in the file's order. */
  readonly embeddings: readonly { readonly name: string; readonly shape: readonly Dimension[] }[];
}

/**
 * Surveys a model.
 *
 * @param bytes the .onnx file
 * @throws LimbeckError FILE_CORRUPT for what is not an ONNX model; FILE_UNREADABLE for numbers in other files that cannot be read
 *
 * @example
 * const { nodes, mustBeFrozen } = surveyOnnx(bytes);
 * nodes.filter(({ trainable }) => !trainable).map(({ name, reason }) => `${name}: ${reason}`);
 * readOnnx(bytes, { trainable: (name, dims) => dims.length > 0 && !mustBeFrozen.includes(name) });
 */
export function surveyOnnx(bytes: Uint8Array, options: ReadOnnxOptions = {}): OnnxSurvey {
  const { name = 'model' } = options;
  const model = decodeModel(bytes, name);
  const graph = model.graph as onnxProto.onnx.IGraphProto;
  const reader = new ModelReader(model, { ...options, name });
  const { reasons, blocked } = surveyGradients(reader);
  const weights = firstUses(graph, reader.nodes);
  // Before shapes are asked for: that makes parameters of weights that nothing uses.
  const parameters = [...reader.parameters];
  const trainable = parameters.filter(([weight]) => !blocked.has(weight));
  const isWeight = new Set((graph.initializer ?? []).map((proto) => proto.name));
  return {
    opset: reader.opset,
    inputs: (graph.input ?? []).filter((info) => !isWeight.has(info.name)).map(declaredTensor),
    outputs: (graph.output ?? []).map((info) => {
      const found = surveyedTensor(reader, info.name ?? '');
      return found.shape ? found : declaredTensor(info);
    }),
    nodes: reader.nodes.map((node, i) => ({
      ...{ type: node.type, name: node.name, weights: weights[i], trainable: reasons[i] === '', reason: reasons[i] },
      outputs: (node.proto.output ?? []).filter((output) => output).map((output) => surveyedTensor(reader, output)),
    })),
    readable: !reader.opsetProblem && !reader.outputNames.some((output) => reader.missing.has(output)),
    problems: reader.opsetProblem ? [reader.opsetProblem] : [...reader.strangers, ...reader.nodes.flatMap(problem)],
    parameters: {
      total: weights.reduce((a, b) => a + b, 0),
      trainable: trainable.reduce((n, [, { data }]) => n + data.length, 0),
    },
    mustBeFrozen: parameters.filter(([weight]) => blocked.has(weight)).map(([weight]) => weight),
    embeddings: embeddings(reader),
  };
}

const problem = ({ type, name, fate, reason }: ReadNode) =>
  fate === 'unreadable' ? [`${type} ${show(name)}: ${reason}`] : [];

function typeName(onnxType: number | null | undefined): string {
  const name = OnnxType[onnxType ?? 0]?.toLowerCase() ?? `type ${onnxType}`;
  return { float: 'float32', double: 'float64' }[name] ?? name;
}

function declaredTensor({ name, type }: onnxProto.onnx.IValueInfoProto): SurveyedTensor {
  const { elemType, shape } = type?.tensorType ?? {};
  const dims = shape?.dim?.map(({ dimParam, dimValue }) => dimParam || (Number(dimValue) > 0 ? Number(dimValue) : '?'));
  return { name: name ?? '', type: elemType ? typeName(elemType) : undefined, shape: dims };
}

/** What is known of a tensor: from what was made of it, else from what the file says. */
function surveyedTensor({ values, declared }: ModelReader, name: string): SurveyedTensor {
  const value = values.get(name);
  if (!value) return declaredTensor({ ...declared.get(name), name });
  if (value.known) return { name, type: value.known.dtype, shape: value.known.shape };
  return { name, type: value.tensor.dtype, shape: value.tensor.shape };
}

/** For every node the numbers in weights that no node before it uses. Whole numbers are sizes and places, not weights. */
function firstUses(graph: onnxProto.onnx.IGraphProto, nodes: readonly ReadNode[]): number[] {
  const sizes = new Map<string, number>();
  const note = (name: string | null | undefined, proto: onnxProto.onnx.ITensorProto) => {
    const dtype = dataType(proto.dataType);
    if (!name || (dtype && !isFloat(dtype))) return;
    sizes.set(
      name,
      (proto.dims ?? []).reduce<number>((n, d) => n * Number(d), 1),
    );
  };
  for (const proto of graph.initializer ?? []) note(proto.name, proto);
  const weightsAreNodes = sizes.size === 0;
  return nodes.map(({ type, proto }) => {
    const stored = type === 'Constant' ? proto.attribute?.find(({ t }) => t)?.t : undefined;
    if (stored && weightsAreNodes) note(proto.output?.[0], stored);
    return (proto.input ?? []).reduce((total, name) => {
      const size = sizes.get(name) ?? 0;
      sizes.delete(name);
      return total + size;
    }, 0);
  });
}

function embeddings(reader: ModelReader): OnnxSurvey['embeddings'] {
  const batch = reader.inputs[0]?.shape[0];
  return [...reader.computed].flatMap((name) => {
    const value = reader.values.get(name);
    if (typeof batch !== 'string' || !value || !isRow(value.tensor, batch) || !reader.isTrained(value.tensor))
      return [];
    return [{ name, shape: value.tensor.shape }];
  });
}

/** [batch, width], or [batch, length, width]. */
function isRow({ dtype, rank, shape }: SymbolicTensor, batch: string): boolean {
  return isFloat(dtype) && (rank === 2 || rank === 3) && shape[0] === batch && typeof shape[rank - 1] === 'number';
}
