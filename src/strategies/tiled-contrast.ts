/**
 * The contrastive loss of batches whose logits do not fit into memory: tiles of anchors over all keys, one after the other. The
 * formula is that of `contrast.ts`, asked for fewer anchors at a time, so value and gradient are those of the whole.
 *
 * A tile takes its anchors as they were given, and gives its gradient by them; only rows that are keys are made for the whole batch,
 * and gradients by them taken back at the end. Memory beside the gradient itself: the keys, for a trained side of them as much again,
 * and one tile.
 */
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, ConcreteBatch, Evaluation, LayerFacts, Pair } from './batch.ts';
import { ComparedRows, type RawBatch, rangesOf, SIDES, type Side } from './compared-rows.ts';
import { meanScoreName, partScale } from './contrast.ts';
import { GradientSums } from './gradient-sums.ts';
import type { PreparedContrast } from './prepare-contrast.ts';
import { SpareArrays } from './spare-arrays.ts';
import { type Tile, type TileBatch, TileSweep, tileScores } from './tile-sweep.ts';

/** What the tiles need to know of the strategy. */
export interface TileRequest {
  readonly layer: string;
  readonly normalize: boolean;
  readonly parameters: readonly Parameter[];
  /** Whether the teacher has a head, so that the loss trains something on its side too. */
  readonly teacherTrained: boolean;
  /** The weight of the loss. */
  readonly weight: number;
  readonly maxLogits: number;
  readonly observesRows: boolean;
  /** The width of compared rows. */
  width(layer: LayerFacts): number;
  logitsPerAnchor(layer: LayerFacts): number;
  prepare(layer: LayerFacts, range: AnchorRange): PreparedContrast;
  observe(observed: Evaluation['observed']): void;
  /** Called when no anchor of the batch has a negative, and the loss is 0 for that. */
  noneUsable(): void;
}

export class TiledContrast {
  readonly #rows = new ComparedRows();
  readonly #tiles = new ProgramCache<Tile>(({ program }) => program.release());
  readonly #spare = new SpareArrays();

  async release(): Promise<void> {
    this.#spare.clear();
    await this.#rows.release();
    await this.#tiles.release();
  }

  /** Whether the logits of a batch are too many to be held at once. */
  needed(facts: BatchFacts, request: TileRequest): boolean {
    const layer = facts.layers.get(request.layer);
    return layer !== undefined && anchorsPerTile(layer, request) < facts.rows;
  }

