/** The page's workers, all of one script. */
import { WorkerConnection } from 'limbeck/page';
import type { PageTasks } from './worker.ts';

export type PageWorker = WorkerConnection<PageTasks>;

/** A worker that is started when it is asked for, and then stays. */
export function lazyWorker(): () => PageWorker {
  let connection: PageWorker | undefined;
  return () => {
    connection ??= new WorkerConnection<PageTasks>(
      new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }),
    );
    return connection;
  };
}
