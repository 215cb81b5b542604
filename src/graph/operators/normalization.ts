/** Softmax and layer normalisation, both over the last axis. */
import { apply1, type Operator, type SymbolicTensor } from '../tensor.ts';
import { add, div, exp, mul, sqrt, sub, unbroadcast } from './elementwise.ts';
import { mean, sum } from './reduce.ts';

const kept = { keepDimensions: true };

function overLastAxis(name: string, vjp: (g: SymbolicTensor, y: SymbolicTensor) => SymbolicTensor): Operator {
  return {
    name,
    infer: ([x]) => [{ dtype: x.dtype, shape: x.shape }],
    emit: (emitter, { inputNames, outputNames }) => emitter.node(name, inputNames, outputNames, { axis: { int: -1 } }),
    vjp: ({ outputs: [y] }, [g]) => (g ? [vjp(g, y)] : []),
  };
}

const softmaxOperator = overLastAxis('Softmax', (g, y) => {
  const weighted = mul(g, y);
  return sub(weighted, mul(y, sum(weighted, [-1], kept)));
});

const logSoftmaxOperator = overLastAxis('LogSoftmax', (g, y) => sub(g, mul(exp(y), sum(g, [-1], kept))));

/** exp(x) / Σ exp(x) along the last axis, with the maximum subtracted first. */
export function softmax(x: SymbolicTensor): SymbolicTensor {
  return apply1(softmaxOperator, [x], undefined);
}

/** x − log Σ exp(x) along the last axis, with the maximum subtracted first. */
export function logSoftmax(x: SymbolicTensor): SymbolicTensor {
  return apply1(logSoftmaxOperator, [x], undefined);
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
