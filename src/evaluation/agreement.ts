/** How far a model's rows stand in for its teacher's. */
import type { Matrix } from '../matrix/matrix.ts';
import { meanCosine } from './mean-cosine.ts';
import type { Metrics } from './metrics.ts';
import { retrieval } from './retrieval.ts';

/** The names of what {@link agreement} gives. */
export const AGREEMENT_METRICS = ['recallAt1', 'recallAt10', 'meanReciprocalRank', 'meanCosine'] as const;

/**
 * @param rows of the model, [n, D]
 * @param teacher its teacher's rows of the same samples, [n, D]
 * @param index the rows among which a sample's own has to be found, the teacher's first; by default the teacher's alone
 * @throws LimbeckError as {@link retrieval}
 *
 * @example
 * agreement(Matrix.from([[2, 1], [1, 3]]), Matrix.from([[1, 0], [0, 1]])).recallAt1; // 1
 */
export function agreement(
  rows: Matrix,
  teacher: Matrix,
  index = teacher,
): Metrics & Readonly<Record<(typeof AGREEMENT_METRICS)[number], number>> {
  const { recallAt, meanReciprocalRank } = retrieval(rows, index, { ks: [1, 10] });
  return {
    recallAt1: recallAt[1],
    recallAt10: recallAt[10],
    meanReciprocalRank,
    meanCosine: meanCosine(rows, teacher),
  };
}
