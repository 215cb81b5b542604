/** The block of MobileNetV2. */
import { add, clip, type SymbolicTensor } from '../../graph/index.ts';
import { type ConvLayerOptions, convNorm } from '../network/layers.ts';
import type { Network } from '../network/network.ts';

/** Convolution, normalisation, and the relu that stops at 6. */
export const convolutions =
  (network: Network) =>
  (name: string, x: SymbolicTensor, options: ConvLayerOptions): SymbolicTensor =>
    clip(convNorm(network, { conv: `${name}.0`, norm: `${name}.1` }, x, options), 0, 6);

/**
 * Expand 1 × 1, filter each channel by itself 3 × 3, shrink 1 × 1 without activation; beside it a shortcut, where the two ends are of
 * one size (Sandler et al., CVPR 2018, figure 3).
 *
 * @param expansion factor on the channels of x inside the block; with 1 there is nothing to expand
 * @param channels of the result
 */
export function invertedResidual(
  network: Network,
  name: string,
  x: SymbolicTensor,
  expansion: number,
  channels: number,
  stride: number,
): SymbolicTensor {
  const convRelu = convolutions(network);
  const from = x.shape[1] as number;
  const wide = from * expansion;
  let layer = 0;
  let y = x;
  if (expansion !== 1) y = convRelu(`${name}.${layer++}`, y, { channels: wide, kernel: 1 });
  y = convRelu(`${name}.${layer++}`, y, { channels: wide, kernel: 3, stride, groups: wide });
  y = convNorm(network, { conv: `${name}.${layer}`, norm: `${name}.${layer + 1}` }, y, { channels, kernel: 1 });
  return stride === 1 && from === channels ? add(x, y) : y;
}
