/**
 * Batch normalisation of images in ONNX Runtime's blocked layout (`blocked-layout.ts`), and its gradient: means of channels by the
 * runtime's pooling, the rest by maps of every channel.
 */
import { type EmittedOperation, type Emitter, isKnown, type SymbolicTensor } from '../tensor.ts';
import { blockedMeans, formOf, inBlocks, ofChannels, ones, pendingForm, writeConv } from './blocked-layout.ts';
import { mul, neg } from './elementwise.ts';
import { count } from './reduce.ts';
import { reshape } from './shape.ts';
import { coefficients, precision, type Standardization } from './standardize.ts';

/** @returns whether it was written */
export function emitBlockedStandardize(emitter: Emitter, operation: EmittedOperation<Standardization>): boolean {
  const {
    inputs: [x, scale],
    inputNames: [name, , biasName],
    outputNames: [y, averageName, varianceName, centredName],
    outputs: [, average, variance],
    attributes: { axes, epsilon },
  } = operation;
  if (!emitter.blocked(name) || !isBatchNormalization(x, scale, axes)) return false;
  const channels = x.shape[1] as number;
  const images = inBlocks(emitter, name, channels);
  const averageOf = (tensor: string, into: string) =>
    emitter.node('ReduceMean', [blockedMeans(emitter, tensor), emitter.int64s([0])], [into], { keepdims: { int: 1 } });
  averageOf(images, averageName);
  const bias = emitter.expression(reshape(neg(average), [channels]));
  const attributes = ofChannels(channels);
  const centred = writeConv(emitter, { x: images, filters: ones(emitter, channels), bias, attributes });
  averageOf(emitter.temporary('Mul', [centred, centred]), varianceName);
  const scaling = {
    filters: emitter.expression(filtersOf(mul(scale, precision(variance, epsilon)), channels)),
    bias: emitter.temporary('Reshape', [biasName, emitter.int64s([channels])]),
  };
  emitter.setBlocked(y, pendingForm(emitter, channels, { x: centred, ...scaling, attributes }));
  emitter.setBlocked(centredName, formOf(channels, centred));
  return true;
}

/** @returns whether it was written */
export function emitBlockedGradient(emitter: Emitter, operation: EmittedOperation<Standardization>): boolean {
  const {
    inputs: [, x, scale, variance],
    inputNames: [gName, , , , centredName],
    outputs: [, projection, total],
    outputNames: [gxName, projectionName, totalName],
    attributes: { axes, epsilon },
  } = operation;
  if (!emitter.blocked(centredName) || !isBatchNormalization(x, scale, axes)) return false;
  const channels = x.shape[1] as number;
  const [g, centred] = [gName, centredName].map((name) => inBlocks(emitter, name, channels));
  const positions = emitter.scalar((x.shape[2] as number) * (x.shape[3] as number), 'float32');
  const sumOf = (tensor: string, factor: string, into: string) => {
    const means = emitter.temporary('ReduceSum', [blockedMeans(emitter, tensor), emitter.int64s([0])]);
    emitter.node('Mul', [means, factor], [into]);
  };
  const inverse = precision(variance, epsilon);
  sumOf(g, positions, totalName);
  const ofPositions = emitter.temporary('Mul', [emitter.expression(inverse), positions]);
  sumOf(emitter.temporary('Mul', [g, centred]), ofPositions, projectionName);
  const { ofG, ofCentred, summand } = coefficients(scale, inverse, total, projection, count(x, axes));
  const attributes = ofChannels(channels);
  const added = writeConv(emitter, {
    x: centred,
    filters: emitter.expression(filtersOf(ofCentred, channels)),
    attributes,
  });
  const form = pendingForm(emitter, channels, {
    x: g,
    filters: emitter.expression(filtersOf(ofG, channels)),
    bias: emitter.expression(reshape(summand, [channels])),
    added,
    attributes,
  });
  emitter.setBlocked(gxName, form);
  return true;
}

function isBatchNormalization(x: SymbolicTensor, scale: SymbolicTensor, axes: readonly number[]): boolean {
  const ofImages = x.rank === 4 && x.dtype === 'float32' && isKnown(x.shape.slice(1));
  return ofImages && axes.join() === '0,2,3' && scale.shape.join() === `${x.shape[1]},1,1`;
}

/** One number for each channel as weights of a convolution of every channel by itself. */
function filtersOf(values: SymbolicTensor, channels: number): SymbolicTensor {
  return reshape(values, [channels, 1, 1, 1]);
}
