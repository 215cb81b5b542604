/** The quality metrics of a run, in the order of every table: one list for columns, verdicts and explanations. */
import type { RunMetrics } from './run-record.ts';

export type MetricKey = Exclude<keyof RunMetrics, 'loss'>;

export const METRICS: readonly { readonly key: MetricKey; readonly label: string; readonly description: string }[] = [
  {
    key: 'recallAt1',
    label: 'R@1',
    description: 'share of held-out texts whose own teacher row is the nearest of all teacher rows',
  },
  { key: 'recallAt10', label: 'R@10', description: 'share whose own teacher row is among the nearest ten' },
  { key: 'meanReciprocalRank', label: 'MRR', description: 'mean of 1 / rank of the own teacher row' },
  {
    key: 'meanCosine',
    label: 'cosine',
    description: 'mean cosine similarity to the teacher row of the same text; what cosine regression is trained on',
  },
  {
    key: 'knnAccuracy',
    label: 'kNN-10',
    description: 'share of held-out texts whose class wins the vote of their ten nearest training texts',
  },
];
