/** What records of `distill` and of `compare` say alike: when and where they began, and who teaches. */
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { Teacher } from '../teachers/teacher.ts';
import { machineFacts, ownVersion } from './environment.ts';

/** A teacher, as far as records speak of it. */
export type RecordedTeacher = Omit<BuiltTeacher<never>, 'teacher'> & {
  readonly teacher: Pick<Teacher<never>, 'fingerprint' | 'dimension'>;
};

/** Of a command that begins, or goes on: when it began first stays. */
export function beginning(command: string, earlier: { readonly startedAt: string } | undefined) {
  return {
    status: 'running' as const,
    limbeck: ownVersion(),
    startedAt: earlier?.startedAt ?? new Date().toISOString(),
    finishedAt: null,
    command,
    machine: machineFacts(),
  };
}

export function teacherFacts({ name, parameters, sizeBytes, teacher: { fingerprint, dimension } }: RecordedTeacher) {
  return {
    ...{ name, fingerprint, dimension },
    ...(parameters !== undefined && { parameters }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  };
}
