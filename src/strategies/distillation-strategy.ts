/**
 * The base class of every strategy. A subclass writes its loss once, symbolically; values, gradients, float64 and the training
 * step follow from that one definition.
 */
import { LimbeckError } from '../errors.ts';
import {
  add,
  type DataType,
  type FloatType,
  gradients,
  input,
  type Shape,
  type SymbolicTensor,
} from '../graph/index.ts';
import { IntermediateActivations } from '../matrix/intermediate-activations.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import { warnOnConsole } from '../warnings.ts';
import type { BatchFacts, LossAndGradient, LossComponents, Pair, Prepared, SymbolicBatch } from './batch.ts';
import { type Labels, type MatrixLike, toClassIndices, toDistribution, toPair } from './inputs.ts';

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
  readonly #programs = new Map<string, Promise<Program | undefined>>();
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
    const { loss, gradient } = await this.#evaluateOutputs(studentOutputs, teacherOutputs, trueLabels, true);
    return { loss, gradient: gradient as Matrix };
  }

  /** Loss of intermediate activations, over the layers that both sides have. */
  async computeIntermediateLoss(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
  ): Promise<number> {
    return (await this.evaluateLayers(studentActivations, teacherActivations, {}, false)).loss;
  }

  /** ∂loss/∂activations of {@link computeIntermediateLoss}, for the layers that the loss uses. */
  async computeIntermediateGradient(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
  ): Promise<IntermediateActivations> {
    return (await this.evaluateLayers(studentActivations, teacherActivations, {}, true)).gradient;
  }

  /** Frees the compiled programs. The strategy stays usable and compiles anew. */
  async release(): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    for (const program of programs) await (await program)?.release();
  }

  /** Loss, and on request gradient, of activations by layer. */
  protected async evaluateLayers(
    studentActivations: IntermediateActivations,
    teacherActivations: IntermediateActivations,
    context: { readonly labels?: Labels | undefined; readonly sampleIds?: Int32Array | undefined },
    withGradient: boolean,
  ): Promise<LossAndGradient<IntermediateActivations>> {
    const layers = new Map<string, Pair<Matrix>>();
    for (const name of this.layerNames()) {
      const student = studentActivations.get(name);
      const teacher = teacherActivations.get(name);
      if (student && teacher) layers.set(name, toPair(student, teacher, name, this.equalWidths()));
      else this.#warnOfMissingLayer(name, studentActivations.names, teacherActivations.names);
    }
    const { loss, gradients } = await this.#evaluate({ layers, ...context }, withGradient);
    const gradient = new IntermediateActivations();
    for (const [name, matrix] of gradients) gradient.set(name, matrix);
    return { loss, gradient };
  }

  async #evaluateOutputs(
    studentOutputs: MatrixLike,
    teacherOutputs: MatrixLike,
    labels: Labels | undefined,
    withGradient: boolean,
  ): Promise<{ loss: number; gradient: Matrix | undefined }> {
    const outputs = toPair(studentOutputs, teacherOutputs, 'outputs', true);
    const { loss, gradients, applies } = await this.#evaluate({ outputs, layers: new Map(), labels }, withGradient);
    if (!applies) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${this.constructor.name}: expected a strategy with a loss for outputs; this one only compares activations. ` +
          'Use computeIntermediateLoss.',
      );
    }
    return { loss, gradient: gradients.get(OUTPUTS) };
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

  async #evaluate(batch: ConcreteBatch, withGradient: boolean): Promise<Evaluation> {
    const pairs = new Map(batch.layers);
    if (batch.outputs) pairs.set(OUTPUTS, batch.outputs);
    if (pairs.size === 0) return { loss: 0, gradients: new Map(), applies: false };
    const facts = batchFacts(batch, pairs);
    const { data, structure } = this.prepare(facts);
    const labels =
      batch.outputs && batch.labels
        ? toDistribution(batch.labels, facts.rows, batch.outputs.student.columns, facts.dtype)
        : undefined;
    const feeds: Record<string, TensorData> = labels ? { labels: matrixTensor(labels) } : {};
    for (const [name, { student, teacher }] of pairs) {
      feeds[`student ${name}`] = matrixTensor(student);
      feeds[`teacher ${name}`] = matrixTensor(teacher);
    }
    for (const name in data) feeds[name] = data[name].tensor;
    const key = JSON.stringify([structure, withGradient, facts.dtype, Object.keys(feeds).sort()]);
    let compiling = this.#programs.get(key);
    if (!compiling) {
      compiling = this.#compile(
        [...pairs.keys()],
        { data, structure },
        labels !== undefined,
        facts.dtype,
        withGradient,
      );
      this.#programs.set(key, compiling);
    }
    const program = await compiling;
    if (!program) return { loss: 0, gradients: new Map(), applies: false };
    const results = await program.run(feeds);
    const gradients = new Map<string, Matrix>();
    for (const name of withGradient ? pairs.keys() : []) {
      const { dims, data } = results[`gradient ${name}`];
      gradients.set(name, new Matrix(dims[0], dims[1], data as Matrix['data']));
    }
    return { loss: Number(results.loss.data[0]), gradients, applies: true };
  }

  /** Undefined when the loss has no component for such a batch. Every size is a run-time size: one program serves all. */
  async #compile(
    names: readonly string[],
    { data, structure }: Prepared<Structure>,
    hasLabels: boolean,
    dtype: FloatType,
    withGradient: boolean,
  ): Promise<Program | undefined> {
    const inputs: SymbolicTensor[] = [];
    const declare = (name: string, type: DataType, shape: Shape): SymbolicTensor => {
      const tensor = input(name, type, shape);
      inputs.push(tensor);
      return tensor;
    };
    const pairs = new Map(
      names.map((name) => {
        const side = (who: 'student' | 'teacher'): SymbolicTensor => {
          const width = widthName(name, this.equalWidths() ? 'student' : who);
          return declare(`${who} ${name}`, dtype, ['batch', name === OUTPUTS ? 'classes' : width]);
        };
        return [name, { student: side('student'), teacher: side('teacher') }];
      }),
    );
    const components = Object.values(
      this.symbolicLoss({
        outputs: pairs.get(OUTPUTS),
        layers: new Map([...pairs].filter(([name]) => name !== OUTPUTS)),
        labels: hasLabels ? declare('labels', dtype, ['batch', 'classes']) : undefined,
        data: Object.fromEntries(
          Object.entries(data).map(([name, { shape, tensor }]) => [name, declare(name, tensor.dtype, shape)]),
        ),
        structure,
      }),
    );
    if (components.length === 0) return undefined;
    const loss = components.reduce(add);
    const differentiated = withGradient ? names : [];
    const found = gradients(
      loss,
      differentiated.map((name) => (pairs.get(name) as Pair<SymbolicTensor>).student),
    );
    const outputs = Object.fromEntries(differentiated.map((name, i) => [`gradient ${name}`, found[i]]));
    return compile({ inputs, outputs: { loss, ...outputs } });
  }
}

/** The run-time size that is the width of a layer; one name for both sides where they have to agree. */
function widthName(layer: string, side: 'student' | 'teacher'): string {
  return `${side} width of ${layer}`;
}

/** The name of the outputs among the layers; no layer can have it, since layer names are not blank. */
const OUTPUTS = '';

interface ConcreteBatch {
  readonly outputs?: Pair<Matrix>;
  readonly layers: ReadonlyMap<string, Pair<Matrix>>;
  readonly labels?: Labels | undefined;
  readonly sampleIds?: Int32Array | undefined;
}

interface Evaluation {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, Matrix>;
  /** False when the strategy has no loss for such a batch. */
  readonly applies: boolean;
}

function batchFacts(
  { outputs, layers, labels, sampleIds }: ConcreteBatch,
  pairs: ReadonlyMap<string, Pair<Matrix>>,
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
      [...layers].map(([name, { student }]) => [
        name,
        { width: student.columns, dimension: widthName(name, 'student') },
      ]),
    ),
    classIndices: labels && layers.size > 0 ? toClassIndices(labels, first.rows) : undefined,
    sampleIds,
    step: 0,
  };
}
