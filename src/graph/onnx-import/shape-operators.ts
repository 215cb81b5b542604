/** How ONNX's operators on shapes and indices read: opset 13 on. Sizes that are computed may be run-time sizes. */
import { LimbeckError } from '../../errors.ts';
import { concat, split, tile } from '../operators/concat.ts';
import { expandTo, sameShape } from '../operators/expand.ts';
import * as index from '../operators/gather.ts';
import { broadcastTo, filled, part, range, reshapeTo, shapeOf } from '../operators/run-time-shapes.ts';
import { flatten, reshape, squeeze, transpose, triangle, unsqueeze } from '../operators/shape.ts';
import { addSizes, divideSize, multiplySizes, sizeKey } from '../operators/sizes.ts';
import { type PadMode, pad, padAxes, slice } from '../operators/slice.ts';
import { constant, type Dimension, isKnown, normalizeAxis, type Shape, type SymbolicTensor } from '../tensor.ts';
import type { Build } from './elementwise-operators.ts';
import type { NodeReader } from './node.ts';

const unsupported = (message: string) => new LimbeckError('UNSUPPORTED', message);

/** ONNX's target: 0 copies a size, −1 is what is left. */
function reshaped(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const copies = node.int('allowzero', 0) === 0;
  const wanted = node.sizes(1).map((d, i) => (d === 0 && copies ? x.shape[i] : d));
  const shape = wanted.map((d) => (d === -1 ? remaining(x.shape, wanted) : d));
  if (sizeKey(shape) === sizeKey(x.shape) && canTell(x.shape, shape)) return reshape(x, shape);
  // Several run-time sizes: the graph's own computation of the target says which is which.
  return reshapeTo(x, node.tensor(1), shape);
}

/** Whether at most one size of the target has to be inferred. */
function canTell(from: Shape, to: Shape): boolean {
  return to.filter((d, i) => typeof d === 'string' && d !== from[i]).length <= 1;
}

/** The size that −1 stands for: all factors of the shape that the others do not use. */
function remaining(from: Shape, wanted: Shape): Dimension {
  const others = wanted.filter((d) => d !== -1);
  const factors = (shape: Shape) => {
    const total = multiplySizes(shape);
    return typeof total === 'number' ? [total] : splitProduct(total);
  };
  const left = factors(from);
  let known = 1;
  for (const factor of factors(others)) {
    const at = left.indexOf(factor);
    if (typeof factor === 'number') known *= factor;
    else if (at >= 0) left.splice(at, 1);
    else throw unsupported(`expected to tell what is left of [${from.join(', ')}] beside [${others.join(', ')}]`);
  }
  const total = left.reduce<number>((n, factor) => (typeof factor === 'number' ? n * factor : n), 1);
  if (total % known !== 0)
    throw unsupported(`expected sizes that divide [${from.join(', ')}], got [${others.join(', ')}]`);
  return multiplySizes([total / known, ...left.filter((factor) => typeof factor === 'string')]);
}

/** '2·n·(m+1)' → [2, 'n', '(m+1)'], as {@link multiplySizes} writes them. */
function splitProduct(name: string): Dimension[] {
  return name.split(/·(?![^(]*\))/).map((factor) => (/^\d+$/.test(factor) ? Number(factor) : factor));
}

function expanded(node: NodeReader): SymbolicTensor {
  const [x, shape] = [node.tensor(0), node.sizes(1)];
  const extra = shape.length - x.rank;
  // A size of 1 leaves that of x.
  const target = shape.map((d, i) => (d === 1 && i >= extra ? x.shape[i - extra] : d));
  const own = target.every((d, i) => typeof d === 'number' || d === x.shape[i - extra]);
  if (extra < 0) return expandTo(x, [...x.shape.slice(0, -extra), ...target]);
  return own ? expandTo(x, target) : broadcastTo(x, node.tensor(1), shape);
}

function sliced(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const [starts, ends] = [node.sizes(1), node.sizes(2)];
  const axes = node.numbers(3) ?? starts.map((_, i) => i);
  const steps = node.numbers(4) ?? starts.map(() => 1);
  return axes.reduce(
    (y, axis, i) => sliceAxis(node, y, normalizeAxis(axis, x.rank, 'Slice'), starts[i], ends[i], steps[i], i),
    x,
  );
}

