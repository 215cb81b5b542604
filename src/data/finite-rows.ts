/** The check that rows of files hold numbers, wherever they were read from: the message says which row and column do not. */
import { LimbeckError } from '../errors.ts';
import type { Matrix } from '../matrix/matrix.ts';

/** @throws LimbeckError NON_FINITE naming file, row and column */
export function assertFiniteRows(path: string, { data, columns }: Matrix, place: (row: number) => string): void {
  for (let k = 0; k < data.length; k++) {
    if (Number.isFinite(data[k])) continue;
    throw new LimbeckError(
      'NON_FINITE',
      `${path}, ${place(Math.floor(k / columns))}: expected finite numbers (in single precision), got ${data[k]} in column ${k % columns}. ` +
        'Compute the row again, or take it and its sample out.',
    );
  }
}
