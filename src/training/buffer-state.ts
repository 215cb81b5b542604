/** The running statistics of a student in training: read by one step, written by it, read by the next. */
import type { Declare } from '../graph/declare.ts';
import type { SymbolicTensor } from '../graph/index.ts';
import { restoreArrays, type StateArrays } from '../matrix/state-arrays.ts';
import type { TensorData } from '../runtime/backend.ts';
import { floatTensor } from '../runtime/tensors.ts';
import type { ModelBuffer } from '../students/student.ts';

const currentName = ({ name }: ModelBuffer): string => `buffer ${name}`;
const nextName = (name: string): string => `next buffer ${name}`;

export class BufferState {
  readonly #values: ReadonlyMap<ModelBuffer, Float32Array>;

  constructor(buffers: readonly ModelBuffer[] = []) {
    this.#values = new Map(buffers.map((buffer) => [buffer, buffer.data.slice()]));
  }

  /** The buffers as inputs of a graph, by name. */
  declare(declare: Declare): Record<string, SymbolicTensor> {
    return Object.fromEntries(
      [...this.#values.keys()].map((buffer) => [buffer.name, declare(currentName(buffer), 'float32', buffer.shape)]),
    );
  }

  /** The outputs of such a graph, from what the student says of its buffers. */
  updates(next: Readonly<Record<string, SymbolicTensor>> = {}): Record<string, SymbolicTensor> {
    return Object.fromEntries(Object.entries(next).map(([name, tensor]) => [nextName(name), tensor]));
  }

  feeds(): Record<string, TensorData> {
    return Object.fromEntries(
      [...this.#values].map(([buffer, data]) => [currentName(buffer), floatTensor(data, buffer.shape)]),
    );
  }

  commit(results: Readonly<Record<string, TensorData>>): void {
    for (const [{ name }, data] of this.#values) {
      const next = results[nextName(name)];
      if (next) data.set(next.data as Float32Array);
    }
  }

  writeBack(): void {
    for (const [buffer, data] of this.#values) buffer.data.set(data);
  }

  state(): StateArrays {
    return Object.fromEntries([...this.#values].map(([buffer, data]) => [currentName(buffer), data.slice()]));
  }

  restore(state: StateArrays): void {
    const own = Object.fromEntries([...this.#values].map(([buffer, data]) => [currentName(buffer), data]));
    restoreArrays(own, state, 'Running statistics');
  }
}
