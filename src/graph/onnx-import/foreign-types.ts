/**
 * Which nodes may be handed to ONNX Runtime as they are, from a file of one opset in a graph of another: those of operators that
 * it has, without subgraphs, randomness or other kinds of values, whose meaning is the same in both.
 */

/** The domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** Operators of the default domain at opset 18 that the engine has nothing for itself. */
const PASSED_ON: ReadonlySet<string> = new Set(
  (
    'Acos Acosh Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow CenterCropPad Col2Im ' +
    'Compress ConvInteger Cosh DFT DequantizeLinear Det EyeLike GRU GlobalLpPool GridSample HammingWindow HannWindow Hardmax IsInf ' +
    'LRN LSTM LpNormalization LpPool MatMulInteger MaxRoiPool MaxUnpool Mean MeanVarianceNormalization MelWeightMatrix Mod ' +
    'NonMaxSuppression NonZero OneHot QuantizeLinear RNN ReverseSequence RoiAlign STFT Shrink Sinh Size Tan TopK Unique Xor'
  ).split(' '),
);

/**
 * Opsets from which a node can mean something else: up to 18 those that changed defaults, inputs or attributes, after it those that
 * added any as well. Taken from the schemas of onnx 1.23; what is not listed only got further element types.
 */
const CHANGED_AT: Readonly<Partial<Record<string, readonly number[]>>> = {
  AveragePool: [19],
  BatchNormalization: [14],
  Cast: [19],
  CastLike: [19],
  DFT: [20],
  DequantizeLinear: [21],
  Dropout: [12],
  Gelu: [20],
  GridSample: [20],
  GroupNormalization: [21],
  Hardmax: [13],
  LogSoftmax: [13],
  Pad: [19],
  QuantizeLinear: [19],
  RMSNormalization: [23],
  Range: [27],
  ReduceL1: [18],
  ReduceL2: [18],
  ReduceLogSum: [18],
  ReduceLogSumExp: [18],
  ReduceMax: [18],
  ReduceMean: [18],
  ReduceMin: [18],
  ReduceProd: [18],
  ReduceSum: [13],
  ReduceSumSquare: [18],
  Resize: [19],
  RoiAlign: [16],
  Softmax: [13],
  SpaceToDepth: [28],
  Split: [13, 18],
  Squeeze: [13],
  Swish: [24],
  Unsqueeze: [13],
};

/** Whether ONNX Runtime can be expected to run a node of this type. @param read whether the engine has an operator of this name */
export function isPassedOn(domain: string, type: string, read: boolean): boolean {
  // An EPContext names another file, which would be opened.
  if (domain === MICROSOFT) return type !== 'EPContext';
  return domain === '' && (read || PASSED_ON.has(type));
}

/** The first opset after the older one, up to the newer one, from which a node can mean something else. */
export function changeBetween(type: string, opset: number, other: number): number | undefined {
  const [older, newer] = [Math.min(opset, other), Math.max(opset, other)];
  return CHANGED_AT[type]?.find((version) => version > older && version <= newer);
}
