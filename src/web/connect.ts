/** The page's side: calls to a worker's tasks. It brings nothing of the engine with it. */
import { LimbeckError } from '../errors.ts';
import { errorOf, type Reply, type Request } from './messages.ts';
import type { Task, Tasks } from './serve.ts';

type InputOf<T> = T extends Task<infer Input, unknown, never> ? Input : never;
type OutputOf<T> = T extends Task<never, infer Output, never> ? Output : never;
type EventOf<T> = T extends Task<never, unknown, infer Event> ? Event : never;

export interface CallOptions<Event> {
  /** Told what the task tells on the way. */
  readonly onEvent?: (event: Event) => void;
  /** Ends the task; the promise is then rejected with what the task makes of it, ABORTED as a rule. */
  readonly signal?: AbortSignal;
}

interface Waiting {
  readonly settle: (reply: Reply) => boolean;
  readonly fail: (error: Error) => void;
}

/** A worker that answers calls. */
export class WorkerConnection<T extends Tasks> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  /** @param worker a worker whose script calls `serve` */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      if (this.#waiting.get(data.call)?.settle(data)) this.#waiting.delete(data.call);
    };
    worker.onerror = (event) => {
      this.#failAll(new Error(`worker: expected it to start and to run, got an error: ${event.message || 'unknown'}.`));
    };
    worker.onmessageerror = () => this.#failAll(new Error('worker: got a message that cannot be read.'));
  }

  /**
   * Asks for a task, and waits for what it gives back.
   *
   * @throws LimbeckError as the task throws it, with its code and details; INVALID_ARGUMENT for a task that the worker does not have
   *
   * @example
   * const result = await connection.call('distill', input, { onEvent: show, signal: controller.signal });
   */
  call<Name extends keyof T & string>(
    task: Name,
    input: InputOf<T[Name]>,
    { onEvent, signal }: CallOptions<EventOf<T[Name]>> = {},
  ): Promise<OutputOf<T[Name]>> {
    const call = ++this.#calls;
    const send = (request: Request): void => this.#worker.postMessage(request);
    const abort = (): void => send({ call, abort: true });
    const result = new Promise<OutputOf<T[Name]>>((resolve, reject) => {
      const settle = (reply: Reply): boolean => {
        if ('event' in reply) onEvent?.(reply.event as EventOf<T[Name]>);
        else if ('error' in reply) reject(errorOf(reply.error));
        else resolve(reply.output as OutputOf<T[Name]>);
        return !('event' in reply);
      };
      this.#waiting.set(call, { settle, fail: reject });
    });
    try {
      send({ call, task, input });
    } catch (error) {
      this.#waiting.delete(call);
      return Promise.reject(error);
    }
    signal?.addEventListener('abort', abort, { once: true });
    if (signal?.aborted) abort();
    return result.finally(() => signal?.removeEventListener('abort', abort));
  }

  /** Ends the worker at once; calls that still wait are rejected with ABORTED. Its checkpoints stay. */
  terminate(): void {
    this.#worker.terminate();
    this.#failAll(new LimbeckError('ABORTED', 'worker: the worker was ended on request.'));
  }

  #failAll(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }
}
