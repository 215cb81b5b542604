/** The metrics that have a name: one table for columns, verdicts, explanations, model cards and validation curves, in the order of all of them. */

export interface MetricDescription {
  /** In records, events and options. */
  readonly key: string;
  readonly label: string;
  readonly description: string;
  /** What one of it is: a share of samples, a cosine, nats. Empty where it is not known. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
}

export const METRICS = [
  {
    key: 'accuracy',
    label: 'accuracy',
    description: 'share of held-out samples whose likeliest class is their label',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'top5Accuracy',
    label: 'top-5',
    description: 'share whose label is among the five likeliest classes',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'calibrationError',
    label: 'ECE',
    description:
      'expected calibration error: how far the probability of the likeliest class is from the share that is right, in 15 bins',
    unit: 'share',
    better: 'lower',
  },
  {
    key: 'negativeLogLikelihood',
    label: 'NLL',
    description: 'mean of −ln of the probability that a sample’s label gets',
    unit: 'nats',
    better: 'lower',
  },
  {
    key: 'recallAt1',
    label: 'R@1',
    description: 'share of held-out samples whose own teacher row is the nearest of all teacher rows',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'recallAt10',
    label: 'R@10',
    description: 'share whose own teacher row is among the nearest ten',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'meanReciprocalRank',
    label: 'MRR',
    description: 'mean of 1 / rank of the own teacher row',
    unit: '1 / rank',
    better: 'higher',
  },
  {
    key: 'meanCosine',
    label: 'cosine',
    description: 'mean cosine similarity to the teacher row of the same sample; what cosine regression is trained on',
    unit: 'cosine',
    better: 'higher',
  },
  {
    key: 'neighbourOverlap',
    label: 'overlap@10',
    description: 'share of the ten nearest other samples that are also the teacher’s ten nearest',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'linearCka',
    label: 'CKA',
    description: 'linear centred kernel alignment with the teacher’s rows, of any width',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'similarityCorrelation',
    label: 'pairs ρ',
    description: 'Spearman’s correlation of the similarities of pairs of samples with the teacher’s',
    unit: 'correlation',
    better: 'higher',
  },
  {
    key: 'knnAccuracy',
    label: 'kNN-10',
    description: 'share of held-out samples whose class wins the vote of their ten nearest labelled samples',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'probeAccuracy',
    label: 'probe',
    description:
      'share whose class a linear classifier reads off the rows, fitted on the other four fifths of the samples',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'fewShot1Accuracy',
    label: '1-shot',
    description: 'share of right answers where one sample a class is known, of five classes, over 600 episodes',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'fewShot5Accuracy',
    label: '5-shot',
    description: 'share of right answers where five samples a class are known, of five classes, over 600 episodes',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'fewShot20Accuracy',
    label: '20-shot',
    description: 'share of right answers where twenty samples a class are known, of five classes, over 600 episodes',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'classNdcgAt10',
    label: 'nDCG@10',
    description:
      'samples of the same class among the ten nearest others, nearer ones counting more, over the most there can be',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'teacherNdcgAt10',
    label: 'nDCG@10 (teacher)',
    description: 'the same, searching the teacher’s rows of the others',
    unit: 'share',
    better: 'higher',
  },
  {
    key: 'pairSpearman',
    label: 'STS ρ',
    description: 'Spearman’s correlation of the similarities of scored pairs of texts with their scores',
    unit: 'correlation',
    better: 'higher',
  },
  {
    key: 'pairPearson',
    label: 'STS r',
    description: 'Pearson’s correlation of the similarities of scored pairs of texts with their scores',
    unit: 'correlation',
    better: 'higher',
  },
  {
    key: 'uniformity',
    label: 'uniformity',
    description: 'ln of the mean of exp(−2 ‖x − y‖²) over pairs of samples: lower fills the sphere more evenly',
    unit: 'nats',
    better: 'lower',
  },
  {
    key: 'classAlignment',
    label: 'alignment',
    description: 'mean squared distance of pairs of samples of one class',
    unit: 'squared distance',
    better: 'lower',
  },
  {
    key: 'loss',
    label: 'loss',
    description: 'the loss that training lowers',
    unit: 'loss',
    better: 'lower',
  },
] as const satisfies readonly MetricDescription[];

export type MetricKey = (typeof METRICS)[number]['key'];

/** Scores by {@link MetricKey}; those that were not measured are absent. Other names are allowed, and shown as they are. */
export type Metrics = Readonly<Record<string, number>>;

/** What is known of a metric, or what can be said of one that is not in the table. */
export function describeMetric(key: string): MetricDescription {
  return (
    METRICS.find((metric) => metric.key === key) ?? { key, label: key, description: '', unit: '', better: 'higher' }
  );
}

/** A score with three decimals: `0.967`. */
export function formatScore(value: number): string {
  return value.toFixed(3).replace(/^-(?=0\.000$)/, '');
}
