/** Softmax and log-softmax along any axis, layer normalisation over the last. */
import { apply1, normalizeAxis, type Operator, type SymbolicTensor } from '../tensor.ts';
import { add, div, exp, mul, sqrt, stopGradient, sub, unbroadcast } from './elementwise.ts';
import { gatherElements, scatterElements } from './gather.ts';
import { max, mean, sum } from './reduce.ts';

const kept = { keepDimensions: true };

type AxisVjp = (g: SymbolicTensor, y: SymbolicTensor, axis: number) => SymbolicTensor;

function alongAxis(name: string, vjp: AxisVjp): Operator<number> {
  return {
    name,
    infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
    emit: (emitter, { inputNames, outputNames, attributes: axis }) =>
      emitter.node(name, inputNames, outputNames, { axis: { int: axis } }),
    vjp: ({ outputs: [y], attributes: axis }, [g]) => (g ? [vjp(g, y, axis)] : []),
  };
}

const softmaxOperator = alongAxis('Softmax', (g, y, axis) => {
  const weighted = mul(g, y);
  return sub(weighted, mul(y, sum(weighted, [axis], kept)));
});

const logSoftmaxOperator = alongAxis('LogSoftmax', (g, y, axis) => sub(g, mul(exp(y), sum(g, [axis], kept))));

/** exp(x) / Σ exp(x) along an axis (the last by default), with the maximum subtracted first. */
export function softmax(x: SymbolicTensor, axis = -1): SymbolicTensor {
  return apply1(softmaxOperator, [x], normalizeAxis(axis, x.rank, 'Softmax'));
}

/** x − log Σ exp(x) along an axis (the last by default), with the maximum subtracted first. */
export function logSoftmax(x: SymbolicTensor, axis = -1): SymbolicTensor {
  return apply1(logSoftmaxOperator, [x], normalizeAxis(axis, x.rank, 'LogSoftmax'));
}

/** Inputs: x, which is there for the gradient alone, and its softmax along the last axis, whose largest entry is 1 / Σ exp(x − max x). */
const softmaxExcessOperator: Operator = {
  name: 'SoftmaxExcess',
  infer: ([x]) => [{ dtype: x.dtype, shape: [...x.shape.slice(0, -1), 1] }],
  emit(emitter, { inputNames: [, shares], outputNames }) {
    const largest = emitter.temporary('ReduceMax', [shares, emitter.int64s([-1])], { keepdims: { int: 1 } });
    emitter.node('Neg', [emitter.temporary('Log', [largest])], outputNames);
  },
  vjp: ({ inputs: [, shares] }, [g]) => (g ? [mul(g, shares), undefined] : []),
};

/** log Σ exp(x) along the last axis, kept, in two parts. */
export interface LogSumExpParts {
  /** The largest entry, treated as data. */
  readonly highest: SymbolicTensor;
  /** log Σ exp(x) − highest ≥ 0, with the gradient of the whole, softmax(x). */
  readonly excess: SymbolicTensor;
}

/**
 * log Σ exp(x) along the last axis as highest + excess, for losses that subtract something large first. Value and gradient share one
 * softmax, so there is one exponential for every entry, and few passes over them. A row needs an entry above −∞.
 *
 * @example
 * const { highest, excess } = logSumExpParts(logits);
 * const loss = add(sub(highest, logitOfTarget), excess);
 */
export function logSumExpParts(x: SymbolicTensor): LogSumExpParts {
  return {
    highest: stopGradient(max(x, [-1], kept)),
    excess: apply1(softmaxExcessOperator, [x, softmax(x)], undefined),
  };
}

/** Inputs: x and its softmax, which are there for the gradient alone, the picked shares and their columns. */
const pickedLossOperator: Operator = {
  name: 'PickedLoss',
  infer: ([x, , picked]) => [{ dtype: x.dtype, shape: picked.shape }],
  emit: (emitter, { inputNames: [, , picked], outputNames }) =>
    emitter.node('Neg', [emitter.temporary('Log', [picked])], outputNames),
  vjp({ inputs: [, shares, picked, columns] }, [g]) {
    if (!g) return [];
    // The runtime takes 1 off where the shares are, without a copy, if it does so after they were picked: so −1 is made of what was picked.
    const off = scatterElements(shares, columns, sub(mul(stopGradient(picked), 0), 1), 1, 'add');
    return [mul(g, off)];
  },
};

/**
 * log Σ exp(x) − the picked entry, for each row of x [B, N], as −log of its share of the softmax: the loss of a softmax over similarities in one pass
 * over them, and its gradient in none but that for one number a row. Only where the share is a normal number of the type, which is where the entry is less
 * than 64 below the largest of its row.
 *
 * @param columns [B, 1], integers: the picked entry's column
 * @returns [B, 1]
 *
 * @example
 * const loss = pickedLoss(matmul(anchors, keys, { transposeB: true }), columns);
 */
export function pickedLoss(x: SymbolicTensor, columns: SymbolicTensor): SymbolicTensor {
  const shares = softmax(x);
  return apply1(pickedLossOperator, [x, shares, gatherElements(shares, columns, 1), columns], undefined);
}

const layerNormalizationOperator: Operator<number> = {
  name: 'LayerNormalization',
  infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
  emit: (emitter, { inputNames, outputNames, attributes: epsilon }) =>
    emitter.node('LayerNormalization', inputNames, outputNames, { axis: { int: -1 }, epsilon: { float: epsilon } }),
  vjp({ inputs: [x, scale, bias], attributes: epsilon }, [g]) {
    if (!g) return [];
    const centred = sub(x, mean(x, [-1], kept));
    const deviation = sqrt(add(mean(mul(centred, centred), [-1], kept), epsilon));
    const normal = div(centred, deviation);
    const gn = mul(g, scale);
    const inner = sub(sub(gn, mean(gn, [-1], kept)), mul(normal, mean(mul(gn, normal), [-1], kept)));
    return [div(inner, deviation), unbroadcast(mul(g, normal), scale.shape), unbroadcast(g, bias.shape)];
  },
};

/** (x − mean) / √(variance + epsilon) · scale + bias, statistics along the last axis. */
export function layerNormalization(
  x: SymbolicTensor,
  scale: SymbolicTensor,
  bias: SymbolicTensor,
  epsilon: number,
): SymbolicTensor {
  return apply1(layerNormalizationOperator, [x, scale, bias], epsilon);
}
