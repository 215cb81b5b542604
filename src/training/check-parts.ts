/** What `distill()` is given, checked against each other before anything is trained. */
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { TeacherAnswers } from './teacher-answers.ts';

/** @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, INVALID_ARGUMENT, MISSING_LAYER */
export function checkParts(
  teacher: Pick<TeacherAnswers<unknown>, 'width' | 'classes'>,
  { layers, classes }: Pick<TrainableStudent, 'layers' | 'classes'>,
  { size, labels }: Pick<Dataset<unknown>, 'size' | 'labels'>,
  strategy: DistillationStrategy,
  useLabels: boolean,
): void {
  if (size < 2) {
    throw new LimbeckError('EMPTY_BATCH', `distill: expected at least two samples to train on, got ${size}.`);
  }
  if (teacher.classes !== undefined && teacher.classes !== classes) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected a student with as many classes as the teacher's outputs have, ${teacher.classes}, got ${classes ?? 'none'}.`,
    );
  }
  if (useLabels) checkLabels(labels, classes);
  for (const name of strategy.layerNames()) checkLayer(name, layers, teacher.width, strategy);
}

function checkLabels(labels: Int32Array | undefined, classes: number | undefined): void {
  if (!labels) {
    throw new LimbeckError('INVALID_ARGUMENT', 'distill: expected data with labels for useLabels: true, got none.');
  }
  const wrong = classes === undefined ? -1 : labels.findIndex((label) => label >= classes);
  if (wrong < 0) return;
  throw new LimbeckError(
    'INVALID_ARGUMENT',
    `distill: expected labels 0 … ${(classes as number) - 1}, the student's classes, got ${labels[wrong]} for sample ${wrong}.`,
  );
}

function checkLayer(
  name: string,
  layers: ReadonlyMap<string, number>,
  teacherWidth: number | undefined,
  strategy: DistillationStrategy,
): void {
  const width = layers.get(name);
  if (width === undefined) {
    const known = [...layers.keys()].map((layer) => `"${layer}"`).join(', ');
    throw new LimbeckError(
      'MISSING_LAYER',
      `distill: expected the student to have the layer "${name}" that the strategy reads; it has ${known}. ` +
        'Set embeddingLayerName to one of them.',
    );
  }
  if (teacherWidth === undefined) {
    throw new LimbeckError(
      'MISSING_LAYER',
      `distill: expected the teacher's embeddings for the layer "${name}" that the strategy reads, got none. ` +
        'Give them as teacher, or choose a strategy for outputs alone.',
    );
  }
  if (strategy.equalWidths() && width !== teacherWidth) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected layer "${name}" to be as wide as the teacher's rows (${teacherWidth}), got ${width}. ` +
        strategy.widthAdvice(),
    );
  }
}
