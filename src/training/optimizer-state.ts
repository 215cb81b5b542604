/**
 * What an optimizer moves and what it remembers: parameters, its own arrays beside them, and on request the moving average of the
 * weights, as arrays that graphs read and write.
 */
import type { Declare } from '../graph/declare.ts';
import { add, div, minimum, mul, type Shape, type SymbolicTensor, sqrt, sub, sum } from '../graph/index.ts';
import type { Parameter } from '../matrix/parameter.ts';
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor, scalarTensor } from '../runtime/tensors.ts';
import { TOUCHED_ROWS } from '../students/student.ts';
import { rateFactors } from './learning-rate-factors.ts';
import { createOptimizer, type OptimizerOptions } from './optimizers/index.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import { TableRows } from './table-rows.ts';

/** The arrays of one parameter by name: its values, the optimizer's slots, the average. */
type Arrays<T = Float32Array> = Readonly<Record<string, T>>;

const VALUE = 'parameter';
const AVERAGE = 'average';

/** Steps between two looks for numbers of slots that have become negligible. */
const DROP_EVERY = 128;
const LARGEST_NEGLIGIBLE = 1e-30;
/** Of float32; smaller ones are slow. */
const SMALLEST_NORMAL = 2 ** -126;

const arrayName = (array: string, parameter: Parameter): string => `${array} ${parameter.name}`;
const nextName = (array: string, parameter: Parameter): string => `next ${array} ${parameter.name}`;
const keptName = (parameter: Parameter): string => `average kept ${parameter.name}`;

/** A parameter's shape in a graph: of sparse ones only the touched rows are there. */
export function graphShape({ sparse, shape }: Parameter): Shape {
  return sparse ? [TOUCHED_ROWS, ...shape.slice(1)] : shape;
}

/** The symbolic arrays of one parameter. */
export type SymbolicState = Readonly<Record<string, SymbolicTensor>> & { readonly parameter: SymbolicTensor };

/**
 * Dense arrays alternate between two buffers, one read while the other is written; of sparse parameters only the touched rows travel.
 */
export class OptimizerState {
  readonly parameters: readonly Parameter[];
  readonly #options: OptimizerOptions;
  readonly #optimizer: Optimizer;
  readonly #arrays: readonly string[];
  readonly #rateFactors: ReadonlyMap<Parameter, number>;
  /** Of dense parameters. */
  readonly #state = new Map<Parameter, Arrays>();
  /** Where the next values of dense parameters are written; swapped with the state after each step. */
  readonly #spare = new Map<Parameter, Arrays>();
  /** Of sparse parameters. */
  readonly #tables = new Map<Parameter, Arrays<TableRows>>();
  /** Of sparse parameters with an average: the step at which each row's average is up to date. */
  readonly #averagedAt = new Map<Parameter, Int32Array>();
  #steps = 0;

