/**
 * Convolutions in ONNX Runtime's blocked layout (`blocked-layout.ts`). Where weights are constants the runtime changes to it by itself;
 * weights that are trained are inputs, so here the graph says it: operators of the runtime's own domain, weights rearranged at every run.
 *
 * Measured 1.5 to 2.5 times as fast as the plain Conv, the changes of layout included (3 × 3, 16 to 64 channels); strided transposed
 * convolutions 1.8 times. Where the layout does not fit, the functions write nothing and say so.
 */
import {
  type Dimension,
  type EmittedOperation,
  type Emitter,
  isKnown,
  type Shape,
  type SymbolicTensor,
} from '../tensor.ts';
import { formOf, inBlocks, ofChannels, ones, pendingForm, toBlocks, toPlain, writeConv } from './blocked-layout.ts';
import { type Convolution, onnxAttributes, type Transposed } from './conv.ts';

/** @returns whether the convolution was written */
export function emitBlockedConv(emitter: Emitter, operation: EmittedOperation<Convolution>): boolean {
  const { inputs, inputNames, outputNames, attributes } = operation;
  const [x, w] = inputs;
  const { channelBlock: block } = emitter;
  const [m, c] = w.shape as number[];
  const { groups } = attributes;
  const depthwise = groups > 1 && c === 1 && m === groups;
  // Fewer channels than a block, such as colours, are read as they are.
  const channelsFit = depthwise || (groups === 1 && (c < block || c % block === 0));
  if (!fits(block, x, w) || !channelsFit || m % block !== 0) return false;
  const plain = groups === 1 && c < block;
  const images = plain ? inputNames[0] : inBlocks(emitter, inputNames[0], x.shape[1] as number);
  const places = attributes.kernel.reduce((n, k) => n * k, 1);
  const vectors = interleaved(emitter, inputNames[1], block, c * places);
  const ordered =
    plain || depthwise
      ? vectors
      : transposed(emitter, vectors, [m / block, c / block, block, places, block], [0, 1, 3, 2, 4]);
  const weights = reshaped(emitter, ordered, w.shape);
  const result = { x: images, filters: weights, bias: inputNames[2], attributes: onnxAttributes(attributes) };
  emitter.setBlocked(outputNames[0], pendingForm(emitter, m, result));
  return true;
}

/** @returns whether the transposed convolution was written */
export function emitBlockedConvTranspose(emitter: Emitter, operation: EmittedOperation<Transposed>): boolean {
  const [x, w] = operation.inputs;
  const { channelBlock: block } = emitter;
  const [m, c] = w.shape as number[];
  const { strides, groups } = operation.attributes;
  if (!fits(block, x, w) || groups !== 1 || m % block !== 0 || c % block !== 0) return false;
  return strides.every((s) => s === 1) ? emitTurned(emitter, operation) : emitStrided(emitter, operation);
}

/** With stride 1: a convolution with the weights turned round, and channels in and out swapped. */
function emitTurned(emitter: Emitter, operation: EmittedOperation<Transposed>): boolean {
  const { inputs, inputNames, outputNames, attributes } = operation;
  const { channelBlock: block } = emitter;
  const [m, c] = inputs[1].shape as number[];
  const { kernel, dilations, pads } = attributes;
  const margins = pads.map((pad, i) => dilations[i % 2] * (kernel[i % 2] - 1) - pad);
  if (margins.some((margin) => margin < 0)) return false;
  const places = kernel.reduce((n, k) => n * k, 1);
  const vectors = interleaved(emitter, inputNames[1], block, places);
  const split = [m / block, block, c / block, places, block];
  const ordered = reshaped(emitter, transposed(emitter, vectors, split, [2, 0, 3, 1, 4]), [-1, places, block * block]);
  const turned = reshaped(emitter, reversed(emitter, ordered, [1]), [c, m, ...kernel]);
  const result = {
    x: inBlocks(emitter, inputNames[0], m),
    filters: turned,
    bias: inputNames[2],
    attributes: onnxAttributes({ ...attributes, pads: margins }),
  };
  emitter.setBlocked(outputNames[0], pendingForm(emitter, c, result));
  return true;
}

function reversed(emitter: Emitter, name: string, axes: readonly number[]): string {
  const [starts, ends] = [-1, -Number.MAX_SAFE_INTEGER].map((bound) => emitter.int64s(axes.map(() => bound)));
  return emitter.temporary('Slice', [name, starts, ends, emitter.int64s(axes), starts]);
}

/**
 * A transposed convolution with strides as a convolution with stride 1: it gives the entries between which the stride has the
 * others as channels of their own, stride² times as many, each with the weights that it meets; then they are put side by side.
 *
 * Entry i = stride · q + r meets w[t] and x[q + a] for t = r + pad − stride · a.
 */
