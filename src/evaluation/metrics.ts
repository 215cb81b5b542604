/** The metrics that have a name: one table for columns, verdicts, explanations, model cards and validation curves, in the order of all of them. */

export interface MetricDescription {
  /** In records, events and options. */
  readonly key: string;
  readonly label: string;
  readonly description: string;
  readonly better: 'higher' | 'lower';
}

export const METRICS = [
  {
    key: 'accuracy',
    label: 'accuracy',
    description: 'share of held-out samples whose likeliest class is their label',
    better: 'higher',
  },
  {
    key: 'top5Accuracy',
    label: 'top-5',
    description: 'share whose label is among the five likeliest classes',
    better: 'higher',
  },
  {
    key: 'calibrationError',
    label: 'ECE',
    description:
      'expected calibration error: how far the probability of the likeliest class is from the share that is right',
    better: 'lower',
  },
  {
    key: 'recallAt1',
    label: 'R@1',
    description: 'share of held-out samples whose own teacher row is the nearest of all teacher rows',
    better: 'higher',
  },
  {
    key: 'recallAt10',
    label: 'R@10',
    description: 'share whose own teacher row is among the nearest ten',
    better: 'higher',
  },
  { key: 'meanReciprocalRank', label: 'MRR', description: 'mean of 1 / rank of the own teacher row', better: 'higher' },
  {
    key: 'meanCosine',
    label: 'cosine',
    description: 'mean cosine similarity to the teacher row of the same sample; what cosine regression is trained on',
    better: 'higher',
  },
  {
    key: 'knnAccuracy',
    label: 'kNN-10',
    description: 'share of held-out samples whose class wins the vote of their ten nearest labelled samples',
    better: 'higher',
  },
  { key: 'loss', label: 'loss', description: 'the loss that training lowers', better: 'lower' },
] as const satisfies readonly MetricDescription[];

export type MetricKey = (typeof METRICS)[number]['key'];

/** Scores by {@link MetricKey}; those that were not measured are absent. Other names are allowed, and shown as they are. */
export type Metrics = Readonly<Record<string, number>>;

/** What is known of a metric, or what can be said of one that is not in the table. */
export function describeMetric(key: string): MetricDescription {
  return METRICS.find((metric) => metric.key === key) ?? { key, label: key, description: '', better: 'higher' };
}

/** A score in [−1, 1] with three decimals: `0.967`. */
export function formatScore(value: number): string {
  return value.toFixed(3).replace(/^-(?=0\.000$)/, '');
}
