/**
 * The gradients of convolutions, built of convolutions and matrix products. Which form is the fastest on ONNX Runtime's CPU
 * kernels was measured; where a comment says so, it says against what.
 */
import { apply1, isKnown, type SymbolicTensor } from '../tensor.ts';
import { type Convolution, convOperator, convTransposeOperator, transposedSizes } from './conv.ts';
import { sum } from './reduce.ts';
import { reshape, transpose } from './shape.ts';
import { sliceAxes, spread } from './slice.ts';
import { padWindows, spans } from './windows.ts';

/** ∂L/∂x of a convolution, from g [N, M, ...counts]. */
export function inputGradient(
  g: SymbolicTensor,
  w: SymbolicTensor,
  x: SymbolicTensor,
  attributes: Convolution,
): SymbolicTensor {
  const { strides } = attributes;
  const spatial = x.shape.slice(2);
  if (isKnown(spatial)) {
    const attempt = { ...attributes, outputPads: strides.map(() => 0) };
    const sizes = transposedSizes(g.shape.slice(2), attempt) as number[];
    return apply1(convTransposeOperator, [g, w], {
      ...attempt,
      outputPads: sizes.map((size, i) => (spatial[i] as number) - size),
    });
  }
  if (strides.every((stride) => stride === 1)) return flipped(g, w, attributes);
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

export function biasGradient(g: SymbolicTensor): SymbolicTensor {
  return sum(
    g,
    g.shape.flatMap((_, i) => (i === 1 ? [] : [i])),
  );
}
