/** A weighted sum of strategies: each part keeps its own options, the sum is differentiated as one. */
import { LimbeckError, show } from '../errors.ts';
import { mul, type SymbolicTensor } from '../graph/index.ts';
import { scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, LossComponents, Prepared, SymbolicBatch } from './batch.ts';
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
    const components: Record<string, SymbolicTensor> = {};
    for (const [i, { strategy }] of this.parts.entries()) {
      const part = batch.structure.parts[i];
      if (!part) continue;
      const prefix = partData(i, '');
      const own = Object.entries(batch.data).filter(([name]) => name.startsWith(prefix));
      const data = Object.fromEntries(own.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
      const losses = strategy.symbolicLoss({ ...batch, data, structure: part.structure });
      for (const [name, loss] of Object.entries(losses))
        components[`${name} (part ${i})`] = mul(loss, batch.data[weightName(i)]);
    }
    return components;
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
