/** What passes between a strategy and whoever evaluates it: a batch as symbols, its facts, and what the loss asks for. */
import type { Dimension, FloatType, Shape, SymbolicTensor } from '../graph/index.ts';
import type { TensorData } from '../runtime/backend.ts';

/** The same tensor of student and teacher. */
export interface Pair<T> {
  readonly student: T;
  readonly teacher: T;
}

/** What a loss is written over. */
export interface SymbolicBatch<Structure = unknown> {
  /** Logits [batch, classes]; undefined when the batch has no outputs. */
  readonly outputs?: Pair<SymbolicTensor> | undefined;
  /** Activations [batch, width] of the layers that both networks have. */
  readonly layers: ReadonlyMap<string, Pair<SymbolicTensor>>;
  /** Label probabilities [batch, classes], when there are outputs and labels. */
  readonly labels?: SymbolicTensor | undefined;
  /** What the strategy's `prepare` fed. */
  readonly data: Readonly<Record<string, SymbolicTensor>>;
  /** What the strategy's `prepare` said about the form of the graph. */
  readonly structure: Structure;
}

/** What is known about a concrete batch before its loss is computed. */
export interface BatchFacts {
  readonly rows: number;
  readonly dtype: FloatType;
  readonly hasOutputs: boolean;
  /** The layers that both networks have: the student's width, and how it is written in the graph's shapes (number or name). */
  readonly layers: ReadonlyMap<string, { readonly width: number; readonly dimension: Dimension }>;
  readonly classIndices?: Int32Array | undefined;
  /** Which sample of the data set each row is. */
  readonly sampleIds?: Int32Array | undefined;
  /** Counts optimizer steps; 0 outside training. Seeds whatever is drawn for the batch. */
  readonly step: number;
}

/** What a loss needs besides outputs, activations and labels. */
export interface Prepared<Structure = unknown> {
  /** Numbers: hyperparameters, masks, bank rows. They may change between batches without recompiling. */
  readonly data: Readonly<Record<string, { readonly shape: Shape; readonly tensor: TensorData }>>;
  /** Whatever changes the graph itself, as plain JSON: modes, switches, which parts there are. */
  readonly structure: Structure;
}

/** Named parts of the loss, weights already inside; the loss is their sum. */
export type LossComponents = Readonly<Record<string, SymbolicTensor>>;

export interface LossAndGradient<G> {
  readonly loss: number;
  readonly gradient: G;
}
