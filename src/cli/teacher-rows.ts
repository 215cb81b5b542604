/** Rows of a teacher on the disk, with progress on stderr: what `distill` and `compare` ask for in the same way. */
import type { RunConfig } from '../config/complete-config.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { type CachedTeacherRows, cacheTeacherRows } from '../teachers/teacher-cache.ts';
import type { Progress } from './progress.ts';
import { showTeacherProgress } from './teacher-progress.ts';

export interface TeacherRowsContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/**
 * @param what "training", "test", for the line of progress
 * @throws LimbeckError ABORTED; errors of the teacher, the data and the cache
 */
export function teacherRows<Sample>(
  { teacher, data, what }: { readonly teacher: Teacher<Sample>; readonly data: Dataset<Sample>; readonly what: string },
  { cache }: Pick<RunConfig, 'cache'>,
  { progress, signal }: TeacherRowsContext,
): Promise<CachedTeacherRows> {
  return cacheTeacherRows({
    ...{ teacher, data, ...cache, signal },
    onWarning: (message) => progress.warn(message),
    onProgress: (event) => showTeacherProgress(progress, what, event),
  });
}

/** A teacher as something that can be asked for rows of samples beside the data: the tokens of a student. */
export function askTokens<Sample>(
  teacher: Teacher<Sample>,
  config: Pick<RunConfig, 'cache'>,
  context: TeacherRowsContext,
): (data: Dataset<Sample>) => Promise<Matrix> {
  return async (data) => {
    const { embeddings } = await teacherRows({ teacher, data, what: 'tokens' }, config, context);
    try {
      return embeddings.toMatrix();
    } finally {
      embeddings.release();
    }
  };
}
