/** What an optimizer moves and what it remembers: parameters with their moments, as arrays that graphs read and write. */
import type { Declare } from '../graph/declare.ts';
import { add, mul, type Shape, type SymbolicTensor, sqrt, sum } from '../graph/index.ts';
import type { Parameter } from '../matrix/parameter.ts';
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor, scalarTensor } from '../runtime/tensors.ts';
import { TOUCHED_ROWS } from '../students/student.ts';
import { type AdamWOptions, type AdamWState, adamW } from './adamw.ts';

/** The three arrays that AdamW keeps for a parameter; in graphs they go by these names. */
const STATE_KINDS = ['parameter', 'firstMoment', 'secondMoment'] as const;
type StateKind = (typeof STATE_KINDS)[number];
type ParameterState = Record<StateKind, Float32Array>;

const stateName = (kind: StateKind, parameter: Parameter): string => `${kind} ${parameter.name}`;
const nextName = (kind: StateKind, parameter: Parameter): string => `next ${kind} ${parameter.name}`;

/** A parameter's shape in a graph: of sparse ones only the touched rows are there. */
export function graphShape({ sparse, shape }: Parameter): Shape {
  return sparse ? [TOUCHED_ROWS, ...shape.slice(1)] : shape;
}

/**
 * Dense parameters and their moments alternate between two buffers, one read while the other is written; of sparse parameters only the
 * touched rows travel.
 */
export class OptimizerState {
  readonly parameters: readonly Parameter[];
  readonly #options: AdamWOptions;
  readonly #state = new Map<Parameter, ParameterState>();
  /** Where the next values of dense parameters are written; swapped with the state after each step. */
  readonly #spare = new Map<Parameter, ParameterState>();
  #steps = 0;

  constructor(parameters: readonly Parameter[], options: AdamWOptions) {
    this.parameters = parameters;
    this.#options = options;
    for (const parameter of parameters) {
      const fresh = (): ParameterState => ({
        parameter: parameter.data.slice(),
        firstMoment: new Float32Array(parameter.data.length),
        secondMoment: new Float32Array(parameter.data.length),
      });
      this.#state.set(parameter, fresh());
      if (!parameter.sparse) this.#spare.set(parameter, fresh());
    }
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** Parameters and moments as inputs of a graph that updates them. */
  declare(declare: Declare): Map<Parameter, AdamWState> {
    const tensor = (kind: StateKind, parameter: Parameter) =>
      declare(stateName(kind, parameter), 'float32', graphShape(parameter));
    return new Map(
      this.parameters.map((parameter) => [
        parameter,
        {
          parameter: tensor('parameter', parameter),
          firstMoment: tensor('firstMoment', parameter),
          secondMoment: tensor('secondMoment', parameter),
        },
      ]),
    );
  }

  /** The outputs of such a graph: every array after the step, and the norm of the gradient over all of them. */
  updates(
    states: ReadonlyMap<Parameter, AdamWState>,
    gradients: readonly SymbolicTensor[],
    declare: Declare,
  ): Record<string, SymbolicTensor> {
    const step = {
      learningRate: declare('learningRate', 'float32', []),
      correction1: declare('correction1', 'float32', []),
      correction2: declare('correction2', 'float32', []),
    };
    const outputs: Record<string, SymbolicTensor> = {
      gradientNorm: sqrt(gradients.map((gradient) => sum(mul(gradient, gradient))).reduce(add)),
    };
    for (const [i, [parameter, state]] of [...states].entries()) {
      const weightDecay = parameter.decay ? this.#options.weightDecay : 0;
      const next = adamW(state, gradients[i], step, { ...this.#options, weightDecay });
      for (const kind of STATE_KINDS) outputs[nextName(kind, parameter)] = next[kind];
    }
    return outputs;
  }

  /** The parameters alone, for graphs that only read them. `rows`: the touched rows of sparse ones. */
  parameterFeeds(parameters: readonly Parameter[], rows: Int32Array): Record<string, TensorData> {
    return Object.fromEntries(
      parameters.map((parameter) => [stateName('parameter', parameter), this.#tensor(parameter, 'parameter', rows)]),
    );
  }

  /** The inputs of {@link parameterFeeds}. */
  declareParameters(parameters: readonly Parameter[], declare: Declare): Map<Parameter, SymbolicTensor> {
    return new Map(
      parameters.map((parameter) => [
        parameter,
        declare(stateName('parameter', parameter), 'float32', graphShape(parameter)),
      ]),
    );
  }

  /** Everything that {@link declare} and {@link updates} declared. */
  feeds(rows: Int32Array, learningRate: number): Record<string, TensorData> {
    const { beta1, beta2 } = this.#options;
    const feeds: Record<string, TensorData> = {
      learningRate: scalarTensor(learningRate, 'float32'),
      correction1: scalarTensor(1 - beta1 ** (this.#steps + 1), 'float32'),
      correction2: scalarTensor(1 - beta2 ** (this.#steps + 1), 'float32'),
    };
    for (const parameter of this.parameters) {
      for (const kind of STATE_KINDS) feeds[stateName(kind, parameter)] = this.#tensor(parameter, kind, rows);
    }
    return feeds;
  }

  /** Where a program writes the next dense arrays. */
  into(): Record<string, TensorData> {
    const into: Record<string, TensorData> = {};
    for (const [parameter, spare] of this.#spare) {
      for (const kind of STATE_KINDS) into[nextName(kind, parameter)] = floatTensor(spare[kind], parameter.shape);
    }
    return into;
  }

  /** Makes the results of a program the state. */
  commit(results: Readonly<Record<string, TensorData>>, rows: Int32Array): void {
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
  }

  /** Copies the values as they are now into the parameters' own arrays; all of them by default. */
  writeBack(parameters: readonly Parameter[] = this.parameters): void {
    for (const parameter of parameters) parameter.data.set((this.#state.get(parameter) as ParameterState).parameter);
  }

  /** What a checkpoint has to hold; copies. */
  state(): StateArrays {
    const arrays: Record<string, Float32Array | Int32Array> = { 'optimizer steps': Int32Array.of(this.#steps) };
    for (const [name, array] of Object.entries(this.#arrays())) arrays[name] = array.slice();
    return arrays;
  }

  /** @throws LimbeckError SHAPE_MISMATCH for the state of other parameters */
  restore(state: StateArrays): void {
    const steps = new Int32Array(1);
    restoreArrays({ 'optimizer steps': steps, ...this.#arrays() }, state, 'Optimizer');
    this.#steps = steps[0];
  }

  #arrays(): Record<string, Float32Array> {
    return Object.fromEntries(
      [...this.#state].flatMap(([parameter, state]) =>
        STATE_KINDS.map((kind) => [stateName(kind, parameter), state[kind]]),
      ),
    );
  }

  #tensor(parameter: Parameter, kind: StateKind, rows: Int32Array): TensorData {
    const array = (this.#state.get(parameter) as ParameterState)[kind];
    if (!parameter.sparse) return floatTensor(array, parameter.shape);
    return floatTensor(gatherRows(array, rows, parameter), [rows.length, ...parameter.shape.slice(1)]);
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
