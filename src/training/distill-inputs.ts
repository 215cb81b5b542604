/** What `distill()` is given, checked against each other and cut into batches. */
import { createHash } from 'node:crypto';
import type { Dataset } from '../data/dataset.ts';
import { LimbeckError } from '../errors.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { DistillationStrategy } from '../strategies/distillation-strategy.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { Teacher } from '../teachers/teacher.ts';

/** What a teacher says of every sample of the data, row by row. */
export interface TeacherRows {
  /** [samples, D] */
  readonly embeddings?: Matrix;
  /** Logits [samples, classes]. */
  readonly outputs?: Matrix;
}

/** A teacher, or what it says. */
export type TeacherInput<Sample> = Teacher<Sample> | Matrix | TeacherRows | undefined;

/** 0 … size − 1. */
export function everyNumber(size: number): Int32Array {
  return Int32Array.from({ length: size }, (_, i) => i);
}

/** A digest of a matrix: its shape and its bytes. */
export function digestOf({ rows, columns, data }: Matrix): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(`${rows} ${columns}\n`).update(bytes).digest('hex');
}

/** The samples of a batch in parts of at most `size`. */
export function microBatches(samples: Int32Array, size = samples.length): Int32Array[] {
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, k) => samples.subarray(k * size, (k + 1) * size));
}

/** The labels of a batch as probabilities, [batch, classes]. */
export function oneHot(labels: Int32Array, samples: Int32Array, classes: number): Matrix {
  const result = Matrix.zeros(samples.length, classes);
  for (const [row, i] of samples.entries()) result.data[row * classes + labels[i]] = 1;
  return result;
}

/** What the teacher says, in the precision of training. */
export async function teacherRows<Sample>(
  teacher: TeacherInput<Sample>,
  data: Dataset<Sample>,
  signal: AbortSignal | undefined,
): Promise<{ readonly embeddings: Matrix | undefined; readonly outputs: Matrix | undefined }> {
  if (teacher === undefined) return { embeddings: undefined, outputs: undefined };
  if (teacher instanceof Matrix) return { embeddings: teacher.as('float32'), outputs: undefined };
  if ('embed' in teacher) {
    const rows = await teacher.embed(await data.read(everyNumber(data.size)), signal ? { signal } : {});
    return { embeddings: rows.as('float32'), outputs: undefined };
  }
  return { embeddings: teacher.embeddings?.as('float32'), outputs: teacher.outputs?.as('float32') };
}

/** @throws LimbeckError SHAPE_MISMATCH, EMPTY_BATCH, NON_FINITE, INVALID_ARGUMENT, MISSING_LAYER */
export function checkParts(
  given: { readonly embeddings: Matrix | undefined; readonly outputs: Matrix | undefined },
  { layers, classes }: Pick<TrainableStudent, 'layers' | 'classes'>,
  { size, labels }: Dataset<unknown>,
  strategy: DistillationStrategy,
  useLabels: boolean,
): void {
  for (const [what, matrix] of Object.entries(given)) {
    if (matrix && matrix.rows !== size) {
      throw new LimbeckError(
        'SHAPE_MISMATCH',
        `distill: expected one row of the teacher's ${what} for each of the ${size} samples, got ${matrix.rows}.`,
      );
    }
    matrix?.assertFinite(`teacher ${what}`);
  }
  if (size < 2) {
    throw new LimbeckError('EMPTY_BATCH', `distill: expected at least two samples to train on, got ${size}.`);
  }
  const { embeddings, outputs } = given;
  if (outputs && outputs.columns !== classes) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected a student with as many classes as the teacher's outputs have, ${outputs.columns}, got ${classes ?? 'none'}.`,
    );
  }
  if (useLabels) checkLabels(labels, classes);
  for (const name of strategy.layerNames()) checkLayer(name, layers, embeddings, strategy);
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
  embeddings: Matrix | undefined,
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
  if (!embeddings) {
    throw new LimbeckError(
      'MISSING_LAYER',
      `distill: expected the teacher's embeddings for the layer "${name}" that the strategy reads, got none. ` +
        'Give them as teacher, or choose a strategy for outputs alone.',
    );
  }
  if (strategy.equalWidths() && width !== embeddings.columns) {
    throw new LimbeckError(
      'SHAPE_MISMATCH',
      `distill: expected layer "${name}" to be as wide as the teacher's rows (${embeddings.columns}), got ${width}. ` +
        strategy.widthAdvice(),
    );
  }
}
