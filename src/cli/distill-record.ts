/** The record of a run of `limbeck distill` as it grows: begun, with its models, finished. */
import type { RunData } from '../config/build-data.ts';
import type { BuiltStudent } from '../config/build-student.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { RunConfig } from '../config/complete-config.ts';
import { dataPath } from '../config/domains.ts';
import { majorityClass } from '../evaluation/majority-class.ts';
import { countByReason, type JsonValue, type RunRecord } from '../report/run-record.ts';
import type { CachedTeacherRows } from '../teachers/teacher-cache.ts';
import type { RunContext } from './distill-run.ts';
import { beginning, teacherFacts } from './record-facts.ts';

/** A run that begins, or goes on: when it began stays. */
export function newRecord<Sample>(
  config: RunConfig,
  kind: 'text' | 'image',
  { training, validation, skipped }: RunData<Sample>,
  { directory, command }: Pick<RunContext, 'directory' | 'command'>,
): RunRecord {
  const { labels, classNames } = training;
  const names = classNames ?? (labels && classNumbers(labels));
  return {
    format: 'limbeck-run/1',
    ...beginning(command, directory.earlier),
    config: JSON.parse(JSON.stringify(config)) as Record<string, JsonValue>,
    data: {
      name: dataPath(config),
      kind,
      train: training.size,
      heldOut: validation?.size ?? 0,
      ...(names && { classes: names.length }),
      ...(labels && names && labels.length > 0 && { majorityClass: majorityClass(labels, names) }),
      fingerprint: training.fingerprint,
      ...(skipped.length > 0 && { skipped: countByReason(skipped) }),
    },
    results: [],
  };
}

/** "0", "1", …: names of classes that have none. */
function classNumbers(labels: Int32Array): string[] {
  const classes = labels.reduce((most, label) => Math.max(most, label), -1) + 1;
  return Array.from({ length: classes }, (_, i) => String(i));
}

export function withModels<Sample>(
  record: RunRecord,
  {
    teacher,
    rows,
    student: { student, architecture, vocabulary },
  }: {
    readonly teacher: BuiltTeacher<Sample> | undefined;
    readonly rows: Pick<CachedTeacherRows, 'reused' | 'computed' | 'seconds'> | undefined;
    readonly student: BuiltStudent<Sample>;
  },
): RunRecord {
  return {
    ...record,
    data: { ...record.data, ...(vocabulary !== undefined && { vocabulary }) },
    ...(teacher && {
      teacher: {
        ...teacherFacts(teacher),
        ...(rows && {
          rowsReused: rows.reused,
          rowsComputed: rows.computed,
          seconds: rows.seconds,
          samplesPerSecond: rows.computed === 0 ? null : rows.computed / Math.max(rows.seconds, 1e-6),
        }),
      },
    }),
    student: {
      kind: architecture,
      parameters: student.parameterCount,
      dimension: [...student.layers.values()][0],
    },
  };
}
