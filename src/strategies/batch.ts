/** What passes between a strategy and whoever evaluates it: a batch as symbols, its facts, and what the loss asks for. */
import type { Dimension, FloatType, Shape, SymbolicTensor } from '../graph/index.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import type { TensorData } from '../runtime/backend.ts';
import type { Labels } from './inputs.ts';

/** The same tensor of student and teacher. */
export interface Pair<T> {
  readonly student: T;
  readonly teacher: T;
}

/** Outputs of the student and, where they are known, of the teacher. */
export interface Outputs<T> {
  readonly student: T;
  readonly teacher?: T | undefined;
}

/** What a loss is written over. */
export interface SymbolicBatch<Structure = unknown> {
  /** Logits [batch, classes]; undefined when the batch has no outputs. In training there may be no teacher's. */
  readonly outputs?: Outputs<SymbolicTensor> | undefined;
  /** Activations [batch, width] of the layers that both networks have. */
  readonly layers: ReadonlyMap<string, Pair<SymbolicTensor>>;
  /** Label probabilities [batch, classes], when the student has outputs and there are labels. */
  readonly labels?: SymbolicTensor | undefined;
  /** The strategy's own trained numbers, by name. */
  readonly parameters: Readonly<Record<string, SymbolicTensor>>;
  /** What the strategy's `prepare` fed. */
  readonly data: Readonly<Record<string, SymbolicTensor>>;
  /** What the strategy's `prepare` said about the form of the graph. */
  readonly structure: Structure;
}

/** What is known about a concrete batch before its loss is computed. */
export interface BatchFacts {
  readonly rows: number;
  readonly dtype: FloatType;
  /** Whether there are outputs of both networks. */
  readonly hasOutputs: boolean;
  /** The layers that both networks have. */
  readonly layers: ReadonlyMap<string, LayerFacts>;
  readonly classIndices?: Int32Array | undefined;
  /** Which sample of the data set each row is; of samples that are the same, the first. */
  readonly sampleIds?: Int32Array | undefined;
  /** For every sample of the data set the first that is the same (equal texts); undefined when all differ. */
  readonly duplicateOf?: Int32Array | undefined;
  /** Counts optimizer steps; 0 outside training. Seeds whatever is drawn for the batch. */
  readonly step: number;
}

/** The widths of a layer in both networks. */
export interface LayerWidths {
  readonly width: number;
  readonly teacherWidth: number;
}

/** One layer: its widths, also as they are written in the graph's shapes (number or name). */
export interface LayerFacts extends LayerWidths {
  readonly dimension: Dimension;
  readonly teacherDimension: Dimension;
  /** The teacher's activations [batch, teacherWidth]. */
  readonly teacherRows: Matrix;
}

/** A batch in numbers. */
export interface ConcreteBatch {
  /** Logits. */
  readonly outputs?: Outputs<Matrix> | undefined;
  readonly layers: ReadonlyMap<string, Pair<Matrix>>;
  /** Labels of activations: which rows are of one class. */
  readonly labels?: Labels | undefined;
  /** Labels of outputs; `labels` by default. */
  readonly outputLabels?: Labels | undefined;
  readonly sampleIds?: Int32Array | undefined;
  readonly duplicateOf?: Int32Array | undefined;
  /** Counts optimizer steps. Default 0. */
  readonly step?: number | undefined;
  /** Where gradients by layers are written, instead of to fresh matrices. */
  readonly into?: ReadonlyMap<string, Matrix> | undefined;
}

/** What a loss comes to. */
export interface Evaluation {
  readonly loss: number;
  /** Weights already inside; the loss is their sum. */
  readonly components: Readonly<Record<string, number>>;
  /** ∂loss/∂student by layer (outputs under ''), where asked for. */
  readonly gradients: ReadonlyMap<string, Matrix>;
  /** ∂loss/∂parameter by name, where asked for; row-major, in the parameter's shape. */
  readonly parameterGradients: ReadonlyMap<string, FloatArray>;
  /** What the strategy wants to see of the batch; see {@link DistillationStrategy.observe}. */
  readonly observed: Readonly<Record<string, TensorData>>;
  /** False when the strategy has no loss for such a batch. */
  readonly applies: boolean;
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
  /**
   * ∂loss/∂parameter for the strategy's own trained numbers (projection heads), by parameter name, row-major in the parameter's
   * shape; empty for strategies without any. Your optimizer moves `parameter.data` in place.
   */
  readonly parameterGradients: ReadonlyMap<string, FloatArray>;
}