function sliceAxis(
  node: NodeReader,
  x: SymbolicTensor,
  axis: number,
  start: Dimension,
  end: Dimension,
  step: number,
  i: number,
): SymbolicTensor {
  const size = x.shape[axis];
  if (start === 0 && end === size && step === 1) return x;
  if (typeof start === 'string' || (typeof end === 'string' && end !== size)) {
    if (step !== 1) throw unsupported(`expected step 1 between run-time places, got ${step}`);
    const at = (input: number) => slice(node.tensor(input), 0, i, i + 1);
    return part(x, axis, at(1), at(2), typeof start === 'number' ? addSizes([end, -start]) : difference(end, start));
  }
  const last = typeof end === 'string' ? Number.MAX_SAFE_INTEGER : end;
  if (typeof size === 'string') {
    // Exporters write the largest int32 or int64 for "to the end".
    const open = step > 0 ? last >= 2 ** 31 - 1 : last <= 1 - 2 ** 31;
    return slice(x, axis, start, open ? undefined : last, step);
  }
  // ONNX holds bounds inside the axis; the engine refuses those outside.
  const place = (value: number, low: number, high: number) =>
    Math.min(high, Math.max(low, value < 0 ? value + size : value));
  if (step > 0)
    return slice(x, axis, place(start, 0, size), Math.max(place(start, 0, size), place(last, 0, size)), step);
  const past = Math.min(place(start, 0, size - 1), place(last, -1, size - 1));
  return slice(x, axis, place(start, 0, size - 1), past < 0 ? undefined : past, step);
}

/** From n to n+k, as windows over a run-time size have it. */
function difference(end: Dimension, start: Dimension): Dimension {
  if (typeof end === 'string' && typeof start === 'string' && end.startsWith(`${start}+`)) {
    const rest = end.slice(start.length + 1);
    return /^\d+$/.test(rest) ? Number(rest) : rest;
  }
  throw unsupported(`expected a part whose size has a name, got ${start} … ${end}`);
}

function splitUp(node: NodeReader): readonly SymbolicTensor[] {
  const x = node.tensor(0);
  const axis = normalizeAxis(node.int('axis', 0), x.rank, 'Split');
  const size = x.shape[axis];
  const given = node.list(1, 'split');
  if (given) return split(x, axis, given);
  if (typeof size !== 'number') throw unsupported(`expected the sizes of the parts of "${size}"`);
  const each = Math.ceil(size / node.outputs);
  return split(
    x,
    axis,
    Array.from({ length: node.outputs }, (_, i) => Math.min(each, size - i * each)),
  );
}

function padded(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const mode = node.text('mode', 'constant');
  if (mode !== 'constant' && mode !== 'reflect' && mode !== 'edge')
    throw unsupported(`expected another mode than "${mode}"`);
  const pads = node.numbers(1) ?? [];
  const axes = (node.numbers(3) ?? x.shape.map((_, i) => i)).map((axis) => normalizeAxis(axis, x.rank, 'Pad'));
  if (pads.length !== 2 * axes.length) throw unsupported(`expected ${2 * axes.length} pads, got ${pads.length}`);
  const margins = axes.map((axis, i) => ({ axis, before: pads[i], after: pads[i + axes.length] }));
  // Negative pads cut off.
  const cut = margins.reduce((y, { axis, before, after }) => {
    if (before >= 0 && after >= 0) return y;
    return slice(y, axis, Math.max(0, -before), after < 0 ? after : undefined);
  }, x);
  const some = margins.map(({ axis, before, after }) => ({
    axis,
    before: Math.max(0, before),
    after: Math.max(0, after),
  }));
  if (mode === 'constant') return padAxes(cut, some, node.numbers(2)?.[0] ?? 0);
  return some.reduce((y, { axis, before, after }) => pad(y, axis, before, after, { mode: mode as PadMode }), cut);
}

/** More copies than this are not joined one by one. */
const MOST_REPEATS = 1024;

function tiled(node: NodeReader): SymbolicTensor {
  const [x, repeats] = [node.tensor(0), node.sizes(1)];
  const joined = repeats.map((n, i) => (x.shape[i] === 1 ? 1 : n));
  if (joined.some((n) => typeof n === 'string' || n > MOST_REPEATS)) {
    throw unsupported(`expected at most ${MOST_REPEATS} repeats, got [${repeats.join(', ')}]`);
  }
  const wide = repeats.map((n, i) => (x.shape[i] === 1 ? n : x.shape[i]));
  const open = repeats.some((n) => typeof n === 'string');
  const expanded = open ? broadcastTo(x, node.tensor(1), wide) : expandTo(x, wide);
  if (open && joined.some((n) => n !== 1))
    throw unsupported(`expected repeats of single entries, got [${repeats.join(', ')}]`);
  return tile(expanded, joined as number[]);
}

function squeezed(node: NodeReader): SymbolicTensor {
  const x = node.tensor(0);
  const axes = node.list(1, 'axes') ?? x.shape.flatMap((d, i) => (d === 1 ? [i] : []));
  return axes.length === 0 ? x : squeeze(x, axes);
}

function unsqueezed(node: NodeReader): SymbolicTensor {
  const axes = node.list(1, 'axes');
  if (!axes) throw unsupported('expected axes');
  return unsqueeze(node.tensor(0), axes);
}

