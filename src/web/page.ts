/** What a page imports that leaves the work to a worker, as `limbeck/page`. It brings neither engine nor WebAssembly with it. */
export { LimbeckError, type LimbeckErrorCode } from '../errors.ts';
export { unzipFiles, zipFiles } from '../runtime/zip.ts';
export { type CallOptions, WorkerConnection } from './connect.ts';
export type { DefaultTasks } from './default-worker.ts';
export type { DistillTaskInput, DistillTaskOutput } from './distill-task.ts';
export { loadStudent, type RemoteStudent } from './remote-student.ts';
export type { Task, TaskContext, Tasks } from './serve.ts';
export type { PlainRows } from './student-tasks.ts';
