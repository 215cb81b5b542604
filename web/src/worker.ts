/** The page's worker: the library's tasks around students, and the page's own. There are several, each started when it is first needed. */
import type { MetricsLine } from 'limbeck';
import { serve, studentTasks } from 'limbeck/worker';
import * as z from 'zod';
import type { ChosenFile } from './files/chosen-file.ts';
import { searchTasks } from './search/search-tasks.ts';
import { trainTasks } from './train/train-tasks.ts';

// Schemas are not to be compiled to code: the page's policy forbids that, and would say so at every try.
z.config({ jitless: true });

const students = studentTasks();

const tasks = {
  ...students,
  ...searchTasks(students),
  ...trainTasks(),
  curves: async (lines: readonly MetricsLine[]) => (await import('./read/report-task.ts')).curvesTask(lines),
  report: async (files: readonly ChosenFile[]) => (await import('./read/report-task.ts')).reportTask(files),
};

export type PageTasks = typeof tasks;

serve(tasks);
