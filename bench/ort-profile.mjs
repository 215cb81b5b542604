// Sums ONNX Runtime's profiles (Chrome's trace format) by operator, and lays them and our own stages out in one table whose parts add
// up to the step.
import { formatFigure } from './table.mjs';

/** Operators that are listed. */
const LISTED = 14;

/**
 * The time by operator in the last `runs` runs of a profile.
 *
 * @param text the profile's JSON
 * @returns { inRuns: milliseconds of those runs, operators: name → { milliseconds, calls } }
 */
export function operatorTimes(text, runs) {
  const operators = new Map();
  if (runs === 0) return { inRuns: 0, operators };
  const events = JSON.parse(text);
  const all = events.filter(({ name }) => name === 'model_run').sort((a, b) => a.ts - b.ts);
  if (all.length < runs) throw new Error(`profile: expected ${runs} runs, got ${all.length}`);
  const counted = all.slice(-runs);
  for (const { cat, name, ts, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time') || ts < counted[0].ts) continue;
    const known = operators.get(args.op_name) ?? { milliseconds: 0, calls: 0 };
    operators.set(args.op_name, { milliseconds: known.milliseconds + dur / 1000, calls: known.calls + 1 });
  }
  return { inRuns: counted.reduce((sum, { dur }) => sum + dur / 1000, 0), operators };
}

/**
 * The parts of a step.
 *
 * @param milliseconds of every step
 * @param stages { name, milliseconds, calls } over all steps; the one called `runStage` is what JavaScript waited for ONNX Runtime
 * @param profiles { text, runs } of every session
 * @returns { what, milliseconds, calls } a step, which add up to the mean of the steps
 */
export function profileParts({ milliseconds, stages, profiles, runStage }) {
  const steps = milliseconds.length;
  const operators = new Map();
  let inRuns = 0;
  for (const { text, runs } of profiles) {
    const times = operatorTimes(text, runs);
    inRuns += times.inRuns;
    for (const [name, { milliseconds, calls }] of times.operators) {
      const known = operators.get(name) ?? { milliseconds: 0, calls: 0 };
      operators.set(name, { milliseconds: known.milliseconds + milliseconds, calls: known.calls + calls });
    }
  }
  const sorted = [...operators].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  const total = (items) => items.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  const inOperators = total([...operators.values()]);
  const others = sorted.slice(LISTED).map(([, times]) => times);
  const run = stages.find(({ name }) => name === runStage);
  const parts = [
    ...sorted.slice(0, LISTED).map(([what, times]) => ({ what, ...times })),
    ...(others.length > 0 ? [{ what: `${others.length} other operators`, milliseconds: total(others) }] : []),
    { what: 'inside the run, between operators', milliseconds: inRuns - inOperators },
    { what: 'around the run: copies in and out', milliseconds: (run?.milliseconds ?? 0) - inRuns, calls: run?.calls },
    ...stages
      .filter((stage) => stage !== run)
      .map(({ name: what, milliseconds, calls }) => ({ what, milliseconds, calls })),
    { what: 'the rest, in JavaScript', milliseconds: milliseconds.reduce((a, b) => a + b, 0) - total(stages) },
  ];
  return parts.map(({ what, milliseconds, calls }) => ({
    what,
    milliseconds: milliseconds / steps,
    ...(calls === undefined ? {} : { calls: calls / steps }),
  }));
}

/** Parts as lines: milliseconds a step, calls a step, what; and their sum. */
export function partLines(parts, sum = 'a step') {
  const row = (milliseconds, calls, what) =>
    `${formatFigure(milliseconds).padStart(9)} ms ${calls.padStart(7)}  ${what}`;
  const whole = parts.reduce((total, { milliseconds }) => total + milliseconds, 0);
  return [
    ...parts.map(({ what, milliseconds, calls }) =>
      row(milliseconds, calls === undefined ? '' : calls.toFixed(calls < 10 && calls % 1 !== 0 ? 1 : 0), what),
    ),
    row(whole, '', sum),
  ];
}
