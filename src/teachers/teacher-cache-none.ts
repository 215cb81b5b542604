/** The cache of teacher rows where rows cannot be read from a disk while training waits, as in a browser: says so, and what to do instead. */
import { LimbeckError } from '../errors.ts';
import type { RowSource } from '../matrix/row-source.ts';

/** What training takes of a cache; here there is never one. */
interface CachedAnswers {
  readonly embeddings: RowSource & { release(): void };
  readonly outputs?: RowSource & { release(): void };
  readonly reused: number;
  readonly computed: number;
  readonly seconds: number;
}

/** @throws LimbeckError UNSUPPORTED */
export async function cacheTeacherRows({
  directory,
}: {
  readonly directory: string;
  readonly [other: string]: unknown;
}): Promise<CachedAnswers> {
  throw new LimbeckError(
    'UNSUPPORTED',
    `${directory}: expected no cache of teacher rows on this platform, which has no disk for it. Leave cache out: rows are then kept in memory.`,
  );
}
