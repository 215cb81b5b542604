/** All samples, or all rows, by number. */

/** 0 … size − 1. */
export function everyNumber(size: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => i);
}
