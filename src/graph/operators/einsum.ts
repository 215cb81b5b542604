/** Einstein summation: products of tensors, named axis by axis. */
import { LimbeckError } from '../../errors.ts';
import { apply1, type Dimension, type Operator, type SymbolicTensor } from '../tensor.ts';
import { expand } from './expand.ts';
import { unsqueeze } from './shape.ts';

interface Equation {
  /** The letters of each operand's axes. */
  readonly terms: readonly string[];
  readonly result: string;
}

const written = ({ terms, result }: Equation): string => `${terms.join(',')}->${result}`;

const einsumOperator: Operator<Equation> = {
  name: 'Einsum',
  infer(inputs, equation) {
    const sizes = new Map<string, Dimension>();
    for (const [i, term] of equation.terms.entries()) {
      for (const [axis, letter] of [...term].entries()) {
        const size = inputs[i].shape[axis];
        if (
          inputs[i].rank !== term.length ||
          inputs[i].dtype !== inputs[0].dtype ||
          (sizes.get(letter) ?? size) !== size
        ) {
          throw new LimbeckError(
            'SHAPE_MISMATCH',
            `einsum: expected tensors that fit "${written(equation)}", got ${inputs.join(' and ')}.`,
          );
        }
        sizes.set(letter, size);
      }
    }
    return [{ dtype: inputs[0].dtype, shape: [...equation.result].map((letter) => sizes.get(letter) as Dimension) }];
  },
  emit: (emitter, { inputNames, outputNames, attributes }) =>
    emitter.node('Einsum', inputNames, outputNames, { equation: { string: written(attributes) } }),
  vjp({ inputs, attributes: { terms, result } }, [g]) {
    if (!g) return [];
    return inputs.map((x, k) => {
      // Σ is linear in each operand: its gradient is the sum over all letters but its own, of g and the other operands.
      const others = terms.filter((_, i) => i !== k);
      const known = (letter: string) => result.includes(letter) || others.some((term) => term.includes(letter));
      const equation = { terms: [result, ...others], result: [...terms[k]].filter(known).join('') };
      const product = apply1(einsumOperator, [g, ...inputs.filter((_, i) => i !== k)], equation);
      // A letter that was summed within this operand alone: every entry along it got the same.
      const summed = [...terms[k]].flatMap((letter, axis) => (known(letter) ? [] : [axis]));
      return summed.length === 0 ? product : expand(unsqueeze(product, summed), x);
    });
  },
};

/**
 * The sum of products that an equation names: 'bik,bkj->bij' is a stack of matrix products. Without an arrow the result has
 * the letters that occur once, in alphabetical order.
 *
 * @throws LimbeckError UNSUPPORTED for an ellipsis and for a letter twice in one term (a diagonal), INVALID_ARGUMENT for an
 *   equation that does not read, SHAPE_MISMATCH for tensors that do not fit it
 */
export function einsum(equation: string, operands: readonly SymbolicTensor[]): SymbolicTensor {
  const [left, right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  const letters = [...left.replaceAll(',', '')];
  const once = letters.filter((letter, i) => letters.indexOf(letter) === i && letters.lastIndexOf(letter) === i);
  const result = right ?? once.sort().join('');
  const repeats = (term: string) => new Set(term).size !== term.length;
  if (equation.includes('...') || terms.some(repeats)) {
    throw new LimbeckError(
      'UNSUPPORTED',
      `einsum: expected every axis named by a letter, none twice in a term, got "${equation}".`,
    );
  }
  const reads = [...terms, result].every((term) => /^[A-Za-z]*$/.test(term)) && equation.split('->').length <= 2;
  if (!reads || terms.length !== operands.length || repeats(result) || [...result].some((l) => !letters.includes(l))) {
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `einsum: expected an equation such as "ij,jk->ik" for ${operands.length} tensors, got "${equation}".`,
    );
  }
  return apply1(einsumOperator, operands, { terms, result });
}
