/** Learning rates over a run. */

/**
 * Linear warm-up from 0, then half a cosine down to 0 (Loshchilov & Hutter, ICLR 2017, without restarts).
 *
 * @param step 0 … steps − 1
 * @param warmup share of the steps spent warming up, in [0, 1)
 * @returns the factor on the learning rate, in (0, 1]
 *
 * @example
 * cosineSchedule(0, 100, 0.05);  // 0.2: the first of 5 warm-up steps
 * cosineSchedule(99, 100, 0.05); // nearly 0
 */
export function cosineSchedule(step: number, steps: number, warmup: number): number {
  const warm = Math.floor(steps * warmup);
  if (step < warm) return (step + 1) / warm;
  return 0.5 * (1 + Math.cos((Math.PI * (step - warm)) / Math.max(1, steps - warm)));
}
