/** What a run remembers of its validations: all of them, the best, and whether it is time to stop. */
import type * as z from 'zod';
import { LimbeckError, show } from '../errors.ts';
import type { earlyStoppingSchema, ValidationPoint } from './distill-options.ts';

/** As plain JSON: what a checkpoint holds of it. */
export interface HistoryState {
  readonly points: readonly ValidationPoint[];
  /** Place of the best among the points; −1 before there is one. */
  readonly best: number;
}

export interface HistoryOptions {
  /** The metric by which a validation is the best; undefined when none is asked for. */
  readonly metric: string | undefined;
  readonly earlyStopping: z.output<typeof earlyStoppingSchema> | undefined;
  /** The metrics that validations give; undefined without validation. */
  readonly known: readonly string[] | undefined;
}

export class History {
  readonly #metric: string | undefined;
  readonly #earlyStopping: z.output<typeof earlyStoppingSchema> | undefined;
  #points: readonly ValidationPoint[] = [];
  #best = -1;

  /** @throws LimbeckError INVALID_OPTION for a metric that validations do not give */
  constructor({ metric, earlyStopping, known }: HistoryOptions) {
    this.#metric = metric;
    this.#earlyStopping = earlyStopping;
    if (metric === undefined) return;
    if (known === undefined) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `distill: expected validation data for the metric ${show(metric)}, got none. Give validation: { data, teacher }.`,
      );
    }
    if (!known.includes(metric)) {
      throw new LimbeckError(
        'INVALID_OPTION',
        `distill: expected a metric that the validation gives, got ${show(metric)}. It gives ${known.join(', ') || 'none'}: ` +
          "retrieval and cosines need teacher rows as wide as the student's embedding, accuracy labels and a student that classifies.",
      );
    }
  }

  get points(): readonly ValidationPoint[] {
    return this.#points;
  }

  /** The best validation by the metric; undefined without one. */
  get best(): ValidationPoint | undefined {
    return this.#points[this.#best];
  }

  /** Takes in a validation. @returns whether it is the best so far */
  add(point: ValidationPoint): boolean {
    this.#points = [...this.#points, point];
    if (this.#metric === undefined) return false;
    const { minimumGain = 0 } = this.#earlyStopping ?? {};
    const before = this.best?.metrics[this.#metric];
    const better = before === undefined || point.metrics[this.#metric] > before + minimumGain;
    if (better) this.#best = this.#points.length - 1;
    return better;
  }

  /** Whether validations have brought no gain for as long as early stopping is patient. */
  get finished(): boolean {
    return this.#earlyStopping !== undefined && this.#points.length - 1 - this.#best >= this.#earlyStopping.patience;
  }

  state(): HistoryState {
    return { points: this.#points, best: this.#best };
  }

  restore({ points, best }: HistoryState): void {
    this.#points = points;
    this.#best = best;
  }
}
