import { describe, expect, it } from 'vitest';
import { cosineSchedule, type ScheduleOptions, scheduleFactor } from '../../src/training/schedule.ts';

const run = (steps: number, warmup: number) =>
  Array.from({ length: steps }, (_, step) => cosineSchedule(step, steps, warmup));

describe('cosineSchedule', () => {
  it('warms up in a straight line, then goes down half a cosine', () => {
    expect(run(8, 0.5).slice(0, 5)).toEqual([0.25, 0.5, 0.75, 1, 1]);
    expect(run(8, 0.5)[6]).toBeCloseTo(0.5, 15);
    // 0.5 (1 + cos(π k / 4)) for k = 1, 3
    expect(run(8, 0.5)[5]).toBeCloseTo(0.8535533905932737, 15);
    expect(run(8, 0.5)[7]).toBeCloseTo(0.14644660940672627, 15);
  });

  it('has the values of its documentation', () => {
    expect(cosineSchedule(0, 100, 0.05)).toBe(0.2);
    expect(cosineSchedule(99, 100, 0.05)).toBeLessThan(0.001);
  });

  it.each([
    [1, 0],
    [1, 0.99],
    [2, 0.5],
    [3, 0.05],
    [100, 0.05],
    [100, 0.99],
    [1000, 0],
  ])('%i steps, warm-up %s: in (0, 1], up and then down, with 1 in between', (steps, warmup) => {
    const factors = run(steps, warmup);
    for (const factor of factors) {
      expect(factor).toBeGreaterThan(0);
      expect(factor).toBeLessThanOrEqual(1);
    }
    const top = factors.indexOf(1);
    expect(top).toBeGreaterThanOrEqual(0);
    for (let i = 1; i <= top; i++) expect(factors[i]).toBeGreaterThan(factors[i - 1]);
    for (let i = top + 1; i < steps; i++) expect(factors[i]).toBeLessThanOrEqual(factors[i - 1]);
  });
});

describe('scheduleFactor', () => {
  const factors = (options: Partial<ScheduleOptions>, steps: number) =>
    Array.from({ length: steps }, (_, step) =>
      scheduleFactor(
        { schedule: 'constant', warmup: 0, milestones: [0.5, 0.75], decayFactor: 0.1, ...options },
        step,
        steps,
      ),
    );

  it('constant: 1 after warming up', () => {
    expect(factors({ warmup: 0.5 }, 8)).toEqual([0.25, 0.5, 0.75, 1, 1, 1, 1, 1]);
  });

  it('step: lower by the factor from each milestone on', () => {
    const found = factors({ schedule: 'step' }, 8);
    for (const [k, expected] of [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01].entries())
      expect(found[k]).toBeCloseTo(expected, 15);
  });

  it('cosine: that of cosineSchedule', () => {
    expect(factors({ schedule: 'cosine', warmup: 0.25 }, 8)).toEqual(run(8, 0.25));
  });
});
