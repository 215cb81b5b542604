/** What a worker's script imports, as `limbeck/worker`: `serve`, and tasks that are ready. */
export { type DistillTaskInput, type DistillTaskOutput, distillTask } from './distill-task.ts';
export { type Port, serve, type Task, type TaskContext, type Tasks } from './serve.ts';
export {
  type PlainRows,
  type PlainStudent,
  type SamplesOf,
  type StudentTasks,
  studentTasks,
} from './student-tasks.ts';
