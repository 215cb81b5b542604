/** What the result of a run of a comparison depends on, and the digest of it: by that a run is known to be done. */
import { createHash } from 'node:crypto';
import type { RunData } from '../config/build-data.ts';
import { studentShape, type TeacherShape } from '../config/build-student.ts';
import { type ComparedRun, sumOfStrategies } from '../config/compare-runs.ts';
import type { RunConfig } from '../config/complete-config.ts';
import type { JsonValue } from '../report/run-record.ts';
import type { IdentifiedRun } from './compare-directory.ts';

export interface IdentityFacts {
  readonly data: RunData<unknown>;
  /** Of the samples that are measured. */
  readonly measured: string;
  readonly full: boolean;
  /** Whether the labels of the measured samples are no classes of the training data. */
  readonly otherClasses: boolean;
  /** With the data it was asked about; undefined without a teacher. */
  readonly teacher: string | undefined;
  readonly shape: TeacherShape;
}

export interface PreparedRun extends IdentifiedRun {
  readonly run: ComparedRun;
  /** The run as its student is built: with a strategy that asks of it what all methods of the comparison do. */
  readonly studentConfig: RunConfig;
}

/** Every run with its identity. Data and teacher are known by what they hold, not by their paths. */
export function identify(
  runs: readonly ComparedRun[],
  { data, measured, full, otherClasses, teacher, shape }: IdentityFacts,
): PreparedRun[] {
  return runs.map((run): PreparedRun => {
    const { method, student, seed, trained, config, written } = run;
    // The same student for every method, whether a method has a use for its classes or not.
    const { useLabels: _, ...training } = config.training;
    const strategy = sumOfStrategies(runs.filter((other) => other.student === student));
    const studentConfig = { ...config, strategy, training };
    const { checkpoint: __, seed: ___, ...budget } = written.training;
    const identity = JSON.parse(
      JSON.stringify({
        data: data.training.fingerprint,
        augment: written.data.augment,
        measured,
        ...(full && { full }),
        ...(otherClasses && { classes: 'other' }),
        teacher,
        student: { ...written.student, ...studentShape(studentConfig, data, shape) },
        seed,
        ...(trained && { strategy: written.strategy, training: budget }),
      }),
    ) as JsonValue;
    const digest = createHash('sha256').update(JSON.stringify(identity)).digest('hex');
    return { method, student, seed, digest, identity, run, studentConfig };
  });
}
