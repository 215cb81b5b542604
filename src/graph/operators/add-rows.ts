/**
 * Rows added at places of a table that may repeat, as nodes. ONNX Runtime's ScatterND adds with all its threads at once and without locks
 * (1.30), so that sums are lost where places repeat; its ScatterElements adds number by number on one thread, the same bits every time.
 * Flat it takes half the time that it takes along an axis.
 */
import type { Emitter } from '../tensor.ts';

/** Names in the graph. */
export interface RowsToAdd {
  /** What is added to, [V..., D...]; left as it is. */
  readonly base: string;
  /** The shape of `base`, one-dimensional, int64. */
  readonly shape: string;
  /** int64 numbers of rows, of any shape; negative ones count from the end. */
  readonly rows: string;
  /** How many numbers a row has, an int64 scalar. */
  readonly width: string;
  /** [..., D...]: as many rows as there are numbers of rows. */
  readonly updates: string;
}

/** Writes base + the updates at their rows, under a name. */
export function emitAddRows(emitter: Emitter, { base, shape, rows, width, updates }: RowsToAdd, output: string): void {
  const flat = (name: string): string => emitter.temporary('Reshape', [name, emitter.int64s([-1])]);
  const starts = emitter.temporary('Mul', [emitter.temporary('Reshape', [rows, emitter.int64s([-1, 1])]), width]);
  const within = emitter.temporary('Range', [emitter.scalar(0, 'int64'), width, emitter.scalar(1, 'int64')]);
  const places = flat(emitter.temporary('Add', [starts, within]));
  const sums = emitter.temporary('ScatterElements', [flat(base), places, flat(updates)], {
    axis: { int: 0 },
    reduction: { string: 'add' },
  });
  emitter.node('Reshape', [sums, shape], [output], { allowzero: { int: 1 } });
}

/** How many numbers the axes of a shape from `first` on hold, as an int64 scalar. */
export function emitWidth(emitter: Emitter, shape: string, first: number): string {
  const sizes = emitter.temporary('Slice', [
    shape,
    ...[first, Number.MAX_SAFE_INTEGER].map((place) => emitter.int64s([place])),
  ]);
  return emitter.temporary('ReduceProd', [sizes], { keepdims: { int: 0 } });
}
