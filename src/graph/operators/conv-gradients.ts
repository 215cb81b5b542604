/**
 * The gradients of convolutions, built of convolutions and matrix products. Which form is the fastest on ONNX Runtime's CPU
 * kernels was measured; where a comment says so, it says against what.
 */
import { apply1, isKnown, type Operator, type Shape, type SymbolicTensor } from '../tensor.ts';
import { concat } from './concat.ts';
import { type Convolution, convOperator, convTransposeOperator, transposedSizes } from './conv.ts';
import { matmul } from './matmul.ts';
import { sum } from './reduce.ts';
import { flatten, reshape, transpose } from './shape.ts';
import { sliceAxes, spread } from './slice.ts';
import { padWindows, spans, windowParts } from './windows.ts';

/** ∂L/∂x of a convolution, from g [N, M, ...counts]. */
export function inputGradient(
  g: SymbolicTensor,
  w: SymbolicTensor,
  x: SymbolicTensor,
  attributes: Convolution,
): SymbolicTensor {
  const { strides } = attributes;
  // Measured: a plain convolution with turned weights is up to twice as fast as the transposed one.
  if (strides.every((stride) => stride === 1)) return flipped(g, w, attributes);
  const spatial = x.shape.slice(2);
  if (isKnown(spatial)) {
    const attempt = { ...attributes, outputPads: strides.map(() => 0) };
    const sizes = transposedSizes(g.shape.slice(2), attempt) as number[];
    return apply1(convTransposeOperator, [g, w], {
      ...attempt,
      outputPads: sizes.map((size, i) => (spatial[i] as number) - size),
    });
  }
  // How many entries the stride leaves over is known only at run time: zeros between the entries, at the places that they had.
  const places = sliceAxes(
    padWindows(x, attributes),
    spans(attributes).map((span, i) => ({ axis: i + 2, start: 0, end: span === 1 ? undefined : 1 - span, step: 1 })),
  );
  const dense = strides.reduce((y, stride, i) => spread(y, i + 2, stride, places), g);
  return flipped(dense, w, { ...attributes, strides: strides.map(() => 1) });
}

/** The transpose of a convolution with stride 1: a convolution with the weights turned round, and channels in and out swapped. */
export function flipped(
  g: SymbolicTensor,
  w: SymbolicTensor,
  { kernel, dilations, pads, groups }: Convolution,
): SymbolicTensor {
  const n = kernel.length;
  const turned = sliceAxes(
    w,
    kernel.flatMap((k, i) => (k === 1 ? [] : [{ axis: i + 2, start: -1, step: -1 }])),
  );
  const [m, c] = w.shape as number[];
  const spatialAxes = kernel.map((_, i) => i + 3);
  const swapped = reshape(transpose(reshape(turned, [groups, m / groups, c, ...kernel]), [0, 2, 1, ...spatialAxes]), [
    groups * c,
    m / groups,
    ...kernel,
  ]);
  const margins = pads.map((pad, i) => dilations[i % n] * (kernel[i % n] - 1) - pad);
  const strides = kernel.map(() => 1);
  const whole = apply1(convOperator, [g, swapped], {
    ...{ kernel, strides, dilations, groups },
    pads: margins.map((margin) => Math.max(0, margin)),
  });
  // Pads wider than the window saw nothing but zeros at the border.
  return sliceAxes(
    whole,
    kernel.flatMap((_, i) => {
      const [before, after] = [Math.max(0, -margins[i]), Math.max(0, -margins[i + n])];
      return before + after === 0
        ? []
        : [{ axis: i + 2, start: before, end: after === 0 ? undefined : -after, step: 1 }];
    }),
  );
}

/**
 * ∂L/∂w of a depthwise convolution: a convolution of every channel, batch as its channels, with that of g as its kernel, strides
 * and dilations changed over. Measured about two to ten times as fast as the products, which have one column each here.
 */
const depthwiseOperator: Operator<Convolution> = {
  name: 'DepthwiseWeightGradient',
  infer: ([x, g], { kernel }) => [{ dtype: x.dtype, shape: [g.shape[1], 1, ...kernel] }],
  emit(emitter, { inputs: [x, g], inputNames, outputNames, attributes }) {
    const { kernel, strides, dilations, pads, groups } = attributes;
    if (x.dtype === 'float64') {
      const products = productGradient(x, g, [g.shape[1], 1, ...kernel], attributes);
      return emitter.node('Identity', [emitter.expression(products)], outputNames);
    }
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
    return emitter.node('Reshape', [places, emitter.int64s([-1, 1, ...kernel])], outputNames);
  },
  vjp({ inputs: [x, g], attributes }, [cotangent]) {
    if (!cotangent) return [];
    return [inputGradient(g, cotangent, x, attributes), apply1(convOperator, [x, cotangent], attributes)];
  },
};

/**
 * ∂L/∂w of a convolution: one product of g with the windows laid out as columns. Measured against a convolution with g as its
 * kernel, two to three times as fast.
 */
export function weightGradient(
  x: SymbolicTensor,
  g: SymbolicTensor,
  shape: Shape,
  attributes: Convolution,
): SymbolicTensor {
  if (shape[1] === 1 && attributes.groups > 1) return apply1(depthwiseOperator, [x, g], attributes);
  return productGradient(x, g, shape, attributes);
}

function productGradient(x: SymbolicTensor, g: SymbolicTensor, shape: Shape, attributes: Convolution): SymbolicTensor {
  const { kernel, groups } = attributes;
  const [m, c] = shape as number[];
  const channelsFirst = [1, 0, ...kernel.map((_, i) => i + 2)];
  const rows = flatten(transpose(g, channelsFirst), 1); // [M, N·counts]
  const parts = windowParts(transpose(padWindows(x, attributes), channelsFirst), attributes); // [C, N, ...counts] each
  const last = kernel.map((_, i) => i + 1);
  if (groups === 1) {
    const columns = flatten(concat(parts, 0), 1); // [kernel·C, N·counts]
    const product = reshape(matmul(rows, columns, { transposeB: true }), [m, ...kernel, c]);
    return transpose(product, [0, kernel.length + 1, ...last]);
  }
  const grouped = (part: SymbolicTensor) => reshape(part, [groups, (part.shape[0] as number) / groups, part.shape[1]]);
  const columns = concat(
    parts.map((part) => grouped(flatten(part, 1))),
    1,
  );
  const product = matmul(grouped(rows), columns, { transposeB: true }); // [groups, M / groups, kernel·C / groups]
  return transpose(reshape(product, [m, ...kernel, c]), [0, kernel.length + 1, ...last]);
}

export function biasGradient(g: SymbolicTensor): SymbolicTensor {
  return sum(
    g,
    g.shape.flatMap((_, i) => (i === 1 ? [] : [i])),
  );
}
