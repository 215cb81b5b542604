/** Pools: the largest or the mean entry of every sliding window, or of a whole channel. */
import { LimbeckError } from '../../errors.ts';
import {
  ARRAY_TYPES,
  apply,
  apply1,
  constant,
  type FloatType,
  isKnown,
  type OnnxAttribute,
  type Operator,
  type Shape,
  type SymbolicTensor,
  type TensorType,
} from '../tensor.ts';
import { conv } from './conv.ts';
import { inputGradient } from './conv-gradients.ts';
import { div } from './elementwise.ts';
import { expand, expandTo } from './expand.ts';
import { scatterElements } from './gather.ts';
import { max, mean } from './reduce.ts';
import { flatten, reshape, reshapeLike } from './shape.ts';
import { multiplySizes } from './sizes.ts';
import { slice } from './slice.ts';
import { padWindows, resolveWindows, spans, type WindowOptions, type Windows, windowCounts } from './windows.ts';

export interface PoolOptions extends WindowOptions {
  /** Whether windows that reach over the end count, as long as they begin inside. Default false. */
  readonly ceil?: boolean;
}

function pooledType(x: SymbolicTensor, windows: Windows): TensorType {
  return { dtype: x.dtype, shape: [...x.shape.slice(0, 2), ...windowCounts('pool', x.shape.slice(2), windows)] };
}

function onnxAttributes({ kernel, strides, pads }: Windows): Record<string, OnnxAttribute> {
  return { kernel_shape: { ints: kernel }, strides: { ints: strides }, pads: { ints: pads } };
}

function maxPoolAttributes(windows: Windows): Record<string, OnnxAttribute> {
  return { ...onnxAttributes(windows), dilations: { ints: windows.dilations } };
}

const maxPoolOperator: Operator<Windows> = {
  name: 'MaxPool',
  infer: ([x], windows) => [pooledType(x, windows)],
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('MaxPool', inputNames, outputNames, maxPoolAttributes(attributes)),
  vjp({ inputs: [x], attributes }, [g]) {
    if (!g) return [];
    const [, places] = apply(maxPlacesOperator, [x], attributes);
    const flat = flatten(x, 0);
    const zeros = expand(constant(0, x.dtype), flat);
    return [reshapeLike(scatterElements(zeros, flatten(places, 0), flatten(g, 0), 1, 'add'), x)];
  },
};

/** The pool again, with where each maximum stands, counted through the whole tensor. Apart, because that kernel is slower. */
const maxPlacesOperator: Operator<Windows> = {
  name: 'MaxPlaces',
  infer([x], windows) {
    const type = pooledType(x, windows);
    return [type, { ...type, dtype: 'int64' }];
  },
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('MaxPool', inputNames, outputNames, maxPoolAttributes(attributes)),
  vjp: () => [],
};

/**
 * The largest entry of every window of `x` [N, C, ...spatial]; pads never win. Of equal entries the first gets the gradient.
 *
 * @example
 * maxPool(x, [3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] }); // [N, C, 32, 32] → [N, C, 16, 16]
 */
export function maxPool(x: SymbolicTensor, kernel: readonly number[], options: PoolOptions = {}): SymbolicTensor {
  return apply1(maxPoolOperator, [x], resolvePool('maxPool', x, kernel, options));
}

interface AveragePool extends Windows {
  readonly countPads: boolean;
}

const averagePoolOperator: Operator<AveragePool> = {
  name: 'AveragePool',
  infer: ([x], attributes) => [pooledType(x, attributes)],
  emit(emitter, { inputs: [x], inputNames, outputNames, attributes }) {
    if (x.dtype !== 'float64' && attributes.dilations.every((d) => d === 1)) {
      const include = { count_include_pad: { int: attributes.countPads ? 1 : 0 } };
      return emitter.node('AveragePool', inputNames, outputNames, { ...onnxAttributes(attributes), ...include });
    }
    const total = reshapeChannels(conv(oneChannel(x), ones(x.dtype, attributes), attributes), x);
    return emitter.node('Identity', [emitter.expression(div(total, entries(x, attributes)))], outputNames);
  },
  vjp({ inputs: [x], attributes }, [g]) {
    if (!g) return [];
    const share = oneChannel(div(g, entries(x, attributes)));
    const gradient = inputGradient(share, ones(x.dtype, attributes), oneChannel(x), { ...attributes, groups: 1 });
    return [reshapeChannels(gradient, x)];
  },
};

/** [N, C, ...spatial] → [N·C, 1, ...spatial]: every channel an image of its own. */
function oneChannel(x: SymbolicTensor): SymbolicTensor {
  return reshape(x, [multiplySizes(x.shape.slice(0, 2)), 1, ...x.shape.slice(2)]);
}

