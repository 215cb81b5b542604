/** One pass over tiles of anchors: the program of a tile, and the sums that tiles add to. */
import { declaring } from '../graph/declare.ts';
import { add, type Graph, gradients, input, mul, type SymbolicTensor, topologicalOrder } from '../graph/index.ts';
import { scoreTotal } from '../losses/noise-contrastive.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import type { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import { directionTerms } from './anchor-direction.ts';
import type { Pair, Prepared } from './batch.ts';
import {
  parameterGradientName,
  RAW_GRADIENT,
  type RawBatch,
  rawFeeds,
  rawInputs,
  rawKey,
  SIDES,
  type Side,
  TAKING_TURNS,
} from './compared-rows.ts';
import { type ContrastPart, partTotal } from './contrast.ts';
import type { GradientSums } from './gradient-sums.ts';

const keysName = (side: Side): string => `${side} keys`;
const keysGradientName = (side: Side): string => `gradient ${keysName(side)}`;
const sofarName = (side: Side): string => `${keysGradientName(side)} so far`;
const FACTOR = 'factor of gradients';

/** A compiled tile, what it reads and which gradients it gives. */
export interface Tile {
  readonly program: Program;
  /** The sides whose rows are keys. */
  readonly keys: readonly Side[];
  /** Whether there is a gradient by the student's rows as anchors. */
  readonly byAnchors: boolean;
  /** The sides that there is a gradient of as keys, by the rows as they are compared. */
  readonly byKeys: readonly Side[];
  /** The names of the parameters that there is a gradient by, through the anchors. */
  readonly byParameters: readonly string[];
}

/** Everything that a tile of one batch is made from. */
export interface TileBatch {
  readonly raw: RawBatch;
  /** The sides that something is trained on; empty when no gradient is asked for. */
  readonly trained: readonly Side[];
  /** The rows of a side as the loss compares them [B, width], all of them; made when they are first asked for. */
  compared(side: Side): Promise<Matrix>;
  /** Zeros of that size. */
  zeros(): Matrix;
}

/** Totals, weights and gradients over tiles, for every part of the loss. */
export class TileSweep {
  readonly #batch: TileBatch;
  readonly #tiles: ProgramCache<Tile>;
  readonly #totals: number[] = [];
  readonly #weights: number[] = [];
  readonly #sums: GradientSums | undefined;
  readonly #keys = new Map<Side, Matrix>();

  /** @param sums what gradients are added to, where any are asked for */
  constructor(batch: TileBatch, tiles: ProgramCache<Tile>, sums: GradientSums | undefined) {
    this.#batch = batch;
    this.#tiles = tiles;
    this.#sums = sums;
  }

