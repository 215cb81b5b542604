/**
 * The base class of every strategy. A subclass writes its loss once, symbolically; values, gradients, float64 and the training
 * step follow from that one definition.
 */
import { LimbeckError } from '../errors.ts';
import { declaring } from '../graph/declare.ts';
import { add, type Dimension, gradients, type SymbolicTensor } from '../graph/index.ts';
import { IntermediateActivations } from '../matrix/intermediate-activations.ts';
import { type FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import { warnOnConsole } from '../warnings.ts';
import type {
  BatchFacts,
  ConcreteBatch,
  Evaluation,
  LayerFacts,
  LayerWidths,
  LossAndGradient,
  LossComponents,
  Pair,
  Prepared,
  SymbolicBatch,
} from './batch.ts';
import { type Labels, type MatrixLike, toClassIndices, toDistribution, toPair } from './inputs.ts';
import { parameterFeeds, parameterInputs } from './parameter-inputs.ts';

/**
 * A distillation loss. Subclasses implement {@link symbolicLoss}; those with numbers of their own also {@link prepare}.
 *
 * @example
 * class MeanGap extends DistillationStrategy {
 *   symbolicLoss({ outputs }: SymbolicBatch) {
 *     if (!outputs) return {};
 *     const gap = sub(mean(outputs.student, [-1]), mean(outputs.teacher, [-1]));
 *     return { gap: mean(mul(gap, gap)) };
 *   }
 * }
 * const { loss, gradient } = await new MeanGap().computeLossAndGradient(studentOutputs, teacherOutputs);
 */
export abstract class DistillationStrategy<Structure = unknown> {
  readonly #programs = new ProgramCache<CompiledLoss | undefined>(async (compiled) => compiled?.program.release());
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
    await this.#programs.release();
  }

  /**
   * Loss, and on request gradients, of a batch: what every method with numbers stands on, and the trainer's three-pass step.
   *
   * @throws LimbeckError SHAPE_MISMATCH, INVALID_ARGUMENT and what the strategy itself refuses
   */
  async evaluate(batch: ConcreteBatch, withGradient: boolean): Promise<Evaluation> {
    const pairs = allPairs(batch);
    if (pairs.size === 0) return NOTHING;
    const facts = this.facts(batch);
    const evaluation = this.needsTiles(facts)
      ? await this.evaluateInTiles(batch, facts, withGradient)
      : await this.#evaluateWhole(batch, pairs, facts, withGradient);
    this.observe(evaluation.observed);
    return evaluation;
  }

  /** What is known about a batch before its loss is computed. */
  protected facts(batch: ConcreteBatch): BatchFacts {
    const facts = batchFacts(batch, allPairs(batch), this.equalWidths());
    // Parameters have known sizes, so the layers that they meet have to be written with theirs.
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

  async #evaluateWhole(
    batch: ConcreteBatch,
    pairs: ReadonlyMap<string, Pair<Matrix>>,
    facts: BatchFacts,
    withGradient: boolean,
  ): Promise<Evaluation> {
    const prepared = this.prepare(facts);
    const labels =
      batch.outputs && batch.labels
        ? toDistribution(batch.labels, facts.rows, batch.outputs.student.columns, facts.dtype)
        : undefined;
    const parameters = this.parametersFor(facts.layers);
    const feeds: Record<string, TensorData> = labels ? { labels: matrixTensor(labels) } : {};
    for (const [name, { student, teacher }] of pairs) {
      feeds[`student ${name}`] = matrixTensor(student);
      feeds[`teacher ${name}`] = matrixTensor(teacher);
    }
    for (const name in prepared.data) feeds[name] = prepared.data[name].tensor;
    Object.assign(feeds, parameterFeeds(parameters, facts.dtype));
    const key = JSON.stringify([
      prepared.structure,
      withGradient,
      facts.dtype,
      Object.keys(feeds).sort(),
      parameters.map(({ shape }) => shape),
    ]);
    const compiled = await this.#programs.get(key, () =>
      this.#compile([...pairs.keys()], prepared, parameters, facts, { labelled: labels !== undefined, withGradient }),
    );
    if (!compiled) return NOTHING;
    const { program, components, observations } = compiled;
    const results = await program.run(feeds);
    const numbers = Object.fromEntries(components.map((name) => [name, Number(results[`component ${name}`].data[0])]));
    const gradients = new Map<string, Matrix>();
    for (const name of withGradient ? pairs.keys() : []) {
      const { dims, data } = results[`gradient ${name}`];
      gradients.set(name, new Matrix(dims[0], dims[1], data as FloatArray));
    }
    return {
      loss: Object.values(numbers).reduce((a, b) => a + b),
      components: numbers,
      gradients,
      parameterGradients: new Map(
        (withGradient ? parameters : []).map(({ name }) => [
          name,
          results[`parameter gradient ${name}`].data as FloatArray,
        ]),
      ),
      observed: Object.fromEntries(observations.map((name) => [name, results[`observed ${name}`]])),
      applies: true,
    };
  }

  /** Undefined when the loss has no component for such a batch. Every size is a run-time size: one program serves all. */
  async #compile(
    names: readonly string[],
    { data, structure }: Prepared<Structure>,
    parameters: readonly Parameter[],
    { layers, dtype }: BatchFacts,
    { labelled, withGradient }: { readonly labelled: boolean; readonly withGradient: boolean },
  ): Promise<CompiledLoss | undefined> {
    const { inputs, declare } = declaring();
    const pairs = new Map(
      names.map((name) => {
        const layer = layers.get(name);
        const side = (who: 'student' | 'teacher', width: Dimension): SymbolicTensor =>
          declare(`${who} ${name}`, dtype, ['batch', width]);
        return [
          name,
          {
            student: side('student', layer?.dimension ?? 'classes'),
            teacher: side('teacher', layer?.teacherDimension ?? 'classes'),
          },
        ];
      }),
    );
    const own = parameterInputs(parameters, dtype);
    inputs.push(...own);
    const batch: SymbolicBatch<Structure> = {
      outputs: pairs.get(OUTPUTS),
      layers: new Map([...pairs].filter(([name]) => name !== OUTPUTS)),
      labels: labelled ? declare('labels', dtype, ['batch', 'classes']) : undefined,
      parameters: Object.fromEntries(parameters.map(({ name }, i) => [name, own[i]])),
      data: Object.fromEntries(
        Object.entries(data).map(([name, { shape, tensor }]) => [name, declare(name, tensor.dtype, shape)]),
      ),
      structure,
    };
    const components = this.symbolicLoss(batch);
    if (Object.keys(components).length === 0) return undefined;
    const loss = Object.values(components).reduce(add);
    const differentiated = withGradient ? names : [];
    const found = gradients(loss, [
      ...differentiated.map((name) => (pairs.get(name) as Pair<SymbolicTensor>).student),
      ...(withGradient ? own : []),
    ]);
    const observations = this.symbolicObservations(batch);
    const outputs: Record<string, SymbolicTensor> = {};
    for (const [name, tensor] of Object.entries(components)) outputs[`component ${name}`] = tensor;
    for (const [name, tensor] of Object.entries(observations)) outputs[`observed ${name}`] = tensor;
    for (const [i, name] of differentiated.entries()) outputs[`gradient ${name}`] = found[i];
    for (const [i, { name }] of withGradient ? parameters.entries() : []) {
      outputs[`parameter gradient ${name}`] = found[differentiated.length + i];
    }
    return {
      program: await compile({ inputs, outputs }),
      components: Object.keys(components),
      observations: Object.keys(observations),
    };
  }
}