  async evaluate(
    batch: ConcreteBatch,
    facts: BatchFacts,
    request: TileRequest,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const layer = facts.layers.get(request.layer) as LayerFacts;
    const ranges = rangesOf(facts.rows, anchorsPerTile(layer, request));
    const raw = rawBatch(batch, facts, request);
    const trained: readonly Side[] = withGradient ? (request.teacherTrained ? SIDES : ['student']) : [];
    const { rows: count, columns, dtype } = raw.rows.student;
    const gradient = batch.into?.get(request.layer) ?? (withGradient && Matrix.zeros(count, columns, dtype));
    const sums = withGradient && gradient ? new GradientSums(gradient, request.parameters) : undefined;
    const { tileBatch, inUse } = this.#tileBatch(raw, trained, request);
    try {
      const observed = await this.#calibrate(ranges, tileBatch, layer, request);
      const sweep = new TileSweep(tileBatch, this.#tiles, sums);
      let scale = 1;
      let counted = true;
      let usable = false;
      for (const range of ranges) {
        const { parts, data, usable: tileUsable } = request.prepare(layer, range);
        scale = partScale(parts);
        // Every anchor counts once, but for triplets, whose weight is known at the end.
        counted = parts.every(({ kind }) => kind !== 'triplet');
        usable ||= tileUsable;
        const factor = counted ? (request.weight * scale) / facts.rows : 1;
        for (const [p, part] of parts.entries()) await sweep.add(p, part, data, range, factor);
      }
      if (!usable) request.noneUsable();
      const loss = request.weight * scale * sweep.loss();
      const rest = counted ? 1 : (request.weight * scale) / sweep.weight();
      const gradients = sums && (await this.#finish(sums, sweep, raw, rest));
      return {
        loss,
        components: { contrastive: loss },
        gradients: new Map(gradients && [[request.layer, gradients.gradient]]),
        parameterGradients: gradients?.parameterGradients ?? new Map(),
        observed: { ...observed, ...(request.observesRows && (await observedRows(tileBatch))) },
        applies: true,
      };
    } finally {
      // Rows that were handed out are somebody else's.
      if (!request.observesRows) this.#spare.giveBack(inUse);
    }
  }

  /** The rows of a batch as the loss compares them. */
  async comparedRows(batch: ConcreteBatch, facts: BatchFacts, request: TileRequest): Promise<Pair<Matrix>> {
    const { tileBatch } = this.#tileBatch(rawBatch(batch, facts, request), [], request);
    return { student: await tileBatch.compared('student'), teacher: await tileBatch.compared('teacher') };
  }

  /** @returns also the large arrays that it takes from the spare ones, as they come to be used */
  #tileBatch(
    raw: RawBatch,
    trained: readonly Side[],
    request: TileRequest,
  ): { readonly tileBatch: TileBatch; readonly inUse: readonly FloatArray[] } {
    const width = request.width(raw.layer);
    const { rows, dtype } = raw.facts;
    const inUse: FloatArray[] = [];
    const matrix = (): Matrix => {
      const array = this.#spare.take(dtype, rows * width);
      inUse.push(array);
      return new Matrix(rows, width, array);
    };
    const known = new Map<Side, Matrix>();
    const compared = async (side: Side): Promise<Matrix> => {
      const made = known.get(side) ?? matrix();
      if (!known.has(side)) await this.#rows.write(side, raw, made);
      known.set(side, made);
      return made;
    };
    const zeros = (): Matrix => {
      const made = matrix();
      made.data.fill(0);
      return made;
    };
    return { tileBatch: { raw, trained, compared, zeros }, inUse };
  }

  /** The mean scores of the whole batch, where they are not frozen yet: a sweep of its own, before any loss is known. */
  async #calibrate(
    ranges: readonly AnchorRange[],
    batch: TileBatch,
    layer: LayerFacts,
    request: TileRequest,
  ): Promise<Evaluation['observed']> {
    const totals = new Map<string, { logTotal: number; entries: number }>();
    for (const range of ranges) {
      const { parts, data } = request.prepare(layer, range);
      const open = parts.filter((part) => part.kind === 'noise').filter(({ calibrated }) => !calibrated);
      if (open.length === 0) return {};
      for (const part of open) {
        const { logTotal, entries } = await tileScores(part, data, batch, range, this.#tiles);
        const name = meanScoreName(part.direction.anchors);
        const sofar = totals.get(name) ?? { logTotal: Number.NEGATIVE_INFINITY, entries: 0 };
        totals.set(name, { logTotal: logAddExp(sofar.logTotal, logTotal), entries: sofar.entries + entries });
      }
    }
    const observed = Object.fromEntries(
      [...totals].map(([name, { logTotal, entries }]) => [name, scalarTensor(logTotal - Math.log(entries), 'float64')]),
    );
    request.observe(observed);
    return observed;
  }

  /** Takes gradients by rows as keys back to the batch's own rows and the parameters, and multiplies the sums by `factor`. */
  async #finish(sums: GradientSums, sweep: TileSweep, raw: RawBatch, factor: number) {
    for (const [side, cotangent] of sweep.byKeys()) {
      await this.#rows.pullBack(side, raw, cotangent, sums);
    }
    return sums.times(factor);
  }
}

function rawBatch({ layers }: ConcreteBatch, facts: BatchFacts, request: TileRequest): RawBatch {
  const { layer, normalize, parameters } = request;
  return {
    rows: layers.get(layer) as Pair<Matrix>,
    facts,
    layer: facts.layers.get(layer) as LayerFacts,
    normalize,
    parameters,
  };
}

async function observedRows({ compared }: TileBatch): Promise<Evaluation['observed']> {
  return {
    'student rows': matrixTensor(await compared('student')),
    'teacher rows': matrixTensor(await compared('teacher')),
  };
}

function anchorsPerTile(layer: LayerFacts, { maxLogits, logitsPerAnchor }: TileRequest): number {
  return Math.max(1, Math.floor(maxLogits / logitsPerAnchor(layer)));
}

/** log(eᵃ + eᵇ). */
function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log(Math.exp(a - high) + Math.exp(b - high));
}
