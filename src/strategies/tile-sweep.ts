/** One pass over tiles of anchors: the program of a tile, and the sums that tiles add to. */
import { declaring } from '../graph/declare.ts';
import { add, type Dimension, gradients, type SymbolicTensor, topologicalOrder } from '../graph/index.ts';
import { scoreTotal } from '../losses/noise-contrastive.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import type { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import { directionTerms } from './anchor-direction.ts';
import type { Pair, Prepared } from './batch.ts';
import { type ContrastPart, partTotal } from './contrast.ts';

export type Side = keyof Pair<unknown>;
export const SIDES: readonly Side[] = ['student', 'teacher'];

/** Programs for rows, tiles and the way back run one after the other. */
export const TAKING_TURNS = { takesTurns: true };

/** Rows of the batch enter a tile twice: some of them as anchors, all of them as keys. */
const ROLES = ['anchors', 'batch'] as const;
type Role = (typeof ROLES)[number];

const rowsName = (side: Side, role: Role): string => `${side} ${role}`;
const gradientName = (side: Side, role: Role): string => `gradient ${rowsName(side, role)}`;
const sofarName = (side: Side): string => `gradient ${rowsName(side, 'batch')} so far`;

/** A compiled tile, and which gradients it gives. */
export interface Tile {
  readonly program: Program;
  readonly gradients: readonly { readonly side: Side; readonly role: Role }[];
}

/** Everything that a tile of one batch is made from. */
export interface TileBatch {
  /** The rows of the batch as the loss compares them. */
  readonly rows: Pair<Matrix>;
  /** How their width is written in shapes. */
  readonly width: Dimension;
  /** The sides that something is trained on; empty when no gradient is asked for. */
  readonly trained: readonly Side[];
}

/** Totals, weights and gradients over tiles, for every part of the loss. */
export class TileSweep {
  readonly #batch: TileBatch;
  readonly #tiles: ProgramCache<Tile>;
  readonly #totals: number[] = [];
  readonly #weights: number[] = [];
  readonly #anchors = new Map<Side, Matrix>();
  /** By rows as keys: added up inside the graph, from one buffer into the other. */
  readonly #keys = new Map<Side, { sofar: Matrix; next: Matrix }>();

  constructor(batch: TileBatch, tiles: ProgramCache<Tile>) {
    this.#batch = batch;
    this.#tiles = tiles;
  }

