/** Gradients of a student's parameters, added up over micro-batches: dense ones inside the graph, sparse ones row by row. */
import type { Declare } from '../graph/declare.ts';
import { add, type SymbolicTensor } from '../graph/index.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor } from '../runtime/tensors.ts';

/** The name of a parameter's gradient, as the output of one graph and the input of the next. */
export const gradientName = ({ name }: Parameter): string => `gradient ${name}`;
const sofarName = ({ name }: Parameter): string => `gradient so far ${name}`;

export class GradientSums {
  readonly #dense = new Map<Parameter, { sofar: TensorData; next: TensorData }>();
  readonly #sparse = new Map<Parameter, { rows: Int32Array; gradient: Float32Array }[]>();

  constructor(parameters: readonly Parameter[]) {
    for (const parameter of parameters) {
      const zeros = (): TensorData => floatTensor(new Float32Array(parameter.data.length), parameter.shape);
      if (parameter.sparse) this.#sparse.set(parameter, []);
      else this.#dense.set(parameter, { sofar: zeros(), next: zeros() });
    }
  }

  /** The outputs of a graph that adds its gradients to what there is. */
  static outputs(
    parameters: readonly Parameter[],
    gradients: readonly SymbolicTensor[],
    declare: Declare,
  ): Record<string, SymbolicTensor> {
    return Object.fromEntries(
      parameters.map((parameter, i) => [
        gradientName(parameter),
        parameter.sparse ? gradients[i] : add(declare(sofarName(parameter), 'float32', parameter.shape), gradients[i]),
      ]),
    );
  }

  /** What there is, for a graph over some of the parameters. */
  feeds(parameters: readonly Parameter[]): Record<string, TensorData> {
    return Object.fromEntries(this.#denseOf(parameters).map(([parameter, { sofar }]) => [sofarName(parameter), sofar]));
  }

  /** Where such a graph writes. */
  into(parameters: readonly Parameter[]): Record<string, TensorData> {
    return Object.fromEntries(
      this.#denseOf(parameters).map(([parameter, { next }]) => [gradientName(parameter), next]),
    );
  }

  /** @param rows the rows of sparse parameters that the micro-batch touched */
  add(results: Readonly<Record<string, TensorData>>, rows: Int32Array): void {
    for (const [parameter, { sofar, next }] of this.#dense) {
      if (results[gradientName(parameter)]) this.#dense.set(parameter, { sofar: next, next: sofar });
    }
    for (const [parameter, parts] of this.#sparse) {
      parts.push({ rows, gradient: results[gradientName(parameter)].data as Float32Array });
    }
  }

  /** Adds `share` times a gradient that no graph of this class computed. */
  addDense(parameter: Parameter, gradient: Float32Array, share: number): void {
    const data = this.#dense.get(parameter)?.sofar.data as Float32Array;
    for (let k = 0; k < data.length; k++) data[k] += share * gradient[k];
  }

  #denseOf(parameters: readonly Parameter[]) {
    return [...this.#dense].filter(([parameter]) => parameters.includes(parameter));
  }

  /** The sums as feeds; of sparse parameters for the rows `touched`, ascending, which hold all that were added. */
  total(touched: Int32Array): Record<string, TensorData> {
    const place = new Map(Array.from(touched, (row, k) => [row, k]));
    const feeds: Record<string, TensorData> = {};
    for (const [parameter, { sofar }] of this.#dense) feeds[gradientName(parameter)] = sofar;
    for (const [parameter, parts] of this.#sparse) {
      const width = parameter.data.length / parameter.shape[0];
      const sums = new Float32Array(width * touched.length);
      for (const { rows, gradient } of parts) {
        for (const [i, row] of rows.entries()) {
          const start = (place.get(row) as number) * width;
          for (let k = 0; k < width; k++) sums[start + k] += gradient[i * width + k];
        }
      }
      feeds[gradientName(parameter)] = floatTensor(sums, [touched.length, ...parameter.shape.slice(1)]);
    }
    return feeds;
  }
}
