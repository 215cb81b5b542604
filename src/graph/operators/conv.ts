/**
 * Convolution (as machine learning calls it: a correlation) and transposed convolution, over any number of spatial axes, with
 * groups. Each is the gradient of the other by its input.
 *
 * ONNX Runtime's kernels are float32. In float64 both write themselves out as a sum over the places of the window: slow, and
 * there so that gradients can be checked.
 */
import { LimbeckError } from '../../errors.ts';
import {
  apply1,
  type Dimension,
  isFloat,
  isKnown,
  type OnnxAttribute,
  type Operator,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { emitBlockedConv, emitBlockedConvTranspose } from './blocked-conv.ts';
import { concat } from './concat.ts';
import { biasGradient, flipped, inputGradient } from './conv-gradients.ts';
import { einsum } from './einsum.ts';
import { add } from './elementwise.ts';
import { replaceEntries, reshape } from './shape.ts';
import { addSizes, multiplySizes } from './sizes.ts';
import { padAxes, slice } from './slice.ts';
import { weightGradient } from './weight-gradient.ts';
import {
  padWindows,
  resolveWindows,
  spans,
  type WindowOptions,
  type Windows,
  windowCounts,
  windowParts,
} from './windows.ts';

export interface Convolution extends Windows {
  readonly groups: number;
}

export function onnxAttributes({
  kernel,
  strides,
  dilations,
  pads,
  groups,
}: Convolution): Record<string, OnnxAttribute> {
  return {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    pads: { ints: pads },
    group: { int: groups },
  };
}

export const convOperator: Operator<Convolution> = {
  name: 'Conv',
  infer: ([x, w], attributes) => [
    { dtype: x.dtype, shape: [x.shape[0], w.shape[0], ...windowCounts('conv', x.shape.slice(2), attributes)] },
  ],
  emit(emitter, operation) {
    const {
      inputs: [x, w, bias],
      inputNames,
      outputNames,
      attributes,
    } = operation;
    if (x.dtype !== 'float64') {
      if (!emitBlockedConv(emitter, operation))
        emitter.node('Conv', inputNames, outputNames, onnxAttributes(attributes));
      return;
    }
    emitter.node('Identity', [emitter.expression(withBias(sumOfPlaces(x, w, attributes), bias))], outputNames);
  },
  vjp({ inputs: [x, w, bias], attributes }, [g]) {
    if (!g) return [];
    return [inputGradient(g, w, x, attributes), weightGradient(x, g, attributes), bias && biasGradient(g)];
  },
};

export interface ConvOptions extends WindowOptions {
  /** One number for each output channel, [M]. */
  readonly bias?: SymbolicTensor;
  /** Channels in so many groups that do not see each other; as many as channels is a depthwise convolution. Default 1. */
  readonly groups?: number;
}

/**
 * y[n, m, o] = bias[m] + Σ over channels c of m's group and places k of x[n, c, stride·o + dilation·k − pad] · w[m, c, k].
 *
 * @param x [N, C, ...spatial]; batch and spatial sizes may be run-time sizes
 * @param w [M, C / groups, ...kernel]
 * @returns [N, M, ...counts]
 * @throws LimbeckError SHAPE_MISMATCH for shapes that do not go together; see {@link WindowOptions} for the rest
 *
 * @example
 * conv(images, weights, { strides: [2, 2], pads: [1, 1, 1, 1] }); // [N, 3, 32, 32], [16, 3, 3, 3] → [N, 16, 16, 16]
 */
export function conv(x: SymbolicTensor, w: SymbolicTensor, options: ConvOptions = {}): SymbolicTensor {
  const { bias, groups = 1 } = options;
  const [m, c, ...kernel] = w.shape;
  const fits =
    wholeGroups(groups) &&
    x.rank === w.rank &&
    x.rank > 2 &&
    isKnown(w.shape) &&
    x.shape[1] === multiplySizes([c, groups]);
  const expected = `[N, C, ...spatial], [M, C / ${groups}, ...kernel] and a bias [M]`;
  checkTypes('conv', fits && (m as number) % groups === 0, expected, [x, w, bias], m);
  const windows = resolveWindows('conv', x.shape.slice(2), kernel as number[], options);
  return apply1(convOperator, bias ? [x, w, bias] : [x, w], { ...windows, groups });
}

export interface Transposed extends Convolution {
  readonly outputPads: readonly number[];
}

export const convTransposeOperator: Operator<Transposed> = {
  name: 'ConvTranspose',
  infer: ([x, w], attributes) => [
    {
      dtype: x.dtype,
      shape: [
        x.shape[0],
        multiplySizes([w.shape[1], attributes.groups]),
        ...transposedSizes(x.shape.slice(2), attributes),
      ],
    },
  ],
  emit(emitter, operation) {
    const {
      inputs: [x, w, bias],
      inputNames,
      outputNames,
      attributes,
    } = operation;
    const { outputPads, strides } = attributes;
    if (x.dtype !== 'float64' && emitBlockedConvTranspose(emitter, operation)) return;
    // Measured: with stride 1 a plain convolution with turned weights is up to twice as fast as the transposed one.
    if (x.dtype !== 'float64' && strides.some((stride) => stride > 1)) {
      const nodeAttributes = { ...onnxAttributes(attributes), output_padding: { ints: outputPads } };
      return emitter.node('ConvTranspose', inputNames, outputNames, nodeAttributes);
    }
    const margins = outputPads.map((after, i) => ({ axis: i + 2, before: 0, after }));
    const dilated = padAxes(
      attributes.strides.reduce((y, stride, i) => dilate(y, i + 2, stride), x),
      margins,
    );
    return emitter.node('Identity', [emitter.expression(withBias(flipped(dilated, w, attributes), bias))], outputNames);
  },
  vjp({ inputs: [x, w, bias], attributes }, [g]) {
    if (!g) return [];
    const gx = apply1(convOperator, [g, w], attributes);
    return [gx, weightGradient(g, x, attributes), bias && biasGradient(g)];
  },
};

export function transposedSizes(spatial: Shape, attributes: Transposed): Dimension[] {
  const { strides, pads, outputPads } = attributes;
  return spans(attributes).map((span, i) => {
    const rest = span - strides[i] - pads[i] - pads[i + spatial.length] + outputPads[i];
    return addSizes([multiplySizes([strides[i], spatial[i]]), rest]);
  });
}

export interface ConvTransposeOptions extends Omit<ConvOptions, 'pads'> {
  /** Entries cut off before each axis, then after each. Default 0. */
  readonly pads?: readonly number[];
  /** Entries added after each axis, fewer than its stride: which of the sizes that a strided convolution maps to one. Default 0. */
  readonly outputPads?: readonly number[];
}

/**
 * The transpose of {@link conv} as a linear map: y[n, m, stride·o + dilation·k − pad] collects x[n, c, o] · w[c, m, k].
 *
 * @param x [N, C, ...spatial]
 * @param w [C, M / groups, ...kernel]
 * @returns [N, M, ...(size − 1)·stride − pads + dilation·(kernel − 1) + 1 + outputPad]
 */
export function convTranspose(
  x: SymbolicTensor,
  w: SymbolicTensor,
  options: ConvTransposeOptions = {},
): SymbolicTensor {
  const { bias, groups = 1 } = options;
  const [c, m, ...kernel] = w.shape;
  const fits =
    wholeGroups(groups) &&
    x.rank === w.rank &&
    x.rank > 2 &&
    isKnown(w.shape) &&
    x.shape[1] === c &&
    (c as number) % groups === 0;
  const expected = `[N, C, ...spatial], [C, M / ${groups}, ...kernel] and a bias [M]`;
  checkTypes('convTranspose', fits, expected, [x, w, bias], fits ? multiplySizes([m, groups]) : 0);
  const windows = resolveWindows('convTranspose', x.shape.slice(2), kernel as number[], options);
  const { outputPads = kernel.map(() => 0) } = options;
  if (outputPads.length !== kernel.length || outputPads.some((n, i) => !(n >= 0 && n < windows.strides[i]))) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `convTranspose: expected output pads smaller than the strides [${windows.strides.join(', ')}], got [${outputPads.join(', ')}].`,
    );
  }
  return apply1(convTransposeOperator, bias ? [x, w, bias] : [x, w], { ...windows, groups, outputPads });
}

