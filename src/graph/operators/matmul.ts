/** Matrix products. */
import { LimbeckError } from '../../errors.ts';
import { apply1, type Operator, type SymbolicTensor } from '../tensor.ts';
import { broadcastShapes, mul, unbroadcast } from './elementwise.ts';
import { rowFactor } from './row-factors.ts';
import { flattenRows, transpose } from './shape.ts';

interface Transposition {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** The product of two matrices, either of them transposed for free: ONNX's Gemm. */
const gemmOperator: Operator<Transposition> = {
  name: 'Gemm',
  infer([a, b], { transposeA, transposeB }) {
    const [rows, inner] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const [other, columns] = transposeB ? [b.shape[1], b.shape[0]] : b.shape;
    if (inner !== other || a.dtype !== b.dtype) throw mismatch(a, b);
    return [{ dtype: a.dtype, shape: [rows, columns] }];
  },
  emit: (emitter, { inputNames, outputNames, attributes: { transposeA, transposeB } }) =>
    emitter.node('Gemm', inputNames, outputNames, {
      transA: { int: transposeA ? 1 : 0 },
      transB: { int: transposeB ? 1 : 0 },
    }),
  // With A' = op(A), B' = op(B), Y = A'B': ∂A' = G B'ᵀ and ∂B' = A'ᵀ G, each transposed back by swapping the factors.
  vjp({ inputs: [a, b], attributes: { transposeA, transposeB } }, [g]) {
    if (!g) return [];
    const factored = transposeA ? undefined : rowFactor(g);
    if (factored) {
      // Rows of G with a factor each, as means over rows give them: rows of A and of ∂A take it instead, which G may be much wider than.
      const { factor, rest } = factored;
      const scaled = mul(a, factor);
      return [
        mul(matmul(rest, b, { transposeB: !transposeB }), factor),
        transposeB ? matmul(rest, scaled, { transposeA: true }) : matmul(scaled, rest, { transposeA: true }),
      ];
    }
    const ga = transposeA
      ? matmul(b, g, { transposeA: transposeB, transposeB: true })
      : matmul(g, b, { transposeB: !transposeB });
    const gb = transposeB
      ? matmul(g, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, g, { transposeA: !transposeA });
    return [ga, gb];
  },
};

/** Stacks of matrices, leading axes broadcast: ONNX's MatMul. */
const matmulOperator: Operator = {
  name: 'MatMul',
  infer([a, b]) {
    const inner = a.shape[a.rank - 1];
    if (a.rank < 2 || b.rank < 2 || inner !== b.shape[b.rank - 2] || a.dtype !== b.dtype) throw mismatch(a, b);
    const batch = broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2), 'MatMul');
    return [{ dtype: a.dtype, shape: [...batch, a.shape[a.rank - 2], b.shape[b.rank - 1]] }];
  },
  emit: (emitter, { inputNames, outputNames }) => emitter.node('MatMul', inputNames, outputNames),
  vjp({ inputs: [a, b] }, [g]) {
    if (!g) return [];
    const ga = unbroadcast(matmul(g, b, { transposeB: true }), a.shape);
    // A linear layer on a stack of rows: one product over all rows, instead of a stack of products that is then summed.
    const gb =
      b.rank === 2
        ? matmul(flattenRows(a), flattenRows(g), { transposeA: true })
        : unbroadcast(matmul(a, g, { transposeA: true }), b.shape);
    return [ga, gb];
  },
};

function mismatch(a: SymbolicTensor, b: SymbolicTensor): LimbeckError {
  return new LimbeckError('SHAPE_MISMATCH', `matmul: expected matrices whose inner sizes agree, got ${a} and ${b}.`);
}

function swapLast(x: SymbolicTensor): SymbolicTensor {
  const axes = x.shape.map((_, i) => i);
  return transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

export interface MatmulOptions {
  /** Use aᵀ (its last two axes swapped). */
  readonly transposeA?: boolean;
  /** Use bᵀ (its last two axes swapped). */
  readonly transposeB?: boolean;
}

/**
 * Matrix product [..., m, k] × [..., k, n] → [..., m, n]; leading axes broadcast.
 *
 * @example
 * matmul(anchors, keys, { transposeB: true }); // [B, D] × [N, D]ᵀ → [B, N]
 */
export function matmul(a: SymbolicTensor, b: SymbolicTensor, options: MatmulOptions = {}): SymbolicTensor {
  const { transposeA = false, transposeB = false } = options;
  if (a.rank === 2 && b.rank === 2) return apply1(gemmOperator, [a, b], { transposeA, transposeB });
  if (a.rank < 2 || b.rank < 2) throw mismatch(a, b);
  return apply1(matmulOperator, [transposeA ? swapLast(a) : a, transposeB ? swapLast(b) : b], undefined);
}