function emitStrided(emitter: Emitter, operation: EmittedOperation<Transposed>): boolean {
  const { inputs, outputs, inputNames, outputNames, attributes } = operation;
  const [x, w] = inputs;
  const { channelBlock: block } = emitter;
  const [m, c] = w.shape as number[];
  const { kernel, strides, dilations, pads, groups } = attributes;
  const spatial = outputs[0].shape.slice(2);
  const counts = x.shape.slice(2);
  if (dilations.some((d) => d !== 1)) return false;
  if (!isKnown(spatial) || !isKnown(counts) || (spatial as number[]).some((size, i) => size % strides[i] !== 0))
    return false;
  const axes = kernel.map((k, i) => {
    const [stride, pad] = [strides[i], pads[i]];
    const first = Math.ceil((pad - k + 1) / stride);
    const last = Math.floor((pad + stride - 1) / stride);
    const window = last - first + 1;
    const before = stride * last - pad;
    const places = spatial[i] / stride;
    return {
      stride,
      window,
      before,
      after: stride * window - k - before,
      places,
      left: -first,
      right: places + last - counts[i],
    };
  });
  // Windows of fewer entries than the stride leave most weights 0.
  if (axes.some(({ stride, left, right }, i) => left < 0 || right < 0 || kernel[i] < stride)) return false;
  const [h, v] = axes;
  const margins = emitter.int64s([0, 0, h.before, v.before, 0, 0, h.after, v.after]);
  const padded = emitter.temporary('Pad', [inputNames[1], margins]);
  const split = [m / block, block, c / block, block, h.window, h.stride, v.window, v.stride];
  const places = reshaped(emitter, padded, split);
  // The larger t, the smaller a: windows are turned round.
  const turned = reversed(emitter, places, [4, 6]);
  const channels = h.stride * v.stride * c;
  const ordered = emitter.temporary('Transpose', [turned], { perm: { ints: [5, 7, 2, 0, 4, 6, 1, 3] } });
  const weights = reshaped(emitter, ordered, [channels, m, h.window, v.window]);
  const y = writeConv(emitter, {
    x: inBlocks(emitter, inputNames[0], m),
    filters: weights,
    attributes: onnxAttributes({
      ...{ kernel: [h.window, v.window], strides: [1, 1], dilations, groups },
      pads: [h.left, v.left, h.right, v.right],
    }),
  });
  const apart = emitter.int64s([-1, h.stride, v.stride, c / block, h.places, v.places, block]);
  const together = emitter.temporary('Transpose', [emitter.temporary('Reshape', [y, apart])], {
    perm: { ints: [0, 3, 4, 1, 5, 2, 6] },
  });
  const images = emitter.temporary('Reshape', [together, emitter.int64s([-1, c, ...spatial])]);
  const [, , bias] = inputNames;
  const form =
    bias === undefined
      ? formOf(c, images)
      : pendingForm(emitter, c, { x: images, filters: ones(emitter, c), bias, attributes: ofChannels(c) });
  emitter.setBlocked(outputNames[0], form);
  return true;
}

/**
 * The fewest blocks of output channels with which the convolution below was the faster way, and the most bytes of filters that the
 * runtime's kernel takes at a time: one block of samples, up to four blocks of output channels, all positions.
 */
const LEAST_BLOCKS = 2;
const BLOCKS_AT_A_TIME = 4;
const MOST_BYTES = 2 ** 20;

/**
 * ∂L/∂w of a convolution of x [N, C, H, W], from g [N, M, P, Q], as a convolution itself: samples stand where channels do, and channels
 * of x where samples do; g is the filters, of P × Q entries, and strides and dilations change places.
 *
 * Every row of the window reads the filters of a block of samples once more, so these should stay in the cache. Up to a megabyte of them
 * this was measured as fast as shifted copies and their products, or up to 2.9 times as fast: up to 256 positions with blocks of 16,
 * 1024 with blocks of 8; with more it was as fast or slower. One block of output channels leaves three sums at a time, too few to keep
 * the processor busy.
 *
 * @returns whether it was written
 */
