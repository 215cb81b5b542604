/** State that training changes beside parameters (banks, normalizers), as named arrays: what a checkpoint holds. */
import { LimbeckError } from '../errors.ts';

export type StateArray = Float32Array | Float64Array | Int32Array;
export type StateArrays = Readonly<Record<string, StateArray>>;

/**
 * Copies the arrays of a saved state over an object's own: all of them, or none.
 *
 * @param owner whose state it is, for the message
 * @throws LimbeckError SHAPE_MISMATCH when an array is missing, or of another length or type
 */
export function restoreArrays(own: StateArrays, saved: StateArrays, owner: string): void {
  for (const [name, array] of Object.entries(own)) {
    const other = saved[name];
    if (other?.length === array.length && other.constructor === array.constructor) continue;
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `${owner}: expected a state with ${array.length} numbers of "${name}", got ${other?.length ?? 'none'}. ` +
        'It was saved by another set-up.',
    );
  }
  for (const [name, array] of Object.entries(own)) array.set(saved[name]);
}
