/**
 * The tensors of an ONNX file by name, and any of them made an output. Works on every file, whatever its operators; nothing is
 * interpreted.
 */
import onnxProto from 'onnx-proto';
import { decodeModel } from './onnx-import/decode.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;

export interface OnnxTensorNames {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** All that nodes compute, outputs among them, in the order of the file. */
  readonly computed: readonly string[];
  /** Files beside the model that hold numbers of it, each once. */
  readonly external: readonly string[];
}

/**
 * @param name how the file is called in messages
 * @throws LimbeckError FILE_CORRUPT for what is no model
 */
export function onnxTensorNames(bytes: Uint8Array, name: string): OnnxTensorNames {
  const graph = decodeModel(bytes, name).graph as onnxProto.onnx.IGraphProto;
  const weights = new Set((graph.initializer ?? []).map((tensor) => tensor.name));
  const names = (infos: readonly onnxProto.onnx.IValueInfoProto[] | null | undefined) =>
    (infos ?? []).map((info) => info.name ?? '');
  return {
    inputs: names(graph.input).filter((input) => !weights.has(input)),
    outputs: names(graph.output),
    computed: (graph.node ?? []).flatMap(({ output }) => output ?? []).filter((output) => output !== ''),
    external: [...new Set(externalFiles(graph))],
  };
}

/** Of the graph and of the graphs inside its nodes. */
function externalFiles({ initializer, node }: onnxProto.onnx.IGraphProto): string[] {
  const attributes = (node ?? []).flatMap(({ attribute }) => attribute ?? []);
  const tensors = [...(initializer ?? []), ...attributes.flatMap(({ t }) => (t ? [t] : []))];
  const graphs = attributes.flatMap(({ g, graphs }) => [...(g ? [g] : []), ...(graphs ?? [])]);
  return [
    ...tensors
      .filter(({ dataLocation }) => dataLocation === TensorProto.DataLocation.EXTERNAL)
      .map(({ externalData }) => externalData?.find(({ key }) => key === 'location')?.value ?? ''),
    ...graphs.flatMap(externalFiles),
  ];
}

/**
 * A model with further outputs, after those that it has; of which type they are, the runtime finds out. The bytes are only added
 * to: where a message is written twice, its lists are joined (Protocol Buffers, "Last one wins").
 *
 * @param names tensors that the model computes and that are no outputs yet
 */
export function addOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array {
  if (names.length === 0) return bytes;
  const more = ModelProto.encode({ graph: { output: names.map((name) => ({ name })) } }).finish();
  const result = new Uint8Array(bytes.length + more.length);
  result.set(bytes);
  result.set(more, bytes.length);
  return result;
}
