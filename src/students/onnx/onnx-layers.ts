/** Finding rows in a model that somebody else exported: its tensors by name, pooled to one row for each sample, with their widths. */
import { LimbeckError, show } from '../../errors.ts';
import {
  cast,
  type Dimension,
  div,
  type FloatType,
  maximum,
  mul,
  type OnnxModel,
  type SymbolicTensor,
  slice,
  squeeze,
  sum,
  unsqueeze,
} from '../../graph/index.ts';

/** The name of an input. */
export const nameOf = ({ source }: SymbolicTensor): string => (source as { readonly name: string }).name;

/** The names that run-time sizes have in training graphs: the first axis of every input is the batch, the second of texts their length. */
export function commonNames({ inputs }: OnnxModel, file: string): Record<string, Dimension> {
  const sizes: Record<string, Dimension> = {};
  for (const tensor of inputs) {
    const [batch, length] = tensor.shape;
    if (typeof batch !== 'string') {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${file}: expected inputs whose first axis is a batch of any size, got "${nameOf(tensor)}" (${tensor}). ` +
          'Export the model again with a dynamic batch axis.',
      );
    }
    sizes[batch] = 'batch';
    if (tensor.rank === 2 && tensor.dtype === 'int64' && typeof length === 'string') sizes[length] = 'length';
  }
  return sizes;
}

export function tensorOf({ tensors, outputs, inputs }: OnnxModel, name: string, file: string): SymbolicTensor {
  const found = outputs[name] ?? tensors.get(name);
  if (found) return found;
  const known = [...new Set([...Object.keys(outputs), ...[...tensors.keys()].reverse()])].slice(0, 12);
  throw new LimbeckError(
    'INVALID_OPTION',
    `${file}: expected the name of a tensor that the model computes, got ${show(name)}` +
      `${inputs.some((tensor) => nameOf(tensor) === name) ? ', an input' : ''}. The outputs and the last others: ${known.join(', ')}.`,
  );
}

/** [batch, length, width] as [batch, width]; the mean is over the tokens that the attention mask shows. */
export function pooled(
  x: SymbolicTensor,
  { inputs }: OnnxModel,
  pooling: 'none' | 'mean' | 'first',
  file: string,
  name: string,
): SymbolicTensor {
  if (pooling === 'none') return x;
  if (x.rank !== 3) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}: pooling: expected ${show(name)} to be [batch, length, width], got ${x}. Leave pooling out.`,
    );
  }
  if (pooling === 'first') return squeeze(slice(x, 1, 0, 1), 1);
  const mask = inputs.find((tensor) => nameOf(tensor) === 'attention_mask');
  if (!mask) {
    throw new LimbeckError(
      'INVALID_OPTION',
      `${file}: pooling: expected a model with an input "attention_mask" for the mean, got none. Take pooling: 'first'.`,
    );
  }
  const weights = unsqueeze(cast(mask, x.dtype as FloatType), 2);
  return div(sum(mul(x, weights), [1]), maximum(sum(weights, [1]), 1));
}

export function widthOf({ shape }: SymbolicTensor, what: string, { tensors }: OnnxModel, file: string): number {
  const [batch, width] = shape;
  if (shape.length === 2 && batch === 'batch' && typeof width === 'number') return width;
  const fitting = [...tensors]
    .filter(
      ([
        ,
        {
          shape: [first, second],
          rank,
        },
      ]) => rank === 2 && first === 'batch' && typeof second === 'number',
    )
    .map(([name, tensor]) => `${name} [batch, ${tensor.shape[1]}]`);
  throw new LimbeckError(
    'INVALID_OPTION',
    `${file}: ${what}: expected [batch, width], a row for each sample, got [${shape.join(', ')}]. ` +
      `${fitting.length > 0 ? `Such tensors are: ${fitting.slice(-8).join('; ')}.` : "Set pooling to 'mean' or 'first'."}`,
  );
}
