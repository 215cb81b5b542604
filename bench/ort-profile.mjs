// Reads the profile that ONNX Runtime writes (Chrome's trace format) and sums it by operator.
import { formatFigure } from './table.mjs';

/** Operators that are listed. */
const LISTED = 14;

/**
 * @param text the profile's JSON
 * @param stepMilliseconds what a step takes as a whole
 * @returns lines: milliseconds a run, calls a run, operator
 */
export function profileLines(text, stepMilliseconds) {
  const events = JSON.parse(text);
  const runs = events.filter(({ name }) => name === 'model_run');
  const kernels = new Map();
  for (const { cat, name, dur, args } of events) {
    if (cat !== 'Node' || !name.endsWith('_kernel_time')) continue;
    const known = kernels.get(args.op_name) ?? { time: 0, calls: 0 };
    kernels.set(args.op_name, { time: known.time + dur, calls: known.calls + 1 });
  }
  const perRun = (microseconds) => microseconds / runs.length / 1000;
  const rows = [...kernels].sort(([, a], [, b]) => b.time - a.time);
  const inKernels = perRun(rows.reduce((sum, [, { time }]) => sum + time, 0));
  const inRuns = perRun(runs.reduce((sum, { dur }) => sum + dur, 0));
  const row = (time, calls, what) => `${formatFigure(time).padStart(9)} ms ${calls.padStart(7)}  ${what}`;
  const rest = rows.slice(LISTED);
  return [
    ...rows
      .slice(0, LISTED)
      .map(([operator, { time, calls }]) => row(perRun(time), (calls / runs.length).toFixed(0), operator)),
    ...(rest.length > 0
      ? [row(perRun(rest.reduce((sum, [, { time }]) => sum + time, 0)), '', `${rest.length} others`)]
      : []),
    row(inRuns - inKernels, '', 'inside the run, between operators'),
    row(stepMilliseconds - inRuns, '', 'outside the run: preparation, copies, bookkeeping'),
    '',
  ];
}
