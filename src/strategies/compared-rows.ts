/**
 * The rows of a batch as its loss compares them (heads, norms), and gradients by them taken back to the batch's own rows and the
 * heads: a few rows at a time, since every row stands by itself, so that nothing of the batch's size is held beside what is asked for.
 */
import { gradients, input, mul, type SymbolicTensor, sum } from '../graph/index.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import type { BatchFacts, LayerFacts, Pair } from './batch.ts';
import { comparedRows } from './contrast.ts';
import type { GradientSums } from './gradient-sums.ts';
import { parameterFeeds, parameterInputs } from './parameter-inputs.ts';

export type Side = keyof Pair<unknown>;
export const SIDES: readonly Side[] = ['student', 'teacher'];

/** Programs for rows, tiles and the way back run one after the other. */
export const TAKING_TURNS = { takesTurns: true };

/** Numbers of a side that are worked on at once: they stay in a core's own cache. */
const NUMBERS_AT_ONCE = 2 ** 17;

/** A batch as it was given, and what is between it and the rows that are compared. */
export interface RawBatch {
  readonly rows: Pair<Matrix>;
  readonly facts: BatchFacts;
  readonly layer: LayerFacts;
  readonly normalize: boolean;
  readonly parameters: readonly Parameter[];
}

/** What tells the graphs over one batch from those over another. */
export function rawKey({ facts: { dtype }, layer, normalize, parameters }: RawBatch): readonly unknown[] {
  const { dimension, teacherDimension } = layer;
  return [dtype, dimension, teacherDimension, normalize, parameters.map(({ name, shape }) => [name, shape])];
}

export const rawName = (side: Side): string => `raw ${side}`;
/** The gradient by the student's rows as they were given. */
export const RAW_GRADIENT = 'gradient raw student';
export const parameterGradientName = (name: string): string => `parameter gradient ${name}`;

/** Raw rows of both sides as symbols, the strategy's parameters, and the rows that the loss compares. */
export function rawInputs({ facts: { dtype }, layer, normalize, parameters: own }: RawBatch, rows: string) {
  const raw = {
    student: input(rawName('student'), dtype, [rows, layer.dimension]),
    teacher: input(rawName('teacher'), dtype, [rows, layer.teacherDimension]),
  };
  const parameters = parameterInputs(own, dtype);
  const byName = Object.fromEntries(own.map(({ name }, i) => [name, parameters[i]]));
  return { raw, parameters, compared: comparedRows(raw, byName, normalize) };
}

/** Some rows, and the parameters. */
export function rawFeeds(
  { rows, facts, parameters }: RawBatch,
  range: AnchorRange,
  sides: readonly Side[] = SIDES,
): Record<string, TensorData> {
  const feeds = parameterFeeds(parameters, facts.dtype);
  for (const side of sides) feeds[rawName(side)] = matrixTensor(rowsOf(rows[side], range));
  return feeds;
}

/** Rows `from` … `to` − 1; no copy. */
export function rowsOf({ columns, data }: Matrix, { from, to }: AnchorRange): Matrix {
  return new Matrix(to - from, columns, data.subarray(from * columns, to * columns));
}

/** All rows, `size` at a time. */
export function rangesOf(rows: number, size: number): AnchorRange[] {
  return Array.from({ length: Math.ceil(rows / size) }, (_, k) => ({
    from: k * size,
    to: Math.min(rows, (k + 1) * size),
  }));
}

export class ComparedRows {
  readonly #programs = new ProgramCache<Program>((program) => program.release());

  release(): Promise<void> {
    return this.#programs.release();
  }

  /** @param into the rows of one side as the loss compares them [B, width] are written there */
  async write(side: Side, batch: RawBatch, into: Matrix): Promise<void> {
    const program = await this.#programs.get(JSON.stringify(['rows', side, ...rawKey(batch)]), () => {
      const { raw, parameters, compared } = rawInputs(batch, 'rows');
      return compile({ inputs: [raw[side], ...parameters], outputs: { rows: compared[side] } }, TAKING_TURNS);
    });
    for (const range of atOnce(batch, side)) {
      await program.run(rawFeeds(batch, range, [side]), { rows: matrixTensor(rowsOf(into, range)) });
    }
  }

  /** Adds what the gradient by the compared rows of one side comes to: by the student's rows as they were given, and by the parameters. */
  async pullBack(side: Side, batch: RawBatch, cotangent: Matrix, sums: GradientSums): Promise<void> {
    const program = await this.#programs.get(JSON.stringify(['back', side, ...rawKey(batch)]), () => {
      const { raw, parameters, compared } = rawInputs(batch, 'rows');
      const given = input('cotangent', batch.facts.dtype, compared[side].shape);
      const pulled = sum(mul(compared[side], given));
      const [gradient, ...own] = gradients(pulled, [raw[side], ...parameters]);
      const outputs: Record<string, SymbolicTensor> = side === 'student' ? { [RAW_GRADIENT]: gradient } : {};
      for (const [i, { name }] of batch.parameters.entries()) outputs[parameterGradientName(name)] = own[i];
      return compile({ inputs: [raw[side], ...parameters, given], outputs }, TAKING_TURNS);
    });
    for (const range of atOnce(batch, side)) {
      const feeds = { ...rawFeeds(batch, range, [side]), cotangent: matrixTensor(rowsOf(cotangent, range)) };
      const place = side === 'student' ? sums.placeOf(range) : undefined;
      const results = await program.run(feeds, place && { [RAW_GRADIENT]: place });
      if (side === 'student') sums.takeRows(range, results[RAW_GRADIENT]);
      for (const { name } of batch.parameters) sums.takeParameter(name, results[parameterGradientName(name)]);
    }
  }
}

function atOnce({ rows }: RawBatch, side: Side): AnchorRange[] {
  const { rows: count, columns } = rows[side];
  return rangesOf(count, Math.max(1, Math.floor(NUMBERS_AT_ONCE / columns)));
}
