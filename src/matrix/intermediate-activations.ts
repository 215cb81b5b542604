/** The activations of named layers for one batch: what a network hands to a strategy besides its outputs. */
import { LimbeckError, show } from '../errors.ts';
import { Matrix } from './matrix.ts';

/**
 * Layer name → one matrix with a row per sample.
 *
 * @example
 * const activations = new IntermediateActivations().set('embeddings', Matrix.from([[1, 0], [0, 1]]));
 * activations.get('embeddings')?.rows; // 2
 * activations.names;                   // ['embeddings']
 */
export class IntermediateActivations {
  readonly #layers = new Map<string, Matrix>();

  /** Adds or replaces a layer; returns this, so that calls chain. */
  set(name: string, activations: Matrix): this {
    if (typeof name !== 'string' || name.trim() === '') {
      throw new LimbeckError('INVALID_ARGUMENT', `Layer name: expected a non-blank string, got ${show(name)}.`);
    }
    if (!(activations instanceof Matrix)) {
      throw new LimbeckError('INVALID_ARGUMENT', `Layer "${name}": expected a Matrix, got ${show(activations)}.`);
    }
    this.#layers.set(name, activations);
    return this;
  }

  get(name: string): Matrix | undefined {
    return this.#layers.get(name);
  }

  has(name: string): boolean {
    return this.#layers.has(name);
  }

  /** Layer names in the order in which they were first set. */
  get names(): string[] {
    return [...this.#layers.keys()];
  }

  get size(): number {
    return this.#layers.size;
  }

  [Symbol.iterator](): IterableIterator<[string, Matrix]> {
    return this.#layers.entries();
  }
}
