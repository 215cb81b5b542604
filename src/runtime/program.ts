/** Compiled graphs: a symbolic graph becomes an ONNX Runtime session that is fed by name. */
import { backend } from '#backend';
import { LimbeckError, show } from '../errors.ts';
import { ARRAY_TYPES, type Graph, type SymbolicTensor, showShape, writeOnnx } from '../graph/index.ts';
import type { Session, SessionOptions, TensorData } from './backend.ts';

export type Feeds = Readonly<Record<string, TensorData>>;

/**
 * Compiles a graph.
 *
 * @param multiples for run-time sizes a number of which they are always a multiple, by name; runs hold to it
 *
 * @example
 * const x = input('x', 'float32', ['batch', 2]);
 * const program = await compile({ inputs: [x], outputs: { total: sum(x) } });
 * const { total } = await program.run({ x: { dtype: 'float32', dims: [1, 2], data: Float32Array.of(1, 2) } });
 * total.data[0]; // 3
 * await program.release();
 */
export async function compile(
  graph: Graph,
  options: SessionOptions = {},
  multiples: Readonly<Record<string, number>> = {},
): Promise<Program> {
  const channelBlock = await backend.channelBlock(options.device ?? 'cpu');
  const model = writeOnnx(graph, { channelBlock, multiples });
  return new Program(graph, await backend.createSession(model, options, true), multiples);
}

/** A graph that is ready to run. Programs hold native memory: release them. */
export class Program {
  readonly #inputs: ReadonlyMap<string, SymbolicTensor>;
  readonly #outputs: ReadonlyMap<string, SymbolicTensor>;
  readonly #session: Session;
  readonly #multiples: Readonly<Record<string, number>>;

  constructor(graph: Graph, session: Session, multiples: Readonly<Record<string, number>> = {}) {
    this.#multiples = multiples;
    this.#inputs = new Map(graph.inputs.map((tensor) => [(tensor.source as { name: string }).name, tensor]));
    this.#outputs = new Map(Object.entries(graph.outputs));
    this.#session = session;
  }

  /**
   * Runs the program once.
   *
   * @param feeds one array per input; sizes with the same run-time name must agree
   * @param into arrays to write outputs to, of exactly their size; other outputs get fresh arrays
   * @throws LimbeckError MISSING_INPUT for a missing or unknown name, SHAPE_MISMATCH for an array that does not fit
   */
  async run(feeds: Feeds, into: Feeds = {}): Promise<Record<string, TensorData>> {
    const sizes = this.#check(feeds, into);
    return this.#session.run(
      feeds,
      [...this.#outputs.keys()],
      this.#session.inPlace ? this.#completed(into, sizes) : into,
    );
  }

  release(): Promise<void> {
    return this.#session.release();
  }

  /** Arrays for all outputs, if their sizes are known before the run; else those that are given. */
  #completed(into: Feeds, sizes: ReadonlyMap<string, number>): Feeds {
    const completed: Record<string, TensorData> = { ...into };
    for (const [name, { dtype, shape }] of this.#outputs) {
      if (into[name]) continue;
      const dims = shape.map((size) => (typeof size === 'string' ? sizes.get(size) : size));
      if (!dims.every((size) => size !== undefined)) return into;
      completed[name] = {
        dtype,
        dims,
        data: new ARRAY_TYPES[dtype](dims.reduce((product, size) => product * size, 1)),
      };
    }
    return completed;
  }

  /** @returns the run-time sizes */
  #check(feeds: Feeds, into: Feeds): ReadonlyMap<string, number> {
    const sizes = new Map<string, number>();
    for (const [name, tensor] of this.#inputs) {
      const fed = feeds[name];
      if (!fed) {
        throw new LimbeckError('MISSING_INPUT', `run: expected an array for input "${name}" (${tensor}), got none.`);
      }
      checkFit(`input "${name}"`, fed, tensor, sizes);
    }
    for (const [name, tensor] of this.#outputs) if (into[name]) checkFit(`output "${name}"`, into[name], tensor, sizes);
    for (const [name, multiple] of Object.entries(this.#multiples)) {
      const size = sizes.get(name) ?? 0;
      if (size % multiple === 0) continue;
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `run: expected a multiple of ${multiple} for ${name}, as the program was compiled, got ${size}.`,
      );
    }
    for (const [kind, given, known] of [
      ['inputs', feeds, this.#inputs],
      ['outputs', into, this.#outputs],
    ] as const) {
      for (const name in given) {
        if (!known.has(name)) {
          const names = [...known.keys()].join(', ');
          throw new LimbeckError('MISSING_INPUT', `run: expected only the ${kind} ${names}, got also "${name}".`);
        }
      }
    }
    return sizes;
  }
}

/** Holds an array against the type that the graph declares; run-time sizes seen first are kept in `sizes`. */
function checkFit(role: string, given: TensorData, tensor: SymbolicTensor, sizes: Map<string, number>): void {
  const fits =
    given.dtype === tensor.dtype &&
    given.dims.length === tensor.rank &&
    tensor.shape.every((expected, axis) => {
      if (typeof expected === 'string' && !sizes.has(expected)) sizes.set(expected, given.dims[axis]);
      return (typeof expected === 'string' ? sizes.get(expected) : expected) === given.dims[axis];
    }) &&
    given.data instanceof ARRAY_TYPES[given.dtype] &&
    given.data.length === given.dims.reduce((product, size) => product * size, 1);
  if (fits) return;
  const known = [...sizes].map(([size, value]) => `${size} = ${value}`).join(', ');
  throw new LimbeckError(
    'SHAPE_MISMATCH',
    `run: ${role}: expected ${tensor}${known ? ` with ${known}` : ''}, got ${given.dtype}${showShape(given.dims)} holding ${show(given.data)}.`,
  );
}
