/** A weighted sum of strategies: each part keeps its own options, the sum is differentiated as one. */
import { LimbeckError, show } from '../errors.ts';
import { mul, type SymbolicTensor } from '../graph/index.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import type {
  BatchFacts,
  ConcreteBatch,
  Evaluation,
  LayerWidths,
  LossComponents,
  Prepared,
  SymbolicBatch,
} from './batch.ts';
import { DistillationStrategy } from './distillation-strategy.ts';

export interface HybridPart {
  readonly strategy: DistillationStrategy;
  /** Finite and ≥ 0; not all parts may have 0. */
  readonly weight: number;
}

interface Structure {
  /** The structure of every part; null for a part of weight 0, which is not computed. */
  readonly parts: readonly ({ readonly structure: unknown } | null)[];
}

/** Under these names part `i` finds its weight and its own data again. */
const weightName = (i: number): string => `weight ${i}`;
const partData = (i: number, name: string): string => `part ${i} ${name}`;

const partComponent = (name: string, i: number): string => `${name} (part ${i})`;

/** The entries of part `i`, under the part's own names. */
function ofPart<T>(all: Readonly<Record<string, T>>, i: number): Record<string, T> {
  const prefix = partData(i, '');
  const own = Object.entries(all).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(own.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** The batch as part `i` sees it. */
function partBatch(batch: SymbolicBatch<Structure>, i: number): SymbolicBatch {
  return {
    ...batch,
    data: ofPart(batch.data, i),
    parameters: ofPart(batch.parameters, i),
    structure: batch.structure.parts[i]?.structure,
  };
}

/** An option that several strategies have. */
type SharedOption = 'temperature' | 'alpha';

/**
 * Σ weight · loss over the parts, for outputs and for intermediate activations alike.
 *
 * `temperature` and `alpha` are passed on to every part that has such an option; read, they are the parts' common value, or undefined
 * where parts differ or none has it.
 *
 * @throws LimbeckError INVALID_OPTION for no parts, a part that is no strategy, or weights that are negative, not finite or all 0
 *
 * @example
 * const strategy = new HybridDistillationStrategy([
 *   { strategy: new ResponseDistillationStrategy({ alpha: 0.5 }), weight: 1 },
 *   { strategy: new SimilarityPreservingStrategy(), weight: 0.3 },
 * ]);
 */
export class HybridDistillationStrategy extends DistillationStrategy<Structure> {
  readonly parts: readonly HybridPart[];

  constructor(parts: readonly HybridPart[]) {
    super();
    if (!Array.isArray(parts) || parts.length === 0) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `HybridDistillationStrategy: expected a list of parts { strategy, weight }, got ${show(parts)}.`,
      );
    }
    for (const [i, part] of (parts as readonly HybridPart[]).entries()) {
      if (!(part?.strategy instanceof DistillationStrategy)) {
        throw new LimbeckError(
          'INVALID_OPTION',
          `HybridDistillationStrategy: part ${i}: expected a DistillationStrategy, got ${show(part?.strategy)}.`,
        );
      }
      if (!(Number.isFinite(part.weight) && part.weight >= 0)) {
        throw new LimbeckError(
          'INVALID_OPTION',
          `HybridDistillationStrategy: part ${i}: expected a finite weight ≥ 0, got ${show(part.weight)}.`,
        );
      }
    }
    this.parts = parts.map(({ strategy, weight }) => ({ strategy, weight }));
    if (this.parts.every(({ weight }) => weight === 0)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        'HybridDistillationStrategy: expected a weight above 0, got only zeros.',
      );
    }
  }

  get temperature(): number | undefined {
    return this.#common('temperature');
  }

  set temperature(value: number | undefined) {
    this.#forward('temperature', value);
  }

  get alpha(): number | undefined {
    return this.#common('alpha');
  }

  set alpha(value: number | undefined) {
    this.#forward('alpha', value);
  }

  override layerNames(): readonly string[] {
    return [...new Set(this.#active().flatMap(({ strategy }) => strategy.layerNames()))];
  }

  override equalWidths(): boolean {
    return this.#active().some(({ strategy }) => strategy.layerNames().length > 0 && strategy.equalWidths());
  }

  override widthAdvice(): string {
    const needy = this.#active().find(({ strategy }) => strategy.layerNames().length > 0 && strategy.equalWidths());
    return needy?.strategy.widthAdvice() ?? super.widthAdvice();
  }

  override parametersFor(layers: ReadonlyMap<string, LayerWidths>): readonly Parameter[] {
    return this.#flat(({ strategy }, i) =>
      strategy.parametersFor(layers).map((parameter) => ({ ...parameter, name: partData(i, parameter.name) })),
    );
  }

  override symbolicObservations(batch: SymbolicBatch<Structure>): Readonly<Record<string, SymbolicTensor>> {
    return Object.fromEntries(
      this.#flat(({ strategy }, i) =>
        Object.entries(strategy.symbolicObservations(partBatch(batch, i))).map(([name, tensor]) => [
          partData(i, name),
          tensor,
        ]),
      ),
    );
  }

  override observe(observed: Evaluation['observed']): void {
    this.#flat(({ strategy }, i) => [strategy.observe(ofPart(observed, i))]);
  }

  override advance(facts: BatchFacts, observed: Evaluation['observed']): void {
    this.#flat(({ strategy }, i) => [strategy.advance(facts, ofPart(observed, i))]);
  }

  override settings(): unknown {
    return this.parts.map(({ strategy, weight }) => [strategy.constructor.name, weight, strategy.settings()]);
  }

  override state(): StateArrays {
    return Object.fromEntries(
      this.#flat(({ strategy }, i) =>
        Object.entries(strategy.state()).map(([name, array]) => [partData(i, name), array]),
      ),
    );
  }

  override restore(state: StateArrays): void {
    this.#flat(({ strategy }, i) => [strategy.restore(ofPart(state, i))]);
  }

  override async release(): Promise<void> {
    for (const { strategy } of this.parts) await strategy.release();
    await super.release();
  }

  override prepare(facts: BatchFacts): Prepared<Structure> {
    const data: Record<string, Prepared['data'][string]> = {};
    const parts = this.parts.map(({ strategy, weight }, i) => {
      if (weight === 0) return null;
      const prepared = strategy.prepare(facts);
      data[weightName(i)] = { shape: [], tensor: scalarTensor(weight, facts.dtype) };
      for (const name in prepared.data) data[partData(i, name)] = prepared.data[name];
      return { structure: prepared.structure };
    });
    return { data, structure: { parts } };
  }

  override symbolicLoss(batch: SymbolicBatch<Structure>): LossComponents {
    return Object.fromEntries(
      this.#flat(({ strategy }, i) =>
        Object.entries(strategy.symbolicLoss(partBatch(batch, i))).map(([name, loss]) => [
          partComponent(name, i),
          mul(loss, batch.data[weightName(i)]),
        ]),
      ),
    );
  }

  override needsTiles(facts: BatchFacts): boolean {
    return this.#flat(({ strategy }) => [strategy.needsTiles(facts)]).some(Boolean);
  }

  /** Where a part needs tiles, the parts are evaluated one by one and added. */
  protected override async evaluateInTiles(
    batch: ConcreteBatch,
    _facts: BatchFacts,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const components: Record<string, number> = {};
    const observed: Record<string, TensorData> = {};
    const gradients = new Map<string, Matrix>();
    const parameterGradients = new Map<string, FloatArray>();
    for (const [i, { strategy, weight }] of this.parts.entries()) {
      if (weight === 0) continue;
      const part = await strategy.evaluate(batch, withGradient);
      for (const [name, value] of Object.entries(part.components)) components[partComponent(name, i)] = weight * value;
      for (const [name, tensor] of Object.entries(part.observed)) observed[partData(i, name)] = tensor;
      for (const [name, gradient] of part.gradients) {
        const sofar = gradients.get(name);
        gradients.set(
          name,
          new Matrix(
            gradient.rows,
            gradient.columns,
            gradient.data.map((g, k) => weight * g + (sofar?.data[k] ?? 0)),
          ),
        );
      }
      for (const [name, gradient] of part.parameterGradients) {
        parameterGradients.set(
          partData(i, name),
          gradient.map((g) => weight * g),
        );
      }
    }
    const loss = Object.values(components).reduce((a, b) => a + b, 0);
    return { loss, components, gradients, parameterGradients, observed, applies: true };
  }

  /** What every part of weight above 0 gives, in one list. */
  #flat<T>(of: (part: HybridPart, i: number) => readonly T[]): T[] {
    return this.parts.flatMap((part, i) => (part.weight > 0 ? of(part, i) : []));
  }

  #active(): readonly HybridPart[] {
    return this.parts.filter(({ weight }) => weight > 0);
  }

  #having(option: SharedOption): Record<SharedOption, number | undefined>[] {
    return this.parts.flatMap(({ strategy }) =>
      option in strategy ? [strategy as unknown as Record<SharedOption, number | undefined>] : [],
    );
  }

  #common(option: SharedOption): number | undefined {
    const values = new Set(this.#having(option).map((strategy) => strategy[option]));
    return values.size === 1 ? [...values][0] : undefined;
  }

  #forward(option: SharedOption, value: number | undefined): void {
    const strategies = this.#having(option);
    if (strategies.length === 0) {
      throw new LimbeckError('INVALID_OPTION', `HybridDistillationStrategy: no part has an option ${option}.`);
    }
    for (const strategy of strategies) strategy[option] = value;
  }
}
