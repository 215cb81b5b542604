/** The graph room in one import: tensors, operators, gradients, ONNX. */
export { gradients, topologicalOrder } from './gradients.ts';
export {
  type OnnxModel,
  type OnnxParameter,
  type ReadExternal,
  type ReadOnnxOptions,
  readOnnx,
} from './onnx-reader.ts';
export { type OnnxSurvey, type SurveyedNode, type SurveyedTensor, surveyOnnx } from './onnx-survey.ts';
export { addOutputs, type OnnxTensorNames, onnxTensorNames } from './onnx-tensors.ts';
export { type Graph, OPSET, type WriteOptions, writeOnnx } from './onnx-writer.ts';
export * from './operators/activations.ts';
export {
  type BatchNormalization,
  batchNormalization,
  batchNormalizationInference,
  groupNormalization,
  instanceNormalization,
} from './operators/channel-normalization.ts';
export { concat, split, tile } from './operators/concat.ts';
export { type ConvOptions, type ConvTransposeOptions, conv, convTranspose } from './operators/conv.ts';
export { einsum } from './operators/einsum.ts';
export * from './operators/elementwise.ts';
export { expand, expandTo } from './operators/expand.ts';
export {
  gather,
  gatherElements,
  gatherND,
  type ScatterReduction,
  scatterAdd,
  scatterElements,
  scatterND,
} from './operators/gather.ts';
export { and, argMax, ceil, floor, not, notANumber, or, round } from './operators/logic.ts';
export { type MatmulOptions, matmul } from './operators/matmul.ts';
export {
  type LogSumExpParts,
  layerNormalization,
  logSoftmax,
  logSumExpParts,
  pickedLoss,
  softmax,
} from './operators/normalization.ts';
export {
  type AveragePoolOptions,
  averagePool,
  globalAveragePool,
  globalMaxPool,
  maxPool,
  type PoolOptions,
} from './operators/pool.ts';
export { positions } from './operators/positions.ts';
export {
  type CumSumOptions,
  count,
  cumSum,
  l2Norm,
  logSumExp,
  max,
  mean,
  min,
  prod,
  type ReduceOptions,
  sum,
} from './operators/reduce.ts';
export { type ResizeOptions, resize } from './operators/resize.ts';
export { filled } from './operators/run-time-shapes.ts';
export { flatten, flattenRows, reshape, squeeze, transpose, triangle, unsqueeze } from './operators/shape.ts';
export { type PadMode, type PadOptions, pad, slice } from './operators/slice.ts';
export { unitRows } from './operators/unit-rows.ts';
export type { WindowOptions } from './operators/windows.ts';
export * from './tensor.ts';
