/** Learning rates over a run. */
import * as z from 'zod';

/** Options of the learning rate's course; a description completes "expected …". */
export const scheduleOptions = {
  schedule: z
    .enum(['cosine', 'constant', 'step'])
    .default('cosine')
    .describe("'cosine', 'constant' or 'step': how the learning rate falls after warming up"),
  warmup: z.number().min(0).lt(1).default(0.05).describe('a number in [0, 1): the share of steps that warm up'),
  milestones: z
    .array(z.number().gt(0).lt(1))
    .default([0.625, 0.75, 0.875])
    .describe("an array of numbers in (0, 1): the shares of the run after which schedule 'step' lowers the rate"),
  decayFactor: z
    .number()
    .gt(0)
    .max(1)
    .default(0.1)
    .describe("a number in (0, 1]: what schedule 'step' multiplies the rate with at each milestone"),
};

export type ScheduleOptions = z.output<z.ZodObject<typeof scheduleOptions>>;

/**
 * The factor on the learning rate, in (0, 1]: linear warm-up from 0, then by schedule.
 *
 * - cosine: half a cosine down to 0 (Loshchilov & Hutter, ICLR 2017, without restarts);
 * - constant: 1;
 * - step: `decayFactor` to the number of milestones passed. The default ones are epochs 150, 180 and 210 of 240, as in the code of
 *   the CRD paper.
 *
 * @param step 0 … steps − 1
 *
 * @example
 * scheduleFactor({ schedule: 'constant', warmup: 0.05, milestones: [], decayFactor: 0.1 }, 0, 100); // 0.2: the first of 5 warm-up steps
 */
export function scheduleFactor(
  { schedule, warmup, milestones, decayFactor }: ScheduleOptions,
  step: number,
  steps: number,
): number {
  const warm = Math.floor(steps * warmup);
  if (step < warm) return (step + 1) / warm;
  switch (schedule) {
    case 'constant':
      return 1;
    case 'cosine':
      return 0.5 * (1 + Math.cos((Math.PI * (step - warm)) / Math.max(1, steps - warm)));
    case 'step':
      return decayFactor ** milestones.filter((milestone) => step >= milestone * steps).length;
  }
}

/**
 * Linear warm-up from 0, then half a cosine down to 0.
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
  return scheduleFactor({ schedule: 'cosine', warmup, milestones: [], decayFactor: 1 }, step, steps);
}