/** The convolution by its definition: for each place of the window, the entries there times the weights there. */
function sumOfPlaces(x: SymbolicTensor, w: SymbolicTensor, attributes: Convolution): SymbolicTensor {
  const { kernel, groups } = attributes;
  const [m, c] = w.shape as number[];
  const spatial = 'uvwxyz'.slice(0, kernel.length);
  const parts = windowParts(padWindows(x, attributes), attributes);
  const places = windowParts(w, { kernel, strides: kernel, dilations: kernel.map(() => 1), pads: [] });
  const outputs = Array.from({ length: groups }, (_, group) => {
    const products = parts.map((part, k) => {
      const weights = reshape(slice(places[k], 0, (group * m) / groups, ((group + 1) * m) / groups), [m / groups, c]);
      return einsum(`nc${spatial},mc->nm${spatial}`, [slice(part, 1, group * c, (group + 1) * c), weights]);
    });
    return products.reduce((total, product) => add(total, product));
  });
  return concat(outputs, 1);
}

/** step − 1 zeros between neighbours along an axis. */
function dilate(x: SymbolicTensor, axis: number, step: number): SymbolicTensor {
  if (step === 1) return x;
  const spaced = replaceEntries(x, axis, (entry) => padAxes(entry, [{ axis: x.rank, before: 0, after: step - 1 }]));
  return slice(spaced, axis, 0, 1 - step);
}

function withBias(y: SymbolicTensor, bias: SymbolicTensor | undefined): SymbolicTensor {
  return bias ? add(y, reshape(bias, [bias.shape[0], ...y.shape.slice(2).map(() => 1)])) : y;
}

const wholeGroups = (groups: number) => Number.isSafeInteger(groups) && groups >= 1;

/** Throws SHAPE_MISMATCH unless all have one float type and the bias is [channels]. */
function checkTypes(
  operator: string,
  fits: boolean,
  expected: string,
  [x, w, bias]: readonly (SymbolicTensor | undefined)[],
  channels: Dimension,
): void {
  const tensors = [x, w, bias].filter((tensor) => tensor !== undefined);
  const oneType = tensors.every(({ dtype }) => dtype === tensors[0].dtype && isFloat(dtype));
  const biasFits = !bias || (bias.rank === 1 && bias.shape[0] === channels);
  if (fits && oneType && biasFits) return;
  throw new LimbeckError('SHAPE_MISMATCH', `${operator}: expected ${expected}, got ${tensors.join(' and ')}.`);
}