  /** Adds a tile to the sums of part `p`. */
  async add(p: number, part: ContrastPart, data: Prepared['data'], range: AnchorRange): Promise<void> {
    const id = tileKey(part, data, this.#batch);
    const tile = await this.#tiles.get(id, () => compileTile(part, data, this.#batch));
    const feeds = tileFeeds(data, this.#batch, range);
    const into: Record<string, TensorData> = {};
    for (const { side, role } of tile.gradients) {
      if (role === 'anchors') continue;
      const { sofar, next } = this.#keySums(side);
      feeds[sofarName(side)] = matrixTensor(sofar);
      into[gradientName(side, role)] = matrixTensor(next);
    }
    const results = await tile.program.run(feeds, into);
    this.#totals[p] = (this.#totals[p] ?? 0) + Number(results.total.data[0]);
    this.#weights[p] = (this.#weights[p] ?? 0) + Number(results.weight.data[0]);
    for (const { side, role } of tile.gradients) {
      if (role === 'batch') {
        const { sofar, next } = this.#keySums(side);
        this.#keys.set(side, { sofar: next, next: sofar });
        continue;
      }
      const { columns, data: sums } = this.#anchorSums(side);
      const gradient = results[gradientName(side, role)].data as FloatArray;
      const own = sums.subarray(range.from * columns, range.to * columns);
      for (let k = 0; k < gradient.length; k++) own[k] += gradient[k];
    }
  }

  /** The means of the parts, added. */
  loss(): number {
    return this.#totals.reduce((sum, total, p) => sum + total / Math.max(1, this.#weights[p]), 0);
  }

  /** ∂(factor · loss)/∂rows of the sides that something is trained on. */
  gradients(factor: number): ReadonlyMap<Side, Matrix> {
    // Where there are several parts they are means over the same anchors.
    const by = factor / Math.max(1, this.#weights[0]);
    return new Map(
      this.#batch.trained.map((side) => {
        const { data } = this.#anchorSums(side);
        const keys = this.#keys.get(side)?.sofar.data;
        if (keys) for (let k = 0; k < data.length; k++) data[k] = by * (data[k] + keys[k]);
        else for (let k = 0; k < data.length; k++) data[k] *= by;
        return [side, this.#anchorSums(side)];
      }),
    );
  }

  #anchorSums(side: Side): Matrix {
    return entry(this.#anchors, side, () => this.#zeros());
  }

  #keySums(side: Side): { sofar: Matrix; next: Matrix } {
    return entry(this.#keys, side, () => ({ sofar: this.#zeros(), next: this.#zeros() }));
  }

  #zeros(): Matrix {
    const { rows, columns, dtype } = this.#batch.rows.student;
    return Matrix.zeros(rows, columns, dtype);
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

/** log Σ exp(score) over what the anchors of a tile see, and how many scores that are. */
export async function tileScores(
  part: ContrastPart & { readonly kind: 'noise' },
  data: Prepared['data'],
  batch: TileBatch,
  range: AnchorRange,
  programs: ProgramCache<Program>,
): Promise<{ readonly logTotal: number; readonly entries: number }> {
  const program = await programs.get(`scores ${tileKey(part, data, batch)}`, () => {
    const { inputs, anchors, keys, symbols } = tileInputs(data, batch);
    const outputs = { ...scoreTotal(directionTerms(anchors, keys, symbols, part.direction)) };
    return compile({ inputs, outputs }, TAKING_TURNS);
  });
  const { logTotal, entries } = await program.run(tileFeeds(data, batch, range));
  return { logTotal: Number(logTotal.data[0]), entries: Number(entries.data[0]) };
}

function tileKey(part: ContrastPart, data: Prepared['data'], { rows, width, trained }: TileBatch): string {
  const shapes = Object.entries(data).map(([name, { shape }]) => [name, shape]);
  return JSON.stringify([part, shapes, rows.student.dtype, width, trained]);
}

async function compileTile(part: ContrastPart, data: Prepared['data'], batch: TileBatch): Promise<Tile> {
  const { inputs, declare, anchors, keys, symbols } = tileInputs(data, batch);
  const { total, weight } = partTotal(part, anchors, keys, symbols);
  const reached = new Set(topologicalOrder([total]).flatMap((operation) => operation.inputs));
  const of = { anchors, batch: keys };
  const wanted = batch.trained
    .flatMap((side) => ROLES.map((role) => ({ side, role })))
    .filter(({ side, role }) => reached.has(of[role][side]));
  const found = gradients(
    total,
    wanted.map(({ side, role }) => of[role][side]),
  );
  const outputs: Record<string, SymbolicTensor> = { total, weight };
  for (const [i, { side, role }] of wanted.entries()) {
    let gradient = found[i];
    if (role === 'batch') {
      gradient = add(declare(sofarName(side), batch.rows.student.dtype, gradient.shape), gradient);
    }
    outputs[gradientName(side, role)] = gradient;
  }
  return { program: await compile({ inputs, outputs }, TAKING_TURNS), gradients: wanted };
}

function tileInputs(data: Prepared['data'], { rows, width }: TileBatch) {
  const { inputs, declare } = declaring();
  const sides = (role: Role): Pair<SymbolicTensor> => {
    const side = (which: Side) => declare(rowsName(which, role), rows.student.dtype, [role, width]);
    return { student: side('student'), teacher: side('teacher') };
  };
  const symbols = Object.fromEntries(
    Object.entries(data).map(([name, { shape, tensor }]) => [name, declare(name, tensor.dtype, shape)]),
  );
  return { inputs, declare, anchors: sides('anchors'), keys: sides('batch'), symbols };
}

function tileFeeds(data: Prepared['data'], { rows }: TileBatch, { from, to }: AnchorRange): Record<string, TensorData> {
  const feeds: Record<string, TensorData> = {};
  for (const name in data) feeds[name] = data[name].tensor;
  for (const side of SIDES) {
    const { columns, data: numbers } = rows[side];
    feeds[rowsName(side, 'batch')] = matrixTensor(rows[side]);
    feeds[rowsName(side, 'anchors')] = matrixTensor(
      new Matrix(to - from, columns, numbers.subarray(from * columns, to * columns)),
    );
  }
  return feeds;
}
