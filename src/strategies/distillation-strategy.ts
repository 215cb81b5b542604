/**
 * The base class of every strategy. A subclass writes its loss once, symbolically; values, gradients, float64 and the training
 * step follow from that one definition.
 */
import { LimbeckError } from '../errors.ts';
import type { SymbolicTensor } from '../graph/index.ts';
import { IntermediateActivations } from '../matrix/intermediate-activations.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import { warnOnConsole } from '../warnings.ts';
import type {
  BatchFacts,
  ConcreteBatch,
  Evaluation,
  LayerWidths,
  LossAndGradient,
  LossComponents,
  Pair,
  Prepared,
  SymbolicBatch,
} from './batch.ts';
import { batchFacts, OUTPUTS, withKnownWidths } from './batch-facts.ts';
import { type Labels, type MatrixLike, toPair } from './inputs.ts';
import { NOTHING, WholeBatch } from './whole-batch.ts';

/**
 * A distillation loss. Subclasses implement {@link symbolicLoss}; those with numbers of their own also {@link prepare}.
 *
 * @example
 * class MeanGap extends DistillationStrategy {
 *   symbolicLoss({ outputs }: SymbolicBatch) {
 *     if (!outputs?.teacher) return {};
 *     const gap = sub(mean(outputs.student, [-1]), mean(outputs.teacher, [-1]));
 *     return { gap: mean(mul(gap, gap)) };
 *   }
 * }
 * const { loss, gradient } = await new MeanGap().computeLossAndGradient(studentOutputs, teacherOutputs);
 */
export abstract class DistillationStrategy<Structure = unknown> {
  readonly #whole = new WholeBatch<Structure>();
  #warnedOfMissingLayer = false;

  /** The loss of a batch. A part whose ingredients the batch does not have is left out. */
  abstract symbolicLoss(batch: SymbolicBatch<Structure>): LossComponents;

  /** Asked before every evaluation for what the loss needs beside the batch itself. By default, nothing. */
  prepare(_facts: BatchFacts): Prepared<Structure> {
    return { data: {}, structure: undefined as Structure };
  }

  /** The layers whose activations the loss reads. */
  layerNames(): readonly string[] {
    return [];
  }

  /** Whether the layers have to be as wide in the student as in the teacher. Losses that compare relations say no. */
  equalWidths(): boolean {
    return true;
  }

  /** What to do about unequal widths, as a sentence for the error. */
  widthAdvice(): string {
    return 'End the student in a linear map to the teacher’s width.';
  }

  /** Trained numbers of the strategy's own, such as projection heads, for layers of these widths. By default none. */
  parametersFor(_layers: ReadonlyMap<string, LayerWidths>): readonly Parameter[] {
    return [];
  }

  /** Tensors of a batch that {@link observe} and {@link advance} want to see, by name. By default none. */
  symbolicObservations(_batch: SymbolicBatch<Structure>): Readonly<Record<string, SymbolicTensor>> {
    return {};
  }

  /** Called with the observations after every evaluation of the loss, in training and out of it. */
  observe(_observed: Evaluation['observed']): void {}

  /** Called with the observations after every step of an optimizer: the place to update banks. */
  advance(_facts: BatchFacts, _observed: Evaluation['observed']): void {}

  /** The options as plain JSON: what tells a run with this strategy from a run with another. By default its options, if any. */
  settings(): unknown {
    const settings: Record<string, unknown> = {};
    // Options are enumerable accessors of the class.
    for (const name in this) settings[name] = this[name];
    return settings;
  }

  /** What training changes in the strategy besides its parameters (banks, normalizers), for a checkpoint; copies. */
  state(): StateArrays {
    return {};
  }

  /**
   * Goes back to a {@link state}.
   *
   * @throws LimbeckError SHAPE_MISMATCH for the state of another set-up
   */
  restore(_state: StateArrays): void {}

  /**
   * Loss of outputs.
   *
   * @param studentOutputs logits [B, C]
   * @param teacherOutputs logits [B, C]
   * @param trueLabels class indices, or one-hot or soft rows [B, C]
   * @returns the mean over the batch
   */
  async computeLoss(studentOutputs: MatrixLike, teacherOutputs: MatrixLike, trueLabels?: Labels): Promise<number> {
    return (await this.#evaluateOutputs(studentOutputs, teacherOutputs, trueLabels, false)).loss;
  }

  /** ∂loss/∂studentOutputs [B, C] of {@link computeLoss}. */
  async computeGradient(studentOutputs: MatrixLike, teacherOutputs: MatrixLike, trueLabels?: Labels): Promise<Matrix> {
    return (await this.computeLossAndGradient(studentOutputs, teacherOutputs, trueLabels)).gradient;
  }

  /** {@link computeLoss} and {@link computeGradient} in one pass. */
  async computeLossAndGradient(
    studentOutputs: MatrixLike,
    teacherOutputs: MatrixLike,
    trueLabels?: Labels,
  ): Promise<LossAndGradient<Matrix>> {
    const { loss, gradients, parameterGradients } = await this.#evaluateOutputs(
      studentOutputs,
      teacherOutputs,
      trueLabels,
      true,
    );
    return { loss, gradient: gradients.get(OUTPUTS) as Matrix, parameterGradients };
  }

