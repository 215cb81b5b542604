/** What the measures of this room refuse in the same words. */
import { LimbeckError, show } from '../errors.ts';

/** @throws LimbeckError SHAPE_MISMATCH unless there is one label for each row */
export function assertOneEach(measure: string, rows: number, what: string, count: number): void {
  if (rows === count) return;
  throw new LimbeckError(
    'SHAPE_MISMATCH',
    `${measure}: expected one ${what} for each of the ${rows} rows, got ${count}.`,
  );
}

/** @throws LimbeckError EMPTY_BATCH with fewer rows than are needed */
export function assertAtLeast(measure: string, least: number, rows: number): void {
  if (rows >= least) return;
  const needed = least === 1 ? 'at least one row' : `at least ${least} rows`;
  throw new LimbeckError('EMPTY_BATCH', `${measure}: expected ${needed}, got ${rows === 0 ? 'none' : rows}.`);
}

/** @throws LimbeckError INVALID_ARGUMENT for what is no whole number of at least `least` */
export function assertWhole(measure: string, name: string, value: number, least = 1): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `${measure}: expected ${name} as a whole number ≥ ${least}, got ${show(value)}.`,
  );
}

/** @throws LimbeckError INVALID_ARGUMENT for what is no finite number above 0 */
export function assertAboveZero(measure: string, name: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new LimbeckError('INVALID_ARGUMENT', `${measure}: expected ${name} as a number above 0, got ${show(value)}.`);
}

/** @throws LimbeckError INVALID_ARGUMENT for a label that is no place among `classes` */
export function assertClasses(measure: string, labels: ArrayLike<number>, classes: number): void {
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes) continue;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${measure}: expected labels in 0 … ${classes - 1}, got ${show(labels[i])} at place ${i}.`,
    );
  }
}
