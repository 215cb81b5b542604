/**
 * Architectures written once. A function that builds a network asks a {@link Network} for its parameters and running statistics by
 * name; who answers decides what is built: a declaration (which parameters there are, and what they start from), the training graph
 * (parameters are its inputs, statistics those of the batch), or the inference graph (parameters and running statistics are constants).
 *
 * Not a model: it computes nothing, and has no opinion about inputs and outputs.
 */
import { constant, input, type SymbolicTensor } from '../../graph/index.ts';
import type { Parameter } from '../../matrix/parameter.ts';
import { Random } from '../../matrix/random.ts';
import type { ModelBuffer, StudentInputs } from '../student.ts';
import type { Initializer } from './initialization.ts';

export interface ParameterDeclaration {
  /** Unique in the network, with the dots of PyTorch's names: `layer1.0.conv1.weight`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly initialize: Initializer;
  /** Whether weight decay applies: to weights, and not to biases and gains. */
  readonly decay: boolean;
  /** A table of which a batch touches some rows; see {@link Parameter.sparse}. */
  readonly sparse?: boolean;
}

/** What an architecture is written against. */
export interface Network {
  /** Whether normalisation is by the batch's own statistics. */
  readonly training: boolean;
  parameter(declaration: ParameterDeclaration): SymbolicTensor;
  /** Running statistics [size], all `value` before training. */
  buffer(name: string, size: number, value: number): SymbolicTensor;
  /** In training: what a buffer holds after the batch. */
  update(buffer: string, next: SymbolicTensor): void;
  /** The numbers of parameters and buffers by name, where convolutions are to absorb the normalisation behind them. */
  readonly folding?: ((name: string) => Float32Array) | undefined;
}

/** The parameters and buffers of a network, and the graphs over them. */
export class NetworkState {
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly ModelBuffer[];
  readonly #arrays: ReadonlyMap<string, Parameter | ModelBuffer>;

  /**
   * @param build the architecture; run once, for what it asks for
   * @param seed every parameter draws from a stream of its own, so that one more layer leaves the others as they start
   */
  constructor(build: (network: Network) => unknown, seed: number) {
    const parameters: Parameter[] = [];
    const buffers: ModelBuffer[] = [];
    build({
      training: true,
      parameter: ({ name, shape, initialize, decay, sparse = false }) => {
        const size = shape.reduce((product, n) => product * n, 1);
        const data = initialize(size, Random.forPurpose(seed, `student ${name}`));
        parameters.push({ name, shape, data, sparse, decay });
        return input(name, 'float32', shape);
      },
      buffer: (name, size, value) => {
        buffers.push({ name, shape: [size], data: new Float32Array(size).fill(value) });
        return input(name, 'float32', [size]);
      },
      update: () => undefined,
    });
    this.parameters = parameters;
    this.buffers = buffers;
    this.#arrays = new Map([...parameters, ...buffers].map((array) => [array.name, array]));
    if (this.#arrays.size !== parameters.length + buffers.length) throw new Error('Names of a network must differ.');
  }

  /** The network in training; `updates` fills while the architecture is built. */
  training({ parameters, buffers }: Pick<StudentInputs, 'parameters' | 'buffers'>): {
    readonly network: Network;
    readonly updates: Readonly<Record<string, SymbolicTensor>>;
  } {
    const updates: Record<string, SymbolicTensor> = {};
    const network: Network = {
      training: true,
      parameter: ({ name }) => parameters[name],
      buffer: (name) => buffers[name],
      update: (buffer, next) => {
        updates[buffer] = next;
      },
    };
    return { network, updates };
  }

  /** The network as it is used; its constants are the arrays of the parameters and buffers themselves. */
  inference({ foldBatchNorm }: { readonly foldBatchNorm: boolean }): Network {
    const values = (name: string): SymbolicTensor => {
      const { data, shape } = this.#array(name);
      return constant(data, 'float32', shape);
    };
    return {
      training: false,
      parameter: ({ name }) => values(name),
      buffer: (name) => values(name),
      update: () => undefined,
      folding: foldBatchNorm ? (name) => this.#array(name).data : undefined,
    };
  }

  #array(name: string): Parameter | ModelBuffer {
    return this.#arrays.get(name) as Parameter | ModelBuffer;
  }
}
