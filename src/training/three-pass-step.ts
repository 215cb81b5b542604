/**
 * A training step for batches that a student cannot embed at once: gradient caching (Gao et al., "Scaling Deep Contrastive Learning
 * Batch Size under Memory Limited Setup", 2021). Three passes, equal to the plain step up to rounding:
 *
 * 1. the student embeds the batch in micro-batches, and nothing but embeddings is kept;
 * 2. the strategy gives the loss and its gradient by the embeddings, in tiles where they are needed;
 * 3. the micro-batches are embedded once more and that gradient is taken back through each, adding up; then the optimizer steps.
 */
import { declaring } from '../graph/declare.ts';
import { add, gradients, mul, type SymbolicTensor, sum } from '../graph/index.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { ProgramCache } from '../runtime/program-cache.ts';
import { floatTensor, matrixTensor } from '../runtime/tensors.ts';
import type { Evaluation } from '../strategies/batch.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { StudentBatch, TrainableStudent } from '../students/student.ts';
import type { AdamWOptions } from './adamw.ts';
import { graphShape, OptimizerState } from './optimizer-state.ts';
import {
  assertFinite,
  lossOfEmbeddingsNeeded,
  ownName,
  restoreAll,
  type Step,
  type StepBatch,
  type StepResult,
  stepFacts,
  strategyParameters,
} from './step.ts';

const layerName = (name: string): string => `layer ${name}`;
const cotangentName = (name: string): string => `cotangent ${name}`;
const gradientName = ({ name }: Parameter): string => `gradient ${name}`;
const sofarName = ({ name }: Parameter): string => `gradient so far ${name}`;

export class ThreePassStep<Sample, Encoded> implements Step {
  readonly #student: TrainableStudent<Sample, Encoded>;
  readonly #strategy: DistillationStrategy;
  readonly #ofStrategy: readonly Parameter[];
  readonly #optimizer: OptimizerState;
  readonly #programs = new ProgramCache<Program>((program) => program.release());

  /** @param teacherWidth width of the teacher's rows */
  constructor(
    student: TrainableStudent<Sample, Encoded>,
    strategy: DistillationStrategy,
    optimizer: AdamWOptions,
    teacherWidth: number,
  ) {
    this.#student = student;
    this.#strategy = strategy;
    this.#ofStrategy = strategyParameters(student, strategy, teacherWidth);
    this.#optimizer = new OptimizerState([...student.parameters, ...this.#ofStrategy], optimizer);
  }

