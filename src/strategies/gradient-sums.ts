/** Gradients that tiles add up to: by the student's rows as they were given, and by the strategy's parameters. */
import { typedArray } from '../graph/index.ts';
import type { FloatArray, Matrix } from '../matrix/matrix.ts';
import type { Parameter } from '../matrix/parameter.ts';
import type { AnchorRange } from '../negatives/selection.ts';
import type { TensorData } from '../runtime/backend.ts';
import { matrixTensor } from '../runtime/tensors.ts';
import { rowsOf } from './compared-rows.ts';

export class GradientSums {
  /** [B, width]: sums in the rows before `#written`, arbitrary numbers in the others. */
  readonly #gradient: Matrix;
  #written = 0;
  readonly #parameters: ReadonlyMap<string, FloatArray>;

  /** @param gradient is written to */
  constructor(gradient: Matrix, parameters: readonly Parameter[]) {
    this.#gradient = gradient;
    this.#parameters = new Map(
      parameters.map(({ name, data }) => [name, typedArray(gradient.dtype, data.length) as FloatArray]),
    );
  }

  /** Where a program may write its gradient by the rows of `range`; nowhere when there is something to add to. Ranges come in order. */
  placeOf(range: AnchorRange): TensorData | undefined {
    return range.from < this.#written ? undefined : matrixTensor(rowsOf(this.#gradient, range));
  }

  /** Takes a gradient by rows, which stands in its place already where {@link placeOf} gave it one. */
  takeRows(range: AnchorRange, gradient: TensorData): void {
    if (range.from >= this.#written) this.#written = range.to;
    else addTo(rowsOf(this.#gradient, range).data, gradient);
  }

  takeParameter(name: string, gradient: TensorData): void {
    addTo(this.#parameters.get(name) as FloatArray, gradient);
  }

  /** The sums times `factor`. */
  times(factor: number): { readonly gradient: Matrix; readonly parameterGradients: ReadonlyMap<string, FloatArray> } {
    const { data, columns } = this.#gradient;
    data.fill(0, this.#written * columns);
    const all = factor === 1 ? [] : [data, ...this.#parameters.values()];
    for (const sums of all) for (let k = 0; k < sums.length; k++) sums[k] *= factor;
    return { gradient: this.#gradient, parameterGradients: this.#parameters };
  }
}

function addTo(sums: FloatArray, { data }: TensorData): void {
  for (let k = 0; k < sums.length; k++) sums[k] += Number(data[k]);
}
