/** Compiled graphs: a symbolic graph becomes an ONNX Runtime session that is fed by name. */
import { backend } from '#backend';
import { LimbeckError, show } from '../errors.ts';
import { ARRAY_TYPES, type Graph, type SymbolicTensor, showShape, writeOnnx } from '../graph/index.ts';
import type { Session, SessionOptions, TensorData } from './backend.ts';

export type Feeds = Readonly<Record<string, TensorData>>;

/**
 * Compiles a graph.
 *
 * @example
 * const x = input('x', 'float32', ['batch', 2]);
 * const program = await compile({ inputs: [x], outputs: { total: sum(x) } });
 * const { total } = await program.run({ x: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } });
 * total.data[0]; // 3
 * await program.release();
 */
export async function compile(graph: Graph, options: SessionOptions = {}): Promise<Program> {
  return new Program(graph, await backend.createSession(writeOnnx(graph), options));
}

/** A graph that is ready to run. Programs hold native memory: release them. */
export class Program {
  readonly #inputs: ReadonlyMap<string, SymbolicTensor>;
  readonly #outputs: readonly string[];
  readonly #session: Session;

  constructor(graph: Graph, session: Session) {
    this.#inputs = new Map(graph.inputs.map((tensor) => [(tensor.source as { name: string }).name, tensor]));
    this.#outputs = Object.keys(graph.outputs);
    this.#session = session;
  }

  /**
   * Runs the program once.
   *
   * @param feeds one array per input; sizes with the same run-time name must agree
   * @param into arrays to write outputs to, of exactly their size; other outputs get fresh arrays
   * @throws LimbeckError MISSING_INPUT for a missing or unknown input, SHAPE_MISMATCH for one that does not fit
   */
  async run(feeds: Feeds, into?: Feeds): Promise<Record<string, TensorData>> {
    this.#check(feeds);
    return this.#session.run(feeds, this.#outputs, into);
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  #check(feeds: Feeds): void {
    const sizes = new Map<string, number>();
    for (const [name, tensor] of this.#inputs) {
      const fed = feeds[name];
      if (!fed) {
        throw new LimbeckError('MISSING_INPUT', `run: expected an array for input "${name}" (${tensor}), got none.`);
      }
      const fits =
        fed.dtype === tensor.dtype &&
        fed.dims.length === tensor.rank &&
        tensor.shape.every((expected, axis) => {
          if (typeof expected === 'string' && !sizes.has(expected)) sizes.set(expected, fed.dims[axis]);
          return (typeof expected === 'string' ? sizes.get(expected) : expected) === fed.dims[axis];
        }) &&
        fed.data instanceof ARRAY_TYPES[fed.dtype] &&
        fed.data.length === fed.dims.reduce((product, size) => product * size, 1);
      if (!fits) {
        const known = [...sizes].map(([size, value]) => `${size} = ${value}`).join(', ');
        throw new LimbeckError(
          'SHAPE_MISMATCH',
          `run: input "${name}": expected ${tensor}${known ? ` with ${known}` : ''}, got ${fed.dtype}${showShape(fed.dims)} holding ${show(fed.data)}.`,
        );
      }
    }
    for (const name in feeds) {
      if (!this.#inputs.has(name)) {
        const names = [...this.#inputs.keys()].join(', ');
        throw new LimbeckError('MISSING_INPUT', `run: expected only the inputs ${names}, got also "${name}".`);
      }
    }
  }
}
