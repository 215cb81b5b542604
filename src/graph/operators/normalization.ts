/** Softmax and log-softmax along any axis, layer normalisation over the last. */
import { apply1, normalizeAxis, type Operator, type SymbolicTensor } from '../tensor.ts';
import { add, div, exp, mul, sqrt, sub, unbroadcast } from './elementwise.ts';
import { mean, sum } from './reduce.ts';

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
