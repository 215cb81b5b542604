import { LimbeckError } from '../src/errors.ts';

/** The LimbeckError that an action throws; anything else fails the test. */
export function caught(act: () => unknown): LimbeckError {
  try {
    act();
  } catch (error) {
    if (error instanceof LimbeckError) return error;
    throw error;
  }
  throw new Error('expected a LimbeckError, got none');
}