  async run(batch: StepBatch, learningRate: number): Promise<StepResult> {
    if (this.#strategy.layerNames().length === 0) throw lossOfEmbeddingsNeeded(this.#strategy);
    const step = this.#optimizer.steps;
    const { layers: activations, sizes } = await this.#embed(batch);
    this.#optimizer.writeBack(this.#ofStrategy); // where the strategy's evaluation reads them
    const { teacher, classIndices: labels, sampleIds, duplicateOf } = batch;
    const layers = new Map([...activations].map(([name, student]) => [name, { student, teacher }]));
    const evaluation = await this.#strategy.evaluate({ layers, labels, sampleIds, duplicateOf, step }, true);
    if (!evaluation.applies) throw lossOfEmbeddingsNeeded(this.#strategy);
    const touched = Int32Array.from(new Set(batch.student.flatMap(({ rows }) => Array.from(rows)))).sort();
    const sums = await this.#backward(batch.student, sizes, evaluation, touched);
    for (const parameter of this.#ofStrategy) {
      const gradient = evaluation.parameterGradients.get(ownName(parameter)) as Float32Array;
      sums[gradientName(parameter)] = floatTensor(gradient, parameter.shape);
    }
    const update = await this.#programs.get('update', () => this.#buildUpdate());
    const results = await update.run(
      { ...this.#optimizer.feeds(touched, learningRate), ...sums },
      this.#optimizer.into(),
    );
    const { loss, components } = evaluation;
    const result = { loss, components, gradientNorm: Number(results.gradientNorm.data[0]) };
    assertFinite(result, step);
    this.#optimizer.commit(results, touched);
    this.#strategy.advance(stepFacts(batch, this.#student, this.#strategy, step), evaluation.observed);
    return result;
  }

  writeBack(): void {
    this.#optimizer.writeBack();
  }

  release(): Promise<void> {
    return this.#programs.release();
  }

  state(): StateArrays {
    return { ...this.#optimizer.state(), ...this.#strategy.state() };
  }

  restore(state: StateArrays): void {
    restoreAll([this.#optimizer, this.#strategy], state);
  }

  /** Pass 1: the layers that the strategy reads, [B, width]. */
  async #embed({ student, teacher }: StepBatch): Promise<{ layers: Map<string, Matrix>; sizes: number[] }> {
    const layers = new Map(
      this.#strategy
        .layerNames()
        .map((name) => [name, Matrix.zeros(teacher.rows, this.#student.layers.get(name) as number)]),
    );
    const sizes: number[] = [];
    let row = 0;
    for (const part of student) {
      const program = await this.#programs.get('forward', () => this.#buildForward(part));
      const results = await program.run(this.#studentFeeds(part));
      for (const [name, layer] of layers)
        layer.data.set(results[layerName(name)].data as Float32Array, row * layer.columns);
      const [size] = Object.values(results)[0].dims;
      sizes.push(size);
      row += size;
    }
    return { layers, sizes };
  }

  /** Pass 3: the gradients of the student's parameters over all micro-batches; of sparse ones the touched rows. */
  async #backward(
    parts: readonly StudentBatch[],
    sizes: readonly number[],
    { gradients: byLayer }: Evaluation,
    touched: Int32Array,
  ): Promise<Record<string, TensorData>> {
    const place = new Map(Array.from(touched, (row, k) => [row, k]));
    const dense = new Map<Parameter, { sofar: TensorData; next: TensorData }>();
    const sparse = new Map<Parameter, Float32Array>();
    for (const parameter of this.#student.parameters) {
      const zeros = (): TensorData => floatTensor(new Float32Array(parameter.data.length), parameter.shape);
      if (parameter.sparse)
        sparse.set(parameter, new Float32Array((parameter.data.length / parameter.shape[0]) * touched.length));
      else dense.set(parameter, { sofar: zeros(), next: zeros() });
    }
    let row = 0;
    for (const [p, part] of parts.entries()) {
      const program = await this.#programs.get('backward', () => this.#buildBackward(part));
      const size = sizes[p];
      const feeds = this.#studentFeeds(part);
      for (const [name, { columns, data }] of byLayer) {
        const rows = data.subarray(row * columns, (row + size) * columns);
        feeds[cotangentName(name)] = matrixTensor(new Matrix(size, columns, rows));
      }
      const into: Record<string, TensorData> = {};
      for (const [parameter, { sofar, next }] of dense) {
        feeds[sofarName(parameter)] = sofar;
        into[gradientName(parameter)] = next;
      }
      const results = await program.run(feeds, into);
      for (const [parameter, { sofar, next }] of dense) dense.set(parameter, { sofar: next, next: sofar });
      for (const [parameter, sums] of sparse) {
        const gradient = results[gradientName(parameter)].data as Float32Array;
        const width = gradient.length / part.rows.length;
        for (const [i, touchedRow] of part.rows.entries()) {
          const start = (place.get(touchedRow) as number) * width;
          for (let k = 0; k < width; k++) sums[start + k] += gradient[i * width + k];
        }
      }
      row += size;
    }
    const sums: Record<string, TensorData> = {};
    for (const [parameter, { sofar }] of dense) sums[gradientName(parameter)] = sofar;
    for (const [parameter, values] of sparse) {
      sums[gradientName(parameter)] = floatTensor(values, [touched.length, ...parameter.shape.slice(1)]);
    }
    return sums;
  }

  #studentFeeds(part: StudentBatch): Record<string, TensorData> {
    const feeds = this.#optimizer.parameterFeeds(this.#student.parameters, part.rows);
    for (const [name, { tensor }] of Object.entries(part.feeds)) feeds[`student ${name}`] = tensor;
    return feeds;
  }

  /** The student over one micro-batch, as symbols. */
  #symbolicStudent(part: StudentBatch) {
    const { inputs, declare } = declaring();
    const parameters = this.#optimizer.declareParameters(this.#student.parameters, declare);
    const activations = this.#student.forward({
      feeds: Object.fromEntries(
        Object.entries(part.feeds).map(([name, { shape, tensor }]) => [
          name,
          declare(`student ${name}`, tensor.dtype, shape),
        ]),
      ),
      parameters: Object.fromEntries([...parameters].map(([{ name }, tensor]) => [name, tensor])),
    });
    const layers = this.#strategy
      .layerNames()
      .map((name): [string, SymbolicTensor] => [name, activations.get(name) as SymbolicTensor]);
    return { inputs, declare, parameters, layers };
  }

  #buildForward(part: StudentBatch): Promise<Program> {
    const { inputs, layers } = this.#symbolicStudent(part);
    return compile({ inputs, outputs: Object.fromEntries(layers.map(([name, rows]) => [layerName(name), rows])) });
  }

  #buildBackward(part: StudentBatch): Promise<Program> {
    const { inputs, declare, parameters, layers } = this.#symbolicStudent(part);
    const pulled = layers
      .map(([name, rows]) => sum(mul(rows, declare(cotangentName(name), 'float32', rows.shape))))
      .reduce(add);
    const found = gradients(pulled, [...parameters.values()]);
    const outputs: Record<string, SymbolicTensor> = {};
    for (const [i, parameter] of this.#student.parameters.entries()) {
      outputs[gradientName(parameter)] = parameter.sparse
        ? found[i]
        : add(declare(sofarName(parameter), 'float32', parameter.shape), found[i]);
    }
    return compile({ inputs, outputs });
  }

  #buildUpdate(): Promise<Program> {
    const { inputs, declare } = declaring();
    const states = this.#optimizer.declare(declare);
    const found = [...states.keys()].map((parameter) =>
      declare(gradientName(parameter), 'float32', graphShape(parameter)),
    );
    return compile({ inputs, outputs: this.#optimizer.updates(states, found, declare) });
  }
}
