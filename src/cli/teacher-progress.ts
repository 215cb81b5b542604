/** Lines of progress about the rows of a teacher: how many, how fast, how long. */
import type { TeacherCacheProgress } from '../teachers/teacher-cache-progress.ts';
import type { Progress } from './progress.ts';

export const count = (n: number): string => n.toLocaleString('en');

/**
 * The end stays as a line of its own, so that the next stage shows at once.
 *
 * @param what "training", "validation"
 */
export function showTeacherProgress(
  progress: Progress,
  what: string,
  { doneRows, totalRows, reusedRows, doneWork, totalWork, reusedWork, seconds }: TeacherCacheProgress,
): void {
  if (doneRows === totalRows) {
    progress.finish('teacher', text(what, { totalRows, reusedRows, seconds }));
    return;
  }
  // Work grows with what a sample holds, and the largest come first: rows alone would promise too little, then too much.
  const done = (doneWork - reusedWork) / Math.max(1, totalWork - reusedWork);
  const rate = doneRows > reusedRows ? ` · ${count(Math.round((doneRows - reusedRows) / seconds))} rows/s` : '';
  progress.update('teacher', `${what}: ${count(doneRows)}/${count(totalRows)} rows${rate}`, { done, seconds });
}

function text(
  what: string,
  { totalRows, reusedRows, seconds }: Pick<TeacherCacheProgress, 'totalRows' | 'reusedRows' | 'seconds'>,
): string {
  const computed = totalRows - reusedRows;
  const rate = count(Math.round(computed / Math.max(seconds, 1e-3)));
  const parts = [
    ...(computed > 0 ? [`${count(computed)} computed at ${rate} rows/s`] : []),
    ...(reusedRows > 0 ? [`${computed > 0 ? count(reusedRows) : 'all'} from the cache`] : []),
  ];
  return `${what}: ${count(totalRows)} rows, ${parts.join(', ')}`;
}
