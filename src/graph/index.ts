/** The graph room in one import: tensors, operators, gradients, ONNX. */
export { gradients, topologicalOrder } from './gradients.ts';
export { type Graph, OPSET, writeOnnx } from './onnx-writer.ts';
export * from './operators/activations.ts';
export * from './operators/elementwise.ts';
export { expand } from './operators/expand.ts';
export { gather, scatterAdd } from './operators/gather.ts';
export { type MatmulOptions, matmul } from './operators/matmul.ts';
export { layerNormalization, logSoftmax, softmax } from './operators/normalization.ts';
export { count, l2Norm, logSumExp, max, mean, min, prod, type ReduceOptions, sum } from './operators/reduce.ts';
export { concat, flattenRows, pad, reshape, slice, squeeze, transpose, unsqueeze } from './operators/shape.ts';
export * from './tensor.ts';
