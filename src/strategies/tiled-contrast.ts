/**
 * The contrastive loss of batches whose logits do not fit into memory: tiles of anchors over all keys, one after the other. The
 * formula is that of `contrast.ts`, asked for fewer anchors at a time, so value and gradient are those of the whole.
 *
 * Three stages: rows as the loss compares them (heads, norms); tiles, which add up totals and gradients by those rows; and the
 * gradient taken back through norms and heads. Memory is O((B + M)·D) and one tile.
 */
import { add, type Dimension, gradients, input, mul, type SymbolicTensor, sum } from '../graph/index.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, ConcreteBatch, Evaluation, LayerFacts, Pair } from './batch.ts';
import { comparedRows, meanScoreName, partScale } from './contrast.ts';
import { parameterFeeds, parameterInputs } from './parameter-inputs.ts';
import type { PreparedContrast } from './prepare-contrast.ts';
import { SIDES, type Side, TAKING_TURNS, type Tile, type TileBatch, TileSweep, tileScores } from './tile-sweep.ts';

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
  width(layer: LayerFacts): Dimension;
  logitsPerAnchor(layer: LayerFacts): number;
  prepare(layer: LayerFacts, range: AnchorRange): PreparedContrast;
  observe(observed: Evaluation['observed']): void;
  /** Called when no anchor of the batch has a negative, and the loss is 0 for that. */
  noneUsable(): void;
}

export class TiledContrast {
  readonly #programs = new ProgramCache<Program>((program) => program.release());
  readonly #tiles = new ProgramCache<Tile>(({ program }) => program.release());

  async release(): Promise<void> {
    await this.#programs.release();
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
    const size = anchorsPerTile(layer, request);
    const ranges = Array.from({ length: Math.ceil(facts.rows / size) }, (_, k) => ({
      from: k * size,
      to: Math.min(facts.rows, (k + 1) * size),
    }));
    const rows = await this.comparedRows(batch, facts, request);
    const trained: readonly Side[] = withGradient ? (request.teacherTrained ? SIDES : ['student']) : [];
    const tileBatch: TileBatch = { rows, width: request.width(layer), trained };
    const observed = await this.#calibrate(ranges, tileBatch, layer, request);
    const sweep = new TileSweep(tileBatch, this.#tiles);
    let scale = 1;
    let usable = false;
    for (const range of ranges) {
      const { parts, data, usable: tileUsable } = request.prepare(layer, range);
      scale = partScale(parts);
      usable ||= tileUsable;
      for (const [p, part] of parts.entries()) await sweep.add(p, part, data, range);
    }
    if (!usable) request.noneUsable();
    const factor = request.weight * scale;
    const loss = factor * sweep.loss();
    return {
      loss,
      components: { contrastive: loss },
      ...(await this.#pullBack(batch, facts, request, sweep.gradients(factor))),
      observed: {
        ...observed,
        ...(request.observesRows && {
          'student rows': matrixTensor(rows.student),
          'teacher rows': matrixTensor(rows.teacher),
        }),
      },
      applies: true,
    };
  }

  /** The rows of a batch as the loss compares them. */
  async comparedRows(batch: ConcreteBatch, facts: BatchFacts, request: TileRequest): Promise<Pair<Matrix>> {
    const program = await this.#programs.get(programKey('rows', facts, request), () => {
      const { inputs, rows } = rawInputs(facts, request);
      return compile({ inputs, outputs: { ...rows } }, TAKING_TURNS);
    });
    const { student, teacher } = await program.run(rawFeeds(batch, facts, request));
    return { student: asMatrix(student), teacher: asMatrix(teacher) };
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
        const { logTotal, entries } = await tileScores(part, data, batch, range, this.#programs);
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

  /** From gradients by compared rows to gradients by the batch's own rows and the heads. */
  async #pullBack(
    batch: ConcreteBatch,
    facts: BatchFacts,
    request: TileRequest,
    cotangents: ReadonlyMap<Side, Matrix>,
  ): Promise<Pick<Evaluation, 'gradients' | 'parameterGradients'>> {
    if (cotangents.size === 0) return { gradients: new Map(), parameterGradients: new Map() };
    const sides = [...cotangents.keys()];
    const program = await this.#programs.get(programKey('back', facts, request), () => {
      const { inputs, raw, parameters, rows } = rawInputs(facts, request);
      const pulled = sides.map((side) => {
        const cotangent = input(`cotangent ${side}`, facts.dtype, rows[side].shape);
        inputs.push(cotangent);
        return sum(mul(rows[side], cotangent));
      });
      const [gradient, ...own] = gradients(pulled.reduce(add), [raw.student, ...parameters]);
      const outputs: Record<string, SymbolicTensor> = { gradient };
      for (const [i, { name }] of request.parameters.entries()) outputs[`parameter gradient ${name}`] = own[i];
      return compile({ inputs, outputs }, TAKING_TURNS);
    });
    const feeds = rawFeeds(batch, facts, request);
    for (const [side, cotangent] of cotangents) feeds[`cotangent ${side}`] = matrixTensor(cotangent);
    const results = await program.run(feeds);
    return {
      gradients: new Map([[request.layer, asMatrix(results.gradient)]]),
      parameterGradients: new Map(
        request.parameters.map(({ name }) => [name, results[`parameter gradient ${name}`].data as FloatArray]),
      ),
    };
  }
}

function anchorsPerTile(layer: LayerFacts, { maxLogits, logitsPerAnchor }: TileRequest): number {
  return Math.max(1, Math.floor(maxLogits / logitsPerAnchor(layer)));
}

function programKey(
  what: string,
  { dtype, layers }: BatchFacts,
  { layer, normalize, parameters }: TileRequest,
): string {
  const { dimension, teacherDimension } = layers.get(layer) as LayerFacts;
  return JSON.stringify([
    what,
    dtype,
    dimension,
    teacherDimension,
    normalize,
    parameters.map(({ name, shape }) => [name, shape]),
  ]);
}

/** The batch as it was given, the strategy's parameters, and the rows that the loss compares. */
function rawInputs({ dtype, layers }: BatchFacts, { layer, normalize, parameters: own }: TileRequest) {
  const { dimension, teacherDimension } = layers.get(layer) as LayerFacts;
  const raw = {
    student: input('raw student', dtype, ['batch', dimension]),
    teacher: input('raw teacher', dtype, ['batch', teacherDimension]),
  };
  const parameters = parameterInputs(own, dtype);
  const byName = Object.fromEntries(own.map(({ name }, i) => [name, parameters[i]]));
  return {
    inputs: [raw.student, raw.teacher, ...parameters],
    raw,
    parameters,
    rows: comparedRows(raw, byName, normalize),
  };
}

function rawFeeds(
  { layers }: ConcreteBatch,
  { dtype }: BatchFacts,
  { layer, parameters }: TileRequest,
): Record<string, TensorData> {
  const { student, teacher } = layers.get(layer) as Pair<Matrix>;
  return {
    'raw student': matrixTensor(student),
    'raw teacher': matrixTensor(teacher),
    ...parameterFeeds(parameters, dtype),
  };
}

function asMatrix({ dims, data }: TensorData): Matrix {
  return new Matrix(dims[0], dims[1], data as FloatArray);
}

/** log(eᵃ + eᵇ). */
function logAddExp(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === Number.NEGATIVE_INFINITY ? high : high + Math.log(Math.exp(a - high) + Math.exp(b - high));
}
