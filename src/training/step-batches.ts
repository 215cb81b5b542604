/**
 * The batches of a run, as steps want them: samples read, encoded and laid out, teacher rows gathered. What is read from files is begun
 * some steps ahead, so that it is read and decoded on other threads while the runtime works; what a batch holds depends on its place in
 * the run alone.
 */

import type { BatchPlan } from '../data/batch-plan.ts';
import type { Dataset, InMemoryDataset } from '../data/dataset.ts';
import { everyNumber } from '../matrix/every-number.ts';
import { Matrix } from '../matrix/matrix.ts';
import type { TrainableStudent } from '../students/student.ts';
import type { StepBatch } from './step.ts';
import type { TeacherAnswers } from './teacher-answers.ts';

export interface StepBatchesParts<Sample> {
  readonly student: TrainableStudent<Sample, unknown>;
  readonly data: Dataset<Sample>;
  readonly teacher: TeacherAnswers<Sample>;
  readonly plan: BatchPlan;
  /** The labels that the strategy is given; undefined for none. */
  readonly labels: Int32Array | undefined;
  readonly microBatchSize: number | undefined;
  /** Batches of one step. */
  readonly accumulate: number;
}

/**
 * Steps whose batches are begun ahead, of data that is not in memory. ONNX Runtime's Node binding keeps the main thread during a run, and
 * reading an image takes several turns of it (read, decode): with a single step ahead only the first would go on beside a run.
 */
const STEPS_AHEAD = 4;

export class StepBatches<Sample> {
  /** Steps of an epoch. */
  readonly perEpoch: number;
  readonly #parts: StepBatchesParts<Sample>;
  /** Samples of data in memory, encoded once; data on disk is encoded as it is read. */
  readonly #encoded: readonly unknown[] | undefined;
  /** Steps that were begun, by number. */
  readonly #begun = new Map<number, Promise<StepBatch[]>>();

  private constructor(parts: StepBatchesParts<Sample>, encoded: readonly unknown[] | undefined) {
    this.#parts = parts;
    this.#encoded = encoded;
    this.perEpoch = Math.ceil(parts.plan.perEpoch / parts.accumulate);
  }

  static async of<Sample>(parts: StepBatchesParts<Sample>): Promise<StepBatches<Sample>> {
    const { data, student } = parts;
    const once = isInMemory(data) && !data.augmented;
    return new StepBatches(parts, once ? student.encode(await data.read(everyNumber(data.size))) : undefined);
  }

  /** The batches of a step, counted from 0 over the whole run. */
  take(step: number, steps: number): Promise<StepBatch[]> {
    const batches = this.#begun.get(step) ?? this.#prepare(step);
    const last = this.#encoded ? step : Math.min(step + STEPS_AHEAD, steps - 1);
    for (const begun of this.#begun.keys()) if (begun <= step || begun > last) this.#begun.delete(begun);
    for (let ahead = step + 1; ahead <= last; ahead++) {
      if (this.#begun.has(ahead)) continue;
      const later = this.#prepare(ahead);
      // A failure is reported when the step is taken; until then nobody waits for it.
      later.catch(() => {});
      this.#begun.set(ahead, later);
    }
    return batches;
  }

  async #prepare(step: number): Promise<StepBatch[]> {
    const { plan, accumulate } = this.#parts;
    const epoch = Math.floor(step / this.perEpoch);
    const first = (step % this.perEpoch) * accumulate;
    const result: StepBatch[] = [];
    for (let k = first; k < Math.min(first + accumulate, plan.perEpoch); k++) {
      result.push(await this.#batch(plan.batch(epoch, k), epoch * plan.perEpoch + k));
    }
    return result;
  }

  /** @param view counts the batches of the run: of augmented data every batch is a look of its own */
  async #batch(sampleIds: Int32Array, view: number): Promise<StepBatch> {
    const { student, data, teacher, labels, microBatchSize } = this.#parts;
    const samples = this.#encoded ? [] : await data.read(sampleIds, view);
    const encoded = this.#encoded
      ? Array.from(sampleIds, (i) => (this.#encoded as readonly unknown[])[i])
      : student.encode(samples);
    const { embeddings, outputs } = await teacher.of(sampleIds, samples);
    const { duplicateOf } = data;
    return {
      student: parts(encoded, microBatchSize).map((part) => student.prepareBatch(part)),
      teacher: embeddings,
      teacherOutputs: outputs,
      labels: labels && student.classes ? oneHot(labels, sampleIds, student.classes) : undefined,
      sampleIds: duplicateOf ? sampleIds.map((i) => duplicateOf[i]) : sampleIds,
      duplicateOf,
      classIndices: labels && sampleIds.map((i) => labels[i]),
    };
  }
}

function isInMemory<Sample>(data: Dataset<Sample>): data is InMemoryDataset<Sample> {
  return 'samples' in data;
}

/** Samples in parts of at most `size`. */
function parts<T>(samples: readonly T[], size = samples.length): T[][] {
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, k) => samples.slice(k * size, (k + 1) * size));
}

/** The labels of a batch as probabilities, [batch, classes]. */
function oneHot(labels: Int32Array, samples: Int32Array, classes: number): Matrix {
  const result = Matrix.zeros(samples.length, classes);
  for (const [row, i] of samples.entries()) result.data[row * classes + labels[i]] = 1;
  return result;
}
