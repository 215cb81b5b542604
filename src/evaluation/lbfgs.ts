/**
 * Limited-memory BFGS: the minimum of a smooth function of many numbers from its values and gradients. For small convex problems that
 * are to be solved to their end; students are trained by src/training.
 */

export interface LbfgsOptions {
  /** It ends where no entry of the gradient is larger. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

export interface LbfgsResult {
  readonly at: Float64Array;
  readonly iterations: number;
  /** Whether the tolerance was reached, and not merely the last iteration or the end of what float64 can tell apart. */
  readonly converged: boolean;
}

/** A function's value and gradient at a place. */
export type Differentiable = (at: Float64Array) => Promise<{ readonly value: number; readonly gradient: Float64Array }>;

/** Steps that are remembered. */
const MEMORY = 10;
/** The share of the decrease that the slope promises which is enough, and how often a step is shortened at most. */
const ENOUGH = 1e-4;
const SHORTENINGS = 30;

/**
 * @param start is not written to
 * @source Nocedal and Wright, "Numerical Optimization", 2006, algorithms 7.4 and 7.5, with a step that is shortened until it lowers the
 *   value enough
 */
export async function lbfgs(
  evaluate: Differentiable,
  start: Float64Array,
  { tolerance, maxIterations }: LbfgsOptions,
): Promise<LbfgsResult> {
  let at = start;
  let { value, gradient } = await evaluate(at);
  const steps: { readonly s: Float64Array; readonly y: Float64Array; readonly sy: number }[] = [];
  for (let iterations = 0; ; iterations++) {
    if (gradient.every((entry) => Math.abs(entry) <= tolerance)) return { at, iterations, converged: true };
    if (iterations === maxIterations) return { at, iterations, converged: false };
    const direction = descent(gradient, steps);
    const slope = dot(direction, gradient);
    // The first direction has no scale yet.
    let length = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(-slope)) : 1;
    let next: { readonly at: Float64Array; readonly value: number; readonly gradient: Float64Array } | undefined;
    for (let tries = 0; tries < SHORTENINGS && !next; tries++, length /= 2) {
      const there = at.map((entry, k) => entry + length * direction[k]);
      const found = await evaluate(there);
      if (found.value <= value + ENOUGH * length * slope) next = { at: there, ...found };
    }
    if (!next) return { at, iterations, converged: false };
    const previous = { at, gradient };
    ({ at, value, gradient } = next);
    const s = at.map((entry, k) => entry - previous.at[k]);
    const y = gradient.map((entry, k) => entry - previous.gradient[k]);
    const sy = dot(s, y);
    if (sy > 0) steps.push({ s, y, sy });
    if (steps.length > MEMORY) steps.shift();
  }
}

/** −H g, H being the inverse of the curvature as the remembered steps tell it. */
function descent(
  gradient: Float64Array,
  steps: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly sy: number }[],
): Float64Array {
  const result = gradient.map((entry) => -entry);
  const factors: number[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { s, y, sy } = steps[i];
    factors[i] = dot(s, result) / sy;
    for (let k = 0; k < result.length; k++) result[k] -= factors[i] * y[k];
  }
  if (steps.length > 0) {
    const { y, sy } = steps[steps.length - 1];
    const scale = sy / dot(y, y);
    for (let k = 0; k < result.length; k++) result[k] *= scale;
  }
  for (const [i, { s, y, sy }] of steps.entries()) {
    const factor = factors[i] - dot(y, result) / sy;
    for (let k = 0; k < result.length; k++) result[k] += factor * s[k];
  }
  return result;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}
