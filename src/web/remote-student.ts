/** A student in a worker, to the page like one at hand. */
import { Matrix } from '../matrix/matrix.ts';
import type { Classification, StudentSample } from '../students/loaded-student.ts';
import type { StudentFormat } from '../students/student-format.ts';
import type { StudentInput } from '../training/student-input.ts';
import type { WorkerConnection } from './connect.ts';
import type { StudentTasks } from './student-tasks.ts';

export interface RemoteStudent {
  readonly name: string;
  readonly format: StudentFormat;
  readonly modelBytes: number;
  /** Width of the embedding. */
  readonly dimension: number;
  embed(samples: readonly StudentSample[]): Promise<Matrix>;
  classify(samples: readonly StudentSample[]): Promise<Classification[]>;
  /** Frees the worker's memory of it. */
  release(): Promise<void>;
}

/**
 * Loads a student in the worker.
 *
 * @param input as of `Student.load`; addresses are relative to the page
 * @throws LimbeckError as `Student.load`
 *
 * @example
 * const connection = new WorkerConnection<DefaultTasks>(worker);
 * const student = await loadStudent(connection, 'student/');
 * const rows = await student.embed(['a large musical instrument']);
 */
export async function loadStudent<T extends StudentTasks>(
  connection: WorkerConnection<T>,
  input: StudentInput,
): Promise<RemoteStudent> {
  const worker = connection as unknown as WorkerConnection<StudentTasks>;
  const { student, name, format, modelBytes } = await worker.call('load', fromPage(input));
  return {
    name,
    format,
    modelBytes,
    dimension: format.dimension,
    async embed(samples) {
      const { rows, columns, data } = await worker.call('embed', { student, samples });
      return new Matrix(rows, columns, data);
    },
    classify: (samples) => worker.call('classify', { student, samples }),
    release: () => worker.call('release', { student }),
  };
}

/** The worker's script lies elsewhere than the page; paths of private files are the same everywhere. */
function fromPage(input: StudentInput): StudentInput {
  if (input instanceof URL) return input.href;
  return typeof input === 'string' && input !== '' ? new URL(input, document.baseURI).href : input;
}
