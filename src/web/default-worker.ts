/** A worker's whole script, as `limbeck/default-worker`: the tasks that are ready, served. A page gets at them through `connect()`. */
import { distillTask } from './distill-task.ts';
import { serve } from './serve.ts';
import { type StudentTasks, studentTasks } from './student-tasks.ts';

const tasks = { ...studentTasks(), distill: distillTask };

/** Types of the tasks, for `new WorkerConnection<DefaultTasks>(worker)`. */
export type DefaultTasks = StudentTasks & { readonly distill: typeof distillTask };

serve(tasks);
