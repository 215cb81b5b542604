/** What of methods, students, teacher and data does not go together, found before anything is trained, and not after the runs in front of it. */
import type { RunData } from '../config/build-data.ts';
import { comparesRows, readsOutputs } from '../config/build-strategy.ts';
import { studentShape, type TeacherShape } from '../config/build-student.ts';
import type { BuiltTeacher } from '../config/build-teacher.ts';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import type { PreparedRun } from './compare-identity.ts';

/**
 * That students are as wide as rows that they are compared with.
 *
 * @throws LimbeckError INVALID_OPTION
 */
export function checkWidths(runs: readonly PreparedRun[], teacher: BuiltTeacher<never> | undefined): void {
  for (const {
    method,
    student,
    run: { config, trained },
    studentConfig,
  } of runs) {
    if (!teacher || !trained || !comparesRows(config) || !('dimension' in studentConfig.student)) continue;
    const { dimension = teacher.teacher.dimension } = studentConfig.student;
    if (dimension === teacher.teacher.dimension) continue;
    throw new LimbeckError(
      'INVALID_OPTION',
      `students.${student}.dimension: expected ${teacher.teacher.dimension}, the teacher's, since method ${method} compares rows, got ${dimension}. ` +
        `Leave it out, or give the method a head: strategy.projection: student.`,
    );
  }
}

/**
 * That no label of the measured samples is beyond the classes of a student that is measured by its outputs. Classes of students from ONNX
 * files are known when those are loaded, and looked at then.
 *
 * @throws LimbeckError INVALID_ARGUMENT
 */
export function checkLabels<Sample>(
  runs: readonly PreparedRun[],
  {
    data,
    measured: { labels, classNames },
    shape,
    measureOn,
  }: {
    readonly data: RunData<Sample>;
    readonly measured: Dataset<Sample>;
    readonly shape: TeacherShape;
    readonly measureOn: 'test' | 'validation';
  },
): void {
  for (const { student, run, studentConfig } of runs) {
    const { classes } = studentShape(studentConfig, data, shape);
    if (classes === undefined || (run.trained && !readsOutputs(run.config))) continue;
    const wrong = labels?.findIndex((label) => label >= classes) ?? -1;
    if (!labels || wrong < 0) continue;
    throw new LimbeckError(
      'INVALID_ARGUMENT',
      `${measureOn}: expected labels in 0 … ${classes - 1}, the classes of student ${student}, got ` +
        `${classNames?.[labels[wrong]] ?? labels[wrong]} for sample ${wrong + 1}. Mend the labels; or, to measure features on classes ` +
        'that nothing was trained on, set test.classes: other.',
    );
  }
}
