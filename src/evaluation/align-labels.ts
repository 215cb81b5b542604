/** Classes by name: data that was read anew numbers its classes by what it holds, and a model by what it was trained on. */
import { LimbeckError, show } from '../errors.ts';

/**
 * The labels of data as numbers of a model's classes. Without names on either side numbers are taken as they are.
 *
 * @throws LimbeckError INVALID_ARGUMENT for a class of the data, with samples, that the model does not have
 *
 * @example
 * alignLabels([0, 1], ['dog', 'elk'], ['cat', 'dog', 'elk']); // Int32Array [1, 2]
 */
export function alignLabels(
  labels: ArrayLike<number>,
  dataNames: readonly string[] | undefined,
  modelNames: readonly string[] | undefined,
): Int32Array {
  if (!dataNames || !modelNames) return Int32Array.from(labels);
  const numbers = new Map(modelNames.map((name, i) => [name, i]));
  return Int32Array.from(labels, (label) => {
    const number = numbers.get(dataNames[label]);
    if (number !== undefined) return number;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `Labels: expected classes that the model has (${modelNames.slice(0, 6).join(', ')}${modelNames.length > 6 ? ', …' : ''}), ` +
        `got ${show(dataNames[label])}. Leave those samples out, or evaluate another model.`,
    );
  });
}