/** Back from {@link oneChannel}, to the batch and channels of `like`. */
function reshapeChannels(x: SymbolicTensor, like: SymbolicTensor): SymbolicTensor {
  return reshape(x, [...like.shape.slice(0, 2), ...x.shape.slice(2)]);
}

function ones(dtype: SymbolicTensor['dtype'], { kernel }: Windows): SymbolicTensor {
  const size = kernel.reduce((n, k) => n * k, 1);
  return constant(new ARRAY_TYPES[dtype as FloatType](size).fill(1), dtype, [1, 1, ...kernel]);
}

/** How many entries each window's mean is over: [1, 1, ...counts] where pads do not count, else one number. */
function entries(x: SymbolicTensor, attributes: AveragePool): SymbolicTensor | number {
  const { kernel, pads, countPads } = attributes;
  if (countPads || pads.every((pad) => pad === 0)) return kernel.reduce((n, k) => n * k, 1);
  const spatial = x.shape.slice(2);
  const one = constant(1, x.dtype);
  const inside = isKnown(spatial) ? expandTo(one, [1, 1, ...spatial]) : expand(one, slice(slice(x, 0, 0, 1), 1, 0, 1));
  return conv(inside, ones(x.dtype, attributes), attributes);
}

export interface AveragePoolOptions extends PoolOptions {
  /** Whether pads count as zeros in the mean. What windows reach over the end (`ceil`) never does. Default false. */
  readonly countPads?: boolean;
}

/** The mean entry of every window of `x` [N, C, ...spatial]. */
export function averagePool(
  x: SymbolicTensor,
  kernel: readonly number[],
  options: AveragePoolOptions = {},
): SymbolicTensor {
  const { countPads = false, ceil = false } = options;
  if (countPads && ceil) {
    // Zeros that count go in first, so that only what windows reach over the end is padding.
    const all = resolvePool('averagePool', x, kernel, options);
    const n = kernel.length;
    const { pads } = resolveWindows('averagePool', x.shape.slice(2), kernel, options);
    const counted = pads.map((pad, i) => (i < n ? pad : Math.min(pad, all.pads[i])));
    const rest = all.pads.map((pad, i) => pad - counted[i]);
    return averagePool(padWindows(x, { ...all, pads: counted }), kernel, { ...all, pads: rest });
  }
  return apply1(averagePoolOperator, [x], { ...resolvePool('averagePool', x, kernel, options), countPads });
}

/** Windows with the entries that `ceil` adds at the end as pads. */
function resolvePool(operator: string, x: SymbolicTensor, kernel: readonly number[], options: PoolOptions): Windows {
  const spatial = x.shape.slice(2);
  const windows = resolveWindows(operator, spatial, kernel, options);
  const pads = options.ceil ? ceilPads(operator, spatial, windows) : windows.pads;
  const wide = spans(windows).some((span, i) => Math.max(pads[i], pads[i + kernel.length]) >= span);
  if (wide) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${operator}: expected pads smaller than the windows [${kernel.join(', ')}], got [${pads.join(', ')}].`,
    );
  }
  return { ...windows, pads };
}

function ceilPads(operator: string, spatial: Shape, windows: Windows): number[] {
  const n = spatial.length;
  const { strides, pads } = windows;
  const after = spans(windows).map((span, i) => {
    const [size, stride, before, end] = [spatial[i], strides[i], pads[i], pads[i + n]];
    if (typeof size === 'string') {
      // One stride less one rounds up whatever the size is; the last window begins inside if that and the pads do not fill it.
      if (end + stride - 1 < span) return end + stride - 1;
      throw new LimbeckError(
        'UNSUPPORTED',
        `${operator}: expected a known size to round up with stride ${stride} and windows of ${span}, got "${size}".`,
      );
    }
    const steps = Math.ceil((size + before + end - span) / stride);
    const inside = steps * stride < size + before ? steps : steps - 1;
    return Math.max(0, inside * stride + span - size - before);
  });
  return [...pads.slice(0, n), ...after];
}

const spatialAxes = (x: SymbolicTensor): number[] => x.shape.flatMap((_, i) => (i < 2 ? [] : [i]));

/** The mean of every channel: [N, C, ...spatial] → [N, C, 1, …]. */
export function globalAveragePool(x: SymbolicTensor): SymbolicTensor {
  return mean(x, spatialAxes(x), { keepDimensions: true });
}

/** The largest entry of every channel: [N, C, ...spatial] → [N, C, 1, …]; ties share the gradient. */
export function globalMaxPool(x: SymbolicTensor): SymbolicTensor {
  return max(x, spatialAxes(x), { keepDimensions: true });
}