  /** @throws LimbeckError INVALID_OPTION when a learning rate factor names no parameter */
  constructor(parameters: readonly Parameter[], options: OptimizerOptions) {
    this.parameters = parameters;
    this.#options = options;
    this.#optimizer = createOptimizer(options);
    this.#arrays = [VALUE, ...this.#optimizer.slots, ...(options.averaging === undefined ? [] : [AVERAGE])];
    this.#rateFactors = rateFactors(parameters, options.learningRateFactors);
    for (const parameter of parameters) {
      const fresh = (array: string): Float32Array =>
        array === VALUE || array === AVERAGE ? parameter.data.slice() : new Float32Array(parameter.data.length);
      if (parameter.sparse) {
        this.#tables.set(
          parameter,
          this.#each((array) => new TableRows(fresh(array), rowWidth(parameter))),
        );
        if (options.averaging !== undefined) this.#averagedAt.set(parameter, new Int32Array(parameter.shape[0]));
      } else {
        this.#state.set(parameter, this.#each(fresh));
        this.#spare.set(parameter, this.#each(fresh));
      }
    }
  }

  /** Optimizer steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** All arrays as inputs of a graph that updates them. */
  declare(declare: Declare): Map<Parameter, SymbolicState> {
    return new Map(
      this.parameters.map((parameter) => [
        parameter,
        Object.fromEntries(
          this.#arrays.map((array) => [array, declare(arrayName(array, parameter), 'float32', graphShape(parameter))]),
        ) as SymbolicState,
      ]),
    );
  }

  /** The outputs of such a graph: every array after the step, and the norm of the gradient over all of them, before it is clipped. */
  updates(
    states: ReadonlyMap<Parameter, SymbolicState>,
    gradients: readonly SymbolicTensor[],
    declare: Declare,
  ): Record<string, SymbolicTensor> {
    const { clipNorm, weightDecay } = this.#options;
    const rate = declare('learningRate', 'float32', []);
    const scalars = Object.fromEntries(
      Object.keys(this.#optimizer.scalars(1)).map((name) => [name, declare(name, 'float32', [])]),
    );
    const gradientNorm = sqrt(gradients.map((gradient) => sum(mul(gradient, gradient))).reduce(add));
    // As torch.nn.utils.clip_grad_norm_ has it.
    const clip = clipNorm === undefined ? undefined : minimum(div(clipNorm, add(gradientNorm, 1e-6)), 1);
    const outputs: Record<string, SymbolicTensor> = { gradientNorm };
    for (const [i, [parameter, { parameter: value, [AVERAGE]: average, ...slots }]] of [...states].entries()) {
      const factor = this.#rateFactors.get(parameter) ?? 1;
      const next = this.#optimizer.update({
        parameter: value,
        gradient: clip ? mul(gradients[i], clip) : gradients[i],
        slots,
        learningRate: factor === 1 ? rate : mul(rate, factor),
        scalars,
        weightDecay: parameter.decay ? weightDecay : 0,
      });
      outputs[nextName(VALUE, parameter)] = next.parameter;
      for (const [slot, tensor] of Object.entries(next.slots)) outputs[nextName(slot, parameter)] = tensor;
      if (average) {
        outputs[nextName(AVERAGE, parameter)] = this.#nextAverage(parameter, value, next.parameter, average, declare);
      }
    }
    return outputs;
  }

  /** The parameters alone, for graphs that only read them. `rows`: the touched rows of sparse ones. */
  parameterFeeds(parameters: readonly Parameter[], rows: Int32Array): Record<string, TensorData> {
    return Object.fromEntries(
      parameters.map((parameter) => [arrayName(VALUE, parameter), this.#tensor(parameter, VALUE, rows)]),
    );
  }

  /** The inputs of {@link parameterFeeds}. */
  declareParameters(parameters: readonly Parameter[], declare: Declare): Map<Parameter, SymbolicTensor> {
    return new Map(
      parameters.map((parameter) => [
        parameter,
        declare(arrayName(VALUE, parameter), 'float32', graphShape(parameter)),
      ]),
    );
  }

  /** Everything that {@link declare} and {@link updates} declared. */
  feeds(rows: Int32Array, learningRate: number): Record<string, TensorData> {
    const feeds: Record<string, TensorData> = { learningRate: scalarTensor(learningRate, 'float32') };
    for (const [name, value] of Object.entries(this.#optimizer.scalars(this.#steps + 1))) {
      feeds[name] = scalarTensor(value, 'float32');
    }
    for (const parameter of this.parameters) {
      for (const array of this.#arrays) feeds[arrayName(array, parameter)] = this.#tensor(parameter, array, rows);
      const at = this.#averagedAt.get(parameter);
      if (at) feeds[keptName(parameter)] = floatTensor(this.#kept(at, rows), keptShape(parameter, rows.length));
    }
    return feeds;
  }

  /** Where a program writes the next arrays, of sparse parameters the next values of `rows`. */
  into(rows: Int32Array): Record<string, TensorData> {
    const into: Record<string, TensorData> = {};
    for (const [parameter, spare] of this.#spare) {
      for (const array of this.#arrays) into[nextName(array, parameter)] = floatTensor(spare[array], parameter.shape);
    }
    for (const [parameter, tables] of this.#tables) {
      const shape = rowsShape(parameter, rows);
      for (const array of this.#arrays) {
        into[nextName(array, parameter)] = floatTensor(tables[array].next(rows.length), shape);
      }
    }
    return into;
  }

  /** Makes what a program wrote to the arrays of {@link into} the state. */
  commit(rows: Int32Array): void {
    this.#steps++;
    for (const [parameter, spare] of this.#spare) {
      this.#spare.set(parameter, this.#state.get(parameter) as Arrays);
      this.#state.set(parameter, spare);
    }
    for (const tables of this.#tables.values()) for (const array of this.#arrays) tables[array].scatter(rows);
    for (const at of this.#averagedAt.values()) for (const row of rows) at[row] = this.#steps;
    if (this.#steps % DROP_EVERY === 0) this.#dropNegligible();
  }

  /**
   * Where a gradient stays 0 a running mean shrinks for ever, and below 1e-38 the processor takes ten times as long for every number
   * (a float32 at its very smallest stays there, since 0.9 of it rounds to itself). Numbers that would come there before the next look
   * become 0. Of sparse parameters untouched rows do not shrink.
   */
  #dropNegligible(): void {
    for (const [slot, factor] of Object.entries(this.#optimizer.fading)) {
      const negligible = Math.min(LARGEST_NEGLIGIBLE, SMALLEST_NORMAL / factor ** DROP_EVERY);
      for (const arrays of this.#state.values()) {
        const values = arrays[slot];
        for (let k = 0; k < values.length; k++) if (Math.abs(values[k]) < negligible) values[k] = 0;
      }
    }
  }

  /** Copies the values as they are now into the parameters' own arrays; all of them by default. */
  writeBack(parameters: readonly Parameter[] = this.parameters): void {
    for (const parameter of parameters) parameter.data.set(this.#array(parameter, VALUE));
  }

  /** Copies what the run is to leave behind into the parameters' own arrays: the averages where there are any, else the values. */
  writeResult(): void {
    this.writeBack();
    if (this.#options.averaging === undefined) return;
    for (const parameter of this.parameters) {
      const [value, average] = [this.#array(parameter, VALUE), this.#array(parameter, AVERAGE)];
      const at = this.#averagedAt.get(parameter);
      const width = rowWidth(parameter);
      const kept = at && this.#kept(at, Int32Array.from(at.keys()), this.#steps);
      for (let k = 0; k < value.length; k++) {
        const share = kept ? kept[Math.floor(k / width)] : 1;
        parameter.data[k] = value[k] + share * (average[k] - value[k]);
      }
    }
  }

  /** What a checkpoint has to hold; copies. */
  state(): StateArrays {
    const own = this.#allArrays();
    return {
      'optimizer steps': Int32Array.of(this.#steps),
      ...Object.fromEntries(Object.entries(own).map(([name, array]) => [name, array.slice()])),
    };
  }

  /** @throws LimbeckError SHAPE_MISMATCH for the state of other parameters */
  restore(state: StateArrays): void {
    const steps = new Int32Array(1);
    restoreArrays({ 'optimizer steps': steps, ...this.#allArrays() }, state, 'Optimizer');
    this.#steps = steps[0];
  }

  /**
   * average ← d·average + (1 − d)·value. Rows that a step does not touch are averaged too, with the value that they keep; that is made
   * up for when they are touched next, in one product for all the steps between.
   */
  #nextAverage(
    parameter: Parameter,
    value: SymbolicTensor,
    next: SymbolicTensor,
    average: SymbolicTensor,
    declare: Declare,
  ): SymbolicTensor {
    let current = average;
    if (parameter.sparse) {
      const kept = declare(keptName(parameter), 'float32', [TOUCHED_ROWS, ...parameter.shape.slice(1).map(() => 1)]);
      current = add(value, mul(kept, sub(average, value)));
    }
    return add(next, mul(sub(current, next), this.#options.averaging as number));
  }

  /** d to the number of steps that the averages of rows lag behind step `until`. */
  #kept(at: Int32Array, rows: Int32Array, until = this.#steps): Float32Array {
    return Float32Array.from(rows, (row) => (this.#options.averaging as number) ** (until - at[row]));
  }

  #allArrays(): Record<string, Float32Array | Int32Array> {
    return Object.fromEntries([
      ...this.parameters.flatMap((parameter) =>
        this.#arrays.map((array) => [arrayName(array, parameter), this.#array(parameter, array)]),
      ),
      ...[...this.#averagedAt].map(([parameter, at]) => [arrayName('averaged at', parameter), at]),
    ]);
  }

  #each<T>(make: (array: string) => T): Arrays<T> {
    return Object.fromEntries(this.#arrays.map((array) => [array, make(array)]));
  }

  /** All of an array of a parameter. */
  #array(parameter: Parameter, array: string): Float32Array {
    return this.#tables.get(parameter)?.[array].table ?? (this.#state.get(parameter) as Arrays)[array];
  }

  /** What a program reads of it. */
  #tensor(parameter: Parameter, array: string, rows: Int32Array): TensorData {
    const table = this.#tables.get(parameter)?.[array];
    return table
      ? floatTensor(table.gather(rows), rowsShape(parameter, rows))
      : floatTensor(this.#array(parameter, array), parameter.shape);
  }
}

const rowWidth = ({ data, shape }: Parameter): number => data.length / shape[0];

function rowsShape({ shape }: Parameter, rows: Int32Array): number[] {
  return [rows.length, ...shape.slice(1)];
}

function keptShape({ shape }: Parameter, rows: number): number[] {
  return [rows, ...shape.slice(1).map(() => 1)];
}
