/**
 * The compiled training step: forward, backward and AdamW in one graph, and the parameters that it moves.
 *
 * Sizes that vary from batch to batch are run-time sizes, so one session serves every batch. Dense parameters and their state
 * alternate between two buffers, one read while the other is written; of sparse parameters only the touched rows travel.
 */
import { LimbeckError } from '../errors.ts';
import { add, gradients, input, mul, type Shape, type SymbolicTensor, sqrt, sum } from '../graph/index.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { TensorData } from '../runtime/backend.ts';
import { compile, type Program } from '../runtime/program.ts';
import { floatTensor, matrixTensor, scalarTensor } from '../runtime/tensors.ts';
import type { BatchFacts, Pair, Prepared } from '../strategies/batch.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import { type Parameter, type StudentBatch, TOUCHED_ROWS, type TrainableStudent } from '../students/student.ts';
import { type AdamWOptions, type AdamWState, adamW } from './adamw.ts';

export interface StepBatch {
  readonly student: StudentBatch;
  /** Teacher rows [B, D] of the batch. */
  readonly teacher: Matrix;
  readonly sampleIds: Int32Array;
  readonly classIndices?: Int32Array | undefined;
}

export interface StepResult {
  readonly loss: number;
  readonly components: Readonly<Record<string, number>>;
  /** Euclidean norm of the gradient over all parameters (of sparse ones, the touched rows). */
  readonly gradientNorm: number;
}

/** The three arrays that AdamW keeps for a parameter; in graphs they go by these names. */
const STATE_KINDS = ['parameter', 'firstMoment', 'secondMoment'] as const;
type StateKind = (typeof STATE_KINDS)[number];
type ParameterState = Record<StateKind, Float32Array>;

const stateName = (kind: StateKind, parameter: Parameter): string => `${kind} ${parameter.name}`;
const nextName = (kind: StateKind, parameter: Parameter): string => `next ${kind} ${parameter.name}`;

interface CompiledStep {
  readonly program: Program;
  readonly components: readonly string[];
}

export class TrainingStep<Sample, Encoded> {
  readonly #student: TrainableStudent<Sample, Encoded>;
  readonly #strategy: DistillationStrategy;
  readonly #optimizer: AdamWOptions;
  readonly #state = new Map<Parameter, ParameterState>();
  /** Where the next values of dense parameters are written; swapped with the state after each step. */
  readonly #spare = new Map<Parameter, ParameterState>();
  readonly #compiled = new Map<string, Promise<CompiledStep>>();
  #steps = 0;

  constructor(student: TrainableStudent<Sample, Encoded>, strategy: DistillationStrategy, optimizer: AdamWOptions) {
    this.#student = student;
    this.#strategy = strategy;
    this.#optimizer = optimizer;
    for (const parameter of student.parameters) {
      const fresh = (): ParameterState => ({
        parameter: parameter.data.slice(),
        firstMoment: new Float32Array(parameter.data.length),
        secondMoment: new Float32Array(parameter.data.length),
      });
      this.#state.set(parameter, fresh());
      if (!parameter.sparse) this.#spare.set(parameter, fresh());
    }
  }