function filledWith(node: NodeReader): SymbolicTensor {
  const shape = node.sizes(0);
  const stored = node.stored('value');
  const [value, dtype] = [Number(stored?.data[0] ?? 0), stored?.dtype ?? 'float32'];
  return isKnown(shape) ? expandTo(constant(value, dtype), shape) : filled(node.tensor(0), shape, value, dtype);
}

function ranged(node: NodeReader): SymbolicTensor {
  const [[start], [limit], [step]] = [node.sizes(0), node.sizes(1), node.sizes(2)];
  if (typeof start !== 'number' || typeof step !== 'number' || step === 0) {
    throw unsupported(`expected a known start and step, got ${start} and ${step}`);
  }
  if (typeof limit === 'string' && step < 0) throw unsupported(`expected a step > 0 to "${limit}", got ${step}`);
  const size =
    typeof limit === 'number'
      ? Math.max(0, Math.ceil((limit - start) / step))
      : divideSize(addSizes([limit, -start]), step);
  return range(node.tensor(0), node.tensor(1), node.tensor(2), size);
}

function scatterReduction(node: NodeReader): index.ScatterReduction {
  const reduction = node.text('reduction', 'none');
  if (reduction === 'none' || reduction === 'add') return reduction;
  throw unsupported(`expected reduction none or add, got "${reduction}"`);
}

function gatheredND(node: NodeReader): SymbolicTensor {
  if (node.int('batch_dims', 0) !== 0) throw unsupported('expected batch_dims 0');
  return index.gatherND(node.tensor(0), node.tensor(1));
}

function flattened(node: NodeReader): SymbolicTensor {
  const [x, axis] = [node.tensor(0), node.int('axis', 1)];
  const y = flatten(x, axis < 0 ? axis + x.rank : axis);
  return sameShape(x.shape, y.shape) ? x : y;
}

/** Pixels to channels and back, for known sizes: blocks of b × b. */
function rearranged(node: NodeReader, toSpace: boolean): SymbolicTensor {
  const x = node.tensor(0);
  const [n, ...sizes] = x.shape;
  const b = node.int('blocksize', 1);
  const [c, h, w] = sizes;
  if (x.rank !== 4 || !isKnown(sizes) || !(b >= 1)) throw unsupported(`expected known sizes, got ${x}`);
  const [channels, height, width] = [Number(c), Number(h), Number(w)];
  // The places within a block come after the channels (CRD), or before them.
  const channelsFirst = node.text('mode', 'DCR') === 'CRD';
  if (!toSpace) {
    const blocks = reshape(x, [n, channels, height / b, b, width / b, b]);
    const order = channelsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
    return reshape(transpose(blocks, order), [n, channels * b * b, height / b, width / b]);
  }
  const rest = channels / (b * b);
  const blocks = reshape(x, channelsFirst ? [n, rest, b, b, height, width] : [n, b, b, rest, height, width]);
  const order = channelsFirst ? [0, 1, 4, 2, 5, 3] : [0, 3, 4, 1, 5, 2];
  return reshape(transpose(blocks, order), [n, rest, height * b, width * b]);
}

export const SHAPES: Record<string, Build> = {
  Reshape: reshaped,
  Flatten: flattened,
  Squeeze: squeezed,
  Unsqueeze: unsqueezed,
  Concat: (node) => {
    const tensors = node.tensors();
    // An empty vector is how exporters say "no further sizes".
    const some = tensors.filter(({ shape }) => !(shape.length === 1 && shape[0] === 0));
    return concat(some.length > 0 ? some : tensors.slice(0, 1), node.int('axis', 0));
  },
  Split: splitUp,
  Slice: sliced,
  Pad: padded,
  Tile: tiled,
  Expand: expanded,
  Shape: (node) => {
    const x = node.tensor(0);
    const [start, end] = [node.int('start', 0), node.int('end', x.rank)];
    const whole = shapeOf(x);
    return start === 0 && end >= x.rank ? whole : slice(whole, 0, start, Math.min(end, x.rank));
  },
  ConstantOfShape: filledWith,
  Range: ranged,
  Trilu: (node) => triangle(node.tensor(0), node.int('upper', 1) === 1, node.numbers(1)?.[0] ?? 0),
  DepthToSpace: (node) => rearranged(node, true),
  SpaceToDepth: (node) => rearranged(node, false),
  Gather: (node) => index.gather(node.tensor(0), node.tensor(1), node.int('axis', 0)),
  GatherElements: (node) => index.gatherElements(node.tensor(0), node.tensor(1), node.int('axis', 0)),
  GatherND: gatheredND,
  ScatterElements: (node) =>
    index.scatterElements(node.tensor(0), node.tensor(1), node.tensor(2), node.int('axis', 0), scatterReduction(node)),
  ScatterND: (node) => index.scatterND(node.tensor(0), node.tensor(1), node.tensor(2), scatterReduction(node)),
};
