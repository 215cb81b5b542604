/**
 * The worker's side: tasks that a page may ask for. A task is any function of the worker's own; what it takes, tells and gives back
 * has to survive `postMessage` (plain objects, arrays, typed arrays, maps).
 */
import { LimbeckError } from '../errors.ts';
import { plainError, type Reply, type Request } from './messages.ts';

/** What a task is given besides its input. */
export interface TaskContext<Event> {
  /** Tells the page something on the way. */
  emit(event: Event): void;
  /** Ends when the page no longer wants the result. */
  readonly signal: AbortSignal;
}

export type Task<Input, Output, Event = never> = (input: Input, context: TaskContext<Event>) => Promise<Output>;

/** Tasks by name, whatever they take. */
export type Tasks = Readonly<Record<string, Task<never, unknown, never>>>;

/** A worker's global scope, or one end of a MessageChannel. */
export interface Port {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
}

/**
 * Answers the page's calls. Calls run side by side, as their tasks let them.
 *
 * @param port by default the worker that this runs in
 *
 * @example
 * // worker.ts
 * serve({ ...studentTasks(), distill: distillTask });
 */
export function serve(tasks: Tasks, port: Port = globalThis as unknown as Port): void {
  const running = new Map<number, AbortController>();
  const reply = (message: Reply): void => port.postMessage(message);
  const run = async (call: number, name: string, input: unknown): Promise<void> => {
    const controller = new AbortController();
    running.set(call, controller);
    try {
      const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined;
      if (!task) {
        const known = Object.keys(tasks).join(', ');
        throw new LimbeckError('INVALID_ARGUMENT', `worker: expected one of the tasks ${known}, got "${name}".`);
      }
      const context: TaskContext<never> = { emit: (event) => reply({ call, event }), signal: controller.signal };
      reply({ call, output: await task(input as never, context) });
    } catch (error) {
      reply({ call, error: plainError(error) });
    } finally {
      running.delete(call);
    }
  };
  port.onmessage = ({ data }: MessageEvent<Request>) => {
    if ('abort' in data) running.get(data.call)?.abort();
    else void run(data.call, data.task, data.input);
  };
}
