/** How far a pass of the teacher cache is: what it tells on the way, and what everybody who shows it takes. */
import type { WorkUnit } from './teacher-cache-work.ts';

/**
 * How far a pass is. Work is what time goes with, and stored rows cost nothing, so an honest rate is
 * `(doneWork − reusedWork) / seconds` and the time left `(totalWork − doneWork) / rate`.
 */
export interface TeacherCacheProgress {
  /** Stored and computed rows together. */
  readonly doneRows: number;
  readonly totalRows: number;
  /** Rows that were on disk already. */
  readonly reusedRows: number;
  readonly doneWork: number;
  readonly totalWork: number;
  readonly reusedWork: number;
  /** What work is counted in: UTF-16 code units of texts in memory, else the data's own lengths, else rows. */
  readonly workUnit: WorkUnit;
  /** Time spent on embedding and writing so far; checking the stored rows is not in it. */
  readonly seconds: number;
}
