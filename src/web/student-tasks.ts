/** Tasks of a worker around students: load, embed, classify, release. Students stay in the worker and are known by number. */
import { LimbeckError } from '../errors.ts';
import { configureWebRuntime, type WebRuntimeOptions } from '../runtime/ort-web.ts';
import type { Classification, LoadedStudent, StudentSample } from '../students/loaded-student.ts';
import type { StudentFormat } from '../students/student-format.ts';
import { Student } from '../training/student.ts';
import type { StudentInput } from '../training/student-input.ts';
import type { Task } from './serve.ts';

/** Rows of numbers as they travel: row-major. */
export interface PlainRows {
  readonly rows: number;
  readonly columns: number;
  readonly data: Float32Array;
}

/** What a page knows of a student in the worker. */
export interface PlainStudent {
  readonly student: number;
  readonly name: string;
  readonly format: StudentFormat;
  readonly modelBytes: number;
}

export interface SamplesOf {
  readonly student: number;
  readonly samples: readonly StudentSample[];
}

export interface StudentTasks {
  readonly [name: string]: Task<never, unknown, never>;
  /** {@link configureWebRuntime} of the worker; addresses are to be absolute, or relative to the worker's script. */
  readonly configure: Task<WebRuntimeOptions, void>;
  readonly load: Task<StudentInput, PlainStudent>;
  readonly embed: Task<SamplesOf, PlainRows>;
  readonly classify: Task<SamplesOf, Classification[]>;
  readonly release: Task<{ readonly student: number }, void>;
}

/** The tasks, with no student yet. */
export function studentTasks(): StudentTasks {
  const students = new Map<number, LoadedStudent>();
  let loaded = 0;
  const known = (number: number): LoadedStudent => {
    const student = students.get(number);
    if (student) return student;
    throw new LimbeckError('INVALID_ARGUMENT', `worker: expected the number of a loaded student, got ${number}.`);
  };
  return {
    configure: async (options: WebRuntimeOptions) => configureWebRuntime(options),
    load: async (input: StudentInput) => {
      const student = await Student.load(input);
      students.set(++loaded, student);
      const { name, format, modelBytes } = student;
      return { student: loaded, name, format, modelBytes };
    },
    embed: async ({ student, samples }: SamplesOf) => {
      const { rows, columns, data } = await known(student).embed(samples);
      return { rows, columns, data: data as Float32Array };
    },
    classify: ({ student, samples }: SamplesOf) => known(student).classify(samples),
    release: async ({ student }: { readonly student: number }) => {
      await known(student).release();
      students.delete(student);
    },
  };
}
