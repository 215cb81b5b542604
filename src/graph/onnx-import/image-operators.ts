/** How ONNX's convolutions, pools, normalisations per channel and Resize read: opset 13 on. */
import { LimbeckError } from '../../errors.ts';
import {
  batchNormalizationInference,
  groupNormalization,
  instanceNormalization,
} from '../operators/channel-normalization.ts';
import { conv, convTranspose } from '../operators/conv.ts';
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from '../operators/pool.ts';
import { type ResizeOptions, resize } from '../operators/resize.ts';
import type { WindowOptions } from '../operators/windows.ts';
import { isKnown, type SymbolicTensor } from '../tensor.ts';
import type { Build } from './elementwise-operators.ts';
import type { NodeReader } from './node.ts';

const unsupported = (message: string) => new LimbeckError('UNSUPPORTED', message);

function windows(node: NodeReader): WindowOptions {
  const [strides, dilations, pads] = ['strides', 'dilations', 'pads'].map((name) => node.ints(name));
  const auto = node.text('auto_pad', 'NOTSET');
  const same = { SAME_UPPER: 'sameUpper', SAME_LOWER: 'sameLower' } as const;
  const chosen = auto === 'SAME_UPPER' || auto === 'SAME_LOWER' ? same[auto] : auto === 'VALID' ? undefined : pads;
  return {
    ...(strides ? { strides } : {}),
    ...(dilations ? { dilations } : {}),
    ...(chosen ? { pads: chosen } : {}),
  };
}

function withBias(node: NodeReader): { bias?: SymbolicTensor; groups: number } {
  const bias = node.optional(2);
  return { ...(bias ? { bias } : {}), groups: node.int('group', 1) };
}

function transposed(node: NodeReader): SymbolicTensor {
  const { pads, ...rest } = windows(node);
  const outputPads = node.ints('output_padding');
  if (typeof pads === 'string' || node.ints('output_shape')) throw unsupported('expected pads in numbers');
  const options = { ...rest, ...withBias(node), ...(pads ? { pads } : {}), ...(outputPads ? { outputPads } : {}) };
  return convTranspose(node.tensor(0), node.tensor(1), options);
}

/** Larger windows than any image has are refused before anything is made of their size. */
const LARGEST_WINDOW = 65_536;

function pool(node: NodeReader): { kernel: readonly number[]; options: WindowOptions & { ceil: boolean } } {
  const kernel = node.ints('kernel_shape') ?? [];
  if (kernel.reduce((n, k) => n * k, 1) > LARGEST_WINDOW) {
    throw unsupported(`expected a window of at most ${LARGEST_WINDOW} entries, got [${kernel.join(', ')}]`);
  }
  if (node.outputs > 1 || node.int('storage_order', 0) !== 0) throw unsupported('expected no indices');
  return { kernel, options: { ...windows(node), ceil: node.int('ceil_mode', 0) === 1 } };
}

function normalizedBatch(node: NodeReader): SymbolicTensor {
  if (node.int('training_mode', 0) !== 0 || node.outputs > 1) {
    throw unsupported('expected batch normalisation as exported for inference');
  }
  const [x, scale, bias] = [node.tensor(0), node.tensor(1), node.tensor(2)];
  return batchNormalizationInference(x, scale, bias, node.fixed(3), node.fixed(4), node.float('epsilon', 1e-5));
}

function normalizedGroups(node: NodeReader): SymbolicTensor {
  const [x, scale, bias] = [node.tensor(0), node.tensor(1), node.tensor(2)];
  if (node.opset < 21) throw unsupported('expected opset 21 or newer, in which scale and bias are per channel');
  return groupNormalization(x, node.int('num_groups', 1), scale, bias, node.float('epsilon', 1e-5));
}

const COORDINATES: Record<string, ResizeOptions['coordinates']> = {
  half_pixel: 'halfPixel',
  pytorch_half_pixel: 'pytorchHalfPixel',
  asymmetric: 'asymmetric',
  align_corners: 'alignCorners',
};

const ROUNDINGS: Record<string, ResizeOptions['rounding']> = {
  round_prefer_floor: 'roundPreferFloor',
  round_prefer_ceil: 'roundPreferCeil',
  floor: 'floor',
  ceil: 'ceil',
};

/** Results longer than this along an axis are refused: their places are computed here. */
const LONGEST_AXIS = 65_536;

function resized(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const mode = node.text('mode', 'nearest');
  const coordinates = COORDINATES[node.text('coordinate_transformation_mode', 'half_pixel')];
  const rounding = ROUNDINGS[node.text('nearest_mode', 'round_prefer_floor')];
  const plain = ['antialias', 'exclude_outside'].every((name) => node.int(name, 0) === 0) && !node.hasAttribute('axes');
  const stretched = node.text('keep_aspect_ratio_policy', 'stretch') === 'stretch';
  if ((mode !== 'nearest' && mode !== 'linear') || !coordinates || !rounding || !plain || !stretched) {
    throw unsupported('expected nearest or linear, without antialiasing, over all axes');
  }
  const [scales, sizes] = [node.numbers(2), node.has(3) ? node.sizes(3) : undefined];
  const options = { mode, coordinates, rounding } as const;
  const leading = (sizes ?? scales ?? []).slice(0, 2);
  const kept = sizes ? leading.every((d, i) => d === x.shape[i]) : leading.every((d) => d === 1);
  const spatial = (sizes ?? scales ?? []).slice(2);
  const longest = spatial.map((d, i) =>
    sizes ? d : Number(d) * (typeof x.shape[i + 2] === 'number' ? Number(x.shape[i + 2]) : 1),
  );
  if (!kept || !isKnown(spatial) || longest.some((d) => !(Number(d) <= LONGEST_AXIS))) {
    throw unsupported('expected known sizes or scales of the spatial axes alone');
  }
  return resize(x, sizes ? { sizes: spatial, ...options } : { scales: spatial, ...options });
}

export const IMAGES: Record<string, Build> = {
  Conv: (node) => conv(node.tensor(0), node.tensor(1), { ...windows(node), ...withBias(node) }),
  ConvTranspose: transposed,
  MaxPool: (node) => {
    const { kernel, options } = pool(node);
    return maxPool(node.tensor(0), kernel, options);
  },
  AveragePool: (node) => {
    const { kernel, options } = pool(node);
    return averagePool(node.tensor(0), kernel, { ...options, countPads: node.int('count_include_pad', 0) === 1 });
  },
  GlobalAveragePool: (node) => globalAveragePool(node.tensor(0)),
  GlobalMaxPool: (node) => globalMaxPool(node.tensor(0)),
  BatchNormalization: normalizedBatch,
  InstanceNormalization: (node) =>
    instanceNormalization(node.tensor(0), node.tensor(1), node.tensor(2), node.float('epsilon', 1e-5)),
  GroupNormalization: normalizedGroups,
  Resize: resized,
};
