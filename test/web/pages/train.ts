/** The page in which a worker trains and searches; the test calls `window.train`. */
import { type DefaultTasks, loadStudent, WorkerConnection } from '../../../src/web/page.ts';

const train = {
  connect: () =>
    new WorkerConnection<DefaultTasks>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })),
  loadStudent,
};
declare global {
  interface Window {
    train: typeof train;
  }
}
window.train = train;
