/** Nodes whose results are known while the file is read: constants, and sizes of tensors. */
import { type SymbolicTensor, typedArray } from '../tensor.ts';
import type { Build } from './elementwise-operators.ts';
import type { Known } from './known.ts';
import { knownConstant, type NodeReader } from './node.ts';
import type { StoredTensor } from './stored-tensors.ts';

/**
 * How a tensor is had of what is known of it: its numbers or, where some are run-time sizes, the node itself. That is built at
 * once, because a chain of such nodes built on demand would be as deep as the file is long; an error waits until it matters.
 */
export function sizesMaker(known: Known, node: NodeReader, build: Build | undefined): () => SymbolicTensor {
  if (!build || known.entries.every((entry) => typeof entry === 'number')) return () => knownConstant(known);
  try {
    const [tensor] = [build(node)].flat();
    return () => tensor;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** What the short forms of Constant hold. */
export function listed(node: NodeReader): StoredTensor | undefined {
  const make = (dtype: 'int64' | 'float32', values: readonly number[], dims: readonly number[]): StoredTensor => {
    const data = typedArray(dtype, values.length);
    for (const [i, value] of values.entries()) data[i] = (dtype === 'int64' ? BigInt(value) : value) as never;
    return { dtype, dims, data };
  };
  if (node.hasAttribute('value_int')) return make('int64', [node.int('value_int', 0)], []);
  if (node.hasAttribute('value_float')) return make('float32', [node.float('value_float', 0)], []);
  const [ints, floats] = [node.ints('value_ints'), node.floats('value_floats')];
  if (ints) return make('int64', ints, [ints.length]);
  return floats && make('float32', floats, [floats.length]);
}

/** The sizes that a Shape node gives. */
export function shapeEntries(node: NodeReader): Known {
  const { shape } = node.tensor(0);
  const entries = shape.slice(node.int('start', 0), node.hasAttribute('end') ? node.int('end', 0) : undefined);
  return { dtype: 'int64', shape: [entries.length], entries } as const;
}