  /**
   * Takes one optimizer step.
   *
   * @throws LimbeckError DIVERGED when a loss component or the gradient is not finite; the parameters are then as before
   */
  async run(batch: StepBatch, learningRate: number): Promise<StepResult> {
    const width = batch.teacher.columns;
    const facts: BatchFacts = {
      rows: batch.teacher.rows,
      dtype: 'float32',
      hasOutputs: false,
      layers: new Map(
        this.#strategy.layerNames().map((name) => {
          const own = this.#student.layers.get(name) as number;
          return [name, { width: own, dimension: own }];
        }),
      ),
      classIndices: batch.classIndices,
      sampleIds: batch.sampleIds,
      step: this.#steps,
    };
    const prepared = this.#strategy.prepare(facts);
    const { program, components } = await this.#compile(batch.student, prepared, width);
    const rows = batch.student.rows;
    const feeds: Record<string, TensorData> = {
      'teacher rows': matrixTensor(batch.teacher),
      learningRate: scalarTensor(learningRate, 'float32'),
      correction1: scalarTensor(1 - this.#optimizer.beta1 ** (this.#steps + 1), 'float32'),
      correction2: scalarTensor(1 - this.#optimizer.beta2 ** (this.#steps + 1), 'float32'),
    };
    for (const [name, { tensor }] of Object.entries(batch.student.feeds)) feeds[`student ${name}`] = tensor;
    for (const [name, { tensor }] of Object.entries(prepared.data)) feeds[`strategy ${name}`] = tensor;
    const into: Record<string, TensorData> = {};
    for (const [parameter, state] of this.#state) {
      for (const kind of STATE_KINDS) {
        const spare = this.#spare.get(parameter);
        if (spare) {
          feeds[stateName(kind, parameter)] = floatTensor(state[kind], parameter.shape);
          into[nextName(kind, parameter)] = floatTensor(spare[kind], parameter.shape);
        } else {
          const touched = gatherRows(state[kind], rows, parameter);
          feeds[stateName(kind, parameter)] = floatTensor(touched, [rows.length, ...parameter.shape.slice(1)]);
        }
      }
    }
    const results = await program.run(feeds, into);
    const scalar = (name: string): number => Number(results[name].data[0]);
    const result: StepResult = {
      loss: components.reduce((total, name) => total + scalar(`component ${name}`), 0),
      components: Object.fromEntries(components.map((name) => [name, scalar(`component ${name}`)])),
      gradientNorm: scalar('gradientNorm'),
    };
    this.#assertFinite(result);
    for (const [parameter, state] of this.#state) {
      const spare = this.#spare.get(parameter);
      if (spare) {
        this.#state.set(parameter, spare);
        this.#spare.set(parameter, state);
      } else {
        for (const kind of STATE_KINDS) {
          scatterRows(results[nextName(kind, parameter)].data as Float32Array, rows, parameter, state[kind]);
        }
      }
    }
    this.#steps++;
    return result;
  }

  /** Copies the trained values into the student's parameters. */
  writeBack(): void {
    for (const [parameter, state] of this.#state) parameter.data.set(state.parameter);
  }

  async release(): Promise<void> {
    for (const compiled of this.#compiled.values()) await (await compiled).program.release();
    this.#compiled.clear();
  }

  #assertFinite({ components, gradientNorm }: StepResult): void {
    for (const [name, value] of Object.entries({ ...components, 'gradient norm': gradientNorm })) {
      if (Number.isFinite(value)) continue;
      throw new LimbeckError(
        'DIVERGED',
        `Training step ${this.#steps}: expected a finite ${name}, got ${value}. ` +
          'Lower the learning rate or raise the temperature; the parameters are those before this step.',
      );
    }
  }

  /** Programs differ by the strategy's structure alone: whatever else varies is a run-time size. */
  #compile(batch: StudentBatch, prepared: Prepared, width: number): Promise<CompiledStep> {
    const key = JSON.stringify([prepared.structure, Object.keys(prepared.data).sort()]);
    let compiled = this.#compiled.get(key);
    if (!compiled) {
      compiled = this.#build(batch, prepared, width);
      this.#compiled.set(key, compiled);
    }
    return compiled;
  }

  async #build(batch: StudentBatch, prepared: Prepared, width: number): Promise<CompiledStep> {
    const inputs: SymbolicTensor[] = [];
    const declare = (name: string, dtype: TensorData['dtype'], shape: Shape): SymbolicTensor => {
      const tensor = input(name, dtype, shape);
      inputs.push(tensor);
      return tensor;
    };
    const declareAll = (prefix: string, data: Prepared['data']): Record<string, SymbolicTensor> =>
      Object.fromEntries(
        Object.entries(data).map(([name, { shape, tensor }]) => [
          name,
          declare(`${prefix} ${name}`, tensor.dtype, shape),
        ]),
      );

    const states = new Map(
      this.#student.parameters.map((parameter) => {
        const shape = parameter.sparse ? [TOUCHED_ROWS, ...parameter.shape.slice(1)] : parameter.shape;
        const tensor = (kind: StateKind) => declare(stateName(kind, parameter), 'float32', shape);
        const state: AdamWState = {
          parameter: tensor('parameter'),
          firstMoment: tensor('firstMoment'),
          secondMoment: tensor('secondMoment'),
        };
        return [parameter, state];
      }),
    );
    const activations = this.#student.forward({
      feeds: declareAll('student', batch.feeds),
      parameters: Object.fromEntries([...states].map(([{ name }, { parameter }]) => [name, parameter])),
    });
    const teacher = declare('teacher rows', 'float32', ['batch', width]);
    const layers = new Map<string, Pair<SymbolicTensor>>();
    for (const name of this.#strategy.layerNames()) {
      layers.set(name, { student: activations.get(name) as SymbolicTensor, teacher });
    }
    const components = this.#strategy.symbolicLoss({
      layers,
      data: declareAll('strategy', prepared.data),
      structure: prepared.structure,
    });
    if (Object.keys(components).length === 0) {
      throw new LimbeckError(
        'UNSUPPORTED',
        `${this.#strategy.constructor.name}: expected a loss for the embeddings that a teacher of embeddings gives, got none. ` +
          'Choose a strategy that reads a layer.',
      );
    }
    const loss = Object.values(components).reduce(add);
    const found = gradients(
      loss,
      [...states.values()].map(({ parameter }) => parameter),
    );
    const step = {
      learningRate: declare('learningRate', 'float32', []),
      correction1: declare('correction1', 'float32', []),
      correction2: declare('correction2', 'float32', []),
    };
    const outputs: Record<string, SymbolicTensor> = {
      gradientNorm: sqrt(found.map((gradient) => sum(mul(gradient, gradient))).reduce(add)),
    };
    for (const [name, component] of Object.entries(components)) outputs[`component ${name}`] = component;
    for (const [i, [parameter, state]] of [...states].entries()) {
      const weightDecay = parameter.decay ? this.#optimizer.weightDecay : 0;
      const next = adamW(state, found[i], step, { ...this.#optimizer, weightDecay });
      for (const kind of STATE_KINDS) outputs[nextName(kind, parameter)] = next[kind];
    }
    return { program: await compile({ inputs, outputs }), components: Object.keys(components) };
  }
}

function gatherRows(table: Float32Array, rows: Int32Array, { shape }: Parameter): Float32Array {
  const width = table.length / shape[0];
  const result = new Float32Array(rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    result.set(table.subarray(rows[i] * width, (rows[i] + 1) * width), i * width);
  }
  return result;
}

function scatterRows(values: Float32Array, rows: Int32Array, { shape }: Parameter, table: Float32Array): void {
  const width = table.length / shape[0];
  for (let i = 0; i < rows.length; i++) table.set(values.subarray(i * width, (i + 1) * width), rows[i] * width);
}