  /**
   * Adds a tile to the sums of part `p`.
   *
   * @param factor gradients are multiplied by it, in the graph
   */
  async add(p: number, part: ContrastPart, data: Prepared['data'], range: AnchorRange, factor: number): Promise<void> {
    const id = tileKey(part, data, this.#batch);
    const tile = await this.#tiles.get(id, () => compileTile(part, data, this.#batch));
    const feeds = await tileFeeds(tile.keys, data, this.#batch, range);
    feeds[FACTOR] = scalarTensor(factor, this.#batch.raw.facts.dtype);
    const into: Record<string, TensorData> = {};
    for (const side of tile.byKeys) {
      // Added up inside the graph, number by number, and so in one place.
      const sums = this.#keys.get(side) ?? this.#batch.zeros();
      this.#keys.set(side, sums);
      feeds[sofarName(side)] = matrixTensor(sums);
      into[keysGradientName(side)] = matrixTensor(sums);
    }
    const place = tile.byAnchors ? this.#sums?.placeOf(range) : undefined;
    if (place) into[RAW_GRADIENT] = place;
    const results = await tile.program.run(feeds, into);
    this.#totals[p] = (this.#totals[p] ?? 0) + Number(results.total.data[0]);
    this.#weights[p] = (this.#weights[p] ?? 0) + Number(results.weight.data[0]);
    if (tile.byAnchors) this.#sums?.takeRows(range, results[RAW_GRADIENT]);
    for (const name of tile.byParameters) this.#sums?.takeParameter(name, results[parameterGradientName(name)]);
  }

  /** The means of the parts, added. */
  loss(): number {
    return this.#totals.reduce((sum, total, p) => sum + total / Math.max(1, this.#weights[p]), 0);
  }

  /** Σ weights; where there are several parts they are means over the same anchors. At least 1, as a divisor. */
  weight(): number {
    return Math.max(1, this.#weights[0]);
  }

  /** The gradients by rows as keys [B, width], as they are compared. */
  byKeys(): ReadonlyMap<Side, Matrix> {
    return this.#keys;
  }
}

/** log Σ exp(score) over what the anchors of a tile see, and how many scores that are. */
export async function tileScores(
  part: ContrastPart & { readonly kind: 'noise' },
  data: Prepared['data'],
  batch: TileBatch,
  range: AnchorRange,
  tiles: ProgramCache<Tile>,
): Promise<{ readonly logTotal: number; readonly entries: number }> {
  const { program, keys } = await tiles.get(`scores ${tileKey(part, data, batch)}`, async () => {
    const { inputs, anchors, keys, symbols } = tileInputs(data, batch);
    const outputs = { ...scoreTotal(directionTerms(anchors, keys, symbols, part.direction)) };
    const { program, used } = await compileOver(keys, { inputs, outputs });
    return { program, keys: used, byAnchors: false, byKeys: [], byParameters: [] };
  });
  const { logTotal, entries } = await program.run(await tileFeeds(keys, data, batch, range));
  return { logTotal: Number(logTotal.data[0]), entries: Number(entries.data[0]) };
}

function tileKey(part: ContrastPart, data: Prepared['data'], { raw, trained }: TileBatch): string {
  const shapes = Object.entries(data).map(([name, { shape }]) => [name, shape]);
  return JSON.stringify([part, shapes, rawKey(raw), trained]);
}

async function compileTile(part: ContrastPart, data: Prepared['data'], batch: TileBatch): Promise<Tile> {
  const { inputs, declare, raw, parameters, anchors, keys, symbols } = tileInputs(data, batch);
  const { dtype } = batch.raw.facts;
  const { total, weight } = partTotal(part, anchors, keys, symbols);
  const factor = declare(FACTOR, dtype, []);
  const reached = inputsOf([total]);
  const trains = batch.trained.length > 0;
  const byAnchors = trains && reached.has(raw.student);
  const byKeys = batch.trained.filter((side) => reached.has(keys[side]));
  const byParameters = (trains ? batch.raw.parameters : [])
    .map(({ name }, i) => ({ name, of: parameters[i] }))
    .filter(({ of }) => reached.has(of));
  const wanted = [
    ...(byAnchors ? [{ name: RAW_GRADIENT, of: raw.student, sofar: undefined }] : []),
    ...byKeys.map((side) => ({ name: keysGradientName(side), of: keys[side], sofar: sofarName(side) })),
    ...byParameters.map(({ name, of }) => ({ name: parameterGradientName(name), of, sofar: undefined })),
  ];
  const outputs: Record<string, SymbolicTensor> = { total, weight };
  const found = gradients(
    mul(total, factor),
    wanted.map(({ of }) => of),
  );
  for (const [i, { name, sofar }] of wanted.entries()) {
    outputs[name] = sofar ? add(declare(sofar, dtype, found[i].shape), found[i]) : found[i];
  }
  const { program, used } = await compileOver(keys, { inputs, outputs });
  return { program, keys: used, byAnchors, byKeys, byParameters: byParameters.map(({ name }) => name) };
}

/** Compiles a graph with those of the keys as inputs that it reads: the others need not be made. */
async function compileOver(
  keys: Pair<SymbolicTensor>,
  { inputs, outputs }: Graph,
): Promise<{ readonly program: Program; readonly used: readonly Side[] }> {
  const read = inputsOf(Object.values(outputs));
  const used = SIDES.filter((side) => read.has(keys[side]));
  const program = await compile({ inputs: [...inputs, ...used.map((side) => keys[side])], outputs }, TAKING_TURNS);
  return { program, used };
}

/** What the operations that lead to some tensors read. */
function inputsOf(tensors: readonly SymbolicTensor[]): ReadonlySet<SymbolicTensor> {
  return new Set(topologicalOrder(tensors).flatMap((operation) => operation.inputs));
}

function tileInputs(data: Prepared['data'], { raw: batch }: TileBatch) {
  const { inputs, declare } = declaring();
  const { raw, parameters, compared: anchors } = rawInputs(batch, 'anchors');
  inputs.push(raw.student, raw.teacher, ...parameters);
  const keysOf = (side: Side) => input(keysName(side), batch.facts.dtype, ['batch', anchors[side].shape[1]]);
  const symbols = Object.fromEntries(
    Object.entries(data).map(([name, { shape, tensor }]) => [name, declare(name, tensor.dtype, shape)]),
  );
  const keys = { student: keysOf('student'), teacher: keysOf('teacher') };
  return { inputs, declare, raw, parameters, anchors, keys, symbols };
}

async function tileFeeds(
  keys: readonly Side[],
  data: Prepared['data'],
  { raw, compared }: TileBatch,
  range: AnchorRange,
): Promise<Record<string, TensorData>> {
  const feeds = rawFeeds(raw, range);
  for (const name in data) feeds[name] = data[name].tensor;
  for (const side of keys) feeds[keysName(side)] = matrixTensor(await compared(side));
  return feeds;
}
