/** How the demo measures a model: on held-out texts, against the teacher's rows, on the exported model. */
import type { TextDataset } from '../data/text-dataset.ts';
import { agreement } from '../evaluation/agreement.ts';
import type { Metrics } from '../evaluation/metrics.ts';
import { nearestNeighbourAccuracy } from '../evaluation/nearest-neighbour-accuracy.ts';
import type { Matrix } from '../matrix/matrix.ts';
import type { MethodResult } from '../report/run-record.ts';
import type { StaticEmbeddingStudent } from '../students/static-embedding-student.ts';
import type { TextEmbedder } from '../students/text-embedder.ts';
import type { BertTeacher } from '../teachers/bert-teacher.ts';

/** Everything about the data that methods share. */
export interface Corpus {
  readonly train: TextDataset;
  readonly heldOut: TextDataset;
  readonly trainRows: Matrix;
  readonly heldOutRows: Matrix;
}

/** Texts that the speed of teacher and students is measured on. */
const SPEED_SAMPLE = 512;

/** A student's result, and its rows for the held-out texts. */
export interface EvaluatedStudent {
  readonly result: MethodResult;
  readonly student: StaticEmbeddingStudent;
  readonly heldOutRows: Matrix;
}

export async function evaluateStudent(
  method: string,
  label: string,
  seed: number | null,
  student: StaticEmbeddingStudent,
  corpus: Corpus,
): Promise<EvaluatedStudent> {
  // Measured on the exported model, since that is what a user gets.
  const embedder = await student.toEmbedder();
  try {
    const heldOutRows = await embedder.embed(corpus.heldOut.texts);
    const trainRows = await embedder.embed(corpus.train.texts);
    const result = {
      method,
      label,
      seed,
      metrics: score(heldOutRows, trainRows, corpus),
      trainingSeconds: null,
      sizeBytes: student.toOnnx().length,
      samplesPerSecond: await speed(embedder, corpus),
      parameters: student.parameterCount,
    };
    return { result, student, heldOutRows };
  } finally {
    await embedder.release();
  }
}

export async function evaluateTeacher(teacher: BertTeacher, corpus: Corpus): Promise<MethodResult> {
  return {
    method: 'teacher',
    label: `teacher (${teacher.name})`,
    seed: null,
    metrics: score(corpus.heldOutRows, corpus.trainRows, corpus),
    trainingSeconds: null,
    sizeBytes: teacher.sizeBytes,
    samplesPerSecond: await speed(teacher, corpus),
    parameters: teacher.parameterCount,
  };
}

/** Held-out rows of a model against the teacher's, and supersenses by the model's own nearest training rows. */
function score(heldOutRows: Matrix, trainRows: Matrix, corpus: Corpus): Metrics {
  return {
    ...agreement(heldOutRows, corpus.heldOutRows),
    knnAccuracy: nearestNeighbourAccuracy({
      queries: heldOutRows,
      queryLabels: corpus.heldOut.labels as Int32Array,
      index: trainRows,
      indexLabels: corpus.train.labels as Int32Array,
      k: 10,
    }),
  };
}

/**
 * Texts embedded in a second, tokenization included, on the same texts for everyone: the median of at least three passes over at
 * least half a second, since one pass of a small student is over in the blink of a scheduler.
 */
async function speed(model: Pick<TextEmbedder | BertTeacher, 'embed'>, { heldOut }: Corpus): Promise<number> {
  const sample = heldOut.texts.slice(0, SPEED_SAMPLE);
  await model.embed(sample.slice(0, 64));
  const rates: number[] = [];
  for (const began = performance.now(); rates.length < 3 || performance.now() - began < 500; ) {
    const started = performance.now();
    await model.embed(sample);
    rates.push(sample.length / ((performance.now() - started) / 1000));
  }
  return rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)];
}
