/**
 * Smaller ONNX files of the same interface: weights in half precision, or in eight bits. Works on any model, also one that somebody
 * else exported. Not training: what is compressed is read back as constants.
 */
import onnxProto from 'onnx-proto';
import { floatsToHalves } from '../matrix/half-precision.ts';

const { ModelProto, TensorProto } = onnxProto.onnx;
type Node = onnxProto.onnx.INodeProto;
type Tensor = onnxProto.onnx.ITensorProto;
const { FLOAT, FLOAT16, INT8, UINT8 } = TensorProto.DataType;

/** What stands for 0 in a matrix of unsigned numbers. */
const UNSIGNED_ZERO = 128;

/** How weights are stored. */
export type WeightPrecision = 'float16' | 'int8' | 'int8-tables';

/** Smaller tensors (biases, gains) stay as they are: they weigh nothing, and rounding them costs the most. */
const SMALLEST = 256;

/**
 * - `'float16'`: weights rounded to half precision, half the size; the model computes in float32.
 * - `'int8'`: weights rounded to 255 steps between ± the largest of each row or output channel, a quarter of the size. Products with a
 *   weight matrix run on integers, with activations quantized as they come ("dynamic"), so that a row depends a little on what else is in
 *   its batch; convolutions are widened before use.
 * - `'int8-tables'`: the same for tables that rows are looked up in, and nothing else: no row depends on another.
 *
 * Of a table only the rows that are looked up are widened.
 *
 * @param bytes an .onnx file with its weights inside, opset 13 or newer
 * @returns the bytes of another
 *
 * @example
 * await writeFile('student/onnx/model_int8.onnx', compressOnnx(student.toOnnx(), 'int8'));
 */
export function compressOnnx(bytes: Uint8Array, precision: WeightPrecision): Uint8Array {
  const model = ModelProto.decode(bytes);
  const graph = model.graph as onnxProto.onnx.IGraphProto;
  const weights = new Map((graph.initializer ?? []).filter(isLarge).map((tensor) => [tensor.name ?? '', tensor]));
  const kept = (graph.initializer ?? []).filter(({ name }) => !weights.has(name ?? ''));
  const added: Tensor[] = [];
  const before: Node[] = [];
  const nodes: Node[] = [];
  const tables = tablesOf(graph, weights);
  if (precision === 'int8-tables') {
    for (const [name, tensor] of weights) if (!tables.has(name)) kept.push(tensor);
  }
  for (const name of tables) {
    const tensor = weights.get(name) as Tensor;
    if (precision === 'float16') added.push(halved(name, tensor));
    else added.push(...quantizedTable(name, tensor));
  }
  const others = new Map([...weights].filter(([name]) => precision !== 'int8-tables' && !tables.has(name)));
  const floatUses = new Set<string>((graph.output ?? []).map(({ name }) => name ?? ''));
  for (const original of graph.node ?? []) {
    const [first] = original.input ?? [];
    if (tables.has(first)) {
      nodes.push(...lookup(original, precision));
      continue;
    }
    const product = precision === 'int8' ? integerProduct(original, others) : undefined;
    if (!product) for (const input of original.input ?? []) floatUses.add(input);
    nodes.push(...(product?.nodes ?? [original]));
    if (product && !added.some(({ name }) => name === product.tensors[0].name)) added.push(...product.tensors);
  }
  for (const [name, tensor] of others) {
    if (!floatUses.has(name)) continue;
    if (precision === 'float16') {
      added.push(halved(name, tensor));
      before.push(node('Cast', [`${name} (float16)`], [name], { to: FLOAT }));
    } else {
      // Rows of a table, output channels of a convolution: the first axis of both.
      const { values, scales } = quantized(floatsOf(tensor), sizes(tensor), 0);
      added.push(stored(`${name} (int8)`, INT8, tensor.dims ?? [], values));
      added.push(stored(`${name} (scale)`, FLOAT, [scales.length], scales));
      before.push(node('DequantizeLinear', [`${name} (int8)`, `${name} (scale)`], [name], { axis: 0 }));
    }
  }
  graph.initializer = [...kept, ...added];
  graph.node = [...before, ...nodes];
  // Older files list weights among the inputs.
  graph.input = (graph.input ?? []).filter(({ name }) => !weights.has(name ?? ''));
  return ModelProto.encode(model).finish();
}

/** Weights of which rows are looked up, and which are used for nothing else. */
function tablesOf(graph: onnxProto.onnx.IGraphProto, weights: ReadonlyMap<string, Tensor>): Set<string> {
  const tables = new Set<string>();
  const others = new Set((graph.output ?? []).map(({ name }) => name ?? ''));
  for (const { opType, input, attribute } of graph.node ?? []) {
    const axis = Number((attribute ?? []).find(({ name }) => name === 'axis')?.i ?? 0);
    for (const [i, name] of (input ?? []).entries()) {
      const isTable = opType === 'Gather' && i === 0 && axis === 0 && sizes(weights.get(name) ?? {}).length === 2;
      (isTable ? tables : others).add(name);
    }
  }
  return new Set([...tables].filter((name) => !others.has(name)));
}

function halved(name: string, tensor: Tensor): Tensor {
  return stored(`${name} (float16)`, FLOAT16, tensor.dims ?? [], floatsToHalves(floatsOf(tensor)));
}

/** Values [rows, width], and scales [rows, 1], which are looked up by the same ids. */
function quantizedTable(name: string, tensor: Tensor): Tensor[] {
  const { values, scales } = quantized(floatsOf(tensor), sizes(tensor), 0);
  return [
    stored(`${name} (int8)`, INT8, tensor.dims ?? [], values),
    stored(`${name} (scale)`, FLOAT, [scales.length, 1], scales),
  ];
}

