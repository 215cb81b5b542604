/** The layers that architectures are written in: each declares its parameters under `name` and applies itself. */
import {
  add,
  batchNormalization,
  batchNormalizationInference,
  constant,
  conv as convolution,
  count,
  div,
  layerNormalization,
  matmul,
  maximum,
  mul,
  type SymbolicTensor,
  sub,
} from '../../graph/index.ts';
import { heNormal, type Initializer, linearDefault, ones, zeros } from './initialization.ts';
import type { Network } from './network.ts';

export interface LinearOptions {
  /** Default: torch.nn.Linear's. */
  readonly initialize?: Initializer;
  readonly initializeBias?: Initializer;
}

/**
 * x·W + b along the last axis: [..., n] → [..., width]. W is stored [n, width], the transpose of PyTorch's, and so multiplies rows
 * as it is.
 */
export function linear(
  network: Network,
  name: string,
  x: SymbolicTensor,
  width: number,
  options: LinearOptions = {},
): SymbolicTensor {
  const from = x.shape[x.rank - 1] as number;
  const { initialize = linearDefault(from), initializeBias = linearDefault(from) } = options;
  const weight = network.parameter({ name: `${name}.weight`, shape: [from, width], initialize, decay: true });
  const bias = network.parameter({ name: `${name}.bias`, shape: [width], initialize: initializeBias, decay: false });
  return add(matmul(x, weight), bias);
}

export interface ConvLayerOptions {
  readonly channels: number;
  /** Height and width of the window; odd, and padded so that stride 1 keeps the size. */
  readonly kernel: number;
  readonly stride?: number;
  /** As many as channels for a depthwise convolution. Default 1. */
  readonly groups?: number;
}

const convWeight = (name: string): string => `${name}.weight`;

function convWindows({ kernel, stride = 1, groups = 1 }: ConvLayerOptions) {
  const pad = (kernel - 1) / 2;
  return { strides: [stride, stride], pads: [pad, pad, pad, pad], groups };
}

/** A convolution without bias, [N, C, H, W] → [N, channels, ⌈H/stride⌉, ⌈W/stride⌉], from He's initialisation by fan-out. */
export function conv(network: Network, name: string, x: SymbolicTensor, options: ConvLayerOptions): SymbolicTensor {
  return convolution(x, declareWeight(network, name, x, options), convWindows(options));
}

function declareWeight(network: Network, name: string, x: SymbolicTensor, options: ConvLayerOptions): SymbolicTensor {
  const { channels, kernel, groups = 1 } = options;
  return network.parameter({
    name: convWeight(name),
    shape: [channels, (x.shape[1] as number) / groups, kernel, kernel],
    initialize: heNormal(channels * kernel * kernel),
    decay: true,
  });
}

const NORM_EPSILON = 1e-5;
/** How much of a batch's statistics enters the running ones; PyTorch's. */
const NORM_MOMENTUM = 0.1;

const normNames = (name: string) => ({
  scale: `${name}.weight`,
  bias: `${name}.bias`,
  mean: `${name}.running_mean`,
  variance: `${name}.running_var`,
});

/**
 * Batch normalisation of [N, C, ...spatial]. In training by the batch, and the running statistics follow as PyTorch's do:
 * r ← 0.9·r + 0.1·batch, the variance divided by n − 1. A batch of one number for each channel counts as having variance 0.
 */
export function batchNorm(network: Network, name: string, x: SymbolicTensor): SymbolicTensor {
  const size = x.shape[1] as number;
  const names = normNames(name);
  const scale = network.parameter({ name: names.scale, shape: [size], initialize: ones, decay: false });
  const bias = network.parameter({ name: names.bias, shape: [size], initialize: zeros, decay: false });
  const mean = network.buffer(names.mean, size, 0);
  const variance = network.buffer(names.variance, size, 1);
  if (!network.training) return batchNormalizationInference(x, scale, bias, mean, variance, NORM_EPSILON);
  const batch = batchNormalization(x, scale, bias, NORM_EPSILON);
  const n = count(
    x,
    x.shape.flatMap((_, i) => (i === 1 ? [] : [i])),
  );
  const unbiased = mul(batch.variance, div(n, maximum(sub(n, 1), 1)));
  const follow = (running: SymbolicTensor, now: SymbolicTensor) =>
    add(mul(running, 1 - NORM_MOMENTUM), mul(now, NORM_MOMENTUM));
  network.update(names.mean, follow(mean, batch.mean));
  network.update(names.variance, follow(variance, unbiased));
  return batch.y;
}

/**
 * A convolution and the batch normalisation behind it. In inference the two are one affine map, and a network that folds makes
 * them one convolution with bias: w·s/√(v + ε) and b − m·s/√(v + ε).
 */
export function convNorm(
  network: Network,
  names: { readonly conv: string; readonly norm: string },
  x: SymbolicTensor,
  options: ConvLayerOptions,
): SymbolicTensor {
  const { folding } = network;
  if (!folding) return batchNorm(network, names.norm, conv(network, names.conv, x, options));
  const { shape } = declareWeight(network, names.conv, x, options);
  const [scale, shift, mean, variance] = Object.values(normNames(names.norm)).map(folding);
  const factor = Float64Array.from(scale, (s, c) => s / Math.sqrt(variance[c] + NORM_EPSILON));
  const weight = folding(convWeight(names.conv));
  const size = weight.length / scale.length;
  const folded = weight.map((w, k) => w * factor[Math.floor(k / size)]);
  const bias = shift.map((b, c) => b - mean[c] * factor[c]);
  return convolution(x, constant(folded, 'float32', shape), {
    ...convWindows(options),
    bias: constant(bias, 'float32'),
  });
}

/** Layer normalisation along the last axis. */
export function layerNorm(network: Network, name: string, x: SymbolicTensor, epsilon: number): SymbolicTensor {
  const shape = [x.shape[x.rank - 1] as number];
  const scale = network.parameter({ name: `${name}.weight`, shape, initialize: ones, decay: false });
  const bias = network.parameter({ name: `${name}.bias`, shape, initialize: zeros, decay: false });
  return layerNormalization(x, scale, bias, epsilon);
}