export function emitBlockedWeightGradient(emitter: Emitter, operation: EmittedOperation<Convolution>): boolean {
  const { inputs, inputNames, outputNames, attributes } = operation;
  const [x, g] = inputs;
  const { channelBlock: block } = emitter;
  const { kernel, strides, dilations, pads, groups } = attributes;
  const [channels, ...sizes] = x.shape.slice(1) as number[];
  const [outputs, ...counts] = g.shape.slice(1) as number[];
  if (block === 0 || x.rank !== 4 || x.dtype !== 'float32' || groups !== 1 || kernel.every((k) => k === 1))
    return false;
  if (!isKnown(sizes) || !isKnown(counts)) return false;
  if (outputs % block !== 0 || outputs < LEAST_BLOCKS * block) return false;
  const bytes = 4 * block * Math.min(outputs, BLOCKS_AT_A_TIME * block) * counts[0] * counts[1];
  if (bytes > MOST_BYTES) return false;
  // Zeros before and after the entries, as far as windows reach; entries that the stride leaves over meet no place that is kept.
  const after = kernel.map((k, i) =>
    Math.max(0, (counts[i] - 1) * strides[i] + (k - 1) * dilations[i] + 1 - sizes[i] - pads[i]),
  );
  const padded = surroundedByZeros(emitter, inputNames[0], channels, [...pads.slice(0, 2), ...after]);
  const wide = sizes.map((size, i) => pads[i] + size + after[i]);
  const [samples, cotangents] = wholeBlocks(emitter, block, x.shape[0], [
    { name: padded, sizes: [channels, ...wide] },
    { name: inBlocks(emitter, inputNames[1], outputs), sizes: [outputs, ...counts] },
  ]);
  const images = toBlocks(emitter, emitter.temporary('Transpose', [samples], { perm: { ints: [1, 0, 2, 3] } }));
  // From [samples / block, block, outputs / block, positions, block]: three passes over long runs instead of one over short ones.
  const positions = counts[0] * counts[1];
  const groupsOfOutputs = [-1, outputs / block, positions * block];
  const byOutput = transposed(emitter, cotangents, groupsOfOutputs, [1, 0, 2]);
  const bySample = interleaved(emitter, byOutput, block, positions * block);
  const weights = reshaped(emitter, interleaved(emitter, bySample, block, block), [outputs, -1, ...counts]);
  const y = writeConv(emitter, {
    x: images,
    filters: weights,
    attributes: onnxAttributes({ kernel: counts, strides: dilations, dilations: strides, pads: [0, 0, 0, 0], groups }),
  });
  const whole = toPlain(emitter, y, outputs);
  const found = wide.map((size, i) => Math.floor((size - (counts[i] - 1) * strides[i] - 1) / dilations[i]) + 1);
  const places = found.every((count, i) => count === kernel[i])
    ? whole
    : emitter.temporary('Slice', [whole, ...[[0, 0], kernel, [2, 3]].map((list) => emitter.int64s(list))]);
  emitter.node('Transpose', [places], outputNames, { perm: { ints: [1, 0, 2, 3] } });
  return true;
}

/** Images in plain layout within zeros: the runtime's fastest way is a convolution with weights of 1. */
function surroundedByZeros(emitter: Emitter, name: string, channels: number, pads: readonly number[]): string {
  if (pads.every((pad) => pad === 0)) return name;
  const attributes = ofChannels(channels, pads);
  const known = emitter.blocked(name);
  if (!known) return emitter.temporary('Conv', [name, ones(emitter, channels)], attributes);
  const filters = ones(emitter, channels);
  return toPlain(emitter, writeConv(emitter, { x: known.name(), filters, attributes }), channels);
}

/** Tensors of `batch` samples with zeros behind, so that samples come in whole blocks. */
function wholeBlocks(
  emitter: Emitter,
  block: number,
  batch: Dimension,
  tensors: readonly { readonly name: string; readonly sizes: readonly number[] }[],
): string[] {
  if (emitter.multipleOf(batch) % block === 0) return tensors.map(({ name }) => name);
  const count = emitter.temporary('Shape', [tensors[0].name], { start: { int: 0 }, end: { int: 1 } });
  // ONNX's Mod has the sign of the divisor: −n mod block are missing.
  const missing = emitter.temporary('Mod', [emitter.temporary('Neg', [count]), emitter.int64s([block])]);
  return tensors.map(({ name, sizes }) => {
    const shape = emitter.temporary('Concat', [missing, emitter.int64s(sizes)], { axis: { int: 0 } });
    const zeros = emitter.temporary('ConstantOfShape', [shape]);
    return emitter.temporary('Concat', [name, zeros], { axis: { int: 0 } });
  });
}

function fits(block: number, x: SymbolicTensor, w: SymbolicTensor): boolean {
  return block > 0 && x.rank === 4 && x.dtype === 'float32' && w.source.kind !== 'constant';
}

/** [-1, block, length] to [-1, length, block]: what the change to blocks does with channels, and faster than Transpose. */
function interleaved(emitter: Emitter, name: string, block: number, length: number): string {
  return toBlocks(emitter, reshaped(emitter, name, [-1, block, length, 1]));
}

function transposed(emitter: Emitter, name: string, sizes: readonly number[], perm: readonly number[]): string {
  return emitter.temporary('Transpose', [reshaped(emitter, name, sizes)], { perm: { ints: perm } });
}

function reshaped(emitter: Emitter, name: string, sizes: Shape): string {
  return emitter.temporary('Reshape', [name, emitter.int64s(sizes as number[])]);
}
