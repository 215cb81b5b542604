/** A linear head: rows of one space mapped into another, where losses compare them. */
import { add, matmul, type SymbolicTensor } from '../graph/index.ts';

export interface LinearHead {
  /** [width in, width out] */
  readonly weight: SymbolicTensor;
  /** [width out] */
  readonly bias: SymbolicTensor;
}

/** x·W + b, [B, width in] → [B, width out]. */
export function project(rows: SymbolicTensor, { weight, bias }: LinearHead): SymbolicTensor {
  return add(matmul(rows, weight), bias);
}