/** Labels and samples of a batch of activations. */
export interface LayerContext {
  readonly labels?: Labels | undefined;
  /** Sample of every row; a sample that is also in a bank counts once and is never its own negative. */
  readonly sampleIds?: Int32Array | undefined;
}

interface CompiledLoss {
  readonly program: Program;
  readonly components: readonly string[];
  readonly observations: readonly string[];
}

/** An evaluation of nothing. */
const NOTHING: Evaluation = {
  loss: 0,
  components: {},
  gradients: new Map(),
  parameterGradients: new Map(),
  observed: {},
  applies: false,
};

/** The run-time size that is the width of a layer; one name for both sides where they have to agree. */
function widthName(layer: string, side: 'student' | 'teacher'): string {
  return `${side} width of ${layer}`;
}

/** The name of the outputs among the layers; no layer can have it, since layer names are not blank. */
const OUTPUTS = '';

function batchFacts(
  { outputs, layers, labels, sampleIds, duplicateOf, step = 0 }: ConcreteBatch,
  pairs: ReadonlyMap<string, Pair<Matrix>>,
  equalWidths: boolean,
): BatchFacts {
  const [{ student: first }] = pairs.values();
  for (const [name, { student }] of pairs) {
    if (student.rows !== first.rows || student.dtype !== first.dtype) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `layer "${name}": expected ${first.rows} rows of ${first.dtype} like the others, got ${student.rows} of ${student.dtype}.`,
      );
    }
  }
  if (sampleIds && sampleIds.length !== first.rows) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `sampleIds: expected one for each of the ${first.rows} rows, got ${sampleIds.length}.`,
    );
  }
  return {
    rows: first.rows,
    dtype: first.dtype,
    hasOutputs: outputs !== undefined,
    layers: new Map(
      [...layers].map(([name, { student, teacher }]): [string, LayerFacts] => [
        name,
        {
          width: student.columns,
          dimension: widthName(name, 'student'),
          teacherWidth: teacher.columns,
          teacherDimension: widthName(name, equalWidths ? 'student' : 'teacher'),
          teacherRows: teacher,
        },
      ]),
    ),
    classIndices: labels && layers.size > 0 ? toClassIndices(labels, first.rows) : undefined,
    sampleIds,
    duplicateOf,
    step,
  };
}

/** The layers and, under their own name, the outputs. */
function allPairs({ layers, outputs }: ConcreteBatch): ReadonlyMap<string, Pair<Matrix>> {
  return outputs ? new Map([...layers, [OUTPUTS, outputs]]) : layers;
}

function withKnownWidths(facts: BatchFacts): BatchFacts {
  const layers = [...facts.layers].map(([name, layer]): [string, LayerFacts] => [
    name,
    { ...layer, dimension: layer.width, teacherDimension: layer.teacherWidth },
  ]);
  return { ...facts, layers: new Map(layers) };
}
