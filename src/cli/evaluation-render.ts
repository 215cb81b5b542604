/** What `limbeck evaluate` found, as plain data for programs and as text for a terminal. */
import type { EvaluationResult } from '../evaluation/evaluate-model.ts';
import { majorityClass } from '../evaluation/majority-class.ts';
import { describeMetric, formatScore } from '../evaluation/metrics.ts';
import { MOST_PAIRS } from '../evaluation/similarity-correlation.ts';
import { formatCount, formatMegabytes } from '../report/format.ts';
import { countByReason } from '../report/run-record.ts';
import { wrap } from '../report/text-table.ts';
import type { LoadedStudent } from '../students/loaded-student.ts';
import type { LabelledData } from './evaluation-data.ts';

/** Everything that was found. */
export interface Evaluation extends Omit<EvaluationResult, 'scores'> {
  readonly student: {
    readonly directory: string;
    readonly kind: 'text' | 'image';
    readonly dimension: number;
    readonly classes: number | null;
    /** Of its model file. */
    readonly sizeBytes: number;
  };
  readonly data: {
    readonly path: string;
    readonly fingerprint: string;
    readonly skipped: readonly { readonly where: string; readonly reason: string }[];
    /** What always answering the largest class would score; null without labels. */
    readonly majorityClass: { readonly name: string; readonly share: number } | null;
  };
}

export function describeEvaluation(
  student: LoadedStudent,
  directory: string,
  path: string,
  { data, labels, classNames }: LabelledData,
  result: EvaluationResult,
): Evaluation {
  const { kind, dimension, classes = null, modelBytes: sizeBytes } = student;
  const { scores: _, ...told } = result;
  const { fingerprint, skipped = [] } = data;
  return {
    student: { directory, kind, dimension, classes, sizeBytes },
    data: { path, fingerprint, skipped, majorityClass: labels ? majorityClass(labels, classNames) : null },
    ...told,
  };
}

/** Lines of at most `width` characters. */
export function renderEvaluation(evaluation: Evaluation, width: number): string {
  const { student, data, samples, metrics, latency, samplesPerSecond } = evaluation;
  const [unit, one] = student.kind === 'text' ? ['texts', 'text'] : ['images', 'image'];
  const milliseconds = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ms`;
  const values: (readonly [string, string])[] = [
    ...Object.entries(metrics).map(([key, score]) => [describeMetric(key).label, formatScore(score)] as const),
    ['size', `${formatMegabytes(student.sizeBytes)} MB`],
    ['latency', `${milliseconds(latency.p50)} (p50), ${milliseconds(latency.p99)} (p99)`],
    ['speed', `${formatCount(samplesPerSecond)} ${unit}/s`],
  ];
  const labels = Math.max(...values.map(([label]) => label.length));
  const reasons = Object.entries(countByReason(data.skipped)).map(
    ([reason, number]) => `${formatCount(number)} ${reason}`,
  );
  const notes = [
    ...Object.keys(metrics).map((key) => `${describeMetric(key).label}: ${describeMetric(key).description}.`),
    ...(data.majorityClass && ('accuracy' in metrics || 'knnAccuracy' in metrics)
      ? [
          `Always answering the largest class (${data.majorityClass.name}) would score ${formatScore(data.majorityClass.share)}.`,
        ]
      : []),
    ...drawnNotes(evaluation, unit),
    `Latency is of one ${one} at a time, over ${formatCount(latency.samples)}; half of them take no longer than p50. ` +
      (student.kind === 'text' ? 'Tokenizing is counted.' : 'Decoding is not counted.'),
  ];
  return [
    ...wrap(`${student.directory} on ${data.path}: ${formatCount(samples)} ${unit}`, width),
    ...(reasons.length > 0 ? wrap(`left out: ${reasons.join(', ')}`, width) : []),
    '',
    ...values.flatMap(([label, value]) => {
      const [first, ...more] = wrap(value, width - labels - 2);
      return [`${label.padEnd(labels)}  ${first}`, ...more.map((line) => `${' '.repeat(labels)}  ${line}`)];
    }),
    '',
    ...notes.flatMap((note) => wrap(note, width)),
    '',
  ].join('\n');
}

/** What was not measured on everything. */
function drawnNotes({ samples, fullSamples = samples, metrics }: Evaluation, unit: string): string[] {
  const pairs = (fullSamples * (fullSamples - 1)) / 2;
  return [
    ...(fullSamples < samples
      ? [
          `What --full adds is measured on ${formatCount(fullSamples)} of the ${formatCount(samples)} ${unit}, drawn, always the same.`,
        ]
      : []),
    ...('similarityCorrelation' in metrics && pairs > MOST_PAIRS
      ? [`${describeMetric('similarityCorrelation').label} is over ${formatCount(MOST_PAIRS)} drawn pairs.`]
      : []),
  ];
}