/** A lookup in a compressed table: its rows, then widened. */
function lookup({ name, input, output }: Node, precision: WeightPrecision): Node[] {
  const [table, ids] = input as [string, string];
  const result = output?.[0] ?? '';
  const part = (what: string): string => `${name || result} ${what}`;
  const rows = `${table} (${precision === 'float16' ? 'float16' : 'int8'})`;
  const gathered = node('Gather', [rows, ids], [part('rows')], { axis: 0 });
  if (precision === 'float16') return [gathered, node('Cast', [part('rows')], [result], { to: FLOAT })];
  return [
    gathered,
    node('Cast', [part('rows')], [part('whole numbers')], { to: FLOAT }),
    node('Gather', [`${table} (scale)`, ids], [part('scales')], { axis: 0 }),
    node('Mul', [part('whole numbers'), part('scales')], [result]),
  ];
}

function isLarge({ dataType, dims, dataLocation }: Tensor): boolean {
  const entries = (dims ?? []).reduce<number>((n, d) => n * Number(d), 1);
  return dataType === FLOAT && (dims ?? []).length >= 2 && entries >= SMALLEST && !dataLocation;
}

const sizes = ({ dims }: Tensor): number[] => (dims ?? []).map(Number);

function floatsOf({ rawData, floatData }: Tensor): Float32Array {
  if (!rawData?.length) return Float32Array.from(floatData ?? []);
  // Copied: the bytes need not be aligned.
  return new Float32Array(new Uint8Array(rawData).buffer);
}

function stored(
  name: string,
  dataType: number,
  dims: Tensor['dims'],
  data: Float32Array | Uint16Array | Int8Array | Uint8Array,
): Tensor {
  return {
    name,
    dataType,
    dims: [...(dims ?? [])],
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function node(opType: string, input: string[], output: string[], ints: Readonly<Record<string, number>> = {}): Node {
  const { INT } = onnxProto.onnx.AttributeProto.AttributeType;
  const attribute = Object.entries(ints).map(([name, i]) => ({ name, type: INT, i }));
  return { opType, name: output[0], input, output, attribute };
}

/** Each slice along an axis divided by a 127th of its largest magnitude, and rounded. */
function quantized(
  data: Float32Array,
  shape: readonly number[],
  axis: number,
): { values: Int8Array; scales: Float32Array } {
  const inner = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const slice = (k: number): number => Math.floor(k / inner) % shape[axis];
  const scales = new Float32Array(shape[axis]);
  for (let k = 0; k < data.length; k++) scales[slice(k)] = Math.max(scales[slice(k)], Math.abs(data[k]) / 127);
  // A slice of zeros has no scale; any will do.
  for (const [i, scale] of scales.entries()) if (scale === 0) scales[i] = 1;
  return { values: Int8Array.from(data, (x, k) => Math.round(x / scales[slice(k)])), scales };
}

/** A product with a weight matrix [K, N] as nodes on integers, one scale for each of its N columns; undefined for what is none. */
function integerProduct(
  { opType, input, output, attribute, name }: Node,
  weights: ReadonlyMap<string, Tensor>,
): { readonly nodes: Node[]; readonly tensors: Tensor[] } | undefined {
  const [a, b, bias] = input ?? [];
  const weight = weights.get(b ?? '');
  const attributes = new Map((attribute ?? []).map((each) => [each.name, each]));
  const flag = (key: string): number => Number(attributes.get(key)?.i ?? 0);
  const one = (key: string): boolean => (attributes.get(key)?.f ?? 1) === 1;
  const isGemm = opType === 'Gemm' && flag('transA') === 0 && one('alpha') && one('beta');
  if (!weight || sizes(weight).length !== 2 || weights.has(a) || !(isGemm || opType === 'MatMul')) return undefined;
  const transposed = isGemm && flag('transB') === 1;
  const [rows, columns] = sizes(weight);
  const data = floatsOf(weight);
  const matrix = transposed ? transpose(data, rows, columns) : data;
  const shape = transposed ? [columns, rows] : [rows, columns];
  const { values, scales } = quantized(matrix, shape, 1);
  // As unsigned numbers: where a processor has AVX2 and no VNNI, ONNX Runtime adds products of unsigned by signed numbers up in pairs of
  // 16 bits, which overflow at 32,767 and stay there. Nobody is told.
  const unsigned = Uint8Array.from(values, (value) => value + UNSIGNED_ZERO);
  const own = `${b}${transposed ? ' transposed' : ''}`;
  const [matrixName, scaleName, zeroName] = [`${own} (int8 matrix)`, `${own} (column scales)`, `${own} (zero)`];
  const result = output?.[0] ?? '';
  const part = (what: string): string => `${name || result} ${what}`;
  const product = bias ? part('product') : result;
  const nodes = [
    node('DynamicQuantizeLinear', [a], [part('rows'), part('row scale'), part('row zero')]),
    node('MatMulInteger', [part('rows'), matrixName, part('row zero'), zeroName], [part('sums')]),
    node('Cast', [part('sums')], [part('float sums')], { to: FLOAT }),
    node('Mul', [part('row scale'), scaleName], [part('scales')]),
    node('Mul', [part('float sums'), part('scales')], [product]),
  ];
  if (bias) nodes.push(node('Add', [product, bias], [result]));
  return {
    nodes,
    tensors: [
      stored(matrixName, UINT8, shape, unsigned),
      stored(scaleName, FLOAT, [scales.length], scales),
      stored(zeroName, UINT8, [], Uint8Array.of(UNSIGNED_ZERO)),
    ],
  };
}

function transpose(data: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) result[j * rows + i] = data[i * columns + j];
  return result;
}
