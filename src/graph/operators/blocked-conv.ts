/**
 * Convolutions in ONNX Runtime's blocked layout, in which so many neighbouring channels stand together as a vector of the processor is
 * wide: [N, C / block, H, W, block]. Where weights are constants the runtime changes to it by itself; weights that are trained are
 * inputs, so here the graph says it: operators of the runtime's own domain, weights rearranged by Reshape and Transpose.
 *
 * Measured 1.5 to 2.5 times as fast as the plain Conv, the changes of layout included (3 × 3, 16 to 64 channels); strided transposed
 * convolutions 1.8 times. Where the layout does not fit, the functions write nothing and say so.
 */
import { type EmittedOperation, type Emitter, isKnown, type Shape, type SymbolicTensor } from '../tensor.ts';
import type { Convolution, Transposed } from './conv.ts';

const DOMAIN = 'com.microsoft.nchwc';

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
  const images = plain ? inputNames[0] : reorderInput(emitter, inputNames[0]);
  const split = plain || depthwise ? [m / block, block, c] : [m / block, block, c / block, block];
  const perm = plain || depthwise ? [0, 2, 3, 4, 1] : [0, 2, 4, 5, 3, 1];
  const parts = emitter.temporary('Reshape', [inputNames[1], emitter.int64s([...split, ...attributes.kernel])]);
  const weights = filters(emitter, parts, perm, w.shape as number[]);
  const y = conv(emitter, [images, weights, ...inputNames.slice(2)], attributes);
  emitter.node(`${DOMAIN}.ReorderOutput`, [y], outputNames, { channels: { int: m } });
  return true;
}

/**
 * A transposed convolution with strides as a convolution with stride 1: it gives the entries between which the stride has the
 * others as channels of their own, stride² times as many, each with the weights that it meets; then they are put side by side.
 *
 * Entry i = stride · q + r meets w[t] and x[q + a] for t = r + pad − stride · a.
 *
 * @returns whether the convolution was written
 */
export function emitBlockedConvTranspose(emitter: Emitter, operation: EmittedOperation<Transposed>): boolean {
  const { inputs, outputs, inputNames, outputNames, attributes } = operation;
  const [x, w] = inputs;
  const { channelBlock: block } = emitter;
  const [m, c] = w.shape as number[];
  const { kernel, strides, dilations, pads, groups } = attributes;
  const spatial = outputs[0].shape.slice(2);
  const counts = x.shape.slice(2);
  if (!fits(block, x, w) || groups !== 1 || m % block !== 0 || c % block !== 0) return false;
  if (strides.every((s) => s === 1) || dilations.some((d) => d !== 1)) return false;
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
  const places = emitter.temporary('Reshape', [padded, emitter.int64s(split)]);
  // The larger t, the smaller a: windows are turned round.
  const ends = emitter.int64s([-Number.MAX_SAFE_INTEGER, -Number.MAX_SAFE_INTEGER]);
  const turned = emitter.temporary('Slice', [
    places,
    emitter.int64s([-1, -1]),
    ends,
    ...[emitter.int64s([4, 6]), emitter.int64s([-1, -1])],
  ]);
  const channels = h.stride * v.stride * c;
  const weights = filters(emitter, turned, [5, 7, 2, 0, 4, 6, 1, 3], [channels, m, h.window, v.window]);
  const y = conv(emitter, [reorderInput(emitter, inputNames[0]), weights], {
    ...{ kernel: [h.window, v.window], strides: [1, 1], dilations, groups },
    pads: [h.left, v.left, h.right, v.right],
  });
  const apart = emitter.int64s([-1, h.stride, v.stride, c / block, h.places, v.places, block]);
  const together = emitter.temporary('Transpose', [emitter.temporary('Reshape', [y, apart])], {
    perm: { ints: [0, 3, 4, 1, 5, 2, 6] },
  });
  const images = emitter.temporary('Reshape', [together, emitter.int64s([-1, c, ...spatial])]);
  if (inputNames.length === 2) {
    emitter.node(`${DOMAIN}.ReorderOutput`, [images], outputNames, { channels: { int: c } });
    return true;
  }
  const bias = emitter.temporary('Reshape', [inputNames[2], emitter.int64s([c, 1, 1])]);
  const result = emitter.temporary(`${DOMAIN}.ReorderOutput`, [images], { channels: { int: c } });
  emitter.node('Add', [result, bias], outputNames);
  return true;
}

function fits(block: number, x: SymbolicTensor, w: SymbolicTensor): boolean {
  return block > 0 && x.rank === 4 && x.dtype === 'float32' && w.source.kind !== 'constant';
}

function reorderInput(emitter: Emitter, name: string): string {
  return emitter.temporary(`${DOMAIN}.ReorderInput`, [name]);
}

/** Weights in the order of the blocked kernel, under the shape that they have for it. */
function filters(emitter: Emitter, parts: string, perm: readonly number[], shape: Shape): string {
  const ordered = emitter.temporary('Transpose', [parts], { perm: { ints: perm } });
  return emitter.temporary('Reshape', [ordered, emitter.int64s(shape as number[])]);
}

function conv(
  emitter: Emitter,
  inputs: readonly string[],
  { kernel, strides, dilations, pads, groups }: Convolution,
): string {
  return emitter.temporary(`${DOMAIN}.Conv`, inputs, {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    dilations: { ints: dilations },
    pads: { ints: pads },
    group: { int: groups },
  });
}
