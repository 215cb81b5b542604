/** What training of a configured student takes from its teacher, and what it cannot take from the data: for `distill` and `compare` alike. */
import type { BuiltStudent } from '../config/build-student.ts';
import type { RowSource } from '../matrix/row-source.ts';
import { count } from './teacher-progress.ts';

interface Rows {
  readonly embeddings: RowSource;
  readonly outputs?: RowSource | undefined;
}

/** Rows for every student, outputs for those that classify. */
export function answersFor({ classes }: { readonly classes?: number | undefined }, { embeddings, outputs }: Rows) {
  return { embeddings, ...(classes !== undefined && outputs && { outputs }) };
}

/** A sentence about training texts that lose their end; undefined where none does. */
export function truncationWarning<Sample>(
  { truncated, maxTokens = 0 }: Pick<BuiltStudent<Sample>, 'truncated' | 'maxTokens'>,
  size: number,
): string | undefined {
  if (truncated === 0) return undefined;
  return (
    `${count(truncated)} of ${count(size)} training texts are longer than ${count(maxTokens)} tokens, and the student does not ` +
    'see their ends (student.maxTokens).'
  );
}
