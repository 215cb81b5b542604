/** Lines of progress about the rows of a teacher: how many, how fast, how long. */
import type { TeacherCacheProgress } from '../teachers/teacher-cache.ts';
import type { Progress } from './progress.ts';

export const count = (n: number): string => n.toLocaleString('en');

/** @param what "training", "validation" */
export function showTeacherProgress(
  progress: Progress,
  what: string,
  { doneRows, totalRows, reusedRows, doneWork, totalWork, reusedWork, seconds }: TeacherCacheProgress,
): void {
  // Work grows with what a sample holds, and the largest come first: rows alone would promise too little, then too much.
  const done = (doneWork - reusedWork) / Math.max(1, totalWork - reusedWork);
  const rate = doneRows > reusedRows ? ` · ${count(Math.round((doneRows - reusedRows) / seconds))} rows/s` : '';
  progress.update('teacher', `${what}: ${count(doneRows)}/${count(totalRows)} rows${rate}`, { done, seconds });
}

/** The line that stays. */
export function finishTeacherProgress(
  progress: Progress,
  what: string,
  {
    name,
    rows,
    reused,
    computed,
    seconds,
  }: { name: string; rows: number; reused: number; computed: number; seconds: number },
): void {
  const rate = count(Math.round(computed / Math.max(seconds, 1e-3)));
  progress.finish(
    'teacher',
    `${what}: ${count(rows)} rows of ${name}, ` +
      (computed === 0 ? 'all from the cache' : `${count(computed)} computed at ${rate} rows/s`) +
      (computed > 0 && reused > 0 ? `, ${count(reused)} from the cache` : ''),
  );
}
