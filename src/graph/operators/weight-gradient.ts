/**
 * ∂L/∂w of a convolution: another convolution in the runtime's blocked layout where that is fast, else built of copies of its input and of
 * its output's cotangent, and matrix products of them. The copies are made by convolutions whose weights are 0 and 1, ONNX Runtime's
 * fastest way to shift an image into zeros: a stack of Pad, Slice and Concat took three times as long.
 */
import {
  ARRAY_TYPES,
  apply1,
  constant,
  type EmittedOperation,
  type Emitter,
  type FloatType,
  type Operator,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { emitBlockedWeightGradient } from './blocked-conv.ts';
import { concat } from './concat.ts';
import { type Convolution, convOperator } from './conv.ts';
import { inputGradient } from './conv-gradients.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { reshape, transpose, unsqueeze } from './shape.ts';
import { multiplySizes } from './sizes.ts';
import { padWindows, type Windows, windowParts } from './windows.ts';

/** From x [N, C, ...spatial] and g [N, M, ...counts], for w of the shape [M, C / groups, ...kernel]. */
export function weightGradient(x: SymbolicTensor, g: SymbolicTensor, attributes: Convolution): SymbolicTensor {
  return apply1(weightGradientOperator, [x, g], attributes);
}

const weightGradientOperator: Operator<Convolution> = {
  name: 'ConvWeightGradient',
  infer: ([x, g], { kernel, groups }) => [
    { dtype: x.dtype, shape: [g.shape[1], (x.shape[1] as number) / groups, ...kernel] },
  ],
  emit(emitter, operation) {
    const {
      inputs: [x, g],
      outputs: [{ shape }],
      outputNames,
      attributes,
    } = operation;
    if (x.dtype !== 'float64') {
      if (shape[1] === 1 && attributes.groups > 1) return emitDepthwise(emitter, operation);
      if (emitBlockedWeightGradient(emitter, operation)) return;
    }
    const products = separated(x, g, attributes) ?? ofColumns(x, g, shape, attributes);
    emitter.node('Identity', [emitter.expression(products)], outputNames);
  },
  vjp({ inputs: [x, g], attributes }, [cotangent]) {
    if (!cotangent) return [];
    return [inputGradient(g, cotangent, x, attributes), apply1(convOperator, [x, cotangent], attributes)];
  },
};

/**
 * ∂L/∂w of a depthwise convolution: a convolution of every channel, batch as its channels, with that of g as its kernel, strides
 * and dilations changed over. Measured about two to ten times as fast as the products, which have one column each here.
 */
function emitDepthwise(emitter: Emitter, { inputNames, outputNames, attributes }: EmittedOperation<Convolution>): void {
  const { kernel, strides, dilations, pads, groups } = attributes;
  const axes = kernel.map((_, i) => i + 2);
  const perm = { perm: { ints: [1, 0, ...axes] } };
  const [images, filters] = inputNames.map((name) => emitter.temporary('Transpose', [name], perm)); // [C, N, …], [M, N, …]
  const one = emitter.temporary('Reshape', [images, emitter.int64s([1, -1, ...kernel.map(() => 0)])]); // [1, C·N, …]
  const whole = emitter.temporary('Conv', [one, filters], {
    ...{ strides: { ints: dilations }, dilations: { ints: strides }, pads: { ints: pads }, group: { int: groups } },
  });
  // Entries that the stride leaves over give places beyond the window.
  const bounds = [kernel.map(() => 0), kernel, axes].map((values) => emitter.int64s(values));
  const places = emitter.temporary('Slice', [whole, ...bounds]);
  emitter.node('Reshape', [places, emitter.int64s([-1, 1, ...kernel])], outputNames);
}

/** The product of g with the windows laid out as columns. */
function ofColumns(x: SymbolicTensor, g: SymbolicTensor, shape: Shape, attributes: Convolution): SymbolicTensor {
  const { kernel, groups } = attributes;
  const [m, c] = shape as number[];
  // Measured: with the longer side first the product is up to 1.8 times as fast.
  const product = sumOfProducts(columns(x, attributes), flattenPositions(g), groups); // [groups, C / groups · places, M / groups]
  return reshape(transpose(product, [0, 2, 1]), [m, c, ...kernel]);
}

/**
 * With stride 1 along the height the places of a window separate: x shifted by each column meets g shifted by each row, and one
 * product of the two has every place in it, from 2k copies where columns take k².
 */
function separated(x: SymbolicTensor, g: SymbolicTensor, attributes: Convolution): SymbolicTensor | undefined {
  const { kernel, strides, dilations, pads, groups } = attributes;
  const [height, width] = kernel;
  const [m, c] = [g.shape[1], x.shape[1]] as number[];
  if (kernel.length !== 2 || groups !== 1 || strides[0] !== 1) return undefined;
  if (height * m + width * c >= height * width * c) return undefined;
  const reach = dilations[0] * (height - 1);
  const rowPads = [reach - pads[0], reach - pads[2]];
  if (rowPads.some((pad) => pad < 0)) return undefined;
  const byColumn = columns(x, {
    kernel: [1, width],
    strides: [1, strides[1]],
    dilations: [1, dilations[1]],
    pads: [0, pads[1], 0, pads[3]],
  });
  const byRow = columns(
    g,
    { kernel: [height, 1], strides: [1, 1], dilations: [dilations[0], 1], pads: [rowPads[0], 0, rowPads[1], 0] },
    { reversed: true },
  );
  // Names of run-time sizes come from different sides here.
  if (byColumn.shape[2] !== byRow.shape[2]) return undefined;
  const product = reshape(sumOfProducts(byRow, byColumn, 1), [m, height, c, width]);
  return transpose(product, [0, 2, 1, 3]);
}

/**
 * Σ over samples and positions of a[n, i, s] · b[n, j, s] within each group: a [N, A, positions] and b [N, B, positions] to
 * [groups, A / groups, B / groups].
 */
function sumOfProducts(a: SymbolicTensor, b: SymbolicTensor, groups: number): SymbolicTensor {
  const positions = a.shape[2];
  const grouped = [a, b].map((x) => reshape(x, [x.shape[0], groups, (x.shape[1] as number) / groups, positions]));
  const [rows, columns] = grouped.map((x) => x.shape[2] as number);
  // A product for each sample stays in the cache and needs no other order of axes, as long as the products are small beside the data.
  if (typeof positions === 'number' && rows * columns <= 2 * (rows + columns) * positions) {
    return sum(matmul(grouped[0], grouped[1], { transposeB: true }), [0]);
  }
  const [p, q] = grouped.map((x) =>
    reshape(transpose(x, [1, 2, 0, 3]), [groups, x.shape[2], multiplySizes([x.shape[0], positions])]),
  );
  return matmul(p, q, { transposeB: true });
}

/** Larger windows are cut out: zeros and ones would be as many as the square of the places. */
const MOST_PLACES = 49;

/**
 * The windows of `x` [N, C, ...spatial] as [N, C · places, windows]: for each channel, the entries at each place of the window in
 * row-major order, or in reversed order.
 */
function columns(x: SymbolicTensor, windows: Windows, { reversed = false } = {}): SymbolicTensor {
  const { kernel, strides, pads } = windows;
  if ([...kernel, ...strides].every((n) => n === 1) && pads.every((pad) => pad === 0)) return flattenPositions(x);
  const channels = x.shape[1] as number;
  const places = kernel.reduce((n, k) => n * k, 1);
  if (x.dtype === 'float64' || places > MOST_PLACES) {
    const parts = windowParts(padWindows(x, windows), windows).map((part) => unsqueeze(flattenPositions(part), 2));
    const stacked = concat(reversed ? parts.reverse() : parts, 2);
    return reshape(stacked, [x.shape[0], channels * places, stacked.shape[3]]);
  }
  const picks = new ARRAY_TYPES[x.dtype as FloatType](channels * places * places);
  for (let k = 0; k < channels * places; k++) {
    const place = k % places;
    picks[k * places + (reversed ? places - 1 - place : place)] = 1;
  }
  const pick = constant(picks, x.dtype, [channels * places, 1, ...kernel]);
  return flattenPositions(apply1(convOperator, [x, pick], { ...windows, groups: channels }));
}

/** [N, C, ...spatial] → [N, C, positions]. */
function flattenPositions(x: SymbolicTensor): SymbolicTensor {
  return reshape(x, [x.shape[0], x.shape[1], multiplySizes(x.shape.slice(2))]);
}