  /**
   * Loss of intermediate activations, over the layers that both sides have.
   *
   * @param context labels, and the samples of the rows, for strategies that make use of them
   */
  async computeIntermediateLoss(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
    context: LayerContext = {},
  ): Promise<number> {
    return (await this.evaluateLayers(studentActivations, teacherActivations, context, false)).loss;
  }

  /** ∂loss/∂activations of {@link computeIntermediateLoss}, for the layers that the loss uses. */
  async computeIntermediateGradient(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
    context: LayerContext = {},
  ): Promise<IntermediateActivations> {
    return (await this.evaluateLayers(studentActivations, teacherActivations, context, true)).gradient;
  }

  /** Frees the compiled programs. The strategy stays usable and compiles anew. */
  async release(): Promise<void> {
    await this.#whole.release();
  }

  /**
   * Loss, and on request gradients, of a batch: what every method with numbers stands on, and the trainer's three-pass step.
   *
   * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT and what the strategy itself refuses
   */
  async evaluate(batch: ConcreteBatch, withGradient: boolean): Promise<Evaluation> {
    if (!batch.outputs && batch.layers.size === 0) return NOTHING;
    const facts = this.facts(batch);
    const evaluation = this.needsTiles(facts)
      ? await this.#evaluateApart(batch, facts, withGradient)
      : await this.#whole.evaluate(this, batch, facts, withGradient);
    this.observe(evaluation.observed);
    return evaluation;
  }

  /** What is known about a batch before its loss is computed. */
  protected facts(batch: ConcreteBatch): BatchFacts {
    const facts = batchFacts(batch, this.equalWidths());
    return this.parametersFor(facts.layers).length > 0 ? withKnownWidths(facts) : facts;
  }

  /** Whether a batch is too large to be evaluated at once, so that {@link evaluateInTiles} has to do it. By default never. */
  needsTiles(_facts: BatchFacts): boolean {
    return false;
  }

  /** An evaluation in tiles, equal to that of the whole. */
  protected evaluateInTiles(_batch: ConcreteBatch, _facts: BatchFacts, _withGradient: boolean): Promise<Evaluation> {
    throw new Error(`${this.constructor.name} asks for tiles without evaluating in tiles.`);
  }

  /** Activations in tiles and outputs whole: a loss is a sum over both. */
  async #evaluateApart(batch: ConcreteBatch, facts: BatchFacts, withGradient: boolean): Promise<Evaluation> {
    const tiled = await this.evaluateInTiles({ ...batch, outputs: undefined }, facts, withGradient);
    if (!batch.outputs) return tiled;
    const none = new Map();
    const rest = await this.#whole.evaluate(this, { ...batch, layers: none }, { ...facts, layers: none }, withGradient);
    return {
      ...tiled,
      loss: tiled.loss + rest.loss,
      components: { ...tiled.components, ...rest.components },
      gradients: new Map([...tiled.gradients, ...rest.gradients]),
    };
  }

  /** Loss, and on request gradient, of activations by layer. */
  protected async evaluateLayers(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
    context: LayerContext,
    withGradient: boolean,
  ): Promise<LossAndGradient<IntermediateActivations>> {
    const layers = new Map<string, Pair<Matrix>>();
    for (const name of this.layerNames()) {
      const student = studentActivations.get(name);
      const teacher = teacherActivations.get(name);
      if (student && teacher) layers.set(name, toPair(student, teacher, name, this.#unequalWidths()));
      else this.#warnOfMissingLayer(name, studentActivations.names, teacherActivations.names);
    }
    const { loss, gradients, parameterGradients } = await this.evaluate({ ...context, layers }, withGradient);
    const gradient = new IntermediateActivations();
    for (const [name, matrix] of gradients) gradient.set(name, matrix);
    return { loss, gradient, parameterGradients };
  }

  async #evaluateOutputs(
    studentOutputs: MatrixLike,
    teacherOutputs: MatrixLike,
    labels: Labels | undefined,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const outputs = toPair(studentOutputs, teacherOutputs, 'outputs', 'Both need a column for every class.');
    const evaluation = await this.evaluate({ outputs, layers: new Map(), labels }, withGradient);
    if (!evaluation.applies) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${this.constructor.name}: expected a strategy with a loss for outputs; this one only compares activations. ` +
          'Use computeIntermediateLoss.',
      );
    }
    return evaluation;
  }

  /** What to advise when widths differ; undefined when they may. */
  #unequalWidths(): string | undefined {
    return this.equalWidths() ? this.widthAdvice() : undefined;
  }

  #warnOfMissingLayer(name: string, student: readonly string[], teacher: readonly string[]): void {
    if (this.#warnedOfMissingLayer) return;
    this.#warnedOfMissingLayer = true;
    const list = (names: readonly string[]): string => names.map((layer) => `"${layer}"`).join(', ') || 'none';
    warnOnConsole(
      `${this.constructor.name}: expected a layer "${name}" on both sides; its loss is 0 without it. ` +
        `Layers of the student: ${list(student)}; of the teacher: ${list(teacher)}.`,
    );
  }
}

/** Labels and samples of a batch of activations. */
export interface LayerContext {
  readonly labels?: Labels | undefined;
  /** Sample of every row; a sample that is also in a bank counts once and is never its own negative. */
  readonly sampleIds?: Int32Array | undefined;
}
