/** Batch normalisation of an exported model folded into the convolutions before it: the same numbers, fewer nodes. */
import onnxProto from 'onnx-proto';
import { readTensor } from './onnx-import/stored-tensors.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;
type Node = onnxProto.onnx.INodeProto;
type Tensor = onnxProto.onnx.ITensorProto;

/**
 * A copy of a model in which every BatchNormalization that follows a Conv, and nothing else reads that Conv, is gone: its scale and
 * shift are in the convolution's weights. Inputs and outputs stay. Normalisations that stand elsewhere stay where they are.
 *
 * @param bytes an .onnx file with float32 weights inside, exported for inference
 *
 * @example
 * await writeFile('folded.onnx', foldBatchNorm(student.toOnnx()));
 */
export function foldBatchNorm(bytes: Uint8Array): Uint8Array {
  const model = ModelProto.decode(bytes);
  const graph = model.graph as onnxProto.onnx.IGraphProto;
  const nodes = graph.node ?? [];
  const weights = new Map((graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  for (const { opType, output, attribute } of nodes) {
    const value = opType === 'Constant' ? attribute?.find(({ name }) => name === 'value')?.t : undefined;
    if (value && output?.[0]) weights.set(output[0], value);
  }
  const numbers = (name: string | undefined): Float32Array | undefined => {
    const tensor = weights.get(name ?? '');
    if (tensor?.dataType !== TensorProto.DataType.FLOAT || tensor.dataLocation) return undefined;
    return readTensor(tensor, name ?? '', undefined).data as Float32Array;
  };
  const readers = (name: string): number =>
    nodes.reduce((count, { input }) => count + (input ?? []).filter((source) => source === name).length, 0) +
    (graph.output ?? []).filter((output) => output.name === name).length;
  const added: Tensor[] = [];
  const gone = new Set<Node>();
  for (const norm of nodes) {
    if (norm.opType !== 'BatchNormalization' || norm.output?.slice(1).some((name) => name !== '')) continue;
    const [source, ...names] = norm.input ?? [];
    const conv = nodes.find(({ opType, output }) => opType === 'Conv' && output?.[0] === source);
    const [scale, shift, mean, variance] = names.map(numbers);
    const kernel = numbers(conv?.input?.[1]);
    const bias = conv?.input?.[2] ? numbers(conv.input[2]) : new Float32Array(scale?.length ?? 0);
    if (!conv || readers(source) !== 1 || !(kernel && bias && scale && shift && mean && variance)) continue;
    const epsilon = norm.attribute?.find(({ name }) => name === 'epsilon')?.f ?? 1e-5;
    const factors = Float64Array.from(scale, (gain, m) => gain / Math.sqrt(variance[m] + epsilon));
    const size = kernel.length / factors.length;
    const own = norm.output?.[0] ?? '';
    const dims = weights.get(conv.input?.[1] ?? '')?.dims ?? [];
    added.push(
      stored(
        `${own} (folded weight)`,
        dims,
        Float32Array.from(kernel, (w, k) => w * factors[Math.floor(k / size)]),
      ),
      stored(
        `${own} (folded bias)`,
        [factors.length],
        Float32Array.from(factors, (factor, m) => shift[m] + (bias[m] - mean[m]) * factor),
      ),
    );
    conv.input = [conv.input?.[0] ?? '', `${own} (folded weight)`, `${own} (folded bias)`];
    conv.output = [own];
    gone.add(norm);
  }
  const kept = nodes.filter((node) => !gone.has(node));
  const used = new Set([
    ...kept.flatMap(({ input }) => input ?? []),
    ...(graph.output ?? []).map(({ name }) => name ?? ''),
  ]);
  graph.node = kept.filter(
    ({ opType, output }) => opType !== 'Constant' || (output ?? []).some((name) => used.has(name)),
  );
  graph.initializer = [...(graph.initializer ?? []).filter(({ name }) => used.has(name ?? '')), ...added];
  graph.input = (graph.input ?? []).filter(({ name }) => !weights.has(name ?? ''));
  return ModelProto.encode(model).finish();
}

function stored(name: string, dims: Tensor['dims'], data: Float32Array): Tensor {
  const rawData = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dataType: TensorProto.DataType.FLOAT, dims: [...(dims ?? [])], rawData };
}
