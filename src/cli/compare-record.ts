/** The record of a comparison as it begins, and what its methods have different from each other. */
import type { RunData } from '../config/build-data.ts';
import { comparesRows } from '../config/build-strategy.ts';
import { builtInMethod } from '../config/compare-methods.ts';
import type { MethodConfig } from '../config/compare-schema.ts';
import { dataPath } from '../config/domains.ts';
import type { Comparison } from '../config/read-compare.ts';
import type { Dataset } from '../data/dataset.ts';
import { majorityClass } from '../evaluation/majority-class.ts';
import type { ComparedMethod, ComparisonRecord } from '../report/comparison-record.ts';
import { countByReason, type JsonValue } from '../report/run-record.ts';
import type { PreparedRun } from './compare-identity.ts';
import { beginning, type RecordedTeacher, teacherFacts } from './record-facts.ts';

export interface RecordParts {
  readonly comparison: Comparison;
  readonly kind: 'text' | 'image';
  readonly data: RunData<unknown>;
  readonly measured: Dataset<unknown>;
  readonly teacher: RecordedTeacher | undefined;
  readonly runs: readonly PreparedRun[];
  readonly command: string;
  readonly earlier: ComparisonRecord | undefined;
}

/** A comparison that begins, or goes on: when it began stays, and what its teacher scores. */
export function newComparisonRecord(parts: RecordParts): ComparisonRecord {
  const { comparison, kind, data, measured, teacher, runs, command, earlier } = parts;
  const { name, parsed, baseline, seeds } = comparison;
  const { labels, classNames } = measured;
  const classes = classNames?.length ?? (labels && new Set(labels).size);
  const fingerprint = teacher?.teacher.fingerprint;
  const metrics =
    earlier?.config.full === parsed.full &&
    earlier?.teacher?.fingerprint === fingerprint &&
    earlier?.data.heldOutFingerprint === measured.fingerprint
      ? earlier?.teacher?.metrics
      : undefined;
  return {
    format: 'limbeck-comparison/1',
    ...beginning(command, earlier),
    ...{ name, baseline, seeds: [...seeds], measuredOn: parsed.measureOn },
    config: JSON.parse(JSON.stringify(parsed)) as Record<string, JsonValue>,
    ...(parsed.metrics && { metrics: parsed.metrics }),
    methods: Object.entries(parsed.methods).map(([method, config]) => ({
      ...describeMethod(method, config),
      ownSpace: runs.some(({ run }) => run.method === method && run.trained && !comparesRows(run.config)),
    })),
    students: Object.keys(parsed.students),
    runs: runs.map(({ method, student, seed, digest }) => ({ method, student, seed, digest })),
    data: {
      name: dataPath(runs[0].run.written),
      kind,
      train: data.training.size,
      heldOut: measured.size,
      ...(classes !== undefined && { classes }),
      ...(labels && { majorityClass: shareOf(majorityClass(labels, classNames)) }),
      fingerprint: data.training.fingerprint,
      heldOutFingerprint: measured.fingerprint,
      ...(data.skipped.length > 0 && { skipped: countByReason(data.skipped) }),
    },
    ...(teacher && {
      teacher: {
        ...teacherFacts(teacher),
        ...(metrics && { metrics: { ...metrics } }),
      },
    }),
  };
}

const shareOf = ({ name, share }: { readonly name: string; readonly share: number }) => ({ name, share });

function describeMethod(
  name: string,
  { method, strategy, sum, training, students }: MethodConfig,
): Omit<ComparedMethod, 'ownSpace'> {
  return {
    name,
    description: sum
      ? sumText(sum)
      : strategyText(method ?? name, name, strategy && String(strategy.kind ?? 'contrastive')),
    differs: [...leaves(training), ...(students ? [`students ${students.join(', ')} only`] : [])],
  };
}

function sumText(sum: Readonly<Record<string, number>>): string {
  return Object.entries(sum)
    .map(([part, weight]) => (weight === 1 ? part : `${weight} · ${part}`))
    .join(' + ');
}

/** What a method begins with, and whether it has options of its own. */
function strategyText(begins: string, name: string, kind: string | undefined): string {
  const { description = `strategy ${kind}` } = builtInMethod(begins) ?? {};
  return `${begins === name ? description : begins}${kind === undefined ? '' : ', with options of its own'}`;
}

/** "epochs: 20", "optimizer.learningRate: 0.01". */
function leaves(value: unknown, path = ''): string[] {
  if (value === undefined) return [];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: ${JSON.stringify(value)}`];
  return Object.entries(value).flatMap(([key, entry]) => leaves(entry, path === '' ? key : `${path}.${key}`));
}
